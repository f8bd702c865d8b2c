"""log1p of word counts in fixed point, and what one word more adds to it; features.py sums it up over a text.

log1p(n) is kept with 16 binary places: LOGS holds it, rounded, for n < 4096 (no value is nearer than 10^-5 to a tie, so
that any log1p gives the same table). For larger n it is defined by the leading 12 bits: log1p(n >> k) + k log 2 with
n >> k in [2048, 4096), within 5 10^-4 of log1p(n). Integers throughout: no machine's bits differ.
"""

import math

import numpy as np
from numba import int64, types

from tasks.kernels.kernel import kernel

ONE = 1 << 16
BITS = 12
LOGS = np.rint(np.log1p(np.arange(1 << BITS)) * ONE).astype(np.int64)
LOG_2 = round(math.log(2) * ONE)
# What one more of a word adds to the logarithm, and to its square, by how many there were: from one line of the cache
GAINS = np.stack([np.diff(LOGS), np.diff(LOGS**2)], 1)
LARGEST = 22 * ONE  # above log1p(2^31)


def logs_of(counts: np.ndarray) -> np.ndarray:
    """log1p of counts (integers, 0 to 2^31) in fixed point, int64."""
    counts = counts.astype(np.int64)
    shift = np.maximum(np.frexp(counts.astype(np.float64))[1] - BITS, 0)  # frexp's exponent is the number of bits
    logs: np.ndarray = LOGS[counts >> shift] + shift * LOG_2
    return logs


@kernel(int64(int64))
def log_of(count):
    """`logs_of` of one count."""
    shift = 0
    while count >> shift >= 1 << BITS:
        shift += 1
    return LOGS[count >> shift] + shift * LOG_2


@kernel(types.UniTuple(int64, 2)(int64))
def gain(count):
    """What one word more than `count` adds to its logarithm, and to the square of that."""
    if count < len(GAINS):
        return GAINS[count, 0], GAINS[count, 1]
    before, after = log_of(count), log_of(count + 1)
    return after - before, after * after - before * before
