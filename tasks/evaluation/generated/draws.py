"""Draws for generators: item number n of a benchmark has the same draws whatever else is made, or in which order.

A draw is a hash of (seed, name of the generator, number, place), so a set of 10,000 items begins with the set of 2,000.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, TypeVar

import numpy as np

from tasks.kernels.draw import uniform

T = TypeVar("T")
Record = dict[str, Any]
BLOCK = 512  # numbers drawn at a time: one call of numpy costs as much as some hundred draws
# Draws in a row that were all made before, after which nothing new is expected: if one of 10,000 equally likely items
# were still to come, it would be missed with probability (1 - 1e-4)^1e5 = 5e-5.
PATIENCE = 100_000


def rows(seed: int, name: str, places: int) -> Iterator[list[float]]:
    """For number 0, 1, 2 ...: so many draws in [0, 1)."""
    for first in count(0, BLOCK):
        ids = [f"{name}:{number}:{place}" for number in range(first, first + BLOCK) for place in range(places)]
        yield from uniform(ids, seed, "generated").reshape(BLOCK, places).tolist()


def order(seed: int, name: str, of: Sequence[str]) -> list[int]:
    """Places 0 ... n - 1 in an order of chance that hangs on each text alone."""
    draws = uniform([f"{name}:{text}" for text in of], seed, "generated")
    return [int(place) for place in np.argsort(draws, kind="stable")]


def whole(draw: float, low: int, high: int) -> int:
    """A whole number in [low, high)."""
    return low + int(draw * (high - low))


def one_of(draw: float, of: Sequence[T]) -> T:
    return of[int(draw * len(of))]


def distinct(made: Iterator[Record | None], items: int) -> Iterator[Record]:
    """The first `items` different ones; None is a draw that gave no item.

    ValueError: nothing new came for PATIENCE draws.
    """
    seen: set[str] = set()
    missed = 0
    while len(seen) < items:
        record = next(made)
        key = repr(record)
        missed = missed + 1 if record is None or key in seen else 0
        if missed > PATIENCE:
            raise ValueError(f"there are only {len(seen):,} different ones, not {items:,}")
        if record is not None and not missed:
            seen.add(key)
            yield record
