"""`ppo`: from an SFT model, its reward model, prompts and pretraining's mixture to a model; and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from corpora import contents, decided, source, workers
from examples_made import examples_made, tokenizer_made
from test_rewards import comparisons, demonstrations, made, trained

from model.score import load
from tasks.models.files import model_folder
from tasks.models.ppo import Reinforced, iterations_of, ppo
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.tokens.mixture import mixture
from tasks.tokens.tokens import tokens

KEYS = {
    "episodes": 32, "batch": 16, "minibatch": 8, "answer_tokens": 6, "learning_rate": 1e-3, "warm_up": 1,
    "value_learning_rate": 1e-3, "gamma": 1.0, "pretraining": 2, "device": "cpu", "threads": 1, "seed": 1,
}  # fmt: skip


def reinforced(run: Run) -> dict[str, Any]:
    """The stage's inputs, made anew."""
    by = tokenizer_made(run)
    texts = [f"the mill {n} races over stone and sea" for n in range(200)]
    web = source(run, "text", texts)
    split = {"validation": 0.2, "seed": 1}
    read = run(tokens, "text", documents=web, decision=decided(run, web), tokenizer=by, **split)
    plan = run(mixture, "small", tokens={"text": read}, groups={"text": "text"}, weights={"text": 1}, budget=2_000,
               context=48, validation_windows=4, **split)  # fmt: skip
    _, demos = made(run, "demos", demonstrations(40), "chat", by)
    _, pairs = made(run, "pairs", comparisons(40), "compare", by)
    sft = trained(run, "sft", "sft", demos, 1, {"batch": 16, "learning_rate": 5e-3})
    reward = trained(run, "reward", "reward", pairs, 1, {"batch": 16}, start=sft, demonstrations=demos)
    asked = [{"prompt": f"sea {n} mill"} for n in range(24)]
    prompts = examples_made(run, "asked", asked, context=30, by=by, form="prompt", prompt="prompt")
    return {"start": sft, "reward": reward, "prompts": prompts, "mixture": plan, "keys": KEYS,
            "windows": {"seed": 1, "first": 42}}  # fmt: skip


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, dict[str, Any], Artifact]:
    run = Run(tmp_path_factory.mktemp("lab") / "store", workers(1))
    inputs = reinforced(run)
    return run, inputs, run(ppo, "instruct", **inputs)


def test_a_model_that_learned_from_rewards(given: tuple[Run, dict[str, Any], Artifact]) -> None:
    _, inputs, model = given
    told, rows = model.counts(Reinforced), iterations_of(model)
    assert (told.iterations, told.episodes) == (2, 32) and told.tokens == rows[-1]["tokens"] <= 32 * 6
    assert told.first_kl == 0.0 and told.score == rows[-1]["score"] and told.lm_loss == rows[-1]["lm_loss"]
    about = json.loads(model.read("model.json"))
    assert about["objective"] == "ppo" and about["added"]["<|end|>"] == about["added"]["<|system|>"] + 3
    assert about["start_sha256"] == json.loads(inputs["start"].read("model.json"))["model_sha256"]
    gpt, tokenizer, _ = load(model_folder(model))
    assert tokenizer.content == inputs["start"].read("tokenizer.json")
    assert gpt.architecture.vocabulary == about["architecture"]["vocabulary"]


def test_the_same_bytes_again(given: tuple[Run, dict[str, Any], Artifact], tmp_path: Path) -> None:
    again = Run(tmp_path / "store", workers(1))
    assert contents(again(ppo, "instruct", **reinforced(again))) == contents(given[2])


def test_what_are_no_prompts_is_refused(given: tuple[Run, dict[str, Any], Artifact]) -> None:
    run, inputs, _ = given
    chat = examples_made(run, "chat", demonstrations(8), context=48, form="chat", prompt="prompt", answer="answer")
    with pytest.raises(Mistake, match="have the form chat: PPO asks for `form: prompt`"):
        run(ppo, "other", **{**inputs, "prompts": chat})
