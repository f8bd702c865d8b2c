"""The loop: rows -> losses -> gradients -> update, until all rows are read. It knows no text and no file.

`step` counts updates made and `i` rows read; with the weights and the optimiser's moments they are all the state there
is. What is random is drawn by a row's number, so that a resumed training draws what the unbroken one drew.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from math import inf, isfinite
from typing import Any

import torch
from torch import nn

from model.config import Training, batch_windows, learning_rate
from model.data import Data, micro_batches
from model.machine import Machine
from model.metrics import Metrics
from model.objectives import Objective


class Diverged(RuntimeError):
    """The loss or the gradient is not finite."""


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
    save: Callable[[int, int], None]  # writes a checkpoint of (step, i)


def learn(p: Parts, step: int, i: int) -> tuple[int, int]:
    """Train from (step, i) to the end, or until SIGTERM, after which a checkpoint is written; returns (step, i).

    Diverged where a loss or gradient is not finite: before the update, so that the weights are still good.
    """
    t, machine, names = p.training, p.machine, p.objective.names
    while i < p.total:
        began = time.monotonic()
        size = min(batch_windows(t, p.data.context, i * p.data.context), p.total - i)  # rows, over all ranks
        tokens = (i + size) * p.data.context
        rate = learning_rate(t, tokens if t.tokens is not None else step + 1)
        for group in p.optimizer.param_groups:
            group["lr"] = rate

        stop_and_loss = torch.zeros(2, dtype=torch.float64, device=machine.device)
        statistics = torch.zeros(2, len(names), dtype=torch.float64, device=machine.device)  # sums; their divisors
        for batch in micro_batches(p.data, i, i + size, t.micro_batch, machine):
            torch.manual_seed(seed_of(t.seed, batch.first))
            with machine.own_gradients(p.forward, batch.last):
                with machine.autocast():
                    losses, told = p.objective.losses(p.forward, batch)  # (B,), (2, S)
                stop_and_loss[1] += losses.detach().double().sum()
                statistics += told
                mean = losses.sum() * (machine.world / size)  # the ranks' gradients are averaged, not summed
                mean.backward()  # type: ignore[no-untyped-call]
        stop_and_loss[0] = float(machine.stop_asked)
        sums = machine.add_up(torch.cat([stop_and_loss, statistics.flatten()])).tolist()
        stop, loss = bool(sums[0]), sums[1] / size
        norm = nn.utils.clip_grad_norm_(p.model.parameters(), inf if t.clip is None else t.clip).item()
        if not (isfinite(loss) and isfinite(norm)):
            raise Diverged(f"step {step + 1}: loss {loss}, gradient norm {norm} are not finite")
        p.optimizer.step()
        p.optimizer.zero_grad(set_to_none=True)
        step, i = step + 1, i + size
        seconds = time.monotonic() - began  # the loss was read: the device has come this far

        row: dict[str, Any] = {"step": step, "tokens": tokens, "loss": loss}
        values, divisors = sums[2 : 2 + len(names)], sums[2 + len(names) :]
        row |= {name: s / n if n else None for name, s, n in zip(names, values, divisors, strict=True)}
        row |= {"lr": rate, "grad_norm": norm}
        if step % t.validate_every == 0 or i >= p.total:
            figures = p.objective.validate(p.model, t, machine)
            row |= {f"validation_{name}": figure for name, figure in figures.items()}
        p.metrics.write(row, size * p.data.context, seconds)

        if i < p.total and (stop or step % t.checkpoint_every == 0):
            p.save(step, i)
        if stop:
            break
    return step, i


def seed_of(seed: int, row: int) -> int:
    """Dropout's seed for the micro-batch that begins at this row."""
    return int.from_bytes(blake2b(f"dropout {seed} {row}".encode(), digest_size=7).digest(), "little")
