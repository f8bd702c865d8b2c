"""Objectives: what a batch's losses are, which statistics are told of them, and how the model is validated."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from model.config import Training
from model.data import Batch
from model.gpt import GPT
from model.held_out import HeldOut, estimate
from model.machine import Machine
from model.score import window_losses


class Objective(Protocol):
    """What the loop asks of an objective."""

    @property
    def names(self) -> Sequence[str]:
        """Of its S statistics, as metrics.jsonl calls them."""

    def losses(self, forward: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Loss of each row, (B,), 0 where its weight is; and (2, S) float64: each statistic's sum, and what to divide
        it by once both are summed over the whole update."""

    def validate(self, model: Any, t: Training, machine: Machine) -> dict[str, float]:
        """Validation figures by name."""

    def finished(self, weights: Mapping[str, Tensor], model: Any, machine: Machine) -> Mapping[str, Tensor]:
        """The weights at the end, whole, as they are to be written; on rank 0 alone."""


class LM:
    """`lm`: the next token at every position, each row the mean over its positions, in nats a token.

    Statistics: the mean loss of each group's rows. Validation: of each source's held-out windows.
    """

    def __init__(self, groups: Sequence[str], held_out: Mapping[str, HeldOut]) -> None:
        """`held_out`: by source."""
        self.names = [f"loss_{name}" for name in groups]
        self._held_out = held_out

    def losses(self, forward: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of tokens (B, T + 1): inputs are all but the last, targets all but the first."""
        tokens = batch.streams["tokens"]
        shares = (batch.weight / (tokens.shape[1] - 1))[:, None].expand(-1, tokens.shape[1] - 1)  # of the mean
        losses = forward(tokens[:, :-1], tokens[:, 1:], shares=shares)  # (B,)
        statistics = torch.zeros(2, len(self.names), dtype=torch.float64, device=losses.device)
        statistics[0].index_add_(0, batch.groups, losses.detach().double())
        statistics[1].index_add_(0, batch.groups, batch.weight.double())
        return losses, statistics

    def validate(self, model: GPT, t: Training, machine: Machine) -> dict[str, float]:
        """Each source's loss over the first windows of its sample (nats a token), by its name, and as stderr_<source>
        the loss's standard error (model/held_out.py); of one document there is none, and no loss without any."""
        model.eval()
        figures = {}
        for source, held_out in self._held_out.items():
            windows, documents = list(held_out.read(t.validation_windows)), held_out.documents(t.validation_windows)
            # Divided, a model is computed on all ranks at once: each then reads all, and the first one's are taken.
            mine = slice(None) if machine.sharded else slice(machine.rank, None, machine.world)
            read = torch.zeros(len(windows), 2, dtype=torch.float64)  # nats, tokens; of the other ranks' windows 0
            with machine.autocast():
                losses = window_losses(model, windows[mine], t.at_once)
            if not machine.sharded or machine.rank == 0:
                read[mine] = torch.tensor(losses, dtype=torch.float64).reshape(-1, 2)
            summed = [(nats, int(tokens)) for nats, tokens in machine.add_up(read.to(machine.device)).tolist()]
            found = estimate(summed, documents)
            if found is not None:
                figures[source] = found.loss
                if found.stderr is not None:
                    figures[f"stderr_{source}"] = found.stderr
        model.train()
        return figures

    def finished(self, weights: Mapping[str, Tensor], model: GPT, machine: Machine) -> Mapping[str, Tensor]:
        """As they are."""
        return weights
