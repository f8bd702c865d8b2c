"""`reward`: learns from answers that people ranked what they prefer (Ouyang et al. 2022, section 3.5, equation 1).

An example is a prompt with its K answers, a sequence each; the head reads each one's last token. Its loss is the mean
over all pairs of its answers that are no ties (model/preferences.py).
"""

from collections.abc import Mapping
from math import sqrt
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.config import Architecture, Training
from model.data import Batch
from model.examples import Examples
from model.gpt import GPT
from model.headed import Headed, Outputs
from model.machine import Machine
from model.preferences import pair_losses, right_pairs
from model.reward import KIND, rewards_of
from model.sequences import Sequences


class Ranked:
    """The objective. Statistics: its loss (loss_examples), and the share of pairs that it orders as they were ranked
    (accuracy). Validation, over held-out prompts: the loss, its standard error, and of_accuracy.

    `demonstrations`: the name of examples below the store, of the form chat, whose mean reward is to be 0.
    """

    names = ("loss_examples", "accuracy")

    def __init__(
        self,
        name: str,
        outputs: Outputs | None,
        held_out: Examples,
        a: Architecture,
        demonstrations: str | None = None,
    ) -> None:
        self._held_out = held_out
        self._demonstrations = None if demonstrations is None else self._shown(demonstrations)

    def losses(self, forward: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """See model/objectives.py."""
        s = Sequences.of(batch.streams)
        with s.dropping():
            rewards = _rewards(forward, s)
        ranks = s.labels[:, :, 0]
        losses = pair_losses(rewards, ranks) * batch.weight
        weight = batch.weight.double()
        right, pairs = right_pairs(rewards.detach(), ranks)
        sums = torch.stack([losses.detach().double().sum(), (right * weight).sum()])
        return losses, torch.stack([sums, torch.stack([weight.sum(), (pairs * weight).sum()])])

    def validate(self, model: GPT, t: Training, machine: Machine) -> dict[str, float]:
        """Over the first `validation_windows` held-out prompts."""
        count = min(len(self._held_out), t.validation_windows)
        if not count:
            return {}
        model.eval()
        first, stop = (count * of // machine.world for of in (machine.rank, machine.rank + 1))
        mine = range(count) if machine.sharded else range(first, stop)
        sums = torch.zeros(4, dtype=torch.float64)  # of losses, of their squares, of right pairs, of pairs
        forward = Headed(model)
        for n in range(mine.start, mine.stop, t.at_once):
            streams = self._held_out.batch(range(n, min(n + t.at_once, mine.stop)))
            s = Sequences.of({name: torch.from_numpy(array).to(machine.device) for name, array in streams.items()})
            with torch.no_grad(), machine.autocast():
                rewards = _rewards(forward, s)
            losses = pair_losses(rewards, s.labels[:, :, 0]).double()
            right, pairs = right_pairs(rewards, s.labels[:, :, 0])
            sums += torch.stack([losses.sum(), (losses**2).sum(), right.sum(), pairs.sum()]).cpu()
        if machine.sharded and machine.rank:
            sums.zero_()
        loss, squares, right_sum, pair_sum = machine.add_up(sums.to(machine.device)).tolist()
        model.train()
        figures = {"examples": loss / count}
        if count > 1:
            figures["stderr_examples"] = sqrt(max(0.0, squares / count - (loss / count) ** 2) / (count - 1))
        return figures | ({"of_accuracy": right_sum / pair_sum} if pair_sum else {})

    def finished(self, weights: Mapping[str, Tensor], model: GPT, machine: Machine) -> Mapping[str, Tensor]:
        """The weights at the end, whole, with a bias by which the demonstrations have a reward of 0 on average."""
        if self._demonstrations is None:
            return weights
        trunk, head = _whole(weights, model, torch.bfloat16 if machine.bfloat16 else torch.float32)
        sequences = [example.tokens[-1].tolist() for example in self._demonstrations]
        mean = rewards_of(trunk, head, sequences).double().mean()
        bias = weights["head.bias"].detach()
        return {**weights, "head.bias": (bias.double() - mean.to(bias.device)).to(bias.dtype)}

    def _shown(self, folder: str) -> Examples:
        """ValueError where they are of another form or of other tokens, or none."""
        compared = self._held_out
        shown = Examples(compared.store, folder, "train", compared.seed)
        if shown.form != "chat":
            raise ValueError(f"demonstrations: {folder} has the form {shown.form}: they are examples of the form chat")
        if (shown.tokenizer, shown.about["added"]) != (compared.tokenizer, compared.about["added"]):
            raise ValueError(
                f"demonstrations: {folder} and {compared.folder} are of two tokenizers: make them with the same one"
            )
        if not len(shown):
            raise ValueError(f"demonstrations: {folder} has no example of train")
        return shown


def head_of(examples: Examples) -> Outputs:
    """One number."""
    return Outputs(KIND, 1)


def _rewards(forward: Any, s: Sequences) -> Tensor:
    """(B, R), 0 where an example has no such answer."""

    def read(hidden: Tensor, head: nn.Linear) -> Tensor:
        # A constant in all rewards has no part in their differences, so that of the bias's gradient only the rounding
        # is left, which Adam would make as large as any other; times 0 it has none, and is set at the end (`finished`).
        return F.linear(s.at_last(hidden), head.weight)[:, 0] + 0.0 * head.bias

    _, rewards = forward(s.tokens, read=read)
    return torch.zeros(s.labels.shape[:2], dtype=rewards.dtype, device=rewards.device).index_put(
        (s.example, s.row), rewards
    )


def _whole(weights: Mapping[str, Tensor], model: GPT, arithmetic: torch.dtype) -> tuple[GPT, nn.Linear]:
    """A trunk and a head of these weights, of the shape and in the arithmetic of the model."""
    with torch.device("meta"):
        trunk = GPT(model.architecture)
        trunk.head = nn.Linear(model.architecture.width, 1)
    trunk.load_state_dict({name: tensor.detach() for name, tensor in weights.items()}, assign=True)
    trunk.arithmetic = arithmetic
    assert trunk.head is not None
    return trunk.eval(), trunk.head
