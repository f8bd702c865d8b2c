"""Hashes of every window of a sequence, as differences of running sums; words, letters, any 64-bit hashes in order.

sums[i] is the polynomial h[0] * R^(i-1) + ... + h[i-1] modulo 2^64; a window of n from i is
sums[i + n] - sums[i] * R^n, whatever the n, so that shingles, grams of several lengths and the whole of a row have one
pass of sums between them.
"""

import numpy as np
from numba import int64, types, uint64

from tasks.kernels.kernel import kernel

HASHES = types.Array(types.uint64, 1, "C")
READ = types.Array(types.uint64, 1, "C", readonly=True)

_ROLL = np.uint64(0x8CB92BA72F3D8DD7)  # R
_TWICE = np.uint64(int(_ROLL) ** 2 & 0xFFFFFFFFFFFFFFFF)
_ONE, _ZERO = np.uint64(1), np.uint64(0)


@kernel(types.void(READ, int64, HASHES))
def add_up(hashes, count, sums):
    """Fill sums[:count + 1] for hashes[:count]."""
    rolled = _ZERO
    sums[0] = rolled
    pairs = count & ~1
    for i in range(0, pairs, 2):  # two a turn, for the turn's multiplication is what the next one waits for
        first, second = hashes[i], hashes[i + 1]
        sums[i + 1] = rolled * _ROLL + first
        rolled = rolled * _TWICE + (first * _ROLL + second)
        sums[i + 2] = rolled
    if pairs < count:
        sums[count] = rolled * _ROLL + hashes[pairs]


@kernel(uint64(int64))
def power(n):
    """R^n: what stands before a window of n was multiplied by."""
    product, square = _ONE, _ROLL
    while n:
        if n & 1:
            product *= square
        square *= square
        n >>= 1
    return product


@kernel(uint64(uint64, READ, int64, int64))
def go_on(total, sums, first, count):
    """The sum of all before and of hashes[first:count], whose sums these are; `total` that of all before."""
    step = power(count - first)
    return total * step + (sums[count] - sums[first] * step)
