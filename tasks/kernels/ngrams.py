"""N-grams of the words of all comparison (docs/words.md), where they stand, and a set of them to look others up in.

A gram's hash is of its n words alone: white space, case and punctuation do not enter, nor does the place.
Its span is half open, in bytes of the row's UTF-8: from the first word's first code point to the end of
the last word's last. Grams never cross rows; a row may have any length.
"""

from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa
from numba import int64, njit, types, uint64

from tasks.kernels.buffers import buffers
from tasks.kernels.words import BYTES, MOST_WORDS, PLACES, fill_words, mix

_HASHES = types.Array(types.uint64, 1, "C")
_READ = types.Array(types.uint64, 1, "C", readonly=True)
_TABLE = types.Array(types.int64, 2, "C")
_BLOCK = 512  # grams made before they are looked up

_ROLL = np.uint64(0x8CB92BA72F3D8DD7)
_ONE, _ZERO = np.uint64(1), np.uint64(0)
_SIX, _LOW6, _HALF = np.uint64(6), np.uint64(63), np.uint64(32)


@njit(int64(_READ, _READ, _HASHES, int64, types.Array(types.int64, 1, "C")), cache=True, nogil=True)
def _held(table, bloom, grams, used, kept):
    """Put the places in grams[:used] of those that the table holds into `kept`; answer their number.

    Without branches over the bit table first: most grams end there, and its cache misses overlap.
    """
    candidates = 0
    mask = uint64((len(bloom) << 6) - 1)
    for i in range(used):
        bit = (grams[i] >> _HALF) & mask
        kept[candidates] = i
        candidates += int64((bloom[bit >> _SIX] >> (bit & _LOW6)) & _ONE)
    last = uint64(len(table) - 1)
    count = 0
    for candidate in range(candidates):
        gram = grams[kept[candidate]]
        slot = gram & last
        while table[slot] != _ZERO:
            if table[slot] == gram:
                kept[count] = kept[candidate]
                count += 1
                break
            slot = (slot + _ONE) & last
    return count


@njit(types.void(_READ, _HASHES, _HASHES), cache=True, nogil=True)
def _fill(grams, table, bloom):
    last = uint64(len(table) - 1)
    for gram in grams:
        bit = (gram >> _HALF) & uint64((len(bloom) << 6) - 1)
        bloom[bit >> _SIX] |= _ONE << (bit & _LOW6)
        slot = gram & last
        while table[slot] != _ZERO and table[slot] != gram:
            slot = (slot + _ONE) & last
        table[slot] = gram


@njit(
    types.Tuple((_TABLE, _HASHES, int64))(
        _READ, _READ, _HASHES, types.Array(types.int64, 2, "C"), int64, int64, _TABLE, _HASHES, int64
    ),
    cache=True, nogil=True,
)  # fmt: skip
def _collect(table, bloom, grams, spans, waiting, row, places, held, used):
    """Append those of grams[:waiting] that the table holds (all, if it is empty); the arrays grow as needed."""
    kept = np.arange(waiting)
    count = waiting
    if len(table):
        count = _held(table, bloom, grams, waiting, kept)
    if used + count > len(held):
        room = 2 * (used + count)
        more = np.empty((room, 3), np.int64)
        more[:used] = places[:used]
        longer = np.empty(room, np.uint64)
        longer[:used] = held[:used]
        places, held = more, longer
    for i in range(count):
        places[used, 0] = row
        places[used, 1] = spans[kept[i], 0]
        places[used, 2] = spans[kept[i], 1]
        held[used] = grams[kept[i]]
        used += 1
    return places, held, used


@njit(types.Tuple((_TABLE, _HASHES))(BYTES, PLACES, PLACES, int64, _READ, _READ), cache=True, nogil=True)
def _scan(data, starts, ends, n, table, bloom):
    """(places int64 (m, 3): row, start, end; grams uint64 (m,)): those held by the table, or all if it is empty."""
    places = np.empty((_BLOCK, 3), np.int64)
    held = np.empty(_BLOCK, np.uint64)
    used = 0
    grams = np.empty(_BLOCK, np.uint64)
    spans = np.empty((_BLOCK, 2), np.int64)
    hashes = np.zeros(n, np.uint64)
    begins = np.zeros(n, np.int64)
    leaving = _ONE  # _ROLL ** n: what the word that leaves the window was multiplied by
    for _ in range(n):
        leaving *= _ROLL
    found = np.empty(_BLOCK + MOST_WORDS, np.uint64)
    firsts, stops = np.empty(len(found), np.int64), np.empty(len(found), np.int64)
    for row in range(len(starts)):
        first, at, end = starts[row], starts[row], ends[row]
        words, place, waiting = 0, 0, 0
        rolled = _ZERO
        while at < end:
            count, at, _ = fill_words(data, at, end, found, firsts, stops, _ZERO)
            for i in range(count):
                rolled = rolled * _ROLL + found[i]
                if words >= n:
                    rolled -= hashes[place] * leaving
                hashes[place] = found[i]
                begins[place] = firsts[i]
                place += 1
                if place == n:
                    place = 0
                words += 1
                if words < n:
                    continue
                gram = mix(rolled)
                grams[waiting] = gram if gram != _ZERO else _ONE  # 0 is the sign of an empty slot
                spans[waiting, 0] = begins[place] - first
                spans[waiting, 1] = stops[i] - first
                waiting += 1
                if waiting == _BLOCK:
                    places, held, used = _collect(table, bloom, grams, spans, waiting, row, places, held, used)
                    waiting = 0
        if waiting:
            places, held, used = _collect(table, bloom, grams, spans, waiting, row, places, held, used)
    return places[:used], held[:used]


