"""Randomness of the sample: every draw is a hash of the seed and of the item's own name.

No draw depends on the order in which items are made, so worker counts and sizes change nothing.
"""

import hashlib
import random
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def number(seed: int, *names: object) -> int:
    """64 bits that depend on the seed and the names alone."""
    key = "\x1f".join([str(seed), *(str(name) for name in names)])
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")


def uniform(seed: int, *names: object) -> float:
    """A float in [0, 1) that depends on the seed and the names alone."""
    return (number(seed, *names) >> 11) / 2**53


def dice(seed: int, *names: object) -> random.Random:
    """A generator of an item's own, for items that need many draws."""
    return random.Random(number(seed, *names))


def shuffled(items: Iterable[T], names: Sequence[str], seed: int, purpose: str) -> list[T]:
    """The items in the order of their names' hashes; equal names would tie, so names must differ."""
    keyed = sorted(
        zip((number(seed, purpose, name) for name in names), names, items, strict=True), key=lambda row: row[:2]
    )
    return [item for _, _, item in keyed]
