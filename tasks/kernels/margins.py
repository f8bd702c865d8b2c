"""Where a margin of characters around a span of bytes ends. Spans come in the order of their row and start."""

import numpy as np
from numba import boolean, int64, njit, types

from tasks.kernels.words import BYTES, PLACES

_SPANS = types.Array(types.int64, 2, "C")
_STATE = types.Array(types.int64, 1, "C")
# Of the state: the row that its three pointers are in, its characters; then byte and character of each pointer.
ROW, CHARACTERS, START, LOW, HIGH = 0, 1, 2, 4, 6
STATE = 8


def state() -> np.ndarray:
    """What `locate` remembers between two calls: int64 (8,), in no row yet."""
    begun = np.zeros(STATE, np.int64)
    begun[ROW] = -1
    return begun


@njit(boolean(BYTES, int64), cache=True, nogil=True, inline="always")
def _begins(data, at):
    return (data[at] & 0xC0) != 0x80


@njit(types.void(BYTES, _STATE, int64, int64), cache=True, nogil=True)
def _to_byte(data, state, pointer, target):
    """Move a pointer to a byte that begins a character or ends the row, counting characters."""
    at, character = state[pointer], state[pointer + 1]
    if target >= at:
        for i in range(at, target):
            character += int64(_begins(data, i))
    else:
        for i in range(target, at):
            character -= int64(_begins(data, i))
    state[pointer], state[pointer + 1] = target, character


@njit(types.void(BYTES, _STATE, int64, int64, int64), cache=True, nogil=True)
def _to_character(data, state, pointer, target, end):
    """Move a pointer to a character; the row ends before `end`, and has as many characters at least."""
    at, character = state[pointer], state[pointer + 1]
    while character < target:
        at += 1
        while at < end and not _begins(data, at):
            at += 1
        character += 1
    while character > target:
        at -= 1
        while not _begins(data, at):
            at -= 1
        character -= 1
    state[pointer], state[pointer + 1] = at, character


@njit(_SPANS(BYTES, PLACES, PLACES, PLACES, PLACES, PLACES, int64, _STATE), cache=True, nogil=True)
def locate(data, begins, ends, row, start, stop, margin, state):
    """int64 (spans, 5): where the margins around data[start:stop] of the row end, in bytes and in characters of it.

    Columns: first byte, end byte, first character, end character, and the row's characters in all. start and stop
    count bytes from the row's beginning and lie between characters. Time is linear in the bytes of the rows met,
    and in the spans, as long as they are in the order of row and start; `state` is that of the call before, if the
    same rows go on, so that a row may come in several calls.
    """
    out = np.empty((len(row), 5), np.int64)
    for i in range(len(row)):
        begin, end = begins[row[i]], ends[row[i]]
        if state[ROW] != row[i]:
            characters = 0
            for at in range(begin, end):
                characters += int64(_begins(data, at))
            state[ROW], state[CHARACTERS] = row[i], characters
            for pointer in (START, LOW, HIGH):
                state[pointer], state[pointer + 1] = begin, 0
        _to_byte(data, state, START, begin + start[i])
        _to_character(data, state, LOW, max(0, state[START + 1] - margin), end)
        # the span's own end, then the margin behind it; both pointers only creep from one span to the next
        _to_byte(data, state, HIGH, begin + stop[i])
        _to_character(data, state, HIGH, min(state[CHARACTERS], state[HIGH + 1] + margin), end)
        out[i, 0], out[i, 1] = state[LOW] - begin, state[HIGH] - begin
        out[i, 2], out[i, 3] = state[LOW + 1], state[HIGH + 1]
        out[i, 4] = state[CHARACTERS]
    return out
