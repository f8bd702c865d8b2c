"""A set of 64-bit gram hashes that kernels look others up in: an open-addressed table behind a filter of bits.

The filter answers most of what is not held, from one 64-bit word that fits the nearer caches (a Bloom filter blocked
to a word: Putze, Sanders, Singler 2007); the table decides the rest, exactly. Both are asked for a block of grams at
a time, with their lines asked for ahead, so that cache misses overlap. 64 bits are all that is compared: of W grams
looked up in a set of G, W * G / 2^64 are expected to be taken for another (.05 of 10^12 in a set of 10^6).
"""

import numpy as np
from numba import int64, types, uint64

from tasks.kernels.kernel import kernel
from tasks.kernels.lanes import prefetch

HASHES = types.Array(types.uint64, 1, "C")
READ = types.Array(types.uint64, 1, "C", readonly=True)
NUMBERS = types.Array(types.int64, 1, "C")

BITS = 12  # of the filter for each gram held: 35 of 1,000 others pass; 16 or 24 are no faster (measured, 10^6 held)
_ONE, _ZERO, _LOW6 = np.uint64(1), np.uint64(0), np.uint64(63)
_SIX, _TWELVE, _HALF = np.uint64(6), np.uint64(12), np.uint64(32)


@kernel(uint64(uint64), inline="always")
def _bits(gram):
    """Three bits of a word, by the gram's lowest 18 bits."""
    return (
        (_ONE << (gram & _LOW6)) | (_ONE << ((gram >> _SIX) & _LOW6)) | (_ONE << ((gram >> _TWELVE) & _LOW6))
    )  # fmt: skip


@kernel(int64(READ, READ, HASHES, int64, NUMBERS))
def held(table, bits, grams, used, kept):
    """Put the places in grams[:used] of those that the set holds into `kept`, in order; answer their number."""
    candidates = 0
    words = uint64(len(bits))
    for i in range(used):
        kept[i] = ((grams[i] >> _HALF) * words) >> _HALF
        prefetch(bits, kept[i])
    for i in range(used):  # without branches: a gram does not wait for those before
        wanted = _bits(grams[i])
        word = bits[uint64(kept[i])]
        kept[candidates] = i
        candidates += int64(word & wanted == wanted)
    last = uint64(len(table) - 1)
    for candidate in range(candidates):
        prefetch(table, int64((grams[kept[candidate]] >> _TWELVE) & last))
    count = 0
    for candidate in range(candidates):
        gram = grams[kept[candidate]]
        slot = (gram >> _TWELVE) & last
        while table[slot] != _ZERO:
            if table[slot] == gram:
                kept[count] = kept[candidate]
                count += 1
                break
            slot = (slot + _ONE) & last
    return count


@kernel(types.void(READ, HASHES, HASHES))
def _fill(grams, table, bits):
    last = uint64(len(table) - 1)
    words = uint64(len(bits))
    for gram in grams:
        bits[((gram >> _HALF) * words) >> _HALF] |= _bits(gram)
        slot = (gram >> _TWELVE) & last
        while table[slot] != _ZERO and table[slot] != gram:
            slot = (slot + _ONE) & last
        table[slot] = gram


class GramSet:
    """Gram hashes, none of them 0. `table` and `bits` are what `held` takes."""

    def __init__(self, grams: np.ndarray):
        """grams: uint64 (n,), in any order, repeats allowed. ValueError for others, and for 0."""
        if grams.dtype != np.uint64 or grams.ndim != 1:
            raise ValueError(f"Grams must be uint64 of one dimension, not {grams.dtype} {grams.shape}.")
        self.grams = np.unique(grams)
        if len(self.grams) and self.grams[0] == 0:
            raise ValueError("0 is not a gram's hash.")
        size = max(64, len(self.grams))
        self.table = np.zeros(1 << (2 * size - 1).bit_length(), np.uint64)  # at most half full
        self.bits = np.zeros(-(-BITS * size // 64), np.uint64)
        _fill(self.grams, self.table, self.bits)

    def __len__(self) -> int:
        return len(self.grams)
