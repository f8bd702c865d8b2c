"""What a rule of contamination is, and what it reads: the benchmarks' items, and training text in blocks.

A rule looks for parts (grams, bits of a filter, substrings) in text. What it met is one boolean a part, so that what
was met in two texts is the OR of both, in any order, and every rule is merged over files and workers alike.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from tasks.evaluation.sought import words_of

CLEAN, DIRTY, UNCHECKABLE = STATES = ("clean", "dirty", "uncheckable")


class Items(NamedTuple):
    """A benchmark's items: their ids, and their texts as UTF-8."""

    ids: list[str]
    texts: list[bytes]


class Verdict(NamedTuple):
    """Of one item: its state, how many grams or substrings of it were looked for, and how many of them were found."""

    state: str
    sought: int
    found: int


class Block:
    """Training text, whole documents; its words are made once for all rules that want them."""

    def __init__(self, text: bytes):
        self.text = text

    @cached_property
    def words(self) -> pa.Array:
        """Binary, each with the blank behind it."""
        return words_of(self.text)


class Rule(Protocol):
    """A paper's rule over the items of some benchmarks."""

    def nothing(self) -> np.ndarray:
        """bool (parts,): what was met in no text at all."""
        ...

    def look(self, block: Block, met: np.ndarray) -> None:
        """Sets in `met` the parts that stand in the block."""
        ...

    def size(self, benchmark: str) -> int:
        """Units (words, characters) of what is looked for."""
        ...

    def verdicts(self, benchmark: str, met: np.ndarray) -> list[Verdict]:
        """Of each item of a benchmark, in its order."""
        ...


Benchmarks = Mapping[str, Items]
