"""The scan of `clean`: one way through a text's UTF-8 that tidies it and finds the lines that may need mending.

What a character is comes as a table (kinds.py), because it depends on the versions of ftfy and Python, which numba's
cache does not know of.
"""

from typing import NamedTuple

import numpy as np
from numba import boolean, njit, types, uint64

from tasks.kernels.kinds import (
    ACTION,
    BREAK,
    CAPITAL,
    CLASS,
    FIRST,
    GONE,
    JOINS,
    LOOK,
    PAIR,
    RARE,
    SECOND,
    SPACE,
    SUSPECT,
    Table,
)

_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_OUT = types.Array(types.uint8, 1, "C")
_BLOCKS = types.Array(types.uint16, 1, "C", readonly=True)
_KINDS = types.Array(types.uint32, 1, "C", readonly=True)
_PLACES = types.Array(types.uint64, 1, "C")

# Places are unsigned, because of a signed one numba asks each time whether it counts from the end; a signed number
# beside one would make a float of both. Bytes are compared with bytes, so that LLVM takes 16 or 32 at once.
_0, _1, _2, _3, _4, _6 = (np.uint64(number) for number in (0, 1, 2, 3, 4, 6))
_STEP, _CALM = np.uint64(16), np.uint8(16)
_LINE, _BLANK, _TAB, _AMPERSAND, _DELETE = (np.uint8(ord(c)) for c in "\n \t&\x7f")
_WIDE, _TWO, _THREE = np.uint8(0x80), np.uint8(0xE0), np.uint8(0xF0)
_TAIL = np.uint64(0x3F)  # bits that a byte behind the first one gives to a code point
_SPOTS = 64  # room at first


class Tidied(NamedTuple):
    """The text made tidy; bytes of the text given whose lines may need mending, in order; whether RARE was met.

    Of the spots within 16 bytes of a line only the first is told, so that a text of nothing else costs no memory.

    `data` is the very object given where nothing changed.
    """

    data: bytes
    spots: np.ndarray
    rare: bool


@njit(boolean(_BYTES, uint64), cache=True, nogil=True)
def _entity(data, at):
    """Whether `&#?[0-9A-Za-z]{1,24};`, as ftfy reads entities, stands at the ampersand."""
    size = uint64(len(data))
    at += _1
    if at < size and data[at] == ord("#"):
        at += _1
    name = 0
    while at < size and name <= 24:
        b = data[at]
        if not (97 <= b | 32 <= 122 or 48 <= b <= 57):
            return b == ord(";") and name > 0
        name += 1
        at += _1
    return False


@njit(boolean(_BYTES, uint64), cache=True, nogil=True)
def _calm(data, at):
    """Whether an ASCII byte stays as it is: no control, no ampersand, of blanks and line ends as many as may be."""
    a, b, c = data[at], data[at + _1], data[at + _2]
    return not (
        ((a < _BLANK) & (a != _LINE))
        | (a >= _DELETE)
        | (a == _AMPERSAND)
        | ((a == _BLANK) & ((b == _BLANK) | (b == _LINE)))
        | ((a == _LINE) & (b == _LINE) & (c == _LINE))
    )


@njit(boolean(uint64, uint64), cache=True, nogil=True)
def _beside(before, kind):
    """Whether a character that is not ASCII is suspicious: by itself, behind the one before, or in NFC's order."""
    first = before >> uint64(FIRST) if before else uint64(JOINS)
    pair = first & (kind >> uint64(SECOND)) & uint64(PAIR)
    order = kind >> uint64(CLASS)
    return ((kind & uint64(SUSPECT)) | pair) != _0 or _0 < order < before >> uint64(CLASS)


