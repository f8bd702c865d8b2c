"""What the loop reads: batch i as a pure function of an index, whatever the rows hold.

A row is a piece of training with aligned streams, arrays of one shape: `tokens` always; what else an objective reads
has a name of its own. Rows have numbers, 0 ... total - 1, in the order of the training. Nothing is state: to resume
takes one integer, and ranks and micro-batches only divide the sequence.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import Tensor

from model.machine import Machine


class Group(Protocol):
    """Rows under one name, whose loss is told apart."""

    @property
    def name(self) -> str: ...


class Data(Protocol):
    """Rows by number; model.windows.Windows is the one of pretraining."""

    @property
    def context(self) -> int:
        """Tokens that a row trains on: the unit of budgets and schedules."""

    @property
    def groups(self) -> Sequence[Group]: ...

    def read(self, start: int, stop: int) -> tuple[Mapping[str, NDArray[Any]], NDArray[Any]]:
        """Rows start ... stop - 1: streams, (B, ...) each, and each row's group, (B,)."""


@dataclass(frozen=True)
class Batch:
    """A micro-batch of B rows on the device."""

    first: int  # number of its first row: what randomness is drawn by
    rows: int  # from there on; more, in the streams, only fill the shape
    last: bool  # of this rank's in the update
    streams: Mapping[str, Tensor]  # (B, ...) each
    groups: Tensor  # (B,) int64
    weight: Tensor  # (B,) float32: 1, or 0 for a row that only fills the shape


def micro_batches(data: Data, start: int, stop: int, size: int, machine: Machine) -> Iterator[Batch]:
    """This rank's share of rows start ... stop - 1, in as few parts of at most `size` as it takes, divided evenly.

    A rank without a share goes through one row at weight 0, since all ranks must meet in the all-reduce. Compiled,
    parts that are a row shorter than the others are filled with one of weight 0: one shape for the compiler. On a GPU,
    the next one is read while the device computes.
    """
    rank, world, rows = machine.rank, machine.world, stop - start
    first, end = start + rows * rank // world, start + rows * (rank + 1) // world
    weight = 1.0 if end > first else 0.0
    end = max(end, first + 1)
    parts = -(-(end - first) // size)
    longer = -(-(end - first) // parts)  # rows of the first parts; the others have one less
    number = first
    for part in range(parts):
        beyond = number + -(-(end - number) // (parts - part))
        arrays, groups = data.read(number, beyond)
        taken = torch.arange(len(groups))
        weights = torch.full((len(groups),), weight)
        if machine.compiled and len(groups) < longer:
            taken, weights = torch.cat([taken, taken[:1]]), torch.cat([weights, weights.new_zeros(1)])
        yield Batch(
            first=number,
            rows=len(groups),
            last=beyond == end,
            streams={name: _moved(torch.from_numpy(array)[taken], machine) for name, array in arrays.items()},
            groups=_moved(torch.from_numpy(groups)[taken], machine),
            weight=_moved(weights, machine),
        )
        number = beyond


def _moved(tensor: Tensor, machine: Machine) -> Tensor:
    return tensor.pin_memory().to(machine.device, non_blocking=True) if machine.cuda else tensor
