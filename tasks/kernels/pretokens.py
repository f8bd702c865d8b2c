"""GPT-2's pre-tokens: where its pattern ends each, over UTF-8.

    '(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+

(Radford and others 2019, encoder.py of the release; the order of the contractions does not matter.) So a pre-token is a
contraction in lower case; a run of letters, of numbers or of others, with the one space before it; or white space up to
the last before something else, which stands by itself unless it is the space of what follows. Classes are those of
pretoken_classes.py. Every byte belongs to one pre-token. Bytes that are not UTF-8 (Arrow does not check) count as
U+FFFD, which is of the others.
"""

import numpy as np
from numba import int64, types, uint64

from tasks.kernels.kernel import kernel
from tasks.kernels.pretoken_classes import BLOCK, CLASS, WHITE
from tasks.kernels.words import BYTES, decode

_WIDE = 4  # in ASCII's table: a byte of a longer code point
_QUOTE, _SPACE = ord("'"), ord(" ")
_D, _E, _L, _M, _R, _S, _T, _V = b"delmrstv"


def _ascii() -> np.ndarray:
    table = np.full(256, _WIDE, np.uint8)
    table[:128] = CLASS[(int(BLOCK[0]) << 7) + np.arange(128)]
    return table


_ASCII = _ascii()


@kernel(types.UniTuple(int64, 2)(BYTES, int64, int64))
def class_at(data, at, end):
    """(class of the code point at `at`, the place after it)."""
    kind = int64(_ASCII[data[uint64(at)]])
    if kind != _WIDE:
        return kind, at + 1
    code, after = decode(data, at, end)
    return int64(CLASS[(int64(BLOCK[code >> 7]) << 7) | (code & 127)]), after


@kernel(int64(BYTES, int64, int64))
def _after_contraction(data, at, end):
    """The place after the contraction whose apostrophe is at `at`; `at` where there is none."""
    if at + 1 >= end:
        return at
    first = data[at + 1]
    if first in (_S, _T, _D, _M):
        return at + 2
    if at + 2 < end:
        second = data[at + 2]
        if (first == _L and second == _L) or (second == _E and first in (_V, _R)):
            return at + 3
    return at


@kernel(int64(BYTES, int64, int64))
def next_pretoken(data, at, end):
    """The place after the pre-token that begins at `at`; at < end, and data[at:end] ends as its text does."""
    first = data[uint64(at)]
    if first == _QUOTE:
        after = _after_contraction(data, at, end)
        if after > at:
            return after
    kind, after = class_at(data, at, end)
    if first == _SPACE and after < end:
        following, beyond = class_at(data, after, end)
        if following != WHITE:
            kind, after = following, beyond
    if kind == WHITE:
        last = at  # where the last white space of the run begins
        while after < end:
            following, beyond = class_at(data, after, end)
            if following != WHITE:
                return after if last == at else last
            last, after = after, beyond
        return end
    while after < end:
        following = int64(_ASCII[data[uint64(after)]])
        if following == kind:
            after += 1
        elif following != _WIDE:
            return after
        else:
            following, beyond = class_at(data, after, end)
            if following != kind:
                return after
            after = beyond
    return end


@kernel(types.Array(types.int64, 1, "C")(BYTES, int64, int64))
def pretokens(data, at, end):
    """int64: where each pre-token of data[at:end] ends."""
    ends = np.empty(max(end - at, 0), np.int64)
    count = 0
    while at < end:
        at = next_pretoken(data, at, end)
        ends[count] = at
        count += 1
    return ends[:count].copy()
