"""A training on examples: what is learned, that it resumes, and what is written of it."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from trainings import finish, rows, start, wait_for_rows
from tuned import ADDED, choices, sentiment, similar, write_examples

from model import headed
from model.files import Folder
from model.score import load

KEYS = {"mixture": None, "epochs": 2}
MODEL = {"vocabulary": 260, "dropout": 0.1}
TRAIN = {
    "updates": None, "batch": 8, "micro_batch": 4, "learning_rate": 3e-3, "schedule": "linear", "warm_up": 8,
    "checkpoint_every": 4, "validate_every": 4,
}  # fmt: skip
FILES = ("metrics.jsonl", "model.safetensors", "model.json", "tokenizer.json")


@pytest.fixture
def tuned_yaml(run_yaml: Any, tmp_path: Path) -> Any:
    """Writes a run.yaml of a training on examples."""

    def write(name: str, objective: str, examples: Path, train: Any = None, model: Any = None, **keys: Any) -> Path:
        return run_yaml(
            name, {**MODEL, **(model or {})}, {**TRAIN, **(train or {})}, store=str(tmp_path), objective=objective,
            examples=examples.name, tokenizer=str(tmp_path / "examples/tokenizer.json"), **{**KEYS, **keys},
        )  # fmt: skip

    return write


@pytest.mark.parametrize(
    ("objective", "make", "classes"),
    [("classify", sentiment, ["no", "yes"]), ("similar", similar, ["no", "yes"]), ("choose", choices, [])],
)
def test_32_items_are_overfitted(
    tuned_yaml: Any, here: Any, tmp_path: Path, objective: str, make: Any, classes: list[str]
) -> None:
    examples = write_examples(tmp_path / "examples", objective, make(32), make(9, seed=2), classes)
    path = tuned_yaml(
        "run", objective, examples, {"batch": 32, "learning_rate": 1e-2}, {"dropout": 0.0}, epochs=60,
    )  # fmt: skip
    here(path)
    first, last = rows(path)[0], rows(path)[-1]
    assert last["accuracy"] == 1 and last["loss_examples"] < 0.1 < first["loss_examples"]
    assert last["language_model"] < first["language_model"]
    assert last["examples"] == 60 * 32 and "tokens" not in last
    assert set(last) >= {"validation_examples", "validation_of_accuracy", "validation_stderr_examples"}


def test_kill_9_and_resume_gives_the_bytes_of_an_unbroken_run(tuned_yaml: Any, here: Any, tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples", "choose", choices(24), choices(4, 2))
    train = {"snapshots": [3]}
    broken, whole = (tuned_yaml(name, "choose", examples, train, epochs=20) for name in ("broken", "whole"))
    for number in (3, 21):
        process = start(broken)
        wait_for_rows(broken, number, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert not (broken.parent / "out/model.safetensors").exists()
    code, out, err = finish(broken)
    assert code == 0 and "resuming from" in out, err
    here(whole)
    for name in (*FILES, "snapshots/step-00000003.safetensors"):
        assert (broken.parent / "out" / name).read_bytes() == (whole.parent / "out" / name).read_bytes(), name


def test_what_a_model_folder_holds(tuned_yaml: Any, here: Any, tmp_path: Path) -> None:
    """The trunk's tensors under their names, and the head's beside; the tokenizer is the examples'."""
    examples = write_examples(tmp_path / "examples", "classify", sentiment(8), sentiment(2, 2), ["no", "yes"])
    path = tuned_yaml("run", "classify", examples)
    here(path)
    out = path.parent / "out"
    about = json.loads((out / "model.json").read_text())
    assert about["head"] == {"kind": "classify", "outputs": 2, "lowest": 0}
    assert (about["objective"], about["classes"], about["form"]) == ("classify", ["no", "yes"], "classify")
    trunk, tokenizer, _ = load(out)
    assert trunk.head is None and tokenizer.vocabulary == 257 + len(ADDED)
    again, head, _ = headed.load(out)
    tensors = load_file(out / "model.safetensors")
    assert head is not None and torch.equal(head.weight, tensors["head.weight"])
    assert {name for name in tensors if not name.startswith("head.")} == {name for name, _ in trunk.named_parameters()}
    assert torch.equal(again.tokens.weight, trunk.tokens.weight)
    assert Folder(out).read("tokenizer.json") == (examples / "tokenizer.json").read_bytes()


