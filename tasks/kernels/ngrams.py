"""Grams of a text: their hashes, where they stand, and an index of those that are looked for.

A gram is n units in a row, and a unit is a word (docs/words.md) or a letter or digit (letters.py). Its hash is of its
units alone: what stands between them does not enter, nor does the place. Its span is half open, in bytes of the
row's UTF-8: from the first unit's first byte to the last one's end. Grams never cross rows; a row may have any length.

A row goes through in blocks of units: one pass fills a block, one makes the sums that every length's grams are
differences of, and for each length one makes the grams and one looks them up (gram_set.py).
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
from numba import int64, types, uint64

from tasks.kernels.buffers import buffers
from tasks.kernels.gram_set import HASHES, NUMBERS, READ, GramSet, held
from tasks.kernels.kernel import kernel
from tasks.kernels.letters import fill_letters
from tasks.kernels.sums import add_up, power
from tasks.kernels.words import BYTES, MOST_WORDS, PLACES, fill_words, mix

Unit = Literal["words", "letters"]
UNITS: tuple[Unit, ...] = get_args(Unit)

BLOCK = 2048  # units at a time: 8 arrays of 16 kB, which the second cache holds
ROOM = 1 << 16  # grams that `places` gives at once, about

FOUND = types.Array(types.int64, 2, "C")
_ONE, _ZERO = np.uint64(1), np.uint64(0)
_ROW, _AT, _CARRIED = 0, 1, 2  # of a scan's state


@kernel(types.void(READ, int64, int64, HASHES))
def grams_at(sums, count, n, grams):
    """The hashes of the grams of n units that begin at the first `count` units; never 0."""
    leaving = power(n)
    for i in range(count):
        gram = mix(sums[i + n] - sums[i] * leaving)
        grams[i] = gram + uint64(gram == _ZERO)  # 0 is the sign of an empty slot


@kernel(
    int64(NUMBERS, NUMBERS, int64, int64, int64, int64, PLACES, READ, READ, HASHES, HASHES, NUMBERS, FOUND, HASHES, int64),  # noqa: E501
)  # fmt: skip
def match(starts, stops, count, whole, row, origin, lengths, table, bits, sums, grams, kept, places, found, used):
    """Append the grams of a block of units that the set holds (all of them, if it is empty); answer the new `used`.

    count: units of the block. whole: 1 where the text ends with them; else only grams are looked up that begin at
    the first count - longest + 1 units, for the block after begins behind these. lengths: units of a gram, rising.
    sums: those of the hashes (sums.py). places int64 (room, 3): row, and the span's bytes less `origin`. grams, kept:
    scratch of a block's size.
    """
    longest = lengths[-1]
    for n in lengths:
        begin = count - (n if whole else longest) + 1
        if begin <= 0:
            continue
        grams_at(sums, begin, n, grams)
        if len(table):
            hits = held(table, bits, grams, begin, kept)
        else:
            hits = begin
            for i in range(hits):
                kept[i] = i
        for hit in range(hits):
            i = kept[hit]
            places[used, 0] = row
            places[used, 1] = starts[i] - origin
            places[used, 2] = stops[i + n - 1] - origin
            found[used] = grams[i]
            used += 1
    return used


@kernel(
    int64(BYTES, PLACES, PLACES, int64, PLACES, READ, READ, NUMBERS, HASHES, NUMBERS, NUMBERS, HASHES, HASHES, NUMBERS, FOUND, HASHES),  # noqa: E501
)  # fmt: skip
def _scan(
    data, begins, ends, unit, lengths, table, bits, state, hashes, starts, stops, sums, grams, kept, places, found
):
    """Find grams until the rows end or places and found are full; answer how many. `state` says where to go on."""
    row, at, carried = state
    longest = lengths[-1]
    used = 0
    while row < len(begins) and used + len(hashes) * len(lengths) <= len(found):
        if at < 0:
            at = begins[row]
        end = ends[row]
        if unit == 0:
            count, at, _ = fill_words(data, at, end, hashes[carried:], starts[carried:], stops[carried:], _ZERO)
        else:
            count, at = fill_letters(data, at, end, hashes[carried:], starts[carried:], stops[carried:])
        count += carried
        whole = at >= end
        add_up(hashes, count, sums)
        used = match(
            starts, stops, count, int64(whole), row, begins[row], lengths, table, bits, sums, grams, kept,
            places, found, used,
        )  # fmt: skip
        carried = 0
        if whole:
            row += 1
            at = int64(-1)
            continue
        for i in range(count - longest + 1, count):  # units that begin no gram of this block
            hashes[carried] = hashes[i]
            starts[carried] = starts[i]
            stops[carried] = stops[i]
            carried += 1
    state[_ROW], state[_AT], state[_CARRIED] = row, at, carried
    return used


class Grams(NamedTuple):
    """Grams where they stand: arrays of one length, in the order of row, start and end."""

    row: np.ndarray  # int64
    gram: np.ndarray  # uint64, never 0
    start: np.ndarray  # int64, bytes from the row's beginning
    end: np.ndarray  # int64


class Index:
    """Grams to look for: their hashes, and how many units (of which kind) they may have."""

    def __init__(self, lengths: Sequence[int], grams: np.ndarray, unit: Unit = "words"):
        """grams: uint64 hashes of grams of these lengths. ValueError for others, or a length below 1."""
        self.lengths, self.unit = _checked(lengths), unit
        self.set = GramSet(grams)

    def __len__(self) -> int:
        return len(self.set)


def _checked(lengths: Sequence[int]) -> np.ndarray:
    rising = np.unique(np.array(lengths, np.int64))
    if len(rising) == 0 or rising[0] < 1:
        raise ValueError(f"A gram has at least one unit, not {', '.join(map(str, lengths)) or 'no length at all'}.")
    return rising


def places(text: pa.Array | pa.ChunkedArray, index: Index, room: int = ROOM) -> Iterator[Grams]:
    """The grams of the text that the index holds, about `room` at a time, so that memory does not grow with the text.

    What comes later begins later, in row and place; nothing comes where there is nothing.
    """
    if len(index):
        yield from _places(text, index.lengths, index.unit, index.set.table, index.set.bits, room)


def find(text: pa.Array | pa.ChunkedArray, index: Index) -> Grams:
    """All grams of the text that the index holds."""
    return _joined(places(text, index))


def grams(text: pa.Array | pa.ChunkedArray, n: int, unit: Unit = "words") -> Grams:
    """All grams of n units: a row of w units has max(0, w - n + 1). ValueError for n below 1."""
    none = np.zeros(0, np.uint64)
    return _joined(_places(text, _checked([n]), unit, none, none, ROOM))


def _places(
    text: pa.Array | pa.ChunkedArray, lengths: np.ndarray, unit: Unit, table: np.ndarray, bits: np.ndarray, room: int
) -> Iterator[Grams]:
    data, begins, ends = buffers(text)
    size = max(BLOCK, 2 * int(lengths[-1])) + MOST_WORDS  # a block must get on, whatever it carries over
    hashes, sums, block = (np.empty(size + more, np.uint64) for more in (0, 1, 0))
    starts, stops, kept = (np.empty(size, np.int64) for _ in range(3))
    room = max(room, size * len(lengths))
    state = np.array([0, -1, 0])
    while state[_ROW] < len(begins):
        found, spans = np.empty(room, np.uint64), np.empty((room, 3), np.int64)
        used = _scan(
            data, begins, ends, UNITS.index(unit), lengths, table, bits, state, hashes, starts, stops, sums, block,
            kept, spans, found,
        )  # fmt: skip
        if used:
            yield in_order(found[:used], spans[:used], lengths)


def in_order(found: np.ndarray, spans: np.ndarray, lengths: np.ndarray) -> Grams:
    """What `match` appended, in the order of row and place: a block's grams come length by length."""
    row, start, end = np.ascontiguousarray(spans.T)
    if len(lengths) > 1:
        order = np.lexsort((end, start, row))
        return Grams(row[order], found[order], start[order], end[order])
    return Grams(row, found.copy(), start, end)


def _joined(parts: Iterator[Grams]) -> Grams:
    none = np.zeros(0, np.int64)
    every = [Grams(none, none.astype(np.uint64), none, none), *parts]
    return Grams(*(np.concatenate(columns) for columns in zip(*every, strict=True)))


def words(text: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """int64 (rows,): how many words each row has."""
    data, begins, ends = buffers(text)
    out = np.empty(len(begins), np.int64)
    _words(data, begins, ends, out)
    return out


@kernel(types.void(BYTES, PLACES, PLACES, NUMBERS))
def _words(data, begins, ends, out):
    hashes = np.empty(BLOCK, np.uint64)
    starts, stops = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    for row in range(len(begins)):
        at, out[row] = begins[row], 0
        while at < ends[row]:
            count, at, _ = fill_words(data, at, ends[row], hashes, starts, stops, _ZERO)
            out[row] += count
