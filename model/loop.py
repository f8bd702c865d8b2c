"""The loop: rows -> losses -> gradients -> update, until all rows are read. It knows no text and no file.

`step` counts updates made and `i` rows read; with the weights and the optimiser's moments they are all the state there
is. What is random is drawn by a row's number, so that a resumed training draws what the unbroken one drew.

A step that is passed over (model/divergence.py) keeps its number and its rows, and reads and updates nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

import torch
from torch import nn

from model import dropout
from model.config import Training, batch_windows, learning_rate
from model.data import Data, micro_batches
from model.divergence import Guard
from model.machine import Machine
from model.metrics import Metrics
from model.objectives import Objective
from model.sharded import whole


@dataclass(frozen=True)
class Parts:
    """What a training is put together from."""

    training: Training
    total: int  # rows of the whole training
    data: Data
    objective: Objective
    model: nn.Module  # holds the weights
    forward: nn.Module  # the same one, as the machine runs it
    optimizer: torch.optim.Optimizer
    machine: Machine
    metrics: Metrics
    guard: Guard
    save: Callable[[int, int], None]  # writes a checkpoint of (step, i)
    skipped: frozenset[int] = frozenset()  # steps that are passed over
    snapshots: frozenset[int] = frozenset()  # steps after which the weights are kept ...
    snapshot: Callable[[int], None] = field(default=lambda step: None)  # ... by this


def learn(p: Parts, step: int, i: int) -> tuple[int, int]:
    """Train from (step, i) to the end, or until SIGTERM, after which a checkpoint is written; returns (step, i).

    Diverged, Spike (model/divergence.py): where a rule over the update itself is broken it is not made, so that the
    weights are still good.
    """
    t, machine = p.training, p.machine
    while i < p.total:
        began = time.monotonic()
        size = min(batch_windows(t, p.data.context, i * p.data.context), p.total - i)  # rows, over all ranks
        tokens = (i + size) * p.data.context
        at_its = (i * p.data.context, step) if t.schedule == "linear" else (tokens, step + 1)  # beginning, or end
        rate = learning_rate(t, at_its[0] if t.tokens is not None else at_its[1])
        row: dict[str, Any] = {"step": step + 1, p.data.unit: tokens}
        if step + 1 in p.skipped:
            stop = machine.add_up(torch.tensor([float(machine.stop_asked)], device=machine.device)).item() > 0
            row |= {name: None for name in ("loss", *p.objective.names)} | {"lr": rate, "grad_norm": None}
            row["skipped"] = True
        else:
            stop, made = _update(p, step + 1, i, size, tokens, rate)
            row |= made
        step, i = step + 1, i + size
        seconds = time.monotonic() - began  # the loss was read: the device has come this far
        if step % t.validate_every == 0 or i >= p.total:
            figures = p.objective.validate(p.model, t, machine)
            row |= {f"validation_{name}": figure for name, figure in figures.items()}
        p.metrics.write(row, size * p.data.context, seconds)
        if row["loss"] is not None:
            p.guard.after(step, tokens, row["loss"], row["grad_norm"])

        if step in p.snapshots:
            p.snapshot(step)
        if i < p.total and (stop or step % t.checkpoint_every == 0):
            p.save(step, i)
        if stop:
            break
    if i >= p.total:
        p.guard.at_the_end(step)
    return step, i


def _update(p: Parts, step: int, i: int, size: int, tokens: int, rate: float) -> tuple[bool, dict[str, Any]]:
    """Make update `step` from rows i ... i + size - 1: whether a rank was asked to stop, and the row of metrics.

    Spike, before the update."""
    t, machine, names = p.training, p.machine, p.objective.names
    for group in p.optimizer.param_groups:
        group["lr"] = rate
    stop_and_loss = torch.zeros(2, dtype=torch.float64, device=machine.device)
    statistics = torch.zeros(2, len(names), dtype=torch.float64, device=machine.device)  # sums; their divisors
    for batch in micro_batches(p.data, i, i + size, t.at_once, machine):
        with dropout.windows(t.seed, batch.first, batch.rows), machine.own_gradients(p.forward, batch.last):
            with machine.autocast():
                losses, told = p.objective.losses(p.forward, batch)  # (B,), (2, S)
            stop_and_loss[1] += losses.detach().double().sum()
            statistics += told
            mean = losses.sum() * (machine.world / size)  # the ranks' gradients are averaged, not summed
            mean.backward()  # type: ignore[no-untyped-call]
    stop_and_loss[0] = float(machine.stop_asked)
    sums = machine.add_up(torch.cat([stop_and_loss, statistics.flatten()])).tolist()
    loss = sums[1] / size
    norm = whole(nn.utils.clip_grad_norm_(p.model.parameters(), inf if t.clip is None else t.clip)).item()
    p.guard.before(step, tokens, loss, norm)
    p.optimizer.step()
    p.optimizer.zero_grad(set_to_none=True)
    values, divisors = sums[2 : 2 + len(names)], sums[2 + len(names) :]
    told_apart = {name: s / n if n else None for name, s, n in zip(names, values, divisors, strict=True)}
    return bool(sums[0]), {"loss": loss, **told_apart, "lr": rate, "grad_norm": norm}
