"""A trunk with an objective's own head: a linear layer from its states (C,) to a few numbers.

The head is the trunk's submodule `head`, so that checkpoints and model.safetensors hold the trunk's tensors under their
own names and `head.weight`, `head.bias` beside them; model.json says what the numbers are (`head`). `model.score.load`
of such a folder gives the trunk alone, `load` here both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from model import checkpoint, heads
from model.chunked_loss import weighted_losses
from model.gpt import GPT

SEED = 2 << 32  # added to the seed that the trunk is drawn by
Read = Callable[[Tensor, nn.Linear], Tensor]  # states (N, T, C) and the head -> whatever the objective makes of them


@dataclass(frozen=True)
class Outputs:
    """What a head gives: `outputs` numbers, which `kind` (an objective's name) explains. `lowest`: of `regress`, the
    number that the first stands for."""

    kind: str
    outputs: int
    lowest: int = 0


@torch.no_grad()
def attach(trunk: GPT, of: Outputs, seed: int) -> None:
    """Give the trunk a head: N(0, .02), bias 0 (GPT-1's released code, train.py's `clf`). Drawn on the CPU."""
    head = nn.Linear(trunk.architecture.width, of.outputs)
    draw = torch.Generator().manual_seed(seed + SEED)
    head.weight.copy_(torch.empty(head.weight.shape).normal_(0.0, 0.02, generator=draw))
    head.bias.zero_()
    trunk.head = head


class Headed(nn.Module):
    """The forward pass of a training: language model and head in one call, over the same states."""

    def __init__(self, trunk: GPT) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(
        self,
        tokens: Tensor,
        targets: Tensor | None = None,
        shares: Tensor | None = None,
        read: Read | None = None,
    ) -> Any:
        """Without `read` as GPT's: tokens (N, T), targets (N, T) and shares (N, T) -> losses (N,), and so on.

        With it, of tokens (N, T): (losses, what `read` gives of states (N, T, C) and the head). The losses, (N,), are
        a sequence's sum of share times loss, of targets and shares (N, T - 1), those of all tokens but the first; 0
        where no shares are given.
        """
        if read is None:
            return self.trunk(tokens, targets, shares=shares)
        hidden = self.trunk.hidden(tokens)
        head = self.trunk.head
        assert head is not None
        outputs = read(hidden, head)
        if shares is None:
            return hidden.new_zeros(len(tokens)), outputs
        assert targets is not None
        before, embedding = hidden[:, :-1], self.trunk.tokens.weight
        if torch.is_grad_enabled():
            return weighted_losses(before, embedding, targets, shares), outputs
        return (heads.losses_in_chunks(before, embedding, targets) * shares).sum(1), outputs


def load(
    folder: str | Path, device: str = "cpu", step: int | None = None
) -> tuple[GPT, nn.Linear | None, dict[str, Any]]:
    """A finished model in evaluation mode: its trunk, its head (None where it has none), and its model.json; with
    `step`, as it was after that update (a snapshot). ValueError as model.score.load."""
    trunk, about = checkpoint.read(Path(folder), device, step, with_head=True)
    return trunk, trunk.head, about
