"""Objectives: what a batch's losses are, which statistics are told of them, and how the model is validated."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.config import Training
from model.data import Batch
from model.machine import Machine


class Objective(Protocol):
    """What the loop asks of an objective."""

    @property
    def names(self) -> Sequence[str]:
        """Of its S statistics, as metrics.jsonl calls them."""

    def losses(self, forward: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Loss of each row, (B,), 0 where its weight is; and (2, S) float64: each statistic's sum, and what to divide
        it by once both are summed over the whole update."""

    def validate(self, model: nn.Module, t: Training, machine: Machine) -> dict[str, float]:
        """Validation figures by name."""


class HeldOut(Protocol):
    """Where `lm` validates: model.windows.Windows has it."""

    @property
    def validation(self) -> Mapping[str, object]:
        """By the sources' names."""

    def held_out(self, source: str, limit: int) -> Iterator[NDArray[np.int64]]:
        """Windows of 2 to context + 1 tokens."""


class LM:
    """`lm`: the next token at every position, each row the mean over its positions, in nats a token.

    Statistics: the mean loss of each group's rows. Validation: of each source's held-out windows.
    """

    def __init__(self, groups: Sequence[str], held_out: HeldOut) -> None:
        self.names = [f"loss_{name}" for name in groups]
        self._held_out = held_out

    def losses(self, forward: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of tokens (B, T + 1): inputs are all but the last, targets all but the first."""
        tokens = batch.streams["tokens"]
        losses = forward(tokens[:, :-1], tokens[:, 1:]).mean(1) * batch.weight  # (B, T) -> (B,)
        statistics = torch.zeros(2, len(self.names), dtype=torch.float64, device=losses.device)
        statistics[0].index_add_(0, batch.groups, losses.detach().double())
        statistics[1].index_add_(0, batch.groups, batch.weight.double())
        return losses, statistics

    @torch.no_grad()
    def validate(self, model: nn.Module, t: Training, machine: Machine) -> dict[str, float]:
        """Mean loss (nats a token) of each source's first windows; sources without any are left out."""
        model.eval()
        sources = list(self._held_out.validation)
        sums = torch.zeros(len(sources), 2, dtype=torch.float64)  # nats, tokens
        for row, source in enumerate(sources):
            share = list(self._held_out.held_out(source, t.validation_windows))[machine.rank :: machine.world]
            while share:  # in batches of one length: only a source's last window is shorter
                batch = [window for window in share[: t.micro_batch] if len(window) == len(share[0])]
                share = share[len(batch) :]
                tokens = torch.from_numpy(np.stack(batch)).to(machine.device)  # (B, up to context + 1)
                with machine.autocast():
                    losses = model(tokens[:, :-1], tokens[:, 1:])  # (B, T)
                sums[row] += torch.tensor([losses.double().sum().item(), losses.numel()])
        model.train()
        summed = machine.add_up(sums.to(machine.device)).tolist()
        return {source: nats / count for source, (nats, count) in zip(sources, summed, strict=True) if count}
