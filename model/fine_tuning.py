"""GPT-1's fine-tuning (Radford et al. 2018, section 3.2): a head on the trunk's states, and the language model beside.

    loss of an example = L2 + .5 L1        (the paper's L3; .5 is the `auxiliary` weight)

L2 is the task's, of what the head makes of the state at the extract token, the last one; L1 the language model's over
the example's own sequences (model/sequences.py, `shares`). As the released code has it (train.py): the head's dropout
is .1, and an item's sequences lose the same places of their states.

    classify, entail    one sequence; cross-entropy over the classes
    similar             both orders; their states are added before the head
    choose              a sequence an answer; one number each, cross-entropy over the answers
    regress             a number as the expectation over whole numbers (ours, after Tai et al. 2015, section 4.2)
    span                a sequence a window of the text; its answer's first and last token, over the positions
    tag                 one sequence; a class a token, where it has a label
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import dropout
from model.config import Architecture, Training
from model.data import Batch
from model.examples import Examples
from model.gpt import GPT
from model.headed import Headed, Outputs
from model.machine import Machine
from model.sequences import Sequences

MOST = 1000  # whole numbers that `regress` spreads over


class Task(Protocol):
    """What the head gives, (B, ...) "outputs", and what they are worth."""

    figure: str  # the statistic beside the loss

    def read(self, hidden: Tensor, head: nn.Linear, s: Sequences, keep: Tensor | None) -> Tensor:
        """hidden (N, T, C) -> outputs. `keep`: (B, 1 or T, C), what dropout makes of an example's states."""

    def losses(self, outputs: Tensor, s: Sequences) -> Tensor:
        """(B,) float32, in nats."""

    def figures(self, outputs: Tensor, s: Sequences) -> Tensor:
        """Of each example, (B,): its accuracy, or what else `figure` is."""

    def probabilities(self, outputs: Tensor, s: Sequences) -> Tensor:
        """Of each class or answer, (B, K), 0 where an example has no such answer."""


def _kept(states: Tensor, keep: Tensor | None, s: Sequences) -> Tensor:
    """states (N, C) as dropout leaves them: what an example loses, all of its sequences lose."""
    return states if keep is None else states * keep[s.example, 0]


class Classes:
    """classify, entail, similar: outputs (B, K)."""

    figure = "accuracy"

    def __init__(self, outputs: Outputs) -> None:
        self.of = outputs

    def read(self, hidden: Tensor, head: nn.Linear, s: Sequences, keep: Tensor | None) -> Tensor:
        given: Tensor = head(s.summed(_kept(s.at_last(hidden), keep, s)))
        return given

    def losses(self, outputs: Tensor, s: Sequences) -> Tensor:
        return F.cross_entropy(outputs.float(), s.labels[:, 0, 0].long(), reduction="none")

    def figures(self, outputs: Tensor, s: Sequences) -> Tensor:
        return torch.eq(outputs.argmax(1), s.labels[:, 0, 0]).float()

    def probabilities(self, outputs: Tensor, s: Sequences) -> Tensor:
        return outputs.float().softmax(1)


class Numbers(Classes):
    """regress: outputs (B, K), the whole numbers lowest ... lowest + K - 1; y = 3.6 is .4 of 3 and .6 of 4."""

    figure = "squared_error"

    def losses(self, outputs: Tensor, s: Sequences) -> Tensor:
        K = outputs.shape[1]
        place = (s.labels[:, 0, 0] - self.of.lowest).clamp(0, K - 1)
        below = place.long().clamp(max=K - 2)
        wanted = torch.zeros(outputs.shape, dtype=torch.float32, device=outputs.device)
        above = (place - below).float()
        wanted.scatter_(1, below[:, None], (1 - above)[:, None]).scatter_(1, below[:, None] + 1, above[:, None])
        return F.cross_entropy(outputs.float(), wanted, reduction="none")

    def figures(self, outputs: Tensor, s: Sequences) -> Tensor:
        squared: Tensor = (self.numbers(outputs) - s.labels[:, 0, 0].float()) ** 2
        return squared

    def numbers(self, outputs: Tensor) -> Tensor:
        """(B,): the expectation."""
        values = self.of.lowest + torch.arange(outputs.shape[1], dtype=torch.float32, device=outputs.device)
        expected: Tensor = outputs.float().softmax(1) @ values
        return expected


