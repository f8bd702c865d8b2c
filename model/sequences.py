"""A batch of examples as the sequences that go through a network: those that there are, one behind another."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from model import dropout


@dataclass(frozen=True)
class Sequences:
    """Of B examples, N sequences of at most T tokens, in the examples' order."""

    examples: int  # B
    example: Tensor  # (N,) int64: whose it is
    row: Tensor  # (N,) int64: which of its sequences
    lengths: Tensor  # (N,) int64
    tokens: Tensor  # (N, T) int64
    loss_mask: Tensor  # (N, T) int64
    segment: Tensor  # (N, T) int64
    labels: Tensor  # (B, R, L) float64, NaN where there is none

    @classmethod
    def of(cls, streams: Mapping[str, Tensor]) -> "Sequences":
        """Of a batch as model.examples gives it."""
        lengths = streams["lengths"]
        example, row = (lengths > 0).nonzero(as_tuple=True)
        tokens, loss_mask, segment = (streams[name][example, row] for name in ("tokens", "loss_mask", "segment"))
        return cls(
            len(lengths), example, row, lengths[example, row], tokens, loss_mask, segment, streams["labels"]
        )  # fmt: skip

    def at_last(self, hidden: Tensor) -> Tensor:
        """hidden (N, T, C) -> the state of each sequence's last token, (N, C)."""
        return hidden[torch.arange(len(hidden), device=hidden.device), self.lengths - 1]

    def summed(self, values: Tensor) -> Tensor:
        """values (N, ...) -> (B, ...): the sum over an example's sequences."""
        return values.new_zeros(self.examples, *values.shape[1:]).index_add(0, self.example, values)

    def counts(self) -> Tensor:
        """How many sequences each example has, (B,) float32."""
        return self.summed(torch.ones(len(self.example), device=self.example.device))

    def shares(self, weight: Tensor) -> Tensor:
        """What each target, tokens 1 ... T - 1, is of the language model's loss of its example, (N, T - 1) float32:
        the mean over the tokens of a sequence that `loss_mask` has, the mean over the example's sequences, times
        `weight` (B,). So GPT-1's released code has it (train.py, `lm_losses`), where all examples have as many
        sequences; a token that is masked out has no part in it."""
        mask = self.loss_mask[:, 1:].float()
        each = weight / self.counts().clamp(min=1)
        return mask * (each[self.example] / mask.sum(1).clamp(min=1))[:, None]

    def dropping(self) -> AbstractContextManager[None]:
        """Within, dropout is drawn by sequence (model/dropout.py)."""
        rows = list(zip(self.example.tolist(), self.row.tolist(), strict=True))
        return dropout.sequences(rows, self.lengths.tolist())
