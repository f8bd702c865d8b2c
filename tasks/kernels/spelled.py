"""Spark's tokens of given features, as they stand in the text: what a hash has forgotten."""

import numpy as np
import pyarrow as pa
from numba import int64, njit, types

from tasks.kernels.buffers import buffers
from tasks.kernels.features import EMPTY, feature_of
from tasks.kernels.words import BYTES, PLACES, SIGMA_MEMO, next_token

_FEATURES = types.Array(types.int64, 1, "C")
_BYTES = types.Array(types.uint8, 1, "C")
_WANTED = types.Array(types.boolean, 1, "C", readonly=True)

LONGEST = 64  # bytes: a longer token is nothing that one would read


@njit(
    types.Tuple((_FEATURES, _FEATURES, _BYTES))(BYTES, PLACES, PLACES, _WANTED, int64), cache=True, nogil=True
)  # fmt: skip
def _spell(data, starts, ends, wanted, longest):
    """(features, offsets, letters), in the text's order: token n is letters[offsets[n]:offsets[n + 1]]."""
    found = np.empty(1024, np.int64)
    offsets = np.zeros(1025, np.int64)
    letters = np.empty(1024 * longest, np.uint8)
    empty = feature_of(EMPTY, len(wanted))
    memo = np.zeros(SIGMA_MEMO, np.int64)
    used = 0
    for row in range(len(starts)):
        at, end = starts[row], ends[row]
        memo[0] = at
        waiting = 0  # empty tokens, which count where another follows
        while at < end:
            start = at
            hashed, nothing, at = next_token(data, at, end, memo)
            size = at - start
            at += 1
            if nothing:
                waiting += wanted[empty]
                continue
            feature = feature_of(hashed, len(wanted))
            told = size <= longest and wanted[feature]
            while used + waiting + told > len(found):
                room = 2 * len(found)
                more = np.empty(room, np.int64)
                more[:used] = found[:used]
                found = more
                further = np.zeros(room + 1, np.int64)
                further[: used + 1] = offsets[: used + 1]
                offsets = further
                longer = np.empty(room * longest, np.uint8)
                longer[: offsets[used]] = letters[: offsets[used]]
                letters = longer
            for _ in range(waiting):
                found[used] = empty
                offsets[used + 1] = offsets[used]
                used += 1
            waiting = 0
            if told:
                found[used] = feature
                to = offsets[used]
                letters[to : to + size] = data[start : start + size]
                offsets[used + 1] = to + size
                used += 1
    return found[:used].copy(), offsets[: used + 1].copy(), letters[: offsets[used]].copy()


def spelled(text: pa.Array | pa.ChunkedArray, wanted: np.ndarray) -> pa.Table:
    """Columns feature (int64) and token (large_binary): every token whose feature is wanted, but long ones.

    wanted: bool, one per feature. Tokens are as in the text, not lower-cased; of more than 64 bytes they are left out.
    """
    data, starts, ends = buffers(text)
    features, offsets, letters = _spell(data, starts, ends, np.ascontiguousarray(wanted), LONGEST)
    tokens = pa.Array.from_buffers(
        pa.large_binary(), len(features), [None, pa.py_buffer(offsets), pa.py_buffer(letters)]
    )
    return pa.table({"feature": features, "token": tokens})
