"""What is no success: the rules by themselves, and trainings that break them, stopped or led past the spike."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from trainings import rows

from model import divergence
from model.config import Training
from model.divergence import Diverged, Guard, Spike
from model.objectives import LM
from model.resume import _to_judge
from model.run import read_run
from model.train import main
from model.windows import Windows

V = 257  # ln V is 5.549
T = Training(updates=1000, batch=32, warm_up=5, above_uniform=7, norm_spike=50.0)


def fed(guard, losses, norms=None, first=1):
    """The message of the first rule that is broken, or None."""
    for step, loss in enumerate(losses, first):
        norm = 1.0 if norms is None else norms[step - first]
        try:
            guard.before(step, 32 * step, loss, norm)
            guard.after(step, 32 * step, loss, norm)
        except Spike as spike:
            return spike.first, spike.last, spike.reason
    return None


def test_losses_above_uniform_in_a_row_behind_the_warm_up():
    assert fed(Guard(T, V), [9.0] * 5 + [5.0] + [5.6] * 6 + [5.5] + [5.6] * 6) is None
    first, last, reason = fed(Guard(T, V), [9.0] * 5 + [5.0] + [5.6] * 9)
    assert (first, last) == (7, 13) and "for 7 updates the loss, now 5.6, was above the 5.549" in reason
    assert fed(Guard(T, V), [9.0] * 12)[:2] == (6, 12)  # of the warm-up's none counts
    assert fed(Guard(Training(updates=1000, above_uniform=None), V), [9.0] * 500) is None
    assert fed(Guard(T, None), [9.0] * 500) is None  # another objective has no such bound


def test_a_gradient_far_above_the_median():
    usual = [0.5 + step % 3 for step in range(120)]  # its median is 1.5
    assert fed(Guard(T, V), [3.0] * 121, [*usual, 74.9]) is None
    first, last, reason = fed(Guard(T, V), [3.0] * 121, [*usual, 75.1])
    assert (first, last) == (121, 121) and "75.1, is 50.07 times the usual 1.5" in reason
    assert fed(Guard(T, V), [3.0] * 100, [1.0] * 99 + [1e9]) is None  # too few to say what is usual
    assert fed(Guard(Training(updates=1000, norm_spike=None), V), [3.0] * 121, [*usual, 1e9]) is None
    warm = Training(updates=1000, warm_up=500)
    assert fed(Guard(warm, V), [3.0] * 121, [*usual, 1e9]) is None


@pytest.mark.parametrize("pair", [(float("nan"), 1.0), (3.0, float("inf"))])
def test_what_is_not_finite_is_found_at_once(pair):
    with pytest.raises(Spike, match=r"step 1: loss .* are not finite"):
        Guard(T, V).before(1, 32, *pair)


def test_a_training_that_ends_worse_than_it_began():
    guard = Guard(Training(updates=30), V)
    assert fed(guard, [5.6] * 3 + [37.0] * 20) is None  # not long enough above uniform
    with pytest.raises(Diverged, match=r"step 23, the last: the loss ends at 37 .*above the 5\.6 it began with"):
        guard.at_the_end(23)
    knows_nothing = Guard(Training(updates=30), V)
    fed(knows_nothing, [5.6] + [5.7] * 20)  # random tokens: above ln V for ever, and about what it was at first
    knows_nothing.at_the_end(21)


@given(st.data())
def test_a_resumed_guard_judges_as_the_unbroken_one(data):
    """From the rows that `resume` keeps, wherever it is resumed, with updates that were passed over among them."""
    figures = st.tuples(st.sampled_from([5.0, 5.6, 9.0]), st.sampled_from([0.5, 1.0, 3.0, 60.0]))
    made = data.draw(st.lists(st.none() | figures, min_size=1, max_size=300))
    cut = data.draw(st.integers(0, len(made)))
    whole, lines = Guard(T, V), []
    for step, row in enumerate(made, 1):
        lines.append({"step": step, "tokens": 32 * step, "loss": row and row[0], "grad_norm": row and row[1]})
    resumed = None

    def judge(guard, row):
        if row["loss"] is None:
            return None
        at = (row["step"], row["tokens"], row["loss"], row["grad_norm"])
        try:
            guard.before(*at)
            guard.after(*at)
        except Spike as spike:
            return spike.first, spike.last, spike.reason
        return None

    for row in lines:
        if row["step"] == cut + 1:
            kept = _to_judge([json.dumps(line).encode() for line in lines[:cut]], 7)
            resumed = Guard(T, V, kept)
        found = judge(whole, row)
        assert resumed is None or judge(resumed, row) == found
        if found is not None:
            return
    if resumed is not None:
        for guard in (whole, resumed):
            guard.above_since = None
        assert ends(whole) == ends(resumed)


def ends(guard):
    try:
        guard.at_the_end(999)
    except Diverged as error:
        return str(error)
    return None


# ---- trainings

POISON = 40  # a window whose loss is a thousand times what it should be
SPIKY = {"updates": 24, "checkpoint_every": 4, "keep": 9, "norm_spike": 20.0, "snapshots": [10, 11]}


@pytest.fixture
def poisoned(monkeypatch):
    """Window 40, which update 11 reads (4 windows an update), spoils the gradient. Ten norms are enough to judge by."""
    monkeypatch.setattr(divergence, "RECENT", 10)
    plain = LM.losses

    def losses(self, forward, batch):
        each, told = plain(self, forward, batch)
        spoilt = [1000.0 if batch.first + row == POISON else 1.0 for row in range(len(each))]
        return each * each.new_tensor(spoilt), told

    monkeypatch.setattr(LM, "losses", losses)


def test_a_spike_stops_the_training_and_the_good_checkpoint_stays(run_yaml, here, poisoned):
    path = run_yaml(train={**SPIKY, "keep": 1})
    with pytest.raises(
        Diverged, match=r"step 11: the gradient's norm, .* is .* times the usual .*; stopped before the update\. The "
        r"last good checkpoint is .*step-00000008: lower the learning rate .*on_spike: rewind",
    ):  # fmt: skip
        here(path)
    assert len(rows(path)) == 10 and not (path.parent / "out/model.safetensors").exists()
    assert (path.parent / "out/checkpoints/step-00000008/state.json").is_file()


def test_rewinding_passes_over_the_spike_and_names_its_windows(run_yaml, here, poisoned, corpus, capsys):
    path = run_yaml(train={**SPIKY, "on_spike": "rewind"})
    here(path)
    out = path.parent / "out"
    assert "going back to before step 11, to pass over" in capsys.readouterr().out
    made = rows(path)
    assert [row["step"] for row in made] == list(range(1, 25)) and made[-1]["tokens"] == 24 * 4 * 32
    assert [row["step"] for row in made if row.get("skipped")] == [11]
    assert made[10]["loss"] is None and made[10]["grad_norm"] is None and made[10]["tokens"] == 11 * 4 * 32
    about = json.loads((out / "model.json").read_text())
    (spike,) = about["skipped"]
    windows = Windows(corpus / "mixture.json", corpus, 32, V, 1)
    read = [windows.where(i) for i in range(40, 44)]
    assert spike["windows"] == [[windows.groups[g].name, epoch, place] for g, epoch, place in read]
    assert (spike["first"], spike["last"]) == (11, 11) and "times the usual" in spike["reason"]
    before, after = (load_file(out / f"snapshots/step-000000{step}.safetensors") for step in (10, 11))
    assert all(bool((before[name] == after[name]).all()) for name in before)
    # Whatever checkpoint it is resumed from, of before the spike or behind it: the same bytes.
    whole = path.parent / "whole"
    shutil.copytree(out, whole)
    for step in (4, 8, 12, 20):
        (out / "model.safetensors").unlink()
        for folder in (out / "checkpoints").iterdir():
            if folder.name > f"step-{step:08d}":
                shutil.rmtree(folder)
        here(path)
        assert f"resuming from step-{step:08d}" in capsys.readouterr().out
        for name in ("model.safetensors", "metrics.jsonl", "model.json"):
            assert (out / name).read_bytes() == (whole / name).read_bytes(), (step, name)


WILD = {"learning_rate": 10.0, "clip": None, "warm_up": 1, "batch": 32, "validation_windows": 1, "norm_spike": None}


def test_a_loss_above_uniform_for_long_is_no_model(run_yaml, here):
    """Published on the day before: its loss is finite all the way."""
    path = run_yaml(train={**WILD, "updates": 40, "above_uniform": 6, "checkpoint_every": 1, "keep": 1})
    with pytest.raises(
        Diverged, match=r"for 6 updates the loss, now .*, was above the 5\.549.*last good checkpoint is"
    ):
        here(path)
    out = path.parent / "out"
    bad = next(row["step"] for row in rows(path) if row["step"] > 1 and row["loss"] > 5.549)
    steps = [int(folder.name[-8:]) for folder in sorted((out / "checkpoints").iterdir())]
    assert steps == [bad - 1, bad + 4]  # `keep` is 1: the newest, and the last good one
    assert not (out / "model.safetensors").exists()


def test_a_training_that_ends_above_uniform_is_no_model(run_yaml, here):
    path = run_yaml(train={**WILD, "updates": 20})
    with pytest.raises(Diverged, match=r"step 20, the last: the loss ends at"):
        here(path)
    assert not (path.parent / "out/model.safetensors").exists()


def test_rewinding_ends_somewhere(run_yaml, monkeypatch, here, capsys):
    monkeypatch.setattr("model.train.REWINDS", 2)
    path = run_yaml(train={**WILD, "updates": 40, "above_uniform": 4, "checkpoint_every": 3, "on_spike": "rewind"})
    with pytest.raises(Diverged, match=r"and 2 spikes were passed over before"):
        main(path)
    assert capsys.readouterr().out.count("going back to before step") == 2
    assert read_run(path).training.on_spike == "rewind"
