"""Records of an archive file, WARC or ARC, and a Reject for every range of its bytes that is none.

What the two have in common: records one after the other, each a header that says how long its block is, mostly in a
gzip member (zstd frame, ...) of its own. A record counts as read if it has a header, that many bytes, and behind them
what separates records (or the next record, or the end); in a compressed file also only if its member's checksum holds,
or more content follows. Behind damage, reading goes on at the next member that begins with a record, and inside one,
and in plain files, at the next line that is a record's header.
"""

import re
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from tasks.sources.input.binary import HEAD, binary_kind
from tasks.sources.input.content import Content
from tasks.sources.input.forms import MAGIC, WINDOW
from tasks.sources.input.raw import Raw
from tasks.sources.rejects import Reject

BLANK = b"\r\n"
BLANK_RUN = re.compile(rb"[\r\n]*")
BLANKS = 4096  # more empty lines than this between records are damage
SEARCHED = 1 << 20  # bytes searched for the next member at a time
PEEK = 64  # bytes that show that a member or frame begins with a WARC record
REWINDS = 8  # how often a member may be read again behind an oversized record whose length is wrong


class Record(NamedTuple):
    """One record: where it is in the file (bytes), its WARC type, its block's length, its header's fields, its block.

    Names of fields are in lower case. `block` is None where it is larger than the limit.
    """

    offset: int
    length: int
    type: str
    size: int
    fields: dict[str, str]
    block: bytes | None


class Limits(NamedTuple):
    """Bytes: of a block that is kept, of a header, of memory that a compressed stream may ask for."""

    block: int = 32 << 20
    header: int = 64 << 10
    window: int = WINDOW


class Head(NamedTuple):
    """A header: the position behind it, the record's WARC type, its block's length, its fields as WARC names them."""

    end: int
    type: str
    size: int
    fields: dict[str, str]


class Damage(Exception):
    """No record at a position; `search` says from where on to look for the next."""

    def __init__(self, reason: str, detail: str, search: int):
        super().__init__(detail)
        self.reason, self.detail, self.search = reason, detail, search


