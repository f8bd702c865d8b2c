"""WARC files: every record that can be read, and a Reject for every range of bytes that cannot.

The framing is ours, because FastWARC's iterator stops at the first bad record without saying where, and takes a
truncated last record and a Content-Length that swallows its neighbours without a word (FastWARC 2.0.1). The ranges of
records and rejects lie end to end from the file's first byte to its last; `Ledger` checks that they do. ARC files,
WARC's predecessor, are read the same way.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tasks.sources.archive.arc import Arc, is_arc
from tasks.sources.archive.framing import SEARCHED, Damage, Framing, Head, Limits, Record
from tasks.sources.archive.headers import END, fields
from tasks.sources.input.content import Content
from tasks.sources.input.forms import MAGIC, WINDOW, kind_of
from tasks.sources.input.raw import Raw
from tasks.sources.rejects import Reject

__all__ = ["Record", "records"]

VERSION = re.compile(rb"WARC/[01]\.\d{1,4}[ \t]*\r{0,2}\n")
HEADER = re.compile(rb"WARC/[01]\.\d{1,4}[ \t]*\r{0,2}\n[A-Za-z][A-Za-z0-9-]*[ \t]*:")
DIGITS = re.compile(r"[0-9]{1,18}")
TOKEN = re.compile(r"[!-~]+")
INSIDE = 200  # places in a block where a record may begin, and records behind one another, that are looked at


def records(
    source: Path | str | BinaryIO,
    name: str | None = None,
    block: int = 32 << 20,
    header: int = 64 << 10,
    window: int = WINDOW,
) -> Iterator[Record | Reject]:
    """Everything in a WARC or ARC file, in its order, from its first byte to its last.

    Args:
        source: a path, or a binary stream that can seek.
        name: what Rejects call the file.
        block: bytes; of a larger record only its place and size are given.
        header: bytes; a longer header is damage.
        window: bytes of memory that a compressed stream may ask for.
    """
    raw = Raw(source)
    try:
        yield from _records(raw, name or raw.name, Limits(block, header, window))
    finally:
        if isinstance(source, str | Path):
            raw.close()


def _records(raw: Raw, name: str, limits: Limits) -> Iterator[Record | Reject]:
    if raw.size == 0:
        yield Reject(name, 0, 0, "empty-file", "the file has 0 bytes")
        return
    kind = kind_of(raw)
    if is_arc(raw, kind, name, limits):
        yield from Arc(raw, kind, name, limits).run()
        return
    warc = Warc(raw, kind, name, limits)
    if kind == "plain":
        warc.reconsider()
    yield from warc.run()


class Warc(Framing):
    """Reads one WARC file."""

    HEADER = HEADER
    SEARCH = HEADER
    BEGIN = re.compile(rb"WARC/[01]\.")

    def reconsider(self) -> None:
        """Where a file begins with no record, its form is that of the first record in its first MiB."""
        window = self.raw.read(0, SEARCHED)
        header = HEADER.search(window)
        best = header.start() if header else SEARCHED
        for kind, magic in MAGIC.items():
            if kind == "lzma":  # whose first bytes are anybody's
                continue
            start = window.find(magic, 0, best)
            while start >= 0:
                if self.begins(start, kind):
                    self.kind, best = kind, start
                    break
                start = window.find(magic, start + 1, best)

    def head(self, content: Content, start: int) -> Head:
        content.fill(start + 64)
        begin = start if content.window.startswith(b"WARC/", start - content.base) else self.blank_lines(content, start)
        content.fill(begin + 32)
        match = VERSION.match(content.window, begin - content.base)
        if match is None:
            seen = bytes(content.window[begin - content.base :][:24])
            raise Damage("header", f"no WARC header but {seen!r}", begin + 1)
        limit = begin + self.limits.header
        looked = match.end() - 2
        while True:
            end = END.search(content.window, max(0, looked), limit - content.base)
            if end is not None:
                break
            looked = len(content.window) - 4
            if content.end >= limit:
                raise Damage("header", f"the header is longer than {self.limits.header} bytes", begin + 1)
            if not content.fill(min(limit, content.end + 1)):
                raise Damage("truncated", "the file ends inside a record's header", begin + 1)
        found = fields(content.slice(begin, content.base + end.end()))
        size, kind = found.get("content-length", ""), found.get("warc-type", "")
        if not DIGITS.fullmatch(size) or not TOKEN.fullmatch(kind):
            missing = "WARC-Type" if DIGITS.fullmatch(size) else "Content-Length"
            raise Damage("header", f"the header has no {missing}", begin + 1)
        return Head(content.base + end.end(), kind.lower(), int(size), found)

    def check(self, block: bytes, head: Head) -> None:
        at = _swallowed(block)
        if at is not None:
            detail = f"the header says {head.size} bytes, but the next record begins after {at} of them"
            raise Damage("length", detail, head.end + at)


def _swallowed(block: bytes) -> int | None:
    """Where in a block the next record begins that its length reaches over; None if there is none.

    Such records stand behind an empty line and fill the block to its end. A block that is a WARC file by itself (the
    body of a response, or of a resource record) begins with one.
    """
    if block.rfind(b"WARC") <= 0:  # 4 GB/s over a page that has none; find takes twice as long
        return None
    at = block.find(b"WARC/")
    if at == 0:
        return None
    body = END.search(block)  # of the HTTP header
    if body is not None and body.end() == at:
        return None
    for _ in range(INSIDE):
        if at < 0:
            break
        if HEADER.match(block, at) and block.endswith((b"\n\n", b"\n\r\n"), 0, at) and _fills(block, at):
            return at
        at = block.find(b"WARC/", at + 1)
    return None


def _fills(block: bytes, at: int) -> bool:
    """Whether records stand one behind the other from a position to the end."""
    for _ in range(INSIDE):
        end = END.search(block, at)
        if end is None or not HEADER.match(block, at):
            return False
        found = fields(block[at : end.end()])
        if "warc-type" not in found or not DIGITS.fullmatch(found.get("content-length", "")):
            return False
        at = end.end() + int(found["content-length"])
        while block[at : at + 1] in (b"\r", b"\n"):
            at += 1
        if at >= len(block):
            return at == len(block)
    return True
