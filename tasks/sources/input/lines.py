"""Lines of a file, plain or compressed, by where they stand; a line that is too long is passed over, not held."""

from collections.abc import Iterator
from typing import NamedTuple

from tasks.sources.input.content import Content
from tasks.sources.input.forms import WINDOW
from tasks.sources.input.raw import Raw, Source
from tasks.sources.rejects import Reject


class Line(NamedTuple):
    """A line without its end (None: longer than the limit), where it is in the content, its length with its end.

    `stored` is how many bytes of the file it takes; in proportion where that is compressed.
    """

    data: bytes | None
    offset: int
    length: int
    stored: int


def lines(
    path: Source, start: int = 0, end: int | None = None, limit: int = 32 << 20, window: int = WINDOW
) -> Iterator[Line | Reject]:
    """Lines of a file, or, where it is not compressed, those that begin in its bytes start..end.

    A line longer than `limit` bytes is passed over in steps. The last thing given may be a Reject for a compressed
    stream that breaks; its offset and length are then bytes of the file.
    """
    raw = Raw(path)
    try:
        content = Content(raw, scan=1 << 62, window=window)
        position = start
        if start:  # the line that holds the byte before belongs to the part before
            position = _behind_newline(content, start - 1)
        place = content.place(position)
        while end is None or position < end:
            last = content.window.rfind(b"\n", position - content.base)
            if last >= 0:  # the whole lines of the window, as one piece
                block, at = content.slice(position, content.base + last + 1), 0
                while at < len(block) and (end is None or position + at < end):
                    behind = block.index(b"\n", at) + 1
                    before, place = place, content.place(position + behind)
                    data = block[at:behind].rstrip(b"\r\n") if behind - at <= limit else None
                    yield Line(data, position + at, behind - at, place - before)
                    at = behind
                position += at
                content.drop(position)
            elif content.end - position > limit:
                behind = _behind_newline(content, content.end)
                before, place = place, content.place(behind)
                yield Line(None, position, behind - position, place - before)
                position = behind
            elif not content.fill(content.end + 1):
                if not content.broken and content.end > position:
                    data, before = content.slice(position, content.end).rstrip(b"\r\n"), place
                    place = content.place(content.end)
                    yield Line(data, position, content.end - position, place - before)
                    position = content.end
                break
        if content.broken:
            place = content.place(min(position, content.end))
            detail = f"{content.broken.detail}; the rest of the file cannot be read"
            yield Reject(str(path), place, raw.size - place, content.broken.reason, detail)
    finally:
        raw.close()


def _behind_newline(content: Content, position: int) -> int:
    """The position behind the first line end at or behind a position, or the content's end."""
    if position > content.end and not content.skip(position, records=False):
        return content.end
    content.drop(position)
    while content.fill(position + 1):
        newline = content.window.find(b"\n", position - content.base)
        if newline >= 0:
            behind = content.base + newline + 1
            content.drop(behind)
            return behind
        position = content.end
        content.drop(position)
    return content.end
