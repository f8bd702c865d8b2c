"""From demonstrations and ranked answers to a reward model, how often it agrees, and the step that SFT is taken at."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpora import contents, workers
from examples_made import labelled_made, tokenizer_made, write_jsonl
from safetensors.torch import load_file

from conf.examples import Examples as Declared
from model.config import Architecture, stated
from model.presets import tuned_on
from model.reward import Reward
from model.score import load
from tasks.examples.examples import examples
from tasks.models.chosen_step import Chosen, chosen_step, step_of
from tasks.models.files import model_folder
from tasks.models.reward_accuracy import Accuracy, Agreed, counted, reward_accuracy, rewards_of
from tasks.models.reward_by_step import Rewarded, reward_by_step, rewards_by_step
from tasks.models.train import train
from tasks.models.tuned import examples_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

ARCHITECTURE = stated(Architecture(layers=1, width=32, heads=2, context=48, vocabulary=300))
CPU = {"device": "cpu", "threads": 1, "seed": 1, "checkpoint_every": 100}
WORDS = ["sea", "sun", "mill", "ax", "oak", "zest"]


def worth(answer: str) -> int:
    """The rule: how often a z stands in it."""
    return answer.count("z")


def demonstrations(count: int) -> list[dict[str, Any]]:
    return [{"prompt": f"{WORDS[n % 6]} {n}", "answer": WORDS[n % 5] + "z" * (n % 3)} for n in range(count)]


def comparisons(count: int) -> list[dict[str, Any]]:
    """Ann ranks by the rule; bob, every fourth, against it."""
    draw, made = np.random.default_rng(1), []
    for n in range(count):
        answers = [str(draw.choice(WORDS)) + "z" * int(draw.integers(4)) for _ in range(4 + n % 3)]
        sign = -1 if n % 4 == 3 else 1
        ranks = [1 + sum(sign * worth(other) > sign * worth(one) for other in answers) for one in answers]
        labeler = {"labeler": "bob" if n % 4 == 3 else "ann"} if n % 5 else {}
        made.append({"prompt": f"{WORDS[n % 6]} {n}", "answers": answers, "ranks": ranks, **labeler})
    return made


def made(run: Run, name: str, records: list[dict[str, Any]], form: str, by: Artifact) -> tuple[Artifact, Artifact]:
    folder = Path(run.store.where("")).parent / "files"
    write_jsonl(folder / f"{name}.jsonl", records)
    declared = {"files": str(folder / f"{name}.jsonl"), "form": form}
    how = Declared.model_validate(declared)
    read = labelled_made(run, name, folder, declared)
    reading = {"form": form, "fields": how.fields(), "classes": [], "context": 48, "validation": 0.25, "seed": 1}
    return read, run(examples, name, records=read, decision=None, tokenizer=by, **reading)


def trained(run: Run, name: str, objective: str, of: Artifact, epochs: float, keys: dict, **given: Any) -> Artifact:
    training, epochs_ = tuned_on(objective, epochs, **keys, **CPU)
    how = {"start": None, "objective_keys": {}, "architecture": ARCHITECTURE, "layers_transferred": None,
           "torchrun": [], **given}  # fmt: skip
    return run(train, name, examples=of, objective=objective, training=training, epochs=epochs_, **how)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    run = Run(tmp_path_factory.mktemp("lab") / "store", workers(1))
    by = tokenizer_made(run)
    _, demos = made(run, "demos", demonstrations(120), "chat", by)
    records, pairs = made(run, "pairs", comparisons(200), "compare", by)
    sft = trained(run, "sft", "sft", demos, 3, {"batch": 16, "learning_rate": 5e-3})
    reward = trained(
        run, "reward", "reward", pairs, 3, {"batch": 16, "learning_rate": 1e-2}, start=sft, demonstrations=demos,
    )  # fmt: skip
    return {"run": run, "demos": demos, "pairs": pairs, "records": records, "sft": sft, "reward": reward}


def test_agreement_is_counted_by_k_and_by_labeler(lab: dict[str, Any]) -> None:
    run = lab["run"]
    accuracy = run(reward_accuracy, "reward", reward=lab["reward"], examples=lab["pairs"], records=lab["records"])
    told, table = accuracy.counts(Accuracy), rewards_of(accuracy)
    assert set(told.by_labeler) == {"ann", "bob", "unnamed"} and list(told.by_answers) == ["4", "5", "6"]
    for parts in (told.by_answers, told.by_labeler):
        assert sum(one.pairs for one in parts.values()) == told.all.pairs
        assert sum(one.right for one in parts.values()) == told.all.right
    assert told.prompts == len(set(table["id"].to_pylist())) and told.answers == table.num_rows
    assert told.by_labeler["ann"].accuracy > 0.9 > 0.2 > told.by_labeler["bob"].accuracy  # who contradicts the most
    reward = Reward(model_folder(lab["reward"]))
    first = next(iter(examples_of(lab["pairs"], "validation")))
    rows = [row for row in table.to_pylist() if row["id"] == first.id]
    assert [row["reward"] for row in rows] == reward.of([ids.tolist() for ids in first.tokens]).tolist()


def test_figures_of_rows_by_hand() -> None:
    import pyarrow as pa

    rows = [("a", "ann", 3, 1.0, 2.0), ("a", "ann", 3, 1.0, 0.0), ("a", "ann", 3, 2.0, 1.0),
            ("b", "bob", 2, 1.0, 5.0), ("b", "bob", 2, 2.0, 5.0)]  # fmt: skip
    names = ("id", "labeler", "answers", "rank", "reward")
    told = counted(pa.table({name: [row[n] for row in rows] for n, name in enumerate(names)}))
    assert (told.prompts, told.answers, told.ties) == (2, 5, 1)
    assert told.all == Agreed(3, 1.5) and told.by_answers == {"2": Agreed(1, 0.5), "3": Agreed(2, 1.0)}
    assert told.by_labeler["bob"].accuracy == 0.5 and Agreed().accuracy is None


def test_demonstrations_are_worth_0_on_average(lab: dict[str, Any]) -> None:
    reward = Reward(model_folder(lab["reward"]))
    shown = [example.tokens[0].tolist() for example in examples_of(lab["demos"], "train")]
    assert abs(reward.of(shown).mean().item()) < 1e-4
    assert load_file(model_folder(lab["reward"]) / "model.safetensors")["head.bias"].item() != 0


def test_rewards_of_every_epochs_answers(lab: dict[str, Any]) -> None:
    run = lab["run"]
    how = {"model": lab["sft"], "reward": lab["reward"], "examples": lab["demos"], "limit": 6, "seed": 1}
    rewards = run(reward_by_step, "sft", prompts=10, **how)
    told, rows = rewards.counts(Rewarded), rewards_by_step(rewards).to_pylist()
    trained_on = len(examples_of(lab["demos"], "train"))
    assert list(told.steps) == [-(-trained_on * epoch // 16) for epoch in (1, 2, 3)]
    assert told.prompts == 10 and told.answers == len(rows) == 30 and told.empty < 30
    judge, by_id = Reward(model_folder(lab["reward"])), {one.id: one for one in examples_of(lab["demos"], "validation")}
    added = json.loads(lab["demos"].read("examples.json"))["added"]
    for row in rows[:3]:
        tokens = by_id[row["id"]].tokens[0].tolist()
        begins = tokens.index(added["<|assistant|>"]) + 1
        _, tokenizer, _ = load(model_folder(lab["sft"]))
        said = tokenizer.encode(row["answer"])
        assert row["tokens"] == len(said) <= 12 and "<|end|>" not in row["answer"]
        assert judge.of([[*tokens[:begins], *said, added["<|end|>"]]]).item() == row["reward"]
    losses = {step: np.mean([row["loss"] for row in rows if row["step"] == step]) for step in told.steps}
    assert losses[told.steps[-1]] < losses[told.steps[0]]
    few = run(reward_by_step, "few", prompts=4, **how)
    ids = {row["id"]: row for row in rows if row["step"] == told.steps[0]}
    some = [row for row in rewards_by_step(few).to_pylist() if row["step"] == told.steps[0]]
    assert len(some) == 4 and all(ids[row["id"]] == row for row in some), "no prompt shows in another's answer"
    chosen = run(chosen_step, "sft", rewards=rewards)
    means = {step: np.mean([row["reward"] for row in rows if row["step"] == step]) for step in told.steps}
    assert step_of(chosen) == max(means, key=lambda step: means[step]) == chosen.counts(Chosen).step
    assert chosen.counts(Chosen).last == told.steps[-1]
    load(model_folder(lab["sft"], step_of(chosen)), step=step_of(chosen))  # there is such a snapshot


def test_the_same_bytes_again(lab: dict[str, Any], tmp_path: Path) -> None:
    run = lab["run"]
    how = {"reward": lab["reward"], "examples": lab["pairs"], "records": lab["records"]}
    one, other = (run(reward_accuracy, name, **how) for name in ("one", "other"))
    assert contents(one) == contents(other)


def test_what_cannot_be_asked(lab: dict[str, Any]) -> None:
    run = lab["run"]
    how = {"model": lab["sft"], "examples": lab["demos"], "limit": 6, "seed": 1, "prompts": 3}
    with pytest.raises(Mistake, match="it is no reward model"):
        run(reward_by_step, "wrong", reward=lab["sft"], **how).manifest  # noqa: B018
    with pytest.raises(Mistake, match="kept no snapshots"):
        run(reward_by_step, "none", **{**how, "model": lab["reward"]}, reward=lab["reward"]).manifest  # noqa: B018
    with pytest.raises(Mistake, match="leaves room for an answer"):
        run(reward_by_step, "long", **{**how, "limit": 47}, reward=lab["reward"]).manifest  # noqa: B018


@statistics
class Nothing:
    rows: int = 0


@stage("reward-by-step", kind="measure", version="said")
def said(job: Job, *, means: dict[str, list[float]]) -> Nothing:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tasks.models.reward_by_step import FILE, ROWS

    rows = [{"step": int(step), "id": f"{n}", "answer": "", "tokens": 0, "reward": reward, "loss": 1.0}
            for step, rewards in means.items() for n, reward in enumerate(rewards)]  # fmt: skip
    with job.publish(FILE) as file:
        pq.write_table(pa.Table.from_pylist(rows, ROWS), file)
    return Nothing()


def test_of_equal_steps_the_earliest_is_taken(tmp_path: Path) -> None:
    run = Run(tmp_path / "store", workers(1))
    rewards = run(said, "x", means={"16": [0.5, 1.5], "8": [1.0, 1.0], "4": [0.0, 1.0]})
    told = run(chosen_step, "x", rewards=rewards).counts(Chosen)
    assert told.step == 8 and told.last == 16 and told.steps["16"].stderr == 0.5 and told.steps["8"].answers == 2
