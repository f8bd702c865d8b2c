"""The quality classifier's features: word counts as Spark's Tokenizer and HashingTF make them (GPT-3, appendix A).

Equal to Spark 4 on Java 17 for every text (another Java may know more code points): tests/kernels/test_spark.py.
"""

import numpy as np
import pyarrow as pa
from numba import boolean, int64, types, uint32, uint64

from tasks.kernels.buffers import buffers
from tasks.kernels.kernel import kernel
from tasks.kernels.lanes import prefetch
from tasks.kernels.log_counts import gain, log_of
from tasks.kernels.tokens import CHUNK, HASHES, fill_tokens, token_room
from tasks.kernels.words import BYTES, PLACES, SIGMA_MEMO

_KEYS = types.Array(types.int64, 1, "C")
_MARKED = types.Array(types.int64, 2, "C")  # see `_marked`

EMPTY = 0x087FCD5C  # the empty token's hash: murmur3_x86_32 of no bytes with seed 42


@kernel(int64(uint32, int64))
def feature_of(hashed, features):
    """HashingTF.indexOf: the hash as a signed 32-bit number, modulo `features`, never negative."""
    h = int64(hashed)
    if features & (features - 1) == 0:
        return h & (features - 1)
    if h >= 1 << 31:
        h -= 1 << 32
    return h % features


@kernel(types.Tuple((_KEYS, _KEYS))(BYTES, PLACES, PLACES, int64))
def _tokens(data, starts, ends, features):
    """(keys, empties): row * features + feature for every token, in the text's order; but a row's empty
    tokens make one key, and are counted in `empties`."""
    keys = np.empty(2 * CHUNK, np.int64)
    empties = np.zeros(len(starts), np.int64)
    memo = np.zeros(SIGMA_MEMO, np.int64)
    low, masks, hashes = token_room()
    empty = feature_of(EMPTY, features)
    used = 0
    for row in range(len(starts)):
        at, end = starts[row], ends[row]
        memo[0] = at
        base = row * features
        waiting = 0
        empties[row] = int(at == end)  # Java: "" has one word, and " " none
        while True:
            if used + CHUNK + 1 > len(keys):
                more = np.empty(2 * len(keys), np.int64)
                for i in range(used):
                    more[i] = keys[i]
                keys = more
            if at >= end:
                break
            found, before, waiting, at = fill_tokens(data, at, end, memo, waiting, low, masks, hashes)
            empties[row] += before
            for i in range(found):
                keys[used + i] = base + feature_of(hashes[i], features)
            used += found
        if empties[row]:
            keys[used] = base + empty
            used += 1
    return keys[:used].copy(), empties


@kernel(types.void(HASHES, int64, _MARKED, _KEYS))
def _find_features(hashes, found, table, places):
    """The features of hashes[:found] into `places`, with their lines of the table asked for."""
    features = len(table)
    for i in range(found):
        places[i] = feature_of(hashes[i], features)
        prefetch(table, 2 * places[i])


@kernel(types.void(BYTES, PLACES, PLACES, _MARKED, boolean, _KEYS, _KEYS))
def _weigh(data, starts, ends, table, logs, sums, squares):
    """`logs`: of log1p of the term frequencies (log_counts.py), not of these themselves."""
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
            found, before, waiting, at = fill_tokens(data, at, end, memo, waiting, low, masks, hashes)
            empties += before
            _find_features(hashes, found, table, places)
            if logs:
                for i in range(found):
                    feature = uint64(places[i])
                    mark = max(table[feature, 1], none)
                    table[feature, 1] = mark + 1
                    more, wider = gain(mark - none)
                    total += table[feature, 0] * more
                    square += wider
                continue
            seen = int64(0)
            for i in range(found):
                feature = uint64(places[i])
                mark = max(table[feature, 1], none)
                table[feature, 1] = mark + 1
                total += table[feature, 0]
                seen += mark - none
            square += 2 * seen + found  # (n + 1)^2 - n^2 = 2 n + 1 for each
        once = max(table[empty, 1], none) - none
        before, after = (log_of(once), log_of(once + empties)) if logs else (once, once + empties)
        sums[row] = total + table[empty, 0] * (after - before)
        squares[row] = square + after * after - before * before


def term_frequencies(
    text: pa.Array | pa.ChunkedArray, features: int = 1 << 18
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(indptr int64, indices int32, counts int32): a row's features in ascending order with how often each
    occurs, as a CSR matrix. ValueError unless 0 < features < 2**31."""
    if not 0 < features < 1 << 31:
        raise ValueError(f"features is {features}; it must be from 1 to 2**31 - 1 (Spark's default is 2**18).")
    data, starts, ends = buffers(text)
    keys, empties = _tokens(data, starts, ends, features)
    keys.sort()
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.diff(first, append=len(keys))
    keys = keys[first]
    many = np.flatnonzero(empties > 1)  # one of them is in the key
    if len(many):
        empty = feature_of(EMPTY, features)
        counts[np.searchsorted(keys, many * features + empty)] += empties[many] - 1
    indptr = np.searchsorted(keys, np.arange(len(starts) + 1, dtype=np.int64) * features)
    return indptr.astype(np.int64), (keys % features).astype(np.int32), counts.astype(np.int32)


def _marked(weights: np.ndarray) -> np.ndarray:
    """int64 (features, 2): the weights, and beside each a mark, so that both come with one miss of the cache.

    In a mark's upper half is the last row that had the feature (from 1 on), in its lower half how often it had it.
    ValueError for weights that are not int64 of one dimension.
    """
    if weights.dtype != np.int64 or weights.ndim != 1 or len(weights) == 0:
        raise ValueError(f"weights must be int64 of one dimension, not {weights.dtype} of shape {weights.shape}.")
    table = np.zeros((len(weights), 2), np.int64)
    table[:, 0] = weights
    return table


def weighted_sums(text: pa.Array | pa.ChunkedArray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(sums, squares), int64 (rows,): the row's term frequencies times their weights, and times themselves.

    weights: int64, one per feature, fixed point of the caller's choice. Exact sums, so neither order nor machine
    shows; the caller sees to it that they fit 63 bits. ValueError for weights of another type.
    """
    return _weighed(text, weights, False)


def weighted_logs(text: pa.Array | pa.ChunkedArray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same of log1p of the row's term frequencies, in fixed point, as `logs_of` gives them of `term_frequencies`.

    Squares fit 63 bits for any row below 2^31 words; of the sums the caller sees to it (sum |weights| < 2^42 will do).
    """
    return _weighed(text, weights, True)


def _weighed(text: pa.Array | pa.ChunkedArray, weights: np.ndarray, logs: bool) -> tuple[np.ndarray, np.ndarray]:
    data, starts, ends = buffers(text)
    sums, squares = np.empty(len(starts), np.int64), np.empty(len(starts), np.int64)
    _weigh(data, starts, ends, _marked(weights), logs, sums, squares)
    return sums, squares
