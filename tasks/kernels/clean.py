"""The scan of `clean`: one way through a text's UTF-8 that tidies it and finds the lines that may need mending.

What a character is comes as a table (kinds.py), because it depends on the versions of ftfy and Python, which numba's
cache does not know of.
"""

from typing import NamedTuple

import numpy as np
from numba import boolean, int64, njit, types

from tasks.kernels.kinds import ACTION, BREAK, CAPITAL, CLASS, FIRST, GONE, LOOK, PAIR, RARE, SECOND, SPACE, SUSPECT, Table

_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_OUT = types.Array(types.uint8, 1, "C")
_BLOCKS = types.Array(types.uint16, 1, "C", readonly=True)
_KINDS = types.Array(types.uint32, 1, "C", readonly=True)
_PLACES = types.Array(types.int64, 1, "C")

_NEWLINE, _BLANK, _TAB, _SEMICOLON, _HASH = 10, 32, 9, 59, 35
_NAME = 24  # characters of an entity's name, as ftfy reads it
_LINES = 64  # places for lines at first


class Tidied(NamedTuple):
    """The text made tidy, where the lines of the text given begin (bytes) that may need mending, whether RARE was met.

    `data` is the very object given where nothing changed.
    """

    data: bytes
    lines: np.ndarray
    rare: bool


@njit(boolean(_BYTES, int64, int64), cache=True, nogil=True)
def _entity(data, at, end):
    """Whether `&#?[0-9A-Za-z]{1,24};` stands at the ampersand."""
    at += 1
    if at < end and data[at] == _HASH:
        at += 1
    begin = at
    while at < end and at - begin <= _NAME:
        b = data[at]
        letter = b | 32
        if not (97 <= letter <= 122 or 48 <= b <= 57):
            return b == _SEMICOLON and at > begin
        at += 1
    return False


@njit(
    types.Tuple((int64, int64, boolean, boolean))(_BYTES, _OUT, _PLACES, _BLOCKS, _KINDS, boolean, int64),
    cache=True, nogil=True,
)  # fmt: skip
def _scan(data, out, lines, blocks, kinds, keep, entities):
    """(bytes written to `out`, lines found, whether RARE was met, whether `out` differs). `out` is as long as data.

    In the standard way a line's first blanks are written behind the line ends that would come before it, and count
    only once something follows them.
    """
    size = len(data)
    at = written = begin = found = int64(0)  # begin: of the line being read
    breaks, lead = int64(1), int64(0)  # line ends since something was written, and blanks since then
    waiting = rare = substituted = told = False  # told: that this line may need mending
    solid = int64(0)  # where `keep` may cut the end: behind the last line that holds something
    filled = False  # whether `keep`'s line does
    before = int64(0)  # the kind of the character before, where it was not ASCII
    while at < size:
        b = data[at]
        width = int64(1)
        if b < 0x80:
            kind = int64(kinds[b])
            if before:
                letter = b | 32
                if (before >> FIRST) & CAPITAL and not 97 <= letter <= 122 and not told:
                    if found < len(lines):
                        lines[found] = begin
                    found += 1
                    told = True
                before = 0
            suspicious = (kind & SUSPECT) != 0
            if kind & LOOK and at < entities:
                suspicious = _entity(data, at, size)
        else:
            if b < 0xE0:
                width = 2
            elif b < 0xF0:
                width = 3
            else:
                width = 4
            code = int64(b) & (0x7F >> width)
            if at + width > size:  # not UTF-8
                width, code = 1, 0xFFFD
            for i in range(1, width):
                code = (code << 6) | (int64(data[at + i]) & 0x3F)
            kind = int64(kinds[(int64(blocks[code >> 7]) << 7) | (code & 127)])
            order = kind >> CLASS
            suspicious = (
                (kind & SUSPECT) | ((before >> FIRST) & (kind >> SECOND) & PAIR)
            ) != 0 or 0 < order < before >> CLASS
            before = kind
        if suspicious and not told:
            if found < len(lines):
                lines[found] = begin
            found += 1
            told = True
        rare |= (kind & RARE) != 0
        action = kind & ACTION
        if b == _NEWLINE or action == BREAK:
            if b == _NEWLINE:
                begin = at + 1
                told = False
            if keep:
                if filled:
                    solid = written
                if solid:
                    out[written] = _NEWLINE
                    written += 1
                else:
                    written = 0
                filled = False
            else:
                breaks += 1
                lead = 0
                waiting = False
            at += width
        elif action == SPACE and not keep:
            if breaks:
                ends = min(breaks, 2) if written else 0
                out[written + ends + lead] = b if width == 1 else _BLANK
                lead += 1
            else:
                substituted |= b == _TAB
                waiting = True
            at += width
        elif action == GONE:
            at += width
        else:
            if keep:
                filled |= action != SPACE
            elif breaks:
                if written:
                    for _ in range(min(breaks, 2)):
                        out[written] = _NEWLINE
                        written += 1
                written += lead
                breaks = lead = 0
            elif waiting:
                out[written] = _BLANK
                written += 1
                waiting = False
            for i in range(width):
                out[written] = data[at + i]
                written += 1
            at += width
            while at < size and before == 0 and data[at] < 0x80 and kinds[data[at]] == 0:
                out[written] = data[at]
                written += 1
                at += 1
    if keep and not filled:
        written = solid
    return written, found, rare, written != size or substituted or rare


def tidy(data: bytes, table: Table, keep: bool, entities: int) -> Tidied:
    """Tidy UTF-8 (lone surrogates in it as `surrogatepass` writes them).

    Args:
        keep: blanks stay as they are; else a run inside a line becomes one blank and goes at its end, and one empty
            line remains of several. Either way line ends become line feeds, and empty lines at both ends of the text
            go. Only line feeds end the lines that are told of.
        entities: entities that begin before this byte are suspicious.
    """
    given = np.frombuffer(data, np.uint8)
    out = np.empty(len(data), np.uint8)
    lines = np.empty(_LINES, np.int64)
    written, found, rare, changed = _scan(given, out, lines, table.blocks, table.kinds, keep, entities)
    if found > _LINES:
        lines = np.empty(found, np.int64)
        _scan(given, out, lines, table.blocks, table.kinds, keep, entities)
    return Tidied(out[:written].tobytes() if changed else data, lines[:found], rare)