class Framing:
    """Reads one file of one kind of archive; the kind says how a header looks."""

    HEADER: ClassVar[re.Pattern[bytes]]  # what a record begins with
    SEARCH: ClassVar[re.Pattern[bytes]]  # the same as a search for the next record looks for it
    BEGIN: ClassVar[re.Pattern[bytes]]  # what a member that begins with a record begins with
    PEEK: ClassVar[int] = PEEK  # bytes that show it
    LINES: ClassVar[int] = 2  # line ends that separate records, where no next record does

    def __init__(self, raw: Raw, kind: str, name: str, limits: Limits):
        self.raw, self.kind, self.name, self.limits = raw, kind, name, limits
        self.at = 0  # file offset up to which all is accounted for
        self.rewinds = REWINDS

    def head(self, content: Content, start: int) -> Head:
        """The header at a position, after the empty lines that may come first. Raises Damage if there is none."""
        raise NotImplementedError

    def check(self, block: bytes, head: Head) -> None:
        """Raises Damage where the block holds other records."""

    def run(self) -> Iterator[Record | Reject]:
        while self.at < self.raw.size:
            yield from self._stretch(self._content(self.at))

    def begins(self, offset: int, kind: str) -> bool:
        """Whether a member of this form stands at a file offset and begins with a record."""
        content = Content(self.raw, kind, offset, window=self.limits.window)
        return self.BEGIN.match(content.first(self.PEEK).lstrip(BLANK)) is not None

    def blank_lines(self, content: Content, start: int) -> int:
        """The position behind the empty lines at a position."""
        begin = start
        while content.fill(begin + 1) and content.window[begin - content.base] in BLANK:
            begin += 1
            if begin - start > BLANKS:
                raise Damage("header", f"more than {BLANKS} empty lines", begin)
        return begin

    def _content(self, offset: int, kept: int = 0) -> Content:
        return Content(self.raw, self.kind, offset, kept=kept, window=self.limits.window, begin=self.BEGIN)

    def _stretch(self, content: Content) -> Iterator[Record | Reject]:
        """Records of one stretch of content, up to where it ends or breaks; then find where reading goes on."""
        position = 0
        while True:
            try:
                content.fill(position + 1)
                if content.end == position:
                    break
                record, position = self._record(content, position)
                yield record
                yield from self._padding(content, position)
            except Damage as damage:
                start = position
                if damage.search < content.base:
                    content = self._rewind(content, damage.search)
                resumed = self._search(content, damage.search)
                if resumed is None and content.broken:
                    break
                position = content.end if resumed is None else resumed
                reason, detail = damage.reason, damage.detail
                if content.broken is None and resumed is None and reason == "length" and self.kind == "plain":
                    reason = "truncated"
                yield self._damaged(content.place(position), reason, f"{detail} (content byte {start})")
        if content.broken:
            yield self._damaged(self._next_member(), content.broken.reason, content.broken.detail)
        elif self.at < self.raw.size:  # nothing but a trailer can be left
            yield self._damaged(self.raw.size, self.kind.removesuffix("-legacy"), "bytes behind the last record")

    def _damaged(self, end: int, reason: str, detail: str) -> Reject:
        if self.at == 0 and end == self.raw.size and (foreign := self._foreign()):
            reason, detail = "format", f"the file is no archive of records but {foreign}"
        reject = Reject(self.name, self.at, end - self.at, reason, detail)
        self.at = end
        return reject

    def _foreign(self) -> str | None:
        """What a file is in which there is no record at all, where its content says so."""
        content = self._content(0)
        start = content.first(HEAD)
        return None if content.broken else binary_kind(start)

    def _padding(self, content: Content, position: int) -> Iterator[Reject]:
        """Zero bytes behind members before a position, accounted for by themselves if no record spans them."""
        while content.gaps and content.gaps[0].position <= position:
            gap = content.gaps.popleft()
            if gap.start == self.at:
                detail = "zero bytes behind a compressed member, as tapes and block devices add them"
                yield Reject(self.name, gap.start, gap.end - gap.start, "padding", detail)
                self.at = gap.end

    def _record(self, content: Content, start: int) -> tuple[Record, int]:
        """The record at a position and the position behind it. Raises Damage if there is none that can be read."""
        head = self.head(content, start)
        end = head.end + head.size
        oversized = head.size > self.limits.block
        complete = content.skip(end) if oversized else content.fill(end)
        behind = next((begin for begin in content.starts if start < begin < end), None) if content.starts else None
        if not complete or behind is not None:
            last = self.raw.size - content.offset if self.kind == "plain" else content.end
            present = (last if behind is None else behind) - head.end
            detail = f"the header says {head.size} bytes, the record has {present}"
            raise Damage("length", detail, head.end if behind is None else behind)
        after = self._separator(content, end)
        if after is None:
            raise Damage("length", f"the header says {head.size} bytes, the record does not end there", head.end)
        if content.broken and after == content.end and content.whole < after:
            raise Damage("truncated", "its member is broken", head.end)
        block = None
        if not oversized:
            block = content.slice(head.end, end)
            self.check(block, head)
        place = content.place(after)
        if content.gaps:
            place = next((gap.start for gap in content.gaps if gap.position == after), place)
        record = Record(self.at, place - self.at, head.type, head.size, head.fields, block)
        self.at = place
        content.drop(after, kept=not oversized)
        return record, after

    def _separator(self, content: Content, end: int) -> int | None:
        """The position behind the empty lines that close a record; None if something else stands there."""
        if content.fill(end + 5):
            tail = content.window[end - content.base : end - content.base + 5]
            if tail.startswith(b"\r\n\r\n") and tail[4] not in BLANK:  # the rule; what follows is for the rest
                return end + 4
        position, limit = end, end + BLANKS
        while position < limit and content.fill(position + 1):
            run = BLANK_RUN.match(content.window, position - content.base, limit - content.base)
            position = content.base + (run.end() if run else 0)
            if position < content.end:
                break
        blank = content.slice(end, position)
        if blank.count(b"\n") >= self.LINES or position in content.starts or not content.fill(position + 1):
            return position
        content.fill(position + self.PEEK)
        return position if self.HEADER.match(content.window, position - content.base) else None

    def _search(self, content: Content, position: int) -> int | None:
        """The next position at which a record's header begins; None if there is none before the content ends."""
        content.fill(position)
        position = min(max(position, content.base), content.end)
        while True:
            match = self.SEARCH.search(content.window, position - content.base)
            member = next((start for start in content.starts if start >= position), None)
            if match is not None or member is not None:
                found = content.end if match is None else content.base + match.start()
                return found if member is None else min(found, member)
            # A header may lie across the window's end; what stands before cannot be one.
            position = max(position, content.end - max(256, self.PEEK))
            content.drop(position)
            if not content.fill(content.end + 1):
                return None

    def _rewind(self, content: Content, position: int) -> Content:
        """Read a stretch again from a position: an oversized record with a wrong length was skipped over."""
        if self.kind != "plain":  # where going back costs decompressing everything once more
            if self.rewinds == 0:
                return content
            self.rewinds -= 1
        content = self._content(content.offset, kept=position)
        content.skip(position, records=False)
        return content

    def _next_member(self) -> int:
        """The file offset, behind the one accounted for, of the next member or frame that begins with a record."""
        magic = MAGIC[self.kind]
        offset = self.at + 1
        while offset < self.raw.size:
            window = self.raw.read(offset, SEARCHED)
            start = window.find(magic)
            while start >= 0:
                if self.begins(offset + start, self.kind):
                    return offset + start
                start = window.find(magic, start + 1)
            offset += max(1, len(window) - len(magic) + 1)
        return self.raw.size
