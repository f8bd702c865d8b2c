"""log1p of word counts in fixed point, and the sums that a linear classifier over them needs.

log1p(n) is kept with 16 binary places: LOGS holds it, rounded, for n < 4096 (no value is nearer than 10^-5 to a tie, so
that any log1p gives the same table). For larger n it is defined by the leading 12 bits: log1p(n >> k) + k log 2 with
n >> k in [2048, 4096), within 5 10^-4 of log1p(n). Integers throughout: no machine's bits differ.
"""

import math

import numpy as np
import pyarrow as pa
from numba import int64, njit, types

from tasks.kernels.buffers import buffers
from tasks.kernels.features import EMPTY, _feature
from tasks.kernels.words import BYTES, PLACES, SIGMA_MEMO, next_token

ONE = 1 << 16
BITS = 12
LOGS = np.rint(np.log1p(np.arange(1 << BITS)) * ONE).astype(np.int64)
LOG_2 = round(math.log(2) * ONE)
LARGEST = 22 * ONE  # above log1p(2^31)

_SUMS = types.Array(types.int64, 1, "C")
_SEEN = types.Array(types.int32, 2, "C")


def logs_of(counts: np.ndarray) -> np.ndarray:
    """log1p of counts (integers, 0 to 2^31) in fixed point, int64."""
    counts = counts.astype(np.int64)
    shift = np.maximum(np.frexp(counts.astype(np.float64))[1] - BITS, 0)  # frexp's exponent is the number of bits
    logs: np.ndarray = LOGS[counts >> shift] + shift * LOG_2
    return logs


@njit(int64(int64), cache=True, nogil=True)
def _log(count):
    """`logs_of` of one count."""
    shift = 0
    while count >> shift >= 1 << BITS:
        shift += 1
    return LOGS[count >> shift] + shift * LOG_2


@njit(types.void(BYTES, PLACES, PLACES, PLACES, _SEEN, _SUMS, _SUMS), cache=True, nogil=True)
def _weigh_logs(data, starts, ends, weights, seen, sums, squares):
    features = len(weights)
    memo = np.zeros(SIGMA_MEMO, np.int64)
    empty = _feature(EMPTY, features)
    for row in range(len(starts)):
        at, end = starts[row], ends[row]
        memo[0] = at
        total = square = int64(0)
        waiting, empties = 0, int(at == end)
        while at < end:
            hashed, nothing, at = next_token(data, at, end, memo)
            if nothing:
                waiting += 1
            else:
                empties += waiting
                waiting = 0
                feature = _feature(hashed, features)
                # seen: the last row that had the feature, and how often it had it
                if seen[feature, 0] != row:
                    seen[feature, 0] = row
                    seen[feature, 1] = 0
                count = int64(seen[feature, 1])
                before, after = _log(count), _log(count + 1)
                total += weights[feature] * (after - before)
                square += after * after - before * before
                seen[feature, 1] = count + 1
            at += 1
        once = int64(seen[empty, 1]) if seen[empty, 0] == row else int64(0)
        before, after = _log(once), _log(once + empties)
        sums[row] = total + weights[empty] * (after - before)
        squares[row] = square + after * after - before * before


def weighted_logs(text: pa.Array | pa.ChunkedArray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(sums, squares), int64 (rows,): log1p of the row's term frequencies times their weights, and times themselves.

    weights: int64, one per feature, fixed point of the caller's choice. Exact sums of fixed-point logarithms, as
    `logs_of` gives them for what `term_frequencies` counts. Squares fit 63 bits for any row below 2^31 words; of the
    sums the caller sees to it (sum |weights| < 2^42 will do). ValueError for weights of another type.
    """
    if weights.dtype != np.int64 or weights.ndim != 1 or len(weights) == 0:
        raise ValueError(f"weights must be int64 of one dimension, not {weights.dtype} of shape {weights.shape}.")
    data, starts, ends = buffers(text)
    sums, squares = np.empty(len(starts), np.int64), np.empty(len(starts), np.int64)
    seen = np.full((len(weights), 2), -1, np.int32)
    _weigh_logs(data, starts, ends, np.ascontiguousarray(weights), seen, sums, squares)
    return sums, squares
