"""A file's content as one stream of bytes, decompressed where need be, that knows where in the file it stands.

`Content` holds a window of the content; `place(position)` tells the file offset that belongs to a content position, so
that the bytes in the file of a record, or of a damaged range, are known (to the byte for a member or stream, in
proportion inside one).

Memory is bounded: a step gives at most 256 KiB of content (of bzip2 and LZ4 a block), and a compressed stretch in which
nothing could be kept is abandoned after `scan` bytes of content, so that a decompression bomb costs neither memory nor
hours.
"""

import re
from collections import deque
from typing import NamedTuple

from tasks.sources.input.forms import PIECES, WINDOW, kind_of, plain_pieces
from tasks.sources.input.raw import Broken, Raw

RECORD = re.compile(rb"WARC/")


class Gap(NamedTuple):
    """Zero bytes behind a member, start..end of the file, that stand at a position of the content."""

    position: int
    start: int
    end: int


class Content:
    """A window on the content from a file offset on. Positions count content bytes from there."""

    def __init__(
        self,
        raw: Raw,
        kind: str | None = None,
        offset: int = 0,
        scan: int = 1 << 29,
        kept: int = 0,
        window: int = WINDOW,
        begin: re.Pattern[bytes] = RECORD,
    ):
        """The content from an offset on.

        Args:
            kind: see `kind_of`, which is asked where it is None.
            kept: position up to which a former reading found records. window: bytes, what a frame may ask for.
            begin: what a member that begins with a record begins with.
        """
        self.raw, self.kind, self.offset = raw, kind or kind_of(raw), offset
        self.window = bytearray()
        self.base = 0  # position of window[0]
        self.whole = 0  # up to here members have ended well
        self.starts: deque[int] = deque()  # positions where a member begins with a record
        self.gaps: deque[Gap] = deque()  # padding met, and not yet dropped
        self.broken: Broken | None = None
        self.ended = False
        self._marks: deque[list[int]] = deque([[0, offset]])  # [content position, file offset behind it]
        self._pieces = PIECES[self.kind](raw, offset, window)
        self._scan, self._kept, self._begin = scan, kept, begin

    @property
    def end(self) -> int:
        """Position behind the window."""
        return self.base + len(self.window)

    def fill(self, position: int) -> bool:
        """Read on until the window reaches a position; False where the content ends, or breaks, before it."""
        while self.base + len(self.window) < position:
            if self.ended:
                return False
            self._pull()
        return True

    def _pull(self) -> None:
        end = self.end
        try:
            data, offset, first, last = next(self._pieces)
        except StopIteration:
            self.ended = True
            return
        except Broken as broken:
            self.broken, self.ended = broken, True
            return
        if not data and first and not last:
            self.gaps.append(Gap(end, self._marks[-1][1], offset))
            self._marks.append([end, offset])
            return
        if first and self._begin.match(data):
            self.starts.append(end)
        self.window += data
        if data:
            self._marks.append([end + len(data), offset])
        else:  # a member's end alone: what came before it reaches to behind its trailer
            self._marks[-1][1] = offset
        if last:
            self.whole = end + len(data)
        if self.kind != "plain" and end - self._kept > self._scan:
            self.broken = Broken("too-large", f"{end - self._kept} bytes decompressed without one record to keep")
            self.ended = True

    def place(self, position: int) -> int:
        """The file offset behind the content before `position`.

        Exact at the ends of members and in plain files; inside a member in proportion between steps of the reader.
        """
        if self.kind == "plain":
            return self.offset + position
        before = self._marks[0]
        for mark in self._marks:
            if mark[0] > position:
                share = (position - before[0]) / (mark[0] - before[0])
                return before[1] + int(share * (mark[1] - before[1]))
            before = mark
        return before[1]

    def first(self, count: int) -> bytes:
        """Up to so many bytes from the window's beginning on."""
        self.fill(self.base + count)
        return self.slice(self.base, min(self.end, self.base + count))

    def slice(self, start: int, end: int) -> bytes:
        return bytes(memoryview(self.window)[start - self.base : end - self.base])

    def drop(self, position: int, kept: bool = False) -> None:
        """Forget the window before a position inside it; `kept` where a record was made of what is forgotten."""
        del self.window[: position - self.base]
        self.base = position
        while len(self._marks) > 1 and self._marks[1][0] <= position:
            self._marks.popleft()
        while self.starts and self.starts[0] < position:
            self.starts.popleft()
        if kept:
            self._kept = position

    def skip(self, position: int, records: bool = True) -> bool:
        """Go to a position, keeping nothing; False where the content ends or breaks before it.

        With `records`, also where a member that begins with a record stands before it. In a plain file nothing is
        read, and nothing dropped where the answer is False.
        """
        if self.kind == "plain":
            if self.offset + position > self.raw.size:
                return False
            if position > self.end:
                self.window.clear()
                self.base, self._pieces = position, plain_pieces(self.raw, self.offset + position)
                self.ended = False
            else:
                self.drop(position)
            return True
        begin = self.base
        while self.end < position:
            self.drop(self.end)
            if self.ended:
                return False
            self._pull()
            if records and self.starts and self.starts[-1] > begin:
                return self.starts[-1] >= position
        self.drop(position)
        return True
