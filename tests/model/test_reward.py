"""`reward`: it learns a planted rule from ranked answers, and gives demonstrations 0 on average."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from chats import ADDED, SAID, answered, comparisons, write_comparisons, write_demonstrations
from safetensors.torch import load_file
from trainings import ALONE, TWO, finish, rows
from tuned import write_examples

from model.config import Architecture
from model.data import Batch
from model.examples import Examples
from model.files import Folder
from model.gpt import GPT
from model.headed import Headed, attach, load
from model.preferences import pair_losses
from model.ranked import Ranked, head_of
from model.reward import Reward, rewards_of

MODEL = {"layers": 2, "width": 32, "heads": 2, "context": 32, "vocabulary": 261, "dropout": 0.0}
TRAIN = {
    "updates": None, "batch": 16, "micro_batch": 8, "learning_rate": 5e-3, "warm_up": 0, "validate_every": 10,
    "validation_windows": 100, "checkpoint_every": 100,
}  # fmt: skip


@pytest.fixture
def reward_yaml(run_yaml: Any, tmp_path: Path) -> Any:
    """Writes a run.yaml of a reward model over `comparisons`."""

    def write(name: str, train: Any = None, **keys: Any) -> Path:
        return run_yaml(
            name, MODEL, {**TRAIN, **(train or {})}, store=str(tmp_path), mixture=None, objective="reward",
            examples="comparisons", tokenizer=str(tmp_path / "comparisons/tokenizer.json"),
            **{"epochs": 1, "objective_keys": {"demonstrations": "demonstrations"}, **keys},
        )  # fmt: skip

    return write


def drawn(folder: Path) -> tuple[GPT, Ranked, Examples]:
    examples = Examples(Folder(folder), "comparisons", "train", 1)
    model = GPT(Architecture(**MODEL)).initialise(1)
    attach(model, head_of(examples), 1)
    return model, Ranked("reward", head_of(examples), examples, model.architecture), examples


def batch_of(examples: Examples, numbers: list[int], weight: list[float] | None = None) -> Batch:
    streams = {name: torch.from_numpy(array) for name, array in examples.batch(numbers).items()}
    return Batch(
        0, len(numbers), True, streams, torch.zeros(len(numbers), dtype=torch.int64),
        torch.tensor(weight or [1.0] * len(numbers)),
    )  # fmt: skip


def test_a_prompts_loss_is_that_of_its_answers_read_one_by_one(tmp_path: Path) -> None:
    """K = 4, 5 and 6 side by side: neither the padding nor the neighbours show."""
    write_comparisons(tmp_path / "comparisons", 3)
    model, objective, examples = drawn(tmp_path)
    losses, told = objective.losses(Headed(model), batch_of(examples, [0, 1, 2], [1.0, 1.0, 0.0]))
    assert model.head is not None
    for number, example in enumerate(examples):
        rewards = [model.head(model.hidden(torch.from_numpy(ids)[None])[0, -1]) for ids in example.tokens]
        ranks = torch.tensor([[label[0] for label in example.labels]])
        expected = pair_losses(torch.cat(rewards)[None], ranks)[0].item() if number < 2 else 0.0
        assert losses[number].item() == pytest.approx(expected, abs=1e-5)
    assert told[1][0].item() == 2  # a prompt of weight 0 is not counted, nor are its pairs


def test_nothing_of_ties_alone_moves_the_model(tmp_path: Path) -> None:
    said = [answered([97, 98], [letter]) for letter in range(97, 101)]
    write_examples(tmp_path / "comparisons", "compare", [(said, [[1]] * 4)], added=ADDED, shards=1)
    model, objective, examples = drawn(tmp_path)
    losses, told = objective.losses(Headed(model), batch_of(examples, [0]))
    losses.sum().backward()
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())
    assert told[:, 1].tolist() == [0, 0]


def test_a_planted_rule_is_learned_and_demonstrations_have_0(reward_yaml: Any, here: Any, tmp_path: Path) -> None:
    write_comparisons(tmp_path / "comparisons", 480, 60)
    write_demonstrations(tmp_path / "demonstrations", 40)
    path = reward_yaml("run", epochs=3)
    here(path)
    told = rows(path)
    assert told[-1]["validation_of_accuracy"] > 0.97 > 0.7 > told[0]["accuracy"]
    reward = Reward(path.parent / "out")
    shown = Examples(Folder(tmp_path), "demonstrations", "train", 1)
    assert abs(reward.of([one.tokens[0].tolist() for one in shown]).mean().item()) < 1e-5
    many, few = reward.of([answered([98, 99], [97, 97, 97]), answered([98, 99], [98, 99, 100])]).tolist()
    assert many > few
    assert reward.about["head"] == {"kind": "reward", "outputs": 1, "lowest": 0}
    assert load_file(path.parent / "out/model.safetensors")["head.bias"].item() != 0


def test_a_bias_changes_nothing_but_the_bias(reward_yaml: Any, here: Any, tmp_path: Path) -> None:
    write_comparisons(tmp_path / "comparisons", 32, 4)
    write_demonstrations(tmp_path / "demonstrations", 8)
    with_bias, without = reward_yaml("one"), reward_yaml("other", objective_keys={})
    here(with_bias)
    here(without)
    one, other = (load_file(path.parent / "out/model.safetensors") for path in (with_bias, without))
    assert other["head.bias"].item() == 0  # no gradient ever reached it
    assert all(torch.equal(one[name], other[name]) for name in one if name != "head.bias")
    assert (with_bias.parent / "out/metrics.jsonl").read_bytes() == (without.parent / "out/metrics.jsonl").read_bytes()


def test_a_run_that_was_killed_before_the_bias_gives_the_same_bytes(
    reward_yaml: Any, here: Any, tmp_path: Path
) -> None:
    """The last checkpoint is of before; the bias is not added twice."""
    write_comparisons(tmp_path / "comparisons", 16, 4)
    write_demonstrations(tmp_path / "demonstrations", 8)
    path = reward_yaml("run")
    here(path)
    weights = path.parent / "out/model.safetensors"
    before = weights.read_bytes()
    weights.unlink()
    here(path)
    assert weights.read_bytes() == before


def test_a_reward_is_the_same_bits_whatever_is_asked_beside(tmp_path: Path) -> None:
    write_comparisons(tmp_path / "comparisons", 6)
    model, _, examples = drawn(tmp_path)
    assert model.head is not None
    sequences = [ids.tolist() for example in examples for ids in example.tokens]
    whole = rewards_of(model, model.head, sequences)
    assert torch.equal(whole.flip(0), rewards_of(model, model.head, sequences[::-1]))
    assert torch.equal(whole, torch.cat([rewards_of(model, model.head, [one]) for one in sequences]))
    plain = [model.head(model.hidden(torch.tensor([one]))[0, -1]).item() for one in sequences]
    assert whole.tolist() == pytest.approx(plain, abs=1e-5)
    assert rewards_of(model, model.head, []).shape == (0,)


@pytest.mark.parametrize("sequence", [[], [97] * 33])
def test_a_sequence_that_has_no_reward(tmp_path: Path, sequence: list[int]) -> None:
    write_comparisons(tmp_path / "comparisons", 1)
    model, _, _ = drawn(tmp_path)
    assert model.head is not None
    with pytest.raises(ValueError, match="a reward is of 1 to 32"):
        rewards_of(model, model.head, [[97, SAID], sequence])


def test_what_it_refuses(reward_yaml: Any, here: Any, tmp_path: Path) -> None:
    write_comparisons(tmp_path / "comparisons", 4)
    write_examples(tmp_path / "prompts", "prompt", [([[97]], [[]])], added=ADDED)
    write_examples(tmp_path / "demonstrations", "chat", [([[97]], [[]])], added={"<|x|>": 257})
    write_examples(tmp_path / "none", "chat", [], [([[97]], [[]])], added=ADDED)
    for folder, sentence in (
        ("prompts", "has the form prompt"), ("demonstrations", "of two tokenizers"), ("none", "no example of train"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=sentence):
            here(reward_yaml(folder, objective_keys={"demonstrations": folder}))


def test_another_model_is_no_reward_model(reward_yaml: Any, here: Any, tmp_path: Path) -> None:
    write_comparisons(tmp_path / "comparisons", 8)
    path = reward_yaml("run", objective_keys={})
    here(path)
    about = path.parent / "out/model.json"
    assert load(path.parent / "out")[1] is not None
    about.write_text(json.dumps(json.loads(about.read_text()) | {"head": {"kind": "classify", "outputs": 1}}))
    with pytest.raises(ValueError, match="a head for classify: it is no reward model"):
        Reward(path.parent / "out")


def test_ranks_of_the_fixture_have_ties_and_every_k() -> None:
    made = comparisons(60)
    assert {len(sequences) for sequences, _ in made} == set(range(4, 10))
    assert any(len({label[0] for label in labels}) < len(labels) for _, labels in made)


@pytest.mark.long
def test_two_ranks_learn_what_one_does(reward_yaml: Any, tmp_path: Path) -> None:
    write_comparisons(tmp_path / "comparisons", 32, 4)
    write_demonstrations(tmp_path / "demonstrations", 8)
    paths = [reward_yaml(name, {"micro_batch": 4}) for name in ("one", "two")]
    for path, command in zip(paths, (ALONE, TWO), strict=True):
        code, _, errors = finish(path, command)
        assert code == 0, errors
    (one, other), told = (load_file(path.parent / "out/model.safetensors") for path in paths), [rows(p) for p in paths]
    assert all(torch.allclose(one[name], other[name], atol=1e-3) for name in one)
    assert told[0][0]["loss"] == pytest.approx(told[1][0]["loss"], abs=1e-5)
    assert told[0][0]["accuracy"] == told[1][0]["accuracy"]  # the same pairs, whoever read them
