"""log1p of word counts in fixed point, and the sums that a linear classifier over them needs.

log1p(n) is kept with 16 binary places: LOGS holds it, rounded, for n < 4096 (no value is nearer than 10^-5 to a tie, so
that any log1p gives the same table). For larger n it is defined by the leading 12 bits: log1p(n >> k) + k log 2 with
n >> k in [2048, 4096), within 5 10^-4 of log1p(n). Integers throughout: no machine's bits differ.
"""

import math

import numpy as np
import pyarrow as pa
from numba import int64, types, uint64

from tasks.kernels.buffers import buffers
from tasks.kernels.features import EMPTY, MARKED, feature_of, find_features, marked
from tasks.kernels.kernel import kernel
from tasks.kernels.tokens import CHUNK, fill_tokens, token_room
from tasks.kernels.words import BYTES, PLACES, SIGMA_MEMO

ONE = 1 << 16
BITS = 12
LOGS = np.rint(np.log1p(np.arange(1 << BITS)) * ONE).astype(np.int64)
LOG_2 = round(math.log(2) * ONE)
# What one more of a word adds to the logarithm, and to its square, by how many there were: from one line of the cache
GAINS = np.stack([np.diff(LOGS), np.diff(LOGS**2)], 1)
LARGEST = 22 * ONE  # above log1p(2^31)

_SUMS = types.Array(types.int64, 1, "C")


def logs_of(counts: np.ndarray) -> np.ndarray:
    """log1p of counts (integers, 0 to 2^31) in fixed point, int64."""
    counts = counts.astype(np.int64)
    shift = np.maximum(np.frexp(counts.astype(np.float64))[1] - BITS, 0)  # frexp's exponent is the number of bits
    logs: np.ndarray = LOGS[counts >> shift] + shift * LOG_2
    return logs


@kernel(int64(int64))
def _log(count):
    """`logs_of` of one count."""
    shift = 0
    while count >> shift >= 1 << BITS:
        shift += 1
    return LOGS[count >> shift] + shift * LOG_2


@kernel(types.void(BYTES, PLACES, PLACES, MARKED, _SUMS, _SUMS))
def _weigh_logs(data, starts, ends, table, sums, squares):
    features = len(table)
    memo = np.zeros(SIGMA_MEMO, np.int64)
    low, masks, hashes = token_room()
    places = np.empty(CHUNK, np.int64)
    empty = feature_of(EMPTY, features)
    for row in range(len(starts)):
        at, end = starts[row], ends[row]
        memo[0] = at
        none = (row + 1) << 32  # the mark of a feature that the row has not had
        total = square = int64(0)
        waiting, empties = 0, int(at == end)
        while at < end:
            found, nothing, waiting, at = fill_tokens(data, at, end, memo, waiting, low, masks, hashes)
            empties += nothing
            find_features(hashes, found, table, places)
            for i in range(found):
                feature = uint64(places[i])
                mark = max(table[feature, 1], none)
                table[feature, 1] = mark + 1
                count = mark - none
                if count < len(GAINS):
                    total += table[feature, 0] * GAINS[count, 0]
                    square += GAINS[count, 1]
                else:
                    before, after = _log(count), _log(count + 1)
                    total += table[feature, 0] * (after - before)
                    square += after * after - before * before
        once = max(table[empty, 1], none) - none
        before, after = _log(once), _log(once + empties)
        sums[row] = total + table[empty, 0] * (after - before)
        squares[row] = square + after * after - before * before


def weighted_logs(text: pa.Array | pa.ChunkedArray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(sums, squares), int64 (rows,): log1p of the row's term frequencies times their weights, and times themselves.

    weights: int64, one per feature, fixed point of the caller's choice. Exact sums of fixed-point logarithms, as
    `logs_of` gives them for what `term_frequencies` counts. Squares fit 63 bits for any row below 2^31 words; of the
    sums the caller sees to it (sum |weights| < 2^42 will do). ValueError for weights of another type.
    """
    data, starts, ends = buffers(text)
    sums, squares = np.empty(len(starts), np.int64), np.empty(len(starts), np.int64)
    _weigh_logs(data, starts, ends, marked(weights), sums, squares)
    return sums, squares
