"""Weights kept along the way: which, that they are those of their step, and how they are read."""

import os
import signal

import pytest
import torch
from safetensors.torch import load_file
from trainings import finish, rows, start, wait_for_rows

from model.checkpoint import Damaged
from model.config import Training, Updates, snapshot_steps, updates
from model.presets import PRESETS, preset
from model.score import load

LONG = {"updates": 40, "checkpoint_every": 7, "validation_windows": 1, "snapshots": "log-spaced"}


def test_which_updates():
    assert snapshot_steps(Training(updates=100, snapshots="log-spaced"), 32) == [1, 2, 4, 8, 16, 32, 64]
    assert snapshot_steps(Training(updates=64, snapshots="log-spaced"), 32)[-1] == 64
    assert snapshot_steps(Training(updates=100, snapshots=[9, 3, 9]), 32) == [3, 9]
    assert snapshot_steps(Training(updates=100), 32) == []
    with pytest.raises(ValueError, match="snapshots has 101, and the training has 100 updates"):
        snapshot_steps(Training(updates=100, snapshots=[101]), 32)
    for wrong in ([0], [1.5], "all"):
        with pytest.raises(ValueError, match="must be a list of updates, from 1, or log-spaced"):
            Training(updates=100, snapshots=wrong)


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "gpt1"])
def test_the_number_of_updates_is_that_of_the_updates(name):
    a, t = preset(name, tokens=PRESETS[name]["tokens"] // 100)
    listed = list(updates(t, a.context))
    assert Updates(t, a.context).count == len(listed)
    assert [i for update in listed[:3] for i in update] == list(range(listed[2].stop))


def test_snapshots_survive_a_kill_and_are_the_weights_of_their_step(run_yaml, here):
    broken, whole = (run_yaml(name, {"dropout": 0.1}, LONG) for name in ("broken", "whole"))
    process = start(broken)
    wait_for_rows(broken, 18, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    code, _, err = finish(broken)
    assert code == 0 and len(rows(broken)) == 40, err
    here(whole)
    out, expected = broken.parent / "out", whole.parent / "out"
    names = [f"snapshots/step-{step:08d}.safetensors" for step in (1, 2, 4, 8, 16, 32)]
    assert sorted(p.name for p in (out / "snapshots").iterdir()) == [name.removeprefix("snapshots/") for name in names]
    for name in (*names, "model.json", "model.safetensors"):
        assert (out / name).read_bytes() == (expected / name).read_bytes(), name
    about = load(out, step=16)[2]
    assert [kept["step"] for kept in about["snapshots"]] == [1, 2, 4, 8, 16, 32]
    short = run_yaml("short", {"dropout": 0.1}, {**LONG, "updates": 16, "decay": 40, "snapshots": None})
    long = run_yaml("long", {"dropout": 0.1}, {**LONG, "decay": 40})
    here(short)
    here(long)
    for name, weight in load(long.parent / "out", step=16)[0].named_parameters():
        assert torch.equal(weight, load_file(short.parent / "out/model.safetensors")[name]), name
    with pytest.raises(ValueError, match="has no snapshot of step 3; it has: 1, 2, 4, 8, 16, 32"):
        load(out, step=3)
    (out / names[0]).write_bytes(b"")
    with pytest.raises(Damaged, match=r"step-00000001\.safetensors is missing or damaged"):
        load(out, step=1)
