"""The loop with other parts than pretraining's: rows, streams and an objective that it has never seen."""

import hashlib
import json
import signal

import numpy as np
import pytest
import torch
from torch import nn

from model.config import Architecture, Training, learning_rate, total_windows
from model.divergence import Diverged, Guard
from model.loop import Parts, learn
from model.machine import Machine
from model.metrics import Metrics, MetricsDamaged
from model.metrics import rows as rows_of


class Group:
    def __init__(self, name: str) -> None:
        self.name = name


class Points:
    """Rows (x, y = 3 x), of which those at odd numbers have a wrong y and a mask that says so."""

    unit, context, groups = "tokens", 4, (Group("all"),)

    def read(self, start, stop):
        x = np.random.default_rng(1).normal(size=(1000, 4)).astype(np.float32)[start:stop]
        right = np.arange(start, stop)[:, None] % 2 == np.zeros((1, 4))
        return {"x": x, "y": np.where(right, 3 * x, 99), "mask": right}, np.zeros(stop - start, np.int64)


class Masked:
    """Squared error where the mask is 1."""

    names = ("error", "counted")

    def losses(self, forward, batch):
        x, y, mask = (batch.streams[name] for name in ("x", "y", "mask"))
        losses = (((forward(x) - y) * mask) ** 2).mean(1).float() * batch.weight
        told = [[losses.sum().item(), mask.sum().item()], [len(x), 1]]
        return losses, torch.tensor(told, dtype=torch.float64)

    def validate(self, model, t, machine):
        return {"slope": model.weight.item()}


class Slope(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.weight * x


def train(out, rate=0.3, save=lambda step, i: None, model=None, step=0, i=0):
    t = Training(updates=50, batch=8 * 4, micro_batch=3, learning_rate=rate, validate_every=50, checkpoint_every=20, device="cpu", threads=1)  # fmt: skip # noqa: E501
    machine, model = Machine(t), model or Slope()
    out.mkdir(exist_ok=True)
    metrics = Metrics(out, 400 * 4, Architecture(), machine)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    guard = Guard(t, None)
    parts = Parts(t, 400, Points(), Masked(), model, model, optimizer, machine, metrics, guard, save)
    return learn(parts, step, i), model


@pytest.fixture(autouse=True)
def _undo(here):
    """`here` puts back what Machine sets."""


def test_other_streams_and_another_objective(tmp_path):
    saved = []
    (step, i), model = train(tmp_path, save=lambda step, i: saved.append((step, i)))
    assert (step, i) == (50, 400) and saved == [(20, 160), (40, 320)]
    assert model.weight.item() == pytest.approx(3, abs=0.01)  # the masked targets were not looked at
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert list(rows[0]) == ["step", "tokens", "loss", "error", "counted", "lr", "grad_norm"]
    assert rows[0]["counted"] == pytest.approx(16 / 3) and rows[0]["error"] == pytest.approx(
        rows[0]["loss"]
    )  # 3 micro-batches
    assert rows[-1]["validation_slope"] == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("budget", [{"tokens": 200, "warm_up": 60}, {"updates": 7, "warm_up": 2}])
def test_an_updates_rate_is_that_at_its_end(tmp_path, budget):
    """In tokens or updates, as the budget is; in the last update it has come down to the floor."""
    t = Training(**budget, batch=8 * 4, learning_rate=0.5, floor=0.1, validate_every=50, device="cpu", threads=1)
    machine, model, used = Machine(t), Slope(), []

    class Noting(torch.optim.SGD):
        def step(self):
            used.append(self.param_groups[0]["lr"])

    metrics, total = Metrics(tmp_path, 400 * 4, Architecture(), machine), total_windows(t, 4)
    optimizer = Noting(model.parameters(), lr=0.0)
    parts = Parts(t, total, Points(), Masked(), model, model, optimizer, machine, metrics, Guard(t, None), print)
    learn(parts, 0, 0)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["tokens"] for row in rows] == [min(32 * n, 4 * total) for n in range(1, 8)]
    ends = [row["tokens"] if "tokens" in budget else row["step"] for row in rows]
    assert used == [learning_rate(t, end) for end in ends] and used[-1] == pytest.approx(0.05)
    assert [row["lr"] for row in rows] == pytest.approx(used)
    assert used[0] == pytest.approx(0.5 * ends[0] / budget["warm_up"]) and used.index(max(used)) in (1, 2)


def test_sigterm_in_an_update_ends_after_it_with_a_checkpoint(tmp_path):
    whole = train(tmp_path / "whole")[1]

    class Stopped(Slope):
        def forward(self, x):
            if not x.isnan().any() and self.weight.item() > 2:
                signal.raise_signal(signal.SIGTERM)
            return super().forward(x)

    saved = []
    (step, i), model = train(tmp_path / "broken", save=lambda *at: saved.append(at), model=Stopped())
    assert saved == [(step, i)] and 0 < step < 20 and i == 8 * step
    resumed = Slope()
    resumed.load_state_dict(model.state_dict())
    assert train(tmp_path / "broken", model=resumed, step=step, i=i)[0] == (50, 400)
    assert torch.equal(resumed.weight, whole.weight)
    assert (tmp_path / "broken/metrics.jsonl").read_bytes() == (tmp_path / "whole/metrics.jsonl").read_bytes()


def test_a_loss_that_is_not_finite_changes_no_weight(tmp_path):
    model = Slope()
    with torch.no_grad():
        model.weight.fill_(1e30)
    with pytest.raises(Diverged, match="step 1: loss inf, gradient norm"):
        train(tmp_path, model=model)
    assert model.weight.item() == pytest.approx(1e30)


def test_rows_up_to_a_step(tmp_path):
    path = tmp_path / "metrics.jsonl"
    assert rows_of(path, 0) == []
    path.write_text('{"step": 1}\n{"step": 2}\n{"st')
    assert rows_of(path, 2) == [b'{"step": 1}\n', b'{"step": 2}\n']
    held = hashlib.sha256(b'{"step": 1}\n').hexdigest()
    assert len(rows_of(path, 1, held)) == 1
    with pytest.raises(MetricsDamaged, match="is not the one that the checkpoint at step 2 was written beside"):
        rows_of(path, 2, held)
    path.unlink()
    with pytest.raises(MetricsDamaged, match="has 0 rows, the checkpoint is at step 1"):
        rows_of(path, 1)
