"""How often each string of bytes was met: a table of distinct strings that text, or tables before, are counted into.

An open-addressed table of places in a list of entries, whose bytes stand in one buffer. A string is found by a 64-bit
hash and then by its bytes, so two strings of one hash are two. Counts are int64. The list comes in the order of first
meeting, which depends on the order of the text: who needs an order sorts.
"""

import numpy as np
from numba import boolean, int64, types, uint64

from tasks.kernels.kernel import kernel
from tasks.kernels.lanes import load64
from tasks.kernels.pretokens import next_pretoken
from tasks.kernels.words import BYTES, PLACES

# A pre-token longer than this enters as pieces of at most as many bytes, cut between code points: a run of one
# script without spaces, or 10^6 equal characters, would make a chain of symbols that each merge has to walk. No token
# is made across such a cut. GPT-2's longest token has 128 bytes; of 100 MB of English no word is as long.
LONGEST = 256

_TABLE = types.Array(types.int32, 1, "C")
_ENTRIES = types.Array(types.int64, 2, "C")  # (capacity, 4): first eight bytes, where it begins, its size, its count
_BUFFER = types.Array(types.uint8, 1, "C")
_FIRST, _START, _SIZE, _COUNT = range(4)
_EMPTY = np.int32(-1)
_PADDING = 8  # bytes behind the buffer's last, so that eight may be read anywhere
_MULTIPLIER, _SEED = np.uint64(0x9E3779B97F4A7C15), np.uint64(0x243F6A8885A308D3)
_ALL, _32, _3 = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(32), np.uint64(3)


@kernel(uint64(BYTES, int64, int64))
def _word(data, at, end):
    """The next eight bytes from `at`, those from `end` on as zeros; end > at."""
    size = end - at
    if size >= 8:
        return load64(data, at)
    if at + 8 <= len(data):
        return load64(data, at) & (_ALL >> (uint64(8 - size) << _3))
    word = uint64(0)
    for i in range(size):
        word |= uint64(data[uint64(at + i)]) << (uint64(i) << _3)
    return word


@kernel(uint64(uint64, BYTES, int64, int64))
def _hash(first, data, at, end):
    """64 bits of data[at:end], whose first word is `first`; for a table that compares bytes thereafter."""
    h = (first ^ (uint64(end - at) * _SEED)) * _MULTIPLIER
    while at + 8 < end:
        at += 8
        h = (h ^ (h >> _32) ^ _word(data, at, end)) * _MULTIPLIER
    return h ^ (h >> _32)


@kernel(boolean(BYTES, int64, int64, _BUFFER, int64), inline="always")
def _equal(data, at, end, buffer, start):
    """Whether data[at:end], from the ninth byte on, stands in the buffer, where the string begins at `start`."""
    at, start = at + 8, start + 8
    while at + 8 <= end:
        if load64(data, at) != load64(buffer, start):
            return False
        at += 8
        start += 8
    if at == end:
        return True
    return _word(data, at, end) == load64(buffer, start) & (_ALL >> (uint64(8 - (end - at)) << _3))


@kernel(types.UniTuple(int64, 2)(BYTES, int64, int64, int64, _TABLE, _ENTRIES, _BUFFER, int64, int64), inline="always")
def _add(data, at, end, weight, table, entries, buffer, used, filled):
    """Count data[at:end] `weight` times; answer (entries used, bytes of the buffer filled). There is room for it."""
    word = _word(data, at, end)
    size = end - at
    last = uint64(len(table) - 1)
    slot = _hash(word, data, at, end) & last
    while table[slot] >= 0:
        entry = uint64(table[slot])
        same = entries[entry, _FIRST] == int64(word) and entries[entry, _SIZE] == size
        if same and (size <= 8 or _equal(data, at, end, buffer, entries[entry, _START])):
            entries[entry, _COUNT] += weight
            return used, filled
        slot = (slot + uint64(1)) & last
    table[slot] = used
    new = uint64(used)
    entries[new, _FIRST] = int64(word)
    entries[new, _START] = filled
    entries[new, _SIZE] = size
    entries[new, _COUNT] = weight
    for i in range(size):
        buffer[uint64(filled + i)] = data[uint64(at + i)]
    return used + 1, filled + size


@kernel(int64(BYTES, int64, int64))
def _piece(data, at, end):
    """Where the first piece of the string data[at:end] ends: LONGEST bytes or less, between code points."""
    if end - at <= LONGEST:
        return end
    for piece in range(at + LONGEST, at + LONGEST - 4, -1):
        if data[piece] & 0xC0 != 0x80:
            return piece
    return at + LONGEST  # it is no UTF-8


_PROGRESS = types.UniTuple(int64, 5)


