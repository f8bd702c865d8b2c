"""What the scan of `clean` (clean.py) asks of a character, bit by bit. Without numba, for who makes the table."""

from typing import NamedTuple

import numpy as np

ACTION = 3  # a mask: what tidying does with it; 0: it stays
GONE, BREAK, SPACE = 1, 2, 3
SUSPECT = 4  # its line may need mending, whatever stands beside it
LOOK = 8  # an ampersand: it depends on what follows
RARE = 16  # tidying it may make of a text one that needs mending
# Two characters side by side are suspicious where the one's FIRST & the other's SECOND has one of four bits.
FIRST, SECOND = 8, 12  # shifts
PAIR = 15
CAPITAL = 4  # of these four, the one that every SECOND has but an ASCII letter
JOINS = 8  # NFC may make one character of the two; any ASCII character is taken for such a first
CLASS = 16  # shift of the canonical combining class, 8 bits


class Table(NamedTuple):
    """A code point's kind is kinds[(blocks[code >> 7] << 7) | (code & 127)]; blocks uint16 (8704,), kinds uint32.

    The first 128 kinds are ASCII's, in which FIRST and SECOND are 0; what is only copied has kind 0 there.
    """

    blocks: np.ndarray
    kinds: np.ndarray