class Answers:
    """choose: outputs (B, R), -inf where an example has no such answer."""

    figure = "accuracy"

    def read(self, hidden: Tensor, head: nn.Linear, s: Sequences, keep: Tensor | None) -> Tensor:
        scores: Tensor = head(_kept(s.at_last(hidden), keep, s))[:, 0]
        out = scores.new_full((s.examples, s.labels.shape[1]), -torch.inf)
        return out.index_put((s.example, s.row), scores)

    def losses(self, outputs: Tensor, s: Sequences) -> Tensor:
        return F.cross_entropy(outputs.float(), s.labels[:, 0, 0].long(), reduction="none")

    def figures(self, outputs: Tensor, s: Sequences) -> Tensor:
        return torch.eq(outputs.argmax(1), s.labels[:, 0, 0]).float()

    def probabilities(self, outputs: Tensor, s: Sequences) -> Tensor:
        return outputs.float().softmax(1)


class Spans:
    """span: a sequence a window of the text; outputs (N, 2, T), -inf behind a sequence's end. A label is [start, stop)
    of the sequence's tokens; of a window that does not hold the answer 0, 0, which stands for its first token."""

    figure = "exact"  # share of the windows whose both ends are right

    def read(self, hidden: Tensor, head: nn.Linear, s: Sequences, keep: Tensor | None) -> Tensor:
        logits: Tensor = head(hidden if keep is None else hidden * keep[s.example]).transpose(1, 2)
        behind = torch.arange(hidden.shape[1], device=hidden.device) >= s.lengths[:, None]
        return logits.masked_fill(behind[:, None], -torch.inf)

    def _wanted(self, s: Sequences) -> Tensor:
        """(N, 2): the first and the last token of each window's answer."""
        labels = s.labels[s.example, s.row].long()
        return torch.stack([labels[:, 0], (labels[:, 1] - 1).clamp(min=0)], 1)

    def losses(self, outputs: Tensor, s: Sequences) -> Tensor:
        each = F.cross_entropy(outputs.flatten(0, 1).float(), self._wanted(s).flatten(), reduction="none")
        return s.summed(each.view(-1, 2).mean(1)) / s.counts()

    def figures(self, outputs: Tensor, s: Sequences) -> Tensor:
        return s.summed(torch.eq(outputs.argmax(2), self._wanted(s)).all(1).float()) / s.counts()

    def probabilities(self, outputs: Tensor, s: Sequences) -> Tensor:
        return outputs.float().softmax(2).flatten(1)


class Tags:
    """tag: outputs (B, T, K); a label has a class for each token of the sequence, NaN where none is asked."""

    figure = "accuracy"

    def read(self, hidden: Tensor, head: nn.Linear, s: Sequences, keep: Tensor | None) -> Tensor:
        given: Tensor = head(hidden if keep is None else hidden * keep[s.example])
        return given

    def _wanted(self, outputs: Tensor, s: Sequences) -> tuple[Tensor, Tensor]:
        labels = s.labels[:, 0, : outputs.shape[1]]
        labels = F.pad(labels, (0, outputs.shape[1] - labels.shape[1]), value=torch.nan)
        return labels.nan_to_num(0).long(), (~labels.isnan()).float()

    def losses(self, outputs: Tensor, s: Sequences) -> Tensor:
        wanted, counts = self._wanted(outputs, s)
        each = F.cross_entropy(outputs.flatten(0, 1).float(), wanted.flatten(), reduction="none").view_as(counts)
        return (each * counts).sum(1) / counts.sum(1).clamp(min=1)

    def figures(self, outputs: Tensor, s: Sequences) -> Tensor:
        wanted, counts = self._wanted(outputs, s)
        return ((outputs.argmax(2) == wanted) * counts).sum(1) / counts.sum(1).clamp(min=1)

    def probabilities(self, outputs: Tensor, s: Sequences) -> Tensor:
        return outputs.float().softmax(2).flatten(1)


TASKS: dict[str, Any] = {
    "classify": Classes, "entail": Classes, "similar": Classes, "regress": Numbers,
    "choose": lambda outputs: Answers(), "span": lambda outputs: Spans(), "tag": lambda outputs: Tags(),
}  # fmt: skip


def outputs_for(objective: str, examples: Examples) -> Outputs:
    """The head of an objective over these examples. ValueError where they have no such labels."""
    if objective == "regress":
        return _numbers(examples)
    if objective in ("choose", "span"):
        return Outputs(objective, 1 if objective == "choose" else 2)
    if len(examples.classes) < 2:
        raise ValueError(
            f"{examples.folder} has {len(examples.classes)} classes, and {objective} learns to tell classes apart: "
            "give its `classes`, or another objective"
        )
    return Outputs(objective, len(examples.classes))