@kernel(_PROGRESS(BYTES, PLACES, PLACES, int64, int64, int64, _TABLE, _ENTRIES, _BUFFER, int64, int64))
def _count_pretokens(data, starts, ends, row, at, after, table, entries, buffer, used, filled):
    """Count the pre-tokens of rows from `row` on, there from `at` on, until the table has no room.

    `after` is where the pre-token ends whose rest is at `at`: a rest is not scanned anew. Answers (row, at, after,
    entries used, bytes filled); row == len(starts) where all are counted.
    """
    room, bytes_room = len(entries), len(buffer) - _PADDING - LONGEST
    while row < len(starts):
        end = ends[row]
        while at < end:
            if used == room or filled > bytes_room:
                return row, at, after, used, filled
            if at == after:
                after = next_pretoken(data, at, end)
            piece = _piece(data, at, after)
            used, filled = _add(data, at, piece, int64(1), table, entries, buffer, used, filled)
            at = piece
        row += 1
        if row < len(starts):
            at = after = starts[row]
    return row, at, after, used, filled


@kernel(_PROGRESS(BYTES, PLACES, PLACES, PLACES, int64, int64, _TABLE, _ENTRIES, _BUFFER, int64, int64))
def _count_strings(data, starts, ends, weights, row, at, table, entries, buffer, used, filled):
    """As `_count_pretokens`, of rows that are one string each, met weights[row] times."""
    room, bytes_room = len(entries), len(buffer) - _PADDING - LONGEST
    while row < len(starts):
        while at < ends[row]:
            if used == room or filled > bytes_room:
                return row, at, at, used, filled
            piece = _piece(data, at, ends[row])
            used, filled = _add(data, at, piece, weights[row], table, entries, buffer, used, filled)
            at = piece
        row += 1
        if row < len(starts):
            at = starts[row]
    return row, at, at, used, filled


@kernel(types.Array(types.int64, 1, "C")(_ENTRIES, int64, _BUFFER))
def _hashes(entries, used, buffer):
    answer = np.empty(used, np.int64)
    for entry in range(used):
        start = entries[entry, _START]
        end = start + entries[entry, _SIZE]
        answer[entry] = int64(_hash(uint64(entries[entry, _FIRST]), buffer, start, end))
    return answer


@kernel(types.void(types.Array(types.int64, 1, "C"), _TABLE))
def _enter(hashes, table):
    """Fill an empty table with the entries of these hashes."""
    last = uint64(len(table) - 1)
    for entry in range(len(hashes)):
        slot = uint64(hashes[entry]) & last
        while table[slot] >= 0:
            slot = (slot + uint64(1)) & last
        table[slot] = entry


class ByteCounts:
    """Distinct strings of at most LONGEST bytes, and how often each was met. Empty strings are not counted."""

    def __init__(self) -> None:
        self.used = self.filled = 0
        self._entries = np.zeros((1 << 12, 4), np.int64)
        self._buffer = np.zeros(1 << 16, np.uint8)
        self._table = np.full(1 << 13, _EMPTY)

    def add_pretokens(self, data: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> None:
        """Count GPT-2's pre-tokens of texts data[starts[i]:ends[i]], as `buffers` gives them."""
        if not len(starts):
            return
        row, at = 0, int(starts[0])
        after = at
        while row < len(starts):
            row, at, after, self.used, self.filled = _count_pretokens(
                data, starts, ends, row, at, after, self._table, self._entries, self._buffer, self.used, self.filled
            )
            if row < len(starts):
                self._grow()

    def add(self, data: np.ndarray, starts: np.ndarray, ends: np.ndarray, weights: np.ndarray) -> None:
        """Count strings, string i weights[i] times (int64)."""
        if not len(starts):
            return
        row, at = 0, int(starts[0])
        while row < len(starts):
            row, at, _, self.used, self.filled = _count_strings(
                data, starts, ends, weights, row, at, self._table, self._entries, self._buffer, self.used, self.filled
            )
            if row < len(starts):
                self._grow()

    @property
    def data(self) -> np.ndarray:
        """uint8: the strings one after another, in the order of first meeting."""
        return self._buffer[: self.filled]

    @property
    def starts(self) -> np.ndarray:
        """int64 (distinct + 1,): string i is data[starts[i] : starts[i + 1]]."""
        return np.append(self._entries[: self.used, _START], self.filled)

    @property
    def hashes(self) -> np.ndarray:
        """int64 (distinct,): 64 bits of each, the same wherever it is met."""
        return _hashes(self._entries, self.used, self._buffer)

    @property
    def counts(self) -> np.ndarray:
        """int64 (distinct,)."""
        return self._entries[: self.used, _COUNT].copy()

    def _grow(self) -> None:
        """Twice the room of whichever is full."""
        if self.used == len(self._entries):
            self._entries = np.concatenate([self._entries, np.zeros_like(self._entries)])
            self._table = np.full(2 * len(self._table), _EMPTY)  # at most half full
            _enter(self.hashes, self._table)
        if self.filled > len(self._buffer) - _PADDING - LONGEST:
            self._buffer = np.concatenate([self._buffer, np.zeros_like(self._buffer)])
