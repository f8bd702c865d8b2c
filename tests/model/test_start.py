"""A training that begins with given weights: what it begins with, that it resumes, and what is refused."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from trainings import TWO, finish, rows, start, wait_for_rows

from model.checkpoint import read
from model.config import Architecture
from model.files import sha256_of
from model.gpt import GPT
from model.score import window_losses

DROPOUT = {"dropout": 0.1, "band": 8}
LONG = {"updates": 40, "checkpoint_every": 15, "validate_every": 10}
FILES = ("metrics.jsonl", "model.safetensors", "model.json", "tokenizer.json")


@pytest.fixture
def first(run_yaml: Any, here: Any) -> Path:
    """The weights of a training."""
    path = run_yaml("first", DROPOUT)
    here(path)
    return path.parent / "out/model.safetensors"


def test_it_begins_with_the_weights_and_a_schedule_of_its_own(run_yaml: Any, here: Any, first: Path) -> None:
    frozen = {"learning_rate": 1e-30, "weight_decay": 0.0, "updates": 1, "warm_up": 0}
    path = run_yaml("still", DROPOUT, frozen, start=str(first))
    here(path)
    out = path.parent / "out"
    begun, model = load_file(first), load_file(out / "model.safetensors")
    assert begun.keys() == model.keys() and all(torch.equal(begun[name], model[name]) for name in begun)
    assert json.loads((out / "model.json").read_text())["start_sha256"] == sha256_of(first)
    assert "start_sha256" not in json.loads((first.parent / "model.json").read_text())
    again = run_yaml("on", DROPOUT, start=str(first))
    here(again)
    (*_, last), (step, *_) = rows(first.parents[1] / "run.yaml"), rows(again)
    assert step["lr"] == pytest.approx(1.5e-3) and last["lr"] < 1e-3  # warmed up anew, after the first had decayed
    assert abs(step["loss"] - last["loss"]) < 0.3 < 5.5 - step["loss"]  # of ln 257, where it would begin with nothing


def test_a_snapshot_is_a_start_too(run_yaml: Any, here: Any) -> None:
    path = run_yaml("whole", train={"snapshots": [3]})
    here(path)
    snapshot = path.parent / "out/snapshots/step-00000003.safetensors"
    then, _ = read(path.parent / "out", step=3)
    still = run_yaml("still", train={"learning_rate": 1e-30, "weight_decay": 0.0, "updates": 1}, start=str(snapshot))
    here(still)
    now, _ = read(still.parent / "out")
    windows = [list(range(20)), list(range(30, 63))]
    assert window_losses(then, windows) == window_losses(now, windows)


def test_kill_9_and_resume_gives_the_bytes_of_an_unbroken_run(run_yaml: Any, here: Any, first: Path) -> None:
    """Before its first checkpoint, when it begins with the weights again, and behind it."""
    broken, whole = (run_yaml(name, DROPOUT, LONG, start=str(first)) for name in ("broken", "whole"))
    for number in (5, 20):
        process = start(broken)
        wait_for_rows(broken, number, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert not (broken.parent / "out/model.safetensors").exists()
    code, out, err = finish(broken)
    assert code == 0 and "resuming from" in out, err
    here(whole)
    for name in FILES:
        assert (broken.parent / "out" / name).read_bytes() == (whole.parent / "out" / name).read_bytes(), name


def test_a_spike_before_the_first_checkpoint_goes_back_to_the_given_weights(
    run_yaml: Any, here: Any, first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is passed over is not learned from; all that was learned before it is as without the spike."""
    from model.divergence import Guard, Spike

    plain = Guard.before

    def spiking(self: Guard, step: int, tokens: int, loss: float, norm: float) -> None:
        if step == 3 and not hasattr(spiking, "met"):
            spiking.met = True  # type: ignore[attr-defined]
            raise Spike(3, 3, "a spike")
        plain(self, step, tokens, loss, norm)

    train = {"checkpoint_every": 100, "on_spike": "rewind"}
    whole = run_yaml("whole", DROPOUT, train, start=str(first))
    here(whole)
    monkeypatch.setattr(Guard, "before", spiking)
    broken = run_yaml("broken", DROPOUT, train, start=str(first))
    here(broken)
    assert rows(broken)[:2] == rows(whole)[:2] and rows(broken)[2].get("skipped") and rows(broken)[3]["loss"] < 5