def _numbers(examples: Examples) -> Outputs:
    """From the least label, rounded down, to the greatest, rounded up."""
    labels = torch.tensor([each[0][0] for each in examples.labels()], dtype=torch.float64)
    lowest, highest = int(labels.min().floor()), int(labels.max().ceil())
    if highest - lowest >= MOST:
        raise ValueError(
            f"{examples.folder} has labels from {lowest} to {highest}: regress spreads over at most {MOST} whole "
            "numbers: give them in another unit"
        )
    return Outputs("regress", max(2, highest - lowest + 1), lowest)


class FineTuning:
    """An objective of the table above over examples.

    Statistics of an update: the task's loss (loss_examples), the language model's, and the task's figure. Validation,
    over the held-out examples: the task's loss, its standard error, and of_<figure>.
    """

    def __init__(
        self,
        objective: str,
        outputs: Outputs,
        held_out: Examples,
        a: Architecture,
        auxiliary: float = 0.5,
        dropout: float = 0.1,
    ) -> None:
        """`auxiliary`: the weight of the language model's loss; `dropout`: of the states that the head reads."""
        self.task: Task = TASKS[objective](outputs)
        self.by_token = objective in ("span", "tag")
        self.names = ["loss_examples", "language_model", self.task.figure]
        self._held_out, self._auxiliary, self._dropout = held_out, auxiliary, dropout
        self._width, self._place = a.width, 3 * a.layers + 1  # behind the trunk's own places

    def losses(self, forward: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of examples: see model/objectives.py."""
        s = Sequences.of(batch.streams)
        keep = self._keep(s)

        def read(hidden: Tensor, head: nn.Linear) -> Tensor:
            return self.task.read(hidden, head, s, keep)

        shares = s.shares(batch.weight * self._auxiliary) if self._auxiliary else None
        with s.dropping():
            language, outputs = forward(s.tokens, s.tokens[:, 1:], shares, read)
        task, language = self.task.losses(outputs, s) * batch.weight, s.summed(language)
        told = [task, language / (self._auxiliary or 1), self.task.figures(outputs, s) * batch.weight]
        count = batch.weight.double().sum()
        statistics = torch.stack([each.detach().double().sum() for each in told])
        counts = torch.stack([count, count if self._auxiliary else count * 0, count])
        return task + language, torch.stack([statistics, counts])

    def _keep(self, s: Sequences) -> Tensor | None:
        """(B, 1 or T, C): what the head's dropout makes of an example's states; None: nothing."""
        if not self._dropout:
            return None
        shape = s.examples, s.tokens.shape[1] if self.by_token else 1, self._width
        return dropout.mask(shape, self._dropout, self._place, s.tokens.device)

    def validate(self, model: GPT, t: Training, machine: Machine) -> dict[str, float]:
        """Over the first `validation_windows` held-out examples."""
        count = min(len(self._held_out), t.validation_windows)
        if not count:
            return {}
        model.eval()
        first, stop = (count * of // machine.world for of in (machine.rank, machine.rank + 1))
        mine = range(count) if machine.sharded else range(first, stop)
        sums = torch.zeros(3, dtype=torch.float64)  # of losses, of their squares, of figures
        for s, outputs in evaluated(model, self.task, self._held_out, mine, t.at_once, machine):
            losses = self.task.losses(outputs, s).double().cpu()
            sums += torch.stack([losses.sum(), (losses**2).sum(), self.task.figures(outputs, s).double().sum().cpu()])
        if machine.sharded and machine.rank:
            sums.zero_()
        loss, squares, figure = (machine.add_up(sums.to(machine.device)) / count).tolist()
        model.train()
        figures = {"examples": loss, f"of_{self.task.figure}": figure}
        if count > 1:
            figures["stderr_examples"] = sqrt(max(0.0, squares - loss**2) / (count - 1))
        return figures


@torch.no_grad()
def evaluated(
    model: GPT, task: Task, examples: Examples, numbers: Sequence[int], rows: int, machine: Machine | None = None
) -> Any:
    """Of batches of `rows` examples of these numbers: their Sequences, and the head's outputs."""
    forward, device = Headed(model), model.tokens.weight.device
    for first in range(0, len(numbers), rows):
        streams: Mapping[str, Any] = examples.batch(numbers[first : first + rows])
        s = Sequences.of({name: torch.from_numpy(array).to(device) for name, array in streams.items()})

        def read(hidden: Tensor, head: nn.Linear, s: Sequences = s) -> Tensor:
            return task.read(hidden, head, s, None)

        with machine.autocast() if machine is not None else model.as_trained():
            _, outputs = forward(s.tokens, read=read)
        yield s, outputs
