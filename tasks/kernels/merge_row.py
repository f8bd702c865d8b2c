"""Words in one array, as merges.py changes them: the marks between, the symbols' places, and sums of pairs' counts.

`row` is int32. A word's mark comes before it and tells its count; a last one ends the row. A symbol stands in the first
of its places, its complement in the last where it has more than one, so that the places beside it are found from both
sides; what lies between says nothing, and is negative.
"""

import numpy as np
from numba import int64, types, uint64

from tasks.kernels.kernel import kernel

SYMBOLS = types.Array(types.int32, 1, "C", readonly=True)
READ = types.Array(types.int64, 1, "C", readonly=True)
INT32 = types.Array(types.int32, 1, "C")
INT64 = types.Array(types.int64, 1, "C")

# From 0 on a symbol; from ENDS to -1 the complement of the symbol that ends here; below, MARK plus the count of the
# word that begins, or plus 2^29 and the count's place among those that need more bits.
MARK, ENDS = -(1 << 31), -(1 << 30)
_HEAVY = 1 << 29
MOST_SYMBOLS = 1 << 30
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_32 = np.uint64(32)


def laid_out(symbols: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(row, counts of 2^29 and more), of the words that have two symbols and were met."""
    row = np.empty(len(symbols) + len(counts) + 1, np.int32)
    heavy = np.zeros(int(np.count_nonzero(counts >= _HEAVY)) + 1, np.int64)
    return row[: _lay_out(symbols, starts, counts, row, heavy)], heavy


@kernel(int64(SYMBOLS, READ, READ, INT32, INT64))
def _lay_out(symbols, starts, counts, row, heavy):
    at = heavies = 0
    for word in range(len(counts)):
        start, end, count = starts[word], starts[word + 1], counts[word]
        if end - start < 2 or count == 0:
            continue
        if count < _HEAVY:
            row[at] = MARK + count
        else:
            row[at] = MARK + _HEAVY + heavies
            heavy[heavies] = count
            heavies += 1
        at += 1
        for i in range(start, end):
            row[at] = symbols[i]
            at += 1
    row[at] = MARK
    return at + 1


@kernel(int64(int64, INT64))
def count_of(mark, heavy):
    """The count that a mark tells."""
    told = mark - MARK
    return told if told < _HEAVY else heavy[told - _HEAVY]


@kernel(int64(INT32, INT32))
def write_together(row, sizes):
    """Give every symbol one place, leave out words of one symbol; answer the places of `row` that are used."""
    at = to = begin = 0
    while at < len(row):
        symbol = row[at]
        if symbol < 0:
            if to - begin == 2:
                to = begin
            begin = to
            at += 1
        else:
            at += sizes[symbol]
        row[to] = symbol
        to += 1
    return to


@kernel(uint64(uint64, uint64))
def key_of(left, right):
    return (left << _32) | right


@kernel(int64(uint64, int64))
def slot_of(key, size):
    """The key's place in a table of `size`, a power of two."""
    return int64((key * _MULTIPLIER) >> _32) & (size - 1)


@kernel(types.void(INT32, INT64, INT64))
def fill_buckets(row, heavy, buckets):
    """Add each pair's count to the bucket of its hash."""
    count, size = int64(0), len(buckets)
    for at in range(len(row) - 1):
        if row[at] < 0:
            count = count_of(int64(row[at]), heavy)
        elif row[at + 1] >= 0:
            buckets[slot_of(key_of(uint64(row[at]), uint64(row[at + 1])), size)] += count
