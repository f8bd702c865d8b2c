"""Lines of a file, plain or compressed, by where they stand; a line that is too long is passed over, not held."""

from collections.abc import Iterator
from typing import NamedTuple

from tasks.sources.content import Content, Raw, kind_of
from tasks.sources.forms import WINDOW
from tasks.sources.hashed import Source
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
        content = Content(raw, kind_of(raw), scan=1 << 62, window=window)
        position = start
        if start:  # the line that holds the byte before belongs to the part before
            position = _behind_newline(content, start - 1)
        while end is None or position < end:
            place = content.place(position)
            newline, looked = -1, position
            while newline < 0:
                newline = content.window.find(b"\n", looked - content.base)
                if newline < 0:
                    looked = content.end
                    if looked - position > limit or not content.fill(looked + 1):
                        break
            if newline < 0 and content.end - position > limit:
                behind = _behind_newline(content, content.end)
                yield Line(None, position, behind - position, content.place(behind) - place)
                position = behind
                continue
            behind = content.end if newline < 0 else content.base + newline + 1
            if behind == position:
                break
            if newline < 0 and content.broken:
                break
            data = content.slice(position, behind).rstrip(b"\r\n") if behind - position <= limit else None
            yield Line(data, position, behind - position, content.place(behind) - place)
            content.drop(behind)
            position = behind
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