@njit(
    types.Tuple((uint64, uint64, boolean, boolean))(_BYTES, _OUT, _PLACES, _BLOCKS, _KINDS, boolean, uint64),
    cache=True, nogil=True,
)  # fmt: skip
def _scan(data, out, spots, blocks, kinds, keep, entities):
    """(bytes written to `out`, spots found, whether RARE was met, whether `out` differs). `out` is as long as data.

    In the standard way a line's first blanks are written behind the line ends that would come before it, and count
    only once something follows them.
    """
    size = uint64(len(data))
    at = written = found = lead = solid = before = clear = _0
    # lead: blanks so far at a line's beginning. solid: behind the last full line that holds something, with `keep`.
    # before: the kind of the character before, 0 if that was ASCII. clear: up to it a spot is told if in another line.
    breaks = _1  # line ends since something was written; the text begins as a line does
    waiting = rare = substituted = False  # waiting: blanks have been met since something was written
    while at < size:
        if before == _0 and breaks == _0 and not waiting:
            start = at
            while at + _STEP + _2 <= size:
                calm = True
                for i in range(_STEP):
                    calm &= _calm(data, at + i)
                    out[written + i] = data[at + i]  # what is not calm is written over
                if not calm:
                    break
                at += _STEP
                written += _STEP
            if at + _STEP + _2 <= size:
                first = _CALM
                for i in range(_STEP):
                    place = _CALM if _calm(data, at + i) else np.uint8(i)
                    first = place if place < first else first
                at += uint64(first)
                written += uint64(first)
            while at + _STEP + _2 > size and at + _2 < size and _calm(data, at):
                out[written] = data[at]
                at += _1
                written += _1
            # What follows decides about blanks and line ends, so that these are given back.
            while at > start and (data[at - _1] == _BLANK or data[at - _1] == _LINE):
                at -= _1
                written -= _1
        b = data[at]
        suspicious = False
        wide = more = bool(b >= _WIDE)
        if not wide:
            kind, width = uint64(kinds[b]), _1
            suspicious = (kind & uint64(SUSPECT)) != _0
            if kind & uint64(LOOK) and at < entities:
                suspicious = _entity(data, at)
            if (before >> uint64(FIRST)) & uint64(CAPITAL) and not 97 <= b | 32 <= 122:
                suspicious = True
            before = _0
        while more:  # characters that are not ASCII and stay, with single blanks between them
            b = data[at]
            width = _2 if b < _TWO else _3 if b < _THREE else _4
            code = _0
            if at + width > size:  # not UTF-8
                width = _1
            else:
                code = uint64(data[at + _1]) & _TAIL
                if width == _2:
                    code |= (uint64(b) & uint64(0x1F)) << _6
                else:
                    code = (code << _6) | (uint64(data[at + _2]) & _TAIL)
                    if width == _3:
                        code |= (uint64(b) & uint64(0x0F)) << uint64(12)
                    else:
                        code = (
                            (code << _6) | (uint64(data[at + _3]) & _TAIL) | ((uint64(b) & uint64(0x07)) << uint64(18))
                        )
                        if code > uint64(0x10FFFF):
                            width, code = _1, _0
            kind = uint64(kinds[(uint64(blocks[code >> uint64(7)]) << uint64(7)) | (code & uint64(127))])
            suspicious |= _beside(before, kind)
            before = kind
            if kind & uint64(ACTION) or breaks or suspicious:
                break
            if waiting:
                out[written] = _BLANK
                written += _1
                waiting = False
            out[written] = b
            if width > _1:  # a loop would be made one over 16 bytes at once, and take longer to begin than to end
                out[written + _1] = data[at + _1]
            if width > _2:
                out[written + _2] = data[at + _2]
            if width > _3:
                out[written + _3] = data[at + _3]
            written += width
            at += width
            more = False
            if at < size:
                b = data[at]
                if b >= _WIDE:
                    more = True
                elif not (before >> uint64(FIRST)) & uint64(CAPITAL) or 97 <= b | 32 <= 122:
                    before = _0  # nothing hangs on it any more
                    if b == _BLANK and at + _1 < size and data[at + _1] >= _WIDE and not keep:
                        waiting = more = True
                        at += _1
        if wide and not more:
            continue
        if suspicious and at < clear:
            suspicious = False
            for between in range(clear - _STEP, at):
                suspicious |= bool(data[between] == _LINE)
        if suspicious:
            clear = at + _STEP
            if found < uint64(len(spots)):
                spots[found] = at
            found += _1
        rare |= (kind & uint64(RARE)) != _0
        action = kind & uint64(ACTION)
        if action == uint64(BREAK):
            if not keep:
                lead = _0
                waiting = False
            elif breaks == _0:
                solid = written
            if keep and solid:
                out[written] = _LINE
                written += _1
            elif keep:
                written = _0  # nothing but blanks so far
            breaks += _1
            substituted |= b != _LINE
        elif action == uint64(SPACE) and not keep:
            if breaks:
                ends = min(breaks, _2) if written else _0
                out[written + ends + lead] = b if width == _1 else _BLANK
                lead += _1
            else:
                substituted |= b == _TAB
                waiting = True
        elif action != uint64(GONE):
            if not keep and breaks:
                if written:
                    for _ in range(min(breaks, _2)):
                        out[written] = _LINE
                        written += _1
                written += lead
                lead = _0
            elif waiting:
                out[written] = _BLANK
                written += _1
                waiting = False
            if action != uint64(SPACE):
                breaks = _0
            out[written] = b
            if width > _1:
                out[written + _1] = data[at + _1]
            if width > _2:
                out[written + _2] = data[at + _2]
            if width > _3:
                out[written + _3] = data[at + _3]
            written += width
        at += width
    if keep and breaks:
        written = solid
    return written, found, rare, written != size or substituted


def tidy(data: bytes, table: Table, keep: bool, entities: int) -> Tidied:
    """Tidy UTF-8 (lone surrogates in it as `surrogatepass` writes them).

    Args:
        keep: blanks stay as they are; else a run inside a line becomes one blank and goes at its end, and one empty
            line remains of several. Either way line ends become line feeds, and empty lines at both ends of the text
            go.
        entities: entities that begin before this byte are suspicious.
    """
    given = np.frombuffer(data, np.uint8)
    out = np.empty(len(data), np.uint8)
    spots = np.empty(_SPOTS, np.uint64)
    written, found, rare, changed = _scan(given, out, spots, table.blocks, table.kinds, keep, entities)
    if found > _SPOTS:
        spots = np.empty(found, np.uint64)
        _scan(given, out, spots, table.blocks, table.kinds, keep, entities)
    return Tidied(out[:written].tobytes() if changed else data, spots[:found], rare)
