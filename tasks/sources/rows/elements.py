"""JSON values one after the other where a line is not a record: a file that is one array, or objects over many lines.

What a value holds is not looked at, only where it begins and ends: brackets are counted outside of strings. So one bad
value costs itself alone, a value's place is known to the byte, and no more than one is held: which a parser of events,
such as ijson, does not give. Brackets that do not match take what follows with them; the limit on a value ends that.
"""

import re
from collections.abc import Iterator

from tasks.sources.input.content import Content
from tasks.sources.input.forms import WINDOW
from tasks.sources.input.lines import Line
from tasks.sources.input.raw import Raw, Source
from tasks.sources.rejects import Reject

HEAD = 1 << 12  # bytes of content that tell whether a file is such a one
MARK = b"\xef\xbb\xbf"
BETWEEN = re.compile(rb"[ \t\r\n,\x1e]*+")  # what stands between values; RS begins one in RFC 7464
TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{}"]', re.DOTALL)  # a string, a bracket, or a string's beginning
REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)  # of a string, up to its end or half an escape
STRAY = re.compile(rb"[^][{},\n]++")  # at the level of records: numbers, words, anything
FIRST = re.compile(rb"\[\s*[{\]]|\{\s*\n")


def stacked(head: bytes) -> bool:
    """Whether a file that begins so is an array of objects, or has one over many lines (`{` alone on the first)."""
    return FIRST.match(head.removeprefix(MARK).lstrip()) is not None


def elements(path: Source, limit: int = 32 << 20, window: int = WINDOW) -> Iterator[Line | Reject]:
    """The values of such a file, as `lines` gives lines; one longer than `limit` bytes is passed over.

    The last thing given may be a Reject, for a compressed stream that breaks, or a value or array that has no end; its
    offset and length are bytes of the file.
    """
    raw = Raw(path)
    try:
        yield from _elements(Content(raw, scan=1 << 62, window=window), raw.name, limit)
    finally:
        raw.close()


def _elements(content: Content, name: str, limit: int) -> Iterator[Line | Reject]:
    arrays = 0  # that are open; what they hold is a value
    position = len(MARK) if content.fill(len(MARK)) and content.window.startswith(MARK) else 0
    while content.fill(position + 1):
        position = content.base + _match_end(BETWEEN, content, position)
        if position == content.end:
            content.drop(position)
            continue
        first = content.window[position - content.base]
        if first in b"[]":
            arrays = arrays + 1 if first == ord("[") else max(0, arrays - 1)
            position += 1
            continue
        place = content.place(position)
        if first in b'{"':
            end = _end(content, position, limit)
        else:  # of a bracket that nothing opened, the one byte
            end = max(position + 1, content.base + _match_end(STRAY, content, position))
        if end is None:
            problem = content.broken
            reason, detail = (
                (problem.reason, problem.detail) if problem else ("truncated", "the file ends inside a value")
            )
            yield Reject(name, place, content.raw.size - place, reason, detail)
            return
        data = content.slice(position, end) if content.base <= position and end - position <= limit else None
        yield Line(data, position, end - position, content.place(end) - place)
        content.drop(end)
        position = end
    place = content.place(content.end)
    if content.broken:
        yield Reject(name, place, content.raw.size - place, content.broken.reason, content.broken.detail)
    elif arrays:
        yield Reject(name, content.raw.size, 0, "truncated", "the file ends inside an array")


def _match_end(pattern: re.Pattern[bytes], content: Content, position: int) -> int:
    match = pattern.match(content.window, position - content.base)
    return match.end() if match else position - content.base


def _end(content: Content, start: int, limit: int) -> int | None:
    """The position behind the value that begins at `start`; None where the content ends before it does.

    A value past the limit is forgotten while it is looked through.
    """
    depth, at, inside = 0, start, False  # brackets open; looked through up to here; whether that is in a string
    while True:
        if inside:
            at = content.base + _match_end(REST, content, at)
            if content.window[at - content.base : at - content.base + 1] == b'"':
                at, inside = at + 1, False
                if depth == 0:
                    return at
        if not inside:
            at, depth, inside = _counted(content, at, depth)
            if depth == 0 and not inside:
                return at
        if content.end - start > limit:
            content.drop(at)
        if not content.fill(content.end + 1):
            return None


def _counted(content: Content, at: int, depth: int) -> tuple[int, int, bool]:
    """From a position outside of strings: up to where no bracket is open, a string has no end, or the window ends."""
    for token in TOKEN.finditer(content.window, at - content.base):
        found = token[0]
        if found == b'"':
            return content.base + token.end(), depth, True
        if found in (b"{", b"["):
            depth += 1
        elif found in (b"}", b"]"):
            depth -= 1
        if depth == 0:
            return content.base + token.end(), depth, False
    return content.end, depth, False
