"""Randomness by document: a number from (seed, purpose, id), whatever the order or number of workers. numpy only.

The hash: state = mix(mix(seed) + the purpose's bytes, absorbed) and then the id's, eight bytes at a time
(little-endian, the last filled up with zeros), each absorbed as state = mix((state ^ word) + 0x9E3779B97F4A7C15);
text is preceded by its length in bytes, absorbed alike. mix is splitmix64's finaliser. The draw is the upper
53 bits times 2**-53. The whole id enters: source, hexadecimal digits and "#k", if it has one.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tasks.kernels.buffers import buffers

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_CHUNK = 1 << 16  # ids at a time


def _mix(h: np.ndarray) -> np.ndarray:
    """words.mix for arrays, written again: words.py loads numba and its compiled scans, which draws do without."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


def _absorb(state: np.ndarray, words: np.ndarray) -> np.ndarray:
    return _mix((state ^ words) + _GOLDEN)


def _start(seed: int, purpose: str) -> np.ndarray:
    """uint64 (1,): an array, for numpy warns when a scalar wraps round."""
    content = purpose.encode()
    state = _mix(np.array([seed & (1 << 64) - 1], np.uint64))
    state = _absorb(state, np.array([len(content)], np.uint64))
    for word in np.frombuffer(content + bytes(-len(content) % 8), "<u8"):
        state = _absorb(state, word.reshape(1).astype(np.uint64))
    return state


def _hash(data: np.ndarray, starts: np.ndarray, sizes: np.ndarray, state: np.ndarray) -> np.ndarray:
    hashes = _absorb(np.repeat(state, len(starts)), sizes.astype(np.uint64))
    for at in range(0, int(sizes.max(initial=0)), 8):
        rows = np.flatnonzero(sizes > at)
        places = starts[rows, None] + np.arange(at, at + 8)
        inside = places < (starts[rows] + sizes[rows])[:, None]
        eight = np.where(inside, data[np.minimum(places, len(data) - 1)], np.uint8(0))
        hashes[rows] = _absorb(hashes[rows], np.ascontiguousarray(eight).view("<u8")[:, 0].astype(np.uint64))
    return hashes


def uniform(ids: pa.Array | pa.ChunkedArray | Sequence[str], seed: int, purpose: str) -> np.ndarray:
    """float64 (n,) in [0, 1): the draw of each id. `purpose` is the stage's name, so that stages draw apart.

    ValueError for a null: every document has an id.
    """
    column = ids if isinstance(ids, pa.Array | pa.ChunkedArray) else pa.array(ids, pa.large_string())
    if column.null_count:
        raise ValueError(f"{column.null_count} of {len(column)} ids are null; a draw is made from an id.")
    data, starts, ends = buffers(column)
    state = _start(seed, purpose)
    hashes = np.empty(len(starts), np.uint64)
    for at in range(0, len(starts), _CHUNK):
        part = slice(at, at + _CHUNK)
        hashes[part] = _hash(data, starts[part], ends[part] - starts[part], state)
    return (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53
