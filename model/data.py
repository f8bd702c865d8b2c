"""What the loop reads: batch i as a pure function of an index, whatever the rows hold.

A row is a piece of training, a window or an example, with streams, arrays with a place a row: `tokens` always; what
else an objective reads has a name of its own. Rows have numbers, 0 ... total - 1, in the order of the training.
Nothing is state: to resume takes one integer, and ranks and micro-batches only divide the sequence.
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
    def unit(self) -> str:
        """What budgets and schedules count, as metrics.jsonl names it: tokens or examples."""

    @property
    def context(self) -> int:
        """How many of them a row is: the tokens that it trains on, or 1."""

    @property
    def groups(self) -> Sequence[Group]: ...

    def where(self, i: int) -> tuple[int, int, int]:
        """Row i: its group, how often the group's rows have all been read before, and its place among them."""

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


def divided(rows: int, size: int, world: int) -> tuple[int, int]:
    """How many micro-batches of at most `size` rows an update of `rows` takes on a rank, and the longest one's."""
    most = -(-rows // world)
    count = -(-most // size)
    return count, -(-most // count)


def micro_batches(data: Data, start: int, stop: int, size: int, machine: Machine) -> Iterator[Batch]:
    """This rank's share of rows start ... stop - 1, in as few parts of at most `size` as it takes, divided evenly.

    All ranks have as many parts, since they meet in each of a divided model; one that has too few rows goes through one
    at weight 0. Compiled, parts that are a row or two shorter than others are filled with rows of weight 0: one shape
    for the compiler. On a GPU, the next one is read while the device computes.
    """
    rank, world, rows = machine.rank, machine.world, stop - start
    number, end = start + rows * rank // world, start + rows * (rank + 1) // world
    count, longest = divided(rows, size, world)
    for part in range(count):
        weighed = -(-(end - number) // (count - part))  # the first parts have a row more than the last ones
        first = number if weighed else min(number, stop - 1)
        arrays, groups = data.read(first, first + max(weighed, 1))
        taken = torch.arange(len(groups))
        weights = torch.full((len(groups),), float(weighed > 0))
        if machine.compiled and (missing := longest - len(groups)):
            taken, weights = (
                torch.cat([taken, taken.new_zeros(missing)]),
                torch.cat([weights, weights.new_zeros(missing)]),
            )
        yield Batch(
            first=first,
            rows=len(groups),
            last=part == count - 1,
            streams={name: _moved(torch.from_numpy(array)[taken], machine) for name, array in arrays.items()},
            groups=_moved(torch.from_numpy(groups)[taken], machine),
            weight=_moved(weights, machine),
        )
        number += weighed


def _moved(tensor: Tensor, machine: Machine) -> Tensor:
    return tensor.pin_memory().to(machine.device, non_blocking=True) if machine.cuda else tensor
