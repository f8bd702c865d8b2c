"""MinHash signatures of a text column, over shingles of its words (docs/words.md).

The scheme is datasketch 2's "affine32": a shingle's 32-bit hash h goes through murmur3's finaliser, then
each permutation is a*h + b modulo 2**32 with odd a, and the signature holds each one's least value. With the
same `seed` and the hashes of `shingle_hashes`, datasketch.MinHash(scheme="affine32") has the same hashvalues.
"""

import numpy as np
import pyarrow as pa
from numba import int64, njit, types, uint32, uint64

from tasks.kernels.buffers import buffers
from tasks.kernels.words import BYTES, MOST_WORDS, PLACES, fill_words, mix

NONE = 0xFFFFFFFF  # all of a signature without shingles (datasketch's empty MinHash)

_WORDS32 = types.Array(types.uint32, 1, "C")
_TABLE32 = types.Array(types.uint32, 2, "C")
_TABLE64 = types.Array(types.uint64, 2, "C")
_COUNTS = types.Array(types.int64, 1, "C")

_BLOCK = 512  # shingles hashed before the permutations look at them: they stay in the first cache
_ROLL, _BYTE = np.uint64(0x9FB21C651E98DF25), np.uint64(0x8CB92BA72F3D8DD7)
_ONE, _ZERO, _HIGH = np.uint64(1), np.uint64(0), np.uint64(32)
_SEED_A, _SEED_B = np.uint64(0x452821E638D01377), np.uint64(0xBE5466CF34E90C6C)  # pi's digits


@njit(types.void(_WORDS32, int64, _WORDS32, _WORDS32, _WORDS32), cache=True, nogil=True)
def _permute(hashes, used, a, b, signature):
    """Lower the signature to the least of each permutation over hashes[:used]."""
    for i in range(used):
        h = hashes[i]
        h = uint32(uint32(h ^ (h >> 16)) * uint32(0x85EBCA6B))
        h = uint32(uint32(h ^ (h >> 13)) * uint32(0xC2B2AE35))
        hashes[i] = uint32(h ^ (h >> 16))
    for p in range(len(signature)):
        scale, shift, least = a[p], b[p], signature[p]
        for i in range(used):
            least = min(least, uint32(scale * hashes[i] + shift))
        signature[p] = least


@njit(
    types.void(BYTES, PLACES, PLACES, int64, _WORDS32, _WORDS32, _TABLE32, _COUNTS, _TABLE64),
    cache=True, nogil=True,
)  # fmt: skip
def _signatures(data, starts, ends, shingle, a, b, out, shingles, exact):
    hashes = np.empty(_BLOCK, np.uint32)
    window = np.empty(shingle, np.uint64)
    found = np.empty(_BLOCK + MOST_WORDS, np.uint64)
    places, stops = np.empty(len(found), np.int64), np.empty(len(found), np.int64)
    leaving = _ONE  # _ROLL ** shingle: what the word that leaves the window was multiplied by
    for _ in range(shingle):
        leaving *= _ROLL
    for row in range(len(starts)):
        at, end = starts[row], ends[row]
        words, used, place = 0, 0, 0
        rolled, chained, chain = _ZERO, _SEED_A, _SEED_B
        while at < end:
            count, at, chain = fill_words(data, at, end, found, places, stops, chain)
            for i in range(count):
                h = found[i]
                chained = mix(chained ^ h) * _ROLL
                rolled = rolled * _ROLL + h
                if words >= shingle:
                    rolled -= window[place] * leaving
                window[place] = h
                place += 1
                if place == shingle:
                    place = 0
                words += 1
                if words >= shingle:
                    hashes[used] = uint32(mix(rolled) >> _HIGH)
                    used += 1
                    if used == _BLOCK:
                        _permute(hashes, used, a, b, out[row])
                        used = 0
        _permute(hashes, used, a, b, out[row])
        shingles[row] = max(0, words - shingle + 1)
        if words == 0:  # nothing to compare by: a copy of it has the same bytes
            for i in range(starts[row], end):
                chained = mix(chained ^ uint64(data[i])) * _ROLL
                chain = mix(chain ^ uint64(data[i])) * _BYTE
        exact[row, 0] = mix(chained ^ uint64(words))
        exact[row, 1] = mix(chain)