def test_a_longer_context_keeps_what_was_known_of_the_shorter(run_yaml: Any, here: Any, first: Path, make: Any) -> None:
    """Rows that are copied give the same likelihoods; those behind them are of N(0, .02), by the seed alone."""
    store = first.parents[2] / "longer"
    entry = make.source(store / "tokens/web", [(make.text(2000, 1), [])])
    make.mixture(store / "mixture.json", [("web", 1, [entry])])
    make.tokenizer(store / "tokenizer.json")
    frozen = {"learning_rate": 1e-30, "weight_decay": 0.0, "updates": 1, "warm_up": 0}
    keys = {"store": str(store), "mixture": str(store / "mixture.json"), "tokenizer": str(store / "tokenizer.json")}
    models = []
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        path = run_yaml(name, {**DROPOUT, "context": 200}, {**frozen, "seed": seed}, start=str(first), **keys)
        here(path)
        models.append(read(path.parent / "out")[0])
    before, _ = read(first.parent)
    longer, same, other = models
    windows = [list(range(20)), list(range(30, 63))]
    assert window_losses(before, windows) == window_losses(longer, windows)
    assert torch.equal(longer.positions.weight[:32], before.positions.weight)
    drawn = longer.positions.weight[32:]  # 168 x 32 of them: a standard deviation is known to 1 %
    assert abs(drawn.std().item() - 0.02) < 0.001 and abs(drawn.mean().item()) < 0.001
    assert torch.equal(drawn, same.positions.weight[32:]) and not torch.equal(drawn, other.positions.weight[32:])


@pytest.mark.slow
def test_two_ranks_begin_alike(run_yaml: Any, here: Any, first: Path) -> None:
    alone, two = (run_yaml(name, DROPOUT, start=str(first)) for name in ("alone", "two"))
    code, _, err = finish(two, TWO)
    assert code == 0, err
    here(alone)
    for one, other in zip(rows(alone), rows(two), strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)


def test_what_cannot_be_begun_with_is_refused(run_yaml: Any, here: Any, first: Path, tmp_path: Path) -> None:
    def refused(said: str, model: dict[str, Any] | None = None, path: Path = first) -> None:
        with pytest.raises(ValueError, match=said):
            here(run_yaml("refused", model or DROPOUT, start=str(path)))

    refused(r"has tokens.weight of shape \(257, 32\), the architecture has \(257, 64\).*own architecture",
            {**DROPOUT, "width": 64})  # fmt: skip
    refused(r"no tensor blocks\.2\.attention", {**DROPOUT, "layers": 3})
    refused(r"a tensor blocks\.1\..*which the architecture does not have", {**DROPOUT, "layers": 1})
    refused("there is no file .*give the model.safetensors", path=tmp_path / "none.safetensors")
    (tmp_path / "text").write_text("no weights")
    refused("text is no whole safetensors file", path=tmp_path / "text")
    with pytest.raises(ValueError, match="start must be a file of this machine"):
        here(run_yaml("remote", start="s3://bucket/model.safetensors"))


def test_it_is_resumed_with_the_start_that_it_began_with(run_yaml: Any, here: Any, first: Path, tmp_path: Path) -> None:
    path = run_yaml("run", DROPOUT, start=str(first))
    here(path)
    (path.parent / "out/model.safetensors").unlink()
    other = GPT(Architecture(layers=2, width=32, heads=2, context=32, vocabulary=257)).initialise(9)
    save_file({name: p.detach() for name, p in other.named_parameters()}, tmp_path / "other.safetensors")
    for keys in ({"start": str(tmp_path / "other.safetensors")}, {}):
        with pytest.raises(ValueError, match="was made with another start"):
            here(run_yaml("run", DROPOUT, **keys))
