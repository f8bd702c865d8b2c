"""Letters and digits alone, as GPT-4's appendix C compares texts: white space, punctuation and symbols do not enter.

A unit is a code point, as it stands: "keeping only characters (including numbers)"; the paper folds no case. What is
a letter or digit, folds.py says: its classes up to ALONE, of a code point that folds to several the first one's.
"""

import numpy as np
from numba import int64, types, uint64

from tasks.kernels import folds
from tasks.kernels.folds import BLOCK, PARTS, VALUE
from tasks.kernels.kernel import kernel
from tasks.kernels.words import BYTES, decode, mix

_FILLED = types.Array(types.uint64, 1, "C")
_PLACED = types.Array(types.int64, 1, "C")

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_DROPPED = np.uint64(0)


def _ascii() -> np.ndarray:
    """uint64 (128,): the hash of an ASCII letter or digit; 0 for the others."""
    codes = [code if chr(code).isalnum() else None for code in range(128)]
    return np.array([0 if code is None else mix(np.uint64(code) + _GOLDEN) for code in codes], np.uint64)


_ASCII = _ascii()


@kernel(types.UniTuple(int64, 2)(BYTES, int64, int64, _FILLED, _PLACED, _PLACED))
def fill_letters(data, at, end, hashes, starts, stops):
    """Fill arrays with the letters and digits of data[at:end]: hash, first byte, byte after the last.

    Answers (how many, where to go on): fewer than the arrays hold only where the text ends.
    """
    count = 0
    while at < end and count < len(hashes):
        if data[at] < 128:
            h = _ASCII[data[at]]
            hashes[count] = h
            starts[count] = at
            at += 1
            stops[count] = at
            count += int64(h != _DROPPED)
            continue
        code, after = decode(data, at, end)
        value = int64(VALUE[(int64(BLOCK[code >> 7]) << 7) | (code & 127)])
        if value & 15 == folds.SEVERAL:
            value = int64(PARTS[(value >> 4) + 1])
        if value & 15 <= folds.ALONE:
            hashes[count] = mix(uint64(code) + _GOLDEN)
            starts[count] = at
            stops[count] = after
            count += 1
        at = after
    return count, at