class Grams(NamedTuple):
    """Grams where they stand, by row and place: arrays of one length."""

    row: np.ndarray  # int64
    gram: np.ndarray  # uint64, never 0
    start: np.ndarray  # int64, bytes from the row's beginning
    end: np.ndarray  # int64


class Index:
    """A set of grams of n words, for `find`: an open-addressed table, and a bit table that answers most misses."""

    def __init__(self, n: int, grams: np.ndarray):
        """grams: uint64, in any order, repeats allowed. ValueError for others, or n below 1."""
        if n < 1:
            raise ValueError(f"A gram has at least one word, not {n}.")
        if grams.dtype != np.uint64 or grams.ndim != 1:
            raise ValueError(f"Grams must be uint64 of one dimension, not {grams.dtype} {grams.shape}.")
        self.n = n
        self.grams = np.unique(grams)  # sorted: the same bytes whatever the order given
        if len(self.grams) and self.grams[0] == 0:
            raise ValueError("0 is not a gram's hash.")
        size = max(64, len(self.grams))
        self._table = np.zeros(1 << (2 * size - 1).bit_length(), np.uint64)
        self._bloom = np.zeros(1 << max(0, (8 * size - 1).bit_length() - 6), np.uint64)
        _fill(self.grams, self._table, self._bloom)

    def __len__(self) -> int:
        return len(self.grams)

    def save(self, file: Path | IO[bytes]) -> None:
        """Write n and the sorted grams (the tables are made again: they cost less than reading them)."""
        np.savez(file, n=np.int64(self.n), grams=self.grams)

    @classmethod
    def load(cls, file: Path | IO[bytes]) -> "Index":
        """What `save` wrote."""
        with np.load(file, allow_pickle=False) as arrays:
            return cls(int(arrays["n"]), arrays["grams"])

    def scan(self, text: pa.Array | pa.ChunkedArray) -> Grams:
        """The grams of the text that the index holds."""
        if not len(self):
            none = np.zeros(0, np.int64)
            return Grams(none, none.astype(np.uint64), none, none)
        return _named(_scan(*buffers(text), self.n, self._table, self._bloom))


def _named(scanned: tuple[np.ndarray, np.ndarray]) -> Grams:
    places, gram = scanned
    return Grams(places[:, 0].copy(), gram.copy(), places[:, 1].copy(), places[:, 2].copy())


def grams(text: pa.Array | pa.ChunkedArray, n: int) -> Grams:
    """All grams of n words: a row of w words has max(0, w - n + 1). ValueError for n below 1."""
    if n < 1:
        raise ValueError(f"A gram has at least one word, not {n}.")
    none = np.zeros(0, np.uint64)
    return _named(_scan(*buffers(text), n, none, none))


def find(text: pa.Array | pa.ChunkedArray, n: int, index: Index) -> Grams:
    """The grams of n words of the text that `index` holds. ValueError when the index is of another n."""
    if n != index.n:
        raise ValueError(f"The index holds grams of {index.n} words, {n} were asked for.")
    return index.scan(text)


def words(text: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """int64 (rows,): how many words each row has."""
    data, starts, ends = buffers(text)
    out = np.empty(len(starts), np.int64)
    _words(data, starts, ends, out)
    return out


@njit(types.void(BYTES, PLACES, PLACES, types.Array(types.int64, 1, "C")), cache=True, nogil=True)
def _words(data, starts, ends, out):
    found = np.empty(_BLOCK + MOST_WORDS, np.uint64)
    firsts, stops = np.empty(len(found), np.int64), np.empty(len(found), np.int64)
    for row in range(len(starts)):
        at, words = starts[row], 0
        while at < ends[row]:
            count, at, _ = fill_words(data, at, ends[row], found, firsts, stops, _ZERO)
            words += count
        out[row] = words
