"""`sft`: fine-tuning on demonstrations (Ouyang et al. 2022, section 3.5 and appendix C.1): the next token of answers.

The loss counts where `loss_mask` says: on what the assistant says and the <|end|> behind it. A demonstration's loss is
the mean over those tokens, an update's the mean over its demonstrations. The paper does not say how it weighs long
answers against short ones; so GPT-1's released code weighs its examples.
"""

from collections.abc import Mapping
from math import sqrt
from typing import Any

import torch
from torch import Tensor, nn

from model.config import Architecture, Training
from model.data import Batch
from model.examples import Examples
from model.gpt import GPT
from model.headed import Headed, Outputs
from model.machine import Machine
from model.sequences import Sequences


class SFT:
    """The objective. Statistics: its loss (loss_examples), and the mean loss of an answer's token over the update
    (loss_tokens). Validation, over held-out demonstrations: the loss and its standard error."""

    names = ("loss_examples", "loss_tokens")

    def __init__(self, name: str, outputs: Outputs | None, held_out: Examples, a: Architecture) -> None:
        self._held_out = held_out

    def losses(self, forward: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """See model/objectives.py."""
        s = Sequences.of(batch.streams)
        with s.dropping():
            each = self._of_sequences(forward, s, batch.weight)  # (N,)
        losses = s.summed(each)
        counted = s.loss_mask[:, 1:].sum(1).double()  # tokens of each
        count = batch.weight.double().sum()
        there = batch.weight.double()[s.example]
        sums = torch.stack([losses.detach().double().sum(), (each.detach().double() * counted).sum()])
        return losses, torch.stack([sums, torch.stack([count, (counted * there).sum()])])

    def validate(self, model: GPT, t: Training, machine: Machine) -> dict[str, float]:
        """Over the first `validation_windows` held-out demonstrations."""
        count = min(len(self._held_out), t.validation_windows)
        if not count:
            return {}
        model.eval()
        first, stop = (count * of // machine.world for of in (machine.rank, machine.rank + 1))
        mine = range(count) if machine.sharded else range(first, stop)
        sums = torch.zeros(2, dtype=torch.float64)  # of losses, of their squares
        forward = Headed(model)
        for n in range(mine.start, mine.stop, t.at_once):
            s = self._held_out_sequences(range(n, min(n + t.at_once, mine.stop)), machine.device)
            with torch.no_grad(), machine.autocast():
                losses = s.summed(self._of_sequences(forward, s, torch.ones(s.examples, device=machine.device)))
            sums += torch.stack([losses.double().sum(), (losses.double() ** 2).sum()]).cpu()
        if machine.sharded and machine.rank:
            sums.zero_()
        loss, squares = (machine.add_up(sums.to(machine.device)) / count).tolist()
        model.train()
        stderr = {"stderr_examples": sqrt(max(0.0, squares - loss**2) / (count - 1))} if count > 1 else {}
        return {"examples": loss, **stderr}

    def finished(self, weights: Mapping[str, Tensor], model: GPT, machine: Machine) -> Mapping[str, Tensor]:
        """As they are."""
        return weights

    def _of_sequences(self, forward: Any, s: Sequences, weight: Tensor) -> Tensor:
        losses: Tensor = forward(s.tokens[:, :-1], s.tokens[:, 1:], shares=s.shares(weight))
        return losses

    def _held_out_sequences(self, numbers: range, device: torch.device) -> Sequences:
        streams = self._held_out.batch(numbers)
        return Sequences.of({name: torch.from_numpy(array).to(device) for name, array in streams.items()})