@njit(_WORDS32(BYTES, int64, int64, int64), cache=True, nogil=True)
def _shingle_hashes(data, at, end, shingle):
    window = np.zeros(shingle, np.uint64)
    out = np.empty(64, np.uint32)
    found = np.empty(_BLOCK + MOST_WORDS, np.uint64)
    places, stops = np.empty(len(found), np.int64), np.empty(len(found), np.int64)
    words, used = 0, 0
    while at < end:
        count, at, _ = fill_words(data, at, end, found, places, stops, _ZERO)
        for k in range(count):
            window[words % shingle] = found[k]
            words += 1
            if words >= shingle:
                rolled = _ZERO
                for i in range(words, words + shingle):
                    rolled = rolled * _ROLL + window[i % shingle]
                if used == len(out):
                    more = np.empty(2 * used, np.uint32)
                    more[:used] = out
                    out = more
                out[used] = uint32(mix(rolled) >> _HIGH)
                used += 1
    return out[:used].copy()


@njit(types.void(types.Array(types.uint32, 2, "C", readonly=True), int64, int64, types.Array(types.int64, 2, "C")),
      cache=True, nogil=True)  # fmt: skip
def _bands(signatures, bands, rows, out):
    for i in range(len(signatures)):
        for band in range(bands):
            h = mix(uint64(band) + _SEED_A)
            for place in range(band * rows, (band + 1) * rows):
                h = mix(h ^ uint64(signatures[i, place])) + _ROLL
            out[i, band] = int64(h)


def permutations_of(permutations: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(a, b), uint32 each: datasketch 2's affine32 parameters (numpy's RandomState never changes its numbers)."""
    generator = np.random.RandomState(seed)
    a = generator.randint(0, 1 << 31, permutations, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return a, generator.randint(0, 1 << 32, permutations, dtype=np.uint32)


def signatures(
    text: pa.Array | pa.ChunkedArray, shingle: int = 5, permutations: int = 128, seed: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(signatures uint32 (rows, permutations), shingles int64 (rows,), exact uint64 (rows, 2)).

    `shingles` counts windows of `shingle` words, repeated ones too. A row with fewer words has none, a
    signature of 0xFFFFFFFF throughout that agrees with nothing, and only its exact hash to be found by: keep
    it out of the bands. `exact` is a 128-bit hash of the row's words in their order, equal for rows that differ
    in case, punctuation or white space only; of the row's bytes where it has no word.
    ValueError for a shingle or a number of permutations below 1.
    """
    if shingle < 1 or permutations < 1:
        raise ValueError(f"shingle ({shingle}) and permutations ({permutations}) must be at least 1.")
    data, starts, ends = buffers(text)
    a, b = permutations_of(permutations, seed)
    out = np.full((len(starts), permutations), NONE, np.uint32)
    shingles = np.empty(len(starts), np.int64)
    exact = np.empty((len(starts), 2), np.uint64)
    _signatures(data, starts, ends, shingle, a, b, out, shingles, exact)
    return out, shingles, exact


def shingle_hashes(text: pa.Array | pa.ChunkedArray, row: int, shingle: int = 5) -> np.ndarray:
    """uint32: the hash of each of one row's shingles, in their order; what to give to another MinHash library."""
    data, starts, ends = buffers(text)
    if shingle < 1 or not 0 <= row < len(starts):
        raise ValueError(f"No row {row} among {len(starts)}, or a shingle of {shingle} words.")
    return _shingle_hashes(data, starts[row], ends[row], shingle)


def bands(signatures: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """int64 (n, bands): a key for each band of `rows` places; equal in one band iff the places are (64-bit hash),
    and never between bands. ValueError when bands * rows is more than the permutations."""
    if signatures.ndim != 2 or signatures.dtype != np.uint32:
        raise ValueError(f"Signatures must be uint32 (n, permutations), not {signatures.dtype} {signatures.shape}.")
    if bands < 1 or rows < 1 or bands * rows > signatures.shape[1]:
        raise ValueError(f"{bands} bands of {rows} rows do not fit {signatures.shape[1]} permutations.")
    out = np.empty((len(signatures), bands), np.int64)
    _bands(np.ascontiguousarray(signatures), bands, rows, out)
    return out


def agreement(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """float32 (n,): the share of equal places of two arrays of signatures, row by row: the estimated Jaccard
    similarity of the shingle sets. 0 where a row has no shingles (datasketch says 1 of two empty sets)."""
    if left.shape != right.shape or left.ndim != 2:
        raise ValueError(f"Signatures of shapes {left.shape} and {right.shape} can not be compared row by row.")
    same = (left == right).mean(axis=1, dtype=np.float64)
    same[(left == NONE).all(axis=1)] = 0
    return same.astype(np.float32)
