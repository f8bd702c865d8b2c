"""Metrics: what a device can do at most, by its exact name; rows as they are written, and read back to a step."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from model import metrics
from model.config import Architecture, flops_per_token
from model.metrics import Metrics, MetricsDamaged, _peak, rounded, rows


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989.4e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA H100 NVL", 835.5e12),
        ("NVIDIA H200", 989.4e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA L40", 181e12),
        ("NVIDIA L40S", 362e12),
        ("NVIDIA L400", None),
        ("NVIDIA H100", None),  # which?
        ("NVIDIA H20", None),
        ("AMD Instinct MI300X", None),
    ],
)
def test_peaks_are_of_exactly_this_device(monkeypatch, name, peak):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: name)
    assert _peak(SimpleNamespace(cuda=True, bfloat16=True)) == peak
    assert _peak(SimpleNamespace(cuda=True, bfloat16=False)) is None
    assert _peak(SimpleNamespace(cuda=False, bfloat16=True)) is None


def written(out: Path, said: list[str], rank: int = 0, budget: int = 300) -> Metrics:
    machine: Any = SimpleNamespace(rank=rank, world=1, cuda=False, bfloat16=False, say=said.append)
    return Metrics(out, budget, Architecture(vocabulary=50, context=8, width=8, layers=1, heads=2), machine)


def test_rows_are_rounded_flushed_and_read_back_to_a_step(tmp_path: Path) -> None:
    said: list[str] = []
    made = written(tmp_path, said)
    for step in (1, 2, 3):
        made.write({"step": step, "tokens": 100 * step, "loss": 1 / 3, "n": 7}, 100, 0.5)
    path = tmp_path / "metrics.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    assert json.loads(lines[1]) == {"step": 2, "tokens": 200, "loss": 0.33333333, "n": 7}
    assert made.sync() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert rows(path, 2) == lines[:2] and rows(path, 0) == []
    assert rows(path, 2, hashlib.sha256(b"".join(lines[:2])).hexdigest()) == lines[:2]
    with pytest.raises(MetricsDamaged, match="has 3 rows, the checkpoint is at step 4"):
        rows(path, 4)
    with pytest.raises(MetricsDamaged, match="has 0 rows, the checkpoint is at step 1"):
        rows(tmp_path / "none.jsonl", 1)
    with pytest.raises(MetricsDamaged, match="is not the one that the checkpoint at step 2"):
        rows(path, 2, hashlib.sha256(b"".join(lines)).hexdigest())
    # another process goes on: its checksum is of the file as it stands
    again = written(tmp_path, said)
    again.write({"step": 4, "tokens": 400, "loss": 1.0}, 100, 0.5)
    assert again.sync() == hashlib.sha256(path.read_bytes()).hexdigest() and len(path.read_bytes().splitlines()) == 4


def test_speed_is_told_beside_and_an_update_that_was_passed_over_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_peak", lambda machine: 1e6)
    said: list[str] = []
    made = written(tmp_path, said)
    made.write({"step": 1, "tokens": 100, "loss": None}, 100, 0.5)
    made.write({"step": 2, "tokens": 200, "loss": 2.0, "validation_web": 1.5, "validation_stderr_web": 0.25}, 100, 0.5)
    made.write({"step": 3, "tokens": 300, "loss": 1.0, "validation_web": 1.25}, 100, 0.25)
    timings = [json.loads(line) for line in (tmp_path / "run.metrics.jsonl").read_text().splitlines()]
    assert [(row["step"], row["tokens_per_second"], row["seconds"]) for row in timings] == [
        (2, 200, 0.5),
        (3, 400, 0.25),
    ]
    flops = flops_per_token(Architecture(vocabulary=50, context=8, width=8, layers=1, heads=2))
    assert [row["mfu"] for row in timings] == [rounded(200 * flops / 1e6), rounded(400 * flops / 1e6)]
    assert all(10 << 20 < row["memory"] < 100 << 30 for row in timings), "bytes, not kilobytes"
    # the budget is used up by the last row, which is therefore said; the others came too soon after another
    assert said == [
        "step 2  validation  web 1.5000 ± 0.2500",
        "step 3  tokens 300 of 300  loss 1.0000  400 tokens/s",
        "step 3  validation  web 1.2500",
    ]


def test_other_ranks_write_nothing(tmp_path: Path) -> None:
    made = written(tmp_path, [], rank=1)
    made.begin()
    made.write({"step": 1, "tokens": 100, "loss": 1.0}, 100, 0.5)
    assert not list(tmp_path.iterdir())


def test_a_row_is_said_after_some_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(metrics.time, "monotonic", lambda: now[0])
    said: list[str] = []
    made = written(tmp_path, said, budget=10**6)
    for later in (4.0, 1.0, 1.0, 4.5):  # five seconds have to pass since the last one that was said
        now[0] += later
        made.write({"step": 1, "tokens": 100, "loss": 1.0}, 100, 0.5)
    assert len(said) == 1
