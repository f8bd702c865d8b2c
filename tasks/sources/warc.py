"""WARC files: every record that can be read, and a Reject for every range of bytes that cannot.

The framing is ours, because FastWARC's iterator stops at the first bad record without saying where, and takes a
truncated last record and a Content-Length that swallows its neighbours without a word (FastWARC 2.0.1). Its parser
reads the headers of what was framed. The ranges of records and rejects lie end to end from the file's first byte to
its last; `Ledger` checks that they do.

A record counts as read if it has a header with a type and a Content-Length, that many bytes, and behind them the two
empty lines (or the next record, or the end); in a compressed file also only if its member's checksum holds, or more
content follows. Behind damage, reading goes on at the next gzip member (or zstd frame) that begins with a WARC header,
and inside one, and in plain files, at the next line `WARC/1.` that a header follows.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tasks.runtime.errors import Failure
from tasks.sources.content import GZIP, ZSTD, Content, Raw, kind_of
from tasks.sources.rejects import Reject

VERSION = re.compile(rb"WARC/[01]\.\d{1,4}[ \t]*\r{0,2}\n")
HEADER = re.compile(rb"WARC/[01]\.\d{1,4}[ \t]*\r{0,2}\n[A-Za-z][A-Za-z0-9-]*[ \t]*:")
HEAD_END = re.compile(rb"\n\r{0,2}\n")
LENGTH = re.compile(rb"(?im)^content-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r{0,2}$")
TYPE = re.compile(rb"(?im)^warc-type[ \t]*:[ \t]*([!-~]+)[ \t]*\r{0,2}$")
BLANK = b"\r\n"
BLANKS = 4096  # more empty lines than this between records are damage
MAGIC = {"gzip": GZIP, "zstd": ZSTD}
WINDOW = 1 << 20  # bytes searched for the next member at a time
PEEK = 64  # bytes that show that a member or frame begins with a record
REWINDS = 8  # how often a member may be read again behind an oversized record whose length is wrong


class Record(NamedTuple):
    """One WARC record: where it is in the file (bytes), its type, its bytes (header, empty line, block).

    `data` is None where the block is larger than the limit; `size` is its Content-Length.
    """

    offset: int
    length: int
    type: str
    size: int
    data: bytes | None
    crlf: bool  # whether header lines end as the standard says


class _Head(NamedTuple):
    end: int  # position behind the empty line
    type: str
    size: int
    crlf: bool


class _Damage(Exception):
    def __init__(self, reason: str, detail: str, search: int):
        super().__init__(detail)
        self.reason, self.detail, self.search = reason, detail, search


def records(
    source: Path | str | BinaryIO, name: str | None = None, block: int = 32 << 20, header: int = 64 << 10
) -> Iterator[Record | Reject]:
    """Everything in a WARC file, in its order, from its first byte to its last.

    Args:
        source: a path, or a binary stream that can seek.
        name: what Rejects call the file.
        block: bytes; of a larger record only the header is kept.
        header: bytes; a longer header is damage.
    """
    raw = Raw(source)
    try:
        yield from _Reader(raw, name or raw.name, block, header).run()
    finally:
        if isinstance(source, str | Path):
            raw.close()


class _Reader:
    def __init__(self, raw: Raw, name: str, block: int, header: int):
        self.raw, self.name, self.block, self.header = raw, name, block, header
        self.kind = kind_of(raw)
        if self.kind == "plain" and raw.size:
            self._reconsider()
        self.at = 0  # file offset up to which all is accounted for
        self.rewinds = REWINDS

    def run(self) -> Iterator[Record | Reject]:
        if self.raw.size == 0:
            yield Reject(self.name, 0, 0, "empty-file", "the file has 0 bytes")
        elif self._arc():
            detail = "an ARC file: convert it with `warcio recompress`, which writes WARC"
            yield Reject(self.name, 0, self.raw.size, "format", detail)
        else:
            while self.at < self.raw.size:
                yield from self._stretch(Content(self.raw, self.kind, self.at))

    def _reconsider(self) -> None:
        """Where a file begins with no record, its form is that of the first record in its first MiB."""
        window = self.raw.read(0, WINDOW)
        header = HEADER.search(window)
        best = header.start() if header else WINDOW
        for kind, magic in MAGIC.items():
            start = window.find(magic, 0, best)
            while start >= 0:
                if self._begins(start, kind):
                    self.kind, best = kind, start
                    break
                start = window.find(magic, start + 1, best)

    def _arc(self) -> bool:
        content = Content(self.raw, self.kind)
        content.fill(PEEK)
        start = bytes(content.window[:PEEK])
        return start.startswith(b"filedesc:") or (self.name.endswith((".arc", ".arc.gz")) and b"WARC/" not in start)

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
            except _Damage as damage:
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
            yield self._damaged(self.raw.size, self.kind, "bytes behind the last record")

    def _damaged(self, end: int, reason: str, detail: str) -> Reject:
        reject = Reject(self.name, self.at, end - self.at, reason, detail)
        self.at = end
        return reject

    def _record(self, content: Content, start: int) -> tuple[Record, int]:
        """The record at a position and the position behind it. Raises _Damage if there is none that can be read."""
        head = self._head(content, start)
        end = head.end + head.size
        oversized = head.size > self.block
        complete = content.skip(end) if oversized else content.fill(end)
        behind = next((begin for begin in content.starts if start < begin < end), None)
        if not complete or behind is not None:
            last = self.raw.size - content.offset if self.kind == "plain" else content.end
            present = (last if behind is None else behind) - head.end
            detail = f"Content-Length says {head.size} bytes, the record has {present}"
            raise _Damage("length", detail, head.end if behind is None else behind)
        after = self._separator(content, end)
        if after is None:
            raise _Damage("length", f"Content-Length says {head.size} bytes, the record does not end there", head.end)
        if content.broken and after == content.end and content.whole < after:
            raise _Damage("truncated", "its member is broken", head.end)
        data = None if oversized else content.slice(start, end)
        length = content.place(after) - self.at
        record = Record(self.at, length, head.type, head.size, data, head.crlf)
        self.at += length
        content.drop(after, kept=not oversized)
        return record, after

    def _head(self, content: Content, start: int) -> _Head:
        """The header at a position, after the empty lines that may come first."""
        begin = start
        while content.fill(begin + 1) and content.window[begin - content.base] in BLANK:
            begin += 1
            if begin - start > BLANKS:
                raise _Damage("header", f"more than {BLANKS} empty lines", begin)
        content.fill(begin + 32)
        match = VERSION.match(content.window, begin - content.base)
        if match is None:
            seen = bytes(content.window[begin - content.base :][:24])
            raise _Damage("header", f"no WARC header but {seen!r}", begin)
        limit = begin + self.header
        looked = match.end() - 2
        while True:
            end = HEAD_END.search(content.window, max(0, looked), limit - content.base)
            if end is not None:
                break
            looked = len(content.window) - 4
            if content.end >= limit:
                raise _Damage("header", f"the header is longer than {self.header} bytes", begin + 1)
            if not content.fill(min(limit, content.end + 1)):
                raise _Damage("truncated", "the file ends inside a record's header", begin + 1)
        lines = content.slice(begin, content.base + end.end())
        size, kind = LENGTH.search(lines), TYPE.search(lines)
        if size is None or kind is None:
            missing = "Content-Length" if size is None else "WARC-Type"
            raise _Damage("header", f"the header has no {missing}", begin + 1)
        crlf = lines.count(b"\n") == lines.count(b"\r\n") and b"\r\r" not in lines
        return _Head(content.base + end.end(), kind[1].decode("latin-1").lower(), int(size[1]), crlf)

    def _separator(self, content: Content, end: int) -> int | None:
        """The position behind the empty lines that close a record; None if something else stands there."""
        position = end
        while position - end < BLANKS and content.fill(position + 1):
            if content.window[position - content.base] not in BLANK:
                break
            position += 1
        blank = content.slice(end, position)
        if blank.count(b"\n") >= 2 or not content.fill(position + 1):
            return position
        content.fill(position + 16)
        return position if VERSION.match(content.window, position - content.base) else None

    def _search(self, content: Content, position: int) -> int | None:
        """The next position at which a record's header begins; None if there is none before the content ends."""
        position = max(position, content.base)
        while True:
            match = HEADER.search(content.window, position - content.base)
            if match is not None:
                return content.base + match.start()
            # A header may lie across the window's end; what stands before cannot be one.
            position = max(position, content.end - 256)
            content.drop(position)
            if not content.fill(content.end + 1):
                return None

    def _rewind(self, content: Content, position: int) -> Content:
        """Read a stretch again from a position: an oversized record with a wrong length was skipped over."""
        if self.kind != "plain":  # where going back costs decompressing everything once more
            if self.rewinds == 0:
                return content
            self.rewinds -= 1
        content = Content(self.raw, self.kind, content.offset, kept=position)
        content.skip(position, records=False)
        return content

    def _next_member(self) -> int:
        """The file offset, behind the one accounted for, of the next member or frame that begins with a record."""
        magic = MAGIC[self.kind]
        offset = self.at + 1
        while offset < self.raw.size:
            window = self.raw.read(offset, WINDOW)
            start = window.find(magic)
            while start >= 0:
                if self._begins(offset + start, self.kind):
                    return offset + start
                start = window.find(magic, start + 1)
            offset += max(1, len(window) - len(magic) + 1)
        return self.raw.size

    def _begins(self, offset: int, kind: str) -> bool:
        content = Content(self.raw, kind, offset)
        content.fill(PEEK)
        return bool(re.match(rb"[\r\n]*WARC/[01]\.", bytes(content.window)))


class Ledger:
    """Adds up a file's ranges as they come and holds them against its size."""

    def __init__(self, name: str):
        self.name, self.at, self.in_records, self.damaged = name, 0, 0, 0

    def add(self, offset: int, length: int, damaged: bool) -> None:
        if offset != self.at or length < 0:
            raise Failure(f"{self.name}: byte {self.at} to {offset} is in no record and no damaged range; {REPORT}")
        self.at += length
        if damaged:
            self.damaged += length
        else:
            self.in_records += length

    def close(self, size: int) -> None:
        """Raises Failure unless the ranges cover the file."""
        if self.at != size or self.in_records + self.damaged != size:
            raise Failure(f"{self.name}: {self.at} of its {size} bytes are accounted for; {REPORT}")


REPORT = "this is a fault of Millrace's WARC reader: please report it with the file"