def test_a_start_of_fewer_tokens_keeps_what_it_knows(tuned_yaml: Any, run_yaml: Any, here: Any, tmp_path: Path) -> None:
    """Rows are copied, the added ones are of N(0, .02); the head is drawn anew, whatever the start had."""
    first = run_yaml("first", {"dropout": 0.1})
    here(first)
    examples = write_examples(tmp_path / "examples", "classify", sentiment(8), (), ["no", "yes"])
    still = {"learning_rate": 1e-30, "weight_decay": 0.0}
    begun = tuned_yaml("run", "classify", examples, still, start=str(first.parent / "out/model.safetensors"))
    here(begun)
    before, after = (load_file(path.parent / "out/model.safetensors") for path in (first, begun))
    assert torch.equal(before["tokens.weight"], after["tokens.weight"][:257])
    assert 0.01 < after["tokens.weight"][257:].std() < 0.03
    assert all(torch.equal(before[name], after[name]) for name in before if name != "tokens.weight")
    on = tuned_yaml("on", "classify", examples, still, start=str(begun.parent / "out/model.safetensors"))
    here(on)
    again = load_file(on.parent / "out/model.safetensors")
    assert all(torch.equal(again[name], after[name]) for name in after)


def test_layers_transferred(tuned_yaml: Any, run_yaml: Any, here: Any, tmp_path: Path) -> None:
    first = run_yaml("first", {"dropout": 0.1})
    here(first)
    examples = write_examples(tmp_path / "examples", "classify", sentiment(8), (), ["no", "yes"])
    still, weights = {"learning_rate": 1e-30, "weight_decay": 0.0}, str(first.parent / "out/model.safetensors")
    before = load_file(weights)
    for layers in (0, 1, 2):
        path = tuned_yaml(f"run{layers}", "classify", examples, still, start=weights, layers_transferred=layers)
        here(path)
        after = load_file(path.parent / "out/model.safetensors")
        taken = {name for name in before if name != "tokens.weight" and torch.equal(before[name], after[name])}
        assert ("positions.weight" in taken) and torch.equal(before["tokens.weight"], after["tokens.weight"][:257])
        for block in (0, 1):
            assert (f"blocks.{block}.mlp.up.weight" in taken) == (block < layers)
        assert ("norm.weight" in taken) == (layers == 2)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"objective": "guess"}, "no objective is called 'guess'"),
        ({"objective": "choose"}, "has the form classify, and the objective choose learns from choose"),
        ({"objective_keys": {"auxilary": 0}}, "objective classify: .*auxilary"),
        ({"epochs": None}, "give one of tokens and updates"),
        ({"epochs": 0}, "epochs is 0, of 8 examples"),
        ({"examples": "nothing"}, "nothing/examples.json does not exist"),
        ({"model": {"vocabulary": 257}}, "needs a vocabulary of 260, the model has one of 257"),
        ({"model": {"context": 4}}, "needs a context of 10, the model has one of 4"),
        ({"mixture": "mixture.json"}, "give `mixture` for the objective lm, or `examples` for another one"),
    ],
)
def test_what_cannot_be_is_refused(tuned_yaml: Any, here: Any, tmp_path: Path, keys: Any, said: str) -> None:
    write_examples(tmp_path / "examples", "classify", sentiment(8), (), ["no", "yes"])
    given = {"objective": "classify", "examples": "examples", **keys}
    with pytest.raises(ValueError, match=said):
        here(tuned_yaml("run", given.pop("objective"), tmp_path / given.pop("examples"), **given))
