"""MinHash signatures of a text column, over shingles of its words (docs/words.md).

The scheme is datasketch 2's "affine32": a shingle's 32-bit hash h goes through murmur3's finaliser, then
each permutation is a*h + b modulo 2**32 with odd a, and the signature holds each one's least value. With the
same `seed` and the hashes of `shingle_hashes`, datasketch.MinHash(scheme="affine32") has the same hashvalues.
"""

import numpy as np
import pyarrow as pa
from numba import int64, types, uint32, uint64

from tasks.kernels.buffers import buffers
from tasks.kernels.kernel import kernel
from tasks.kernels.sums import READ, add_up, go_on, power
from tasks.kernels.words import BYTES, MOST_WORDS, PLACES, fill_words, mix

NONE = 0xFFFFFFFF  # all of a signature without shingles (datasketch's empty MinHash)

WORDS32 = types.Array(types.uint32, 1, "C")
TABLE32 = types.Array(types.uint32, 2, "C")
TABLE64 = types.Array(types.uint64, 2, "C")
COUNTS = types.Array(types.int64, 1, "C")

BLOCK = 2048  # words at a time: with their sums and hashes they stay in the second cache
AT_ONCE = 4  # hashes that go through the permutations together, these in the lanes of a vector
_ROLL, _BYTE = np.uint64(0x9FB21C651E98DF25), np.uint64(0x8CB92BA72F3D8DD7)
_ZERO, _HIGH = np.uint64(0), np.uint64(32)
_SEED_A, _SEED_B = np.uint64(0x452821E638D01377), np.uint64(0xBE5466CF34E90C6C)  # pi's digits


@kernel(uint32(uint64))
def _shingle_hash(window):
    return uint32(mix(window) >> _HIGH)


@kernel(types.void(WORDS32, int64, WORDS32, WORDS32, WORDS32))
def _permute(hashes, used, a, b, signature):
    """Lower the signature to the least of each permutation over hashes[:used]; there is room for AT_ONCE more."""
    for i in range(used):
        h = hashes[i]
        h = uint32(uint32(h ^ (h >> 16)) * uint32(0x85EBCA6B))
        h = uint32(uint32(h ^ (h >> 13)) * uint32(0xC2B2AE35))
        hashes[i] = uint32(h ^ (h >> 16))
    for i in range(used, used + AT_ONCE):
        hashes[i] = hashes[0]  # once more lowers nothing
    for i in range(0, used, AT_ONCE):
        h0, h1, h2, h3 = hashes[i], hashes[i + 1], hashes[i + 2], hashes[i + 3]
        for p in range(len(signature)):
            scale, shift = a[p], b[p]
            left = min(uint32(scale * h0 + shift), uint32(scale * h1 + shift))
            right = min(uint32(scale * h2 + shift), uint32(scale * h3 + shift))
            signature[p] = min(signature[p], min(left, right))


@kernel(types.void(READ, int64, int64, int64, WORDS32, WORDS32, WORDS32, WORDS32))
def sign(sums, carried, count, shingle, a, b, hashes, signature):
    """Lower a signature by the shingles of a block of `count` words that end behind the first `carried` of it.

    sums: the words' (sums.py). hashes: scratch of a block's size and AT_ONCE.
    """
    first = max(0, carried - shingle + 1)
    leaving = power(shingle)
    used = count - shingle + 1 - first
    for i in range(used):
        hashes[i] = _shingle_hash(sums[first + i + shingle] - sums[first + i] * leaving)
    if used > 0:
        _permute(hashes, used, a, b, signature)


@kernel(types.void(BYTES, int64, int64, int64, uint64, uint64, TABLE64, int64))
def close_row(data, at, end, words, total, chain, exact, row):
    """Write the exact hash of a row of `words` words, `total` their sum and `chain` the chain of fill_words."""
    if words == 0:  # nothing to compare by: a copy of it has the same bytes
        total, chain = _SEED_A, _SEED_B
        for i in range(at, end):
            total = mix(total ^ uint64(data[i])) * _BYTE
            chain = mix(chain ^ uint64(data[i])) + _BYTE
    exact[row, 0] = mix(total ^ uint64(words))
    exact[row, 1] = mix(chain)


@kernel(
    types.void(BYTES, PLACES, PLACES, int64, WORDS32, WORDS32, TABLE32, COUNTS, TABLE64),
)  # fmt: skip
def _signatures(data, begins, ends, shingle, a, b, out, shingles, exact):
    size = max(BLOCK, 2 * shingle) + MOST_WORDS
    hashes, sums = np.empty(size, np.uint64), np.empty(size + 1, np.uint64)
    starts, stops = np.empty(size, np.int64), np.empty(size, np.int64)
    scratch = np.empty(size + AT_ONCE, np.uint32)
    for row in range(len(begins)):
        at, end = begins[row], ends[row]
        carried, words = 0, 0
        total = chain = _ZERO
        while at < end:
            new, at, chain = fill_words(data, at, end, hashes[carried:], starts[carried:], stops[carried:], chain)
            count = carried + new
            add_up(hashes, count, sums)
            sign(sums, carried, count, shingle, a, b, scratch, out[row])
            total = go_on(total, sums, carried, count)
            words += new
            carried = min(count, shingle - 1)
            for i in range(carried):
                hashes[i] = hashes[count - carried + i]
        shingles[row] = max(0, words - shingle + 1)
        close_row(data, begins[row], end, words, total, chain, exact, row)


@kernel(WORDS32(BYTES, int64, int64, int64))
def _shingle_hashes(data, at, end, shingle):
    """All at once: for one row, of a test or another library."""
    hashes = np.empty(end - at + MOST_WORDS + 1, np.uint64)
    starts, stops = np.empty(len(hashes), np.int64), np.empty(len(hashes), np.int64)
    count, _, _ = fill_words(data, at, end, hashes, starts, stops, _ZERO)
    sums = np.empty(count + 1, np.uint64)
    add_up(hashes, count, sums)
    out = np.empty(max(0, count - shingle + 1), np.uint32)
    for i in range(len(out)):
        out[i] = _shingle_hash(sums[i + shingle] - sums[i] * power(shingle))
    return out


@kernel(types.void(types.Array(types.uint32, 2, "C", readonly=True), int64, int64, types.Array(types.int64, 2, "C")))
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
    data, starts, ends = buffers(text)
    signed = unsigned(len(starts), shingle, permutations)
    _signatures(data, starts, ends, shingle, *permutations_of(permutations, seed), *signed)
    return signed


def unsigned(rows: int, shingle: int, permutations: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The arrays of `signatures`, to be filled. ValueError as there."""
    if shingle < 1 or permutations < 1:
        raise ValueError(f"shingle ({shingle}) and permutations ({permutations}) must be at least 1.")
    signatures = np.full((rows, permutations), NONE, np.uint32)
    return signatures, np.empty(rows, np.int64), np.empty((rows, 2), np.uint64)


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
