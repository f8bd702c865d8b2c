"""Bytes of a file by offset, and what a reader of compressed bytes gives or raises."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

ZEROS = 1 << 16  # bytes compared at once
FIRST = 64  # bytes that a member's first piece has at least, so that they show whether it begins with a record

# Content, the file offset behind it, whether it is the first of a member, whether the last: the member ended well,
# checksum and all. Empty content that is a first and no last: padding, zero bytes up to the offset.
Piece = tuple[bytes, int, bool, bool]


class Broken(Exception):
    """The compressed stream cannot be read on."""

    def __init__(self, reason: str, detail: str):
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def open_binary(path: Path | str) -> BinaryIO:
    return Path(path).open("rb")


class Raw:
    """Bytes of a file by offset."""

    def __init__(self, source: Path | str | BinaryIO):
        self.name = str(source) if isinstance(source, str | Path) else str(getattr(source, "name", "<stream>"))
        self.file: BinaryIO = open_binary(source) if isinstance(source, str | Path) else source
        self.size = self.file.seek(0, io.SEEK_END)
        self._at = self.size
        self.dictionary: Any = None  # of a zstd WARC, from when it has been read

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes; fewer only at the end."""
        if self._at != offset:
            self.file.seek(offset)
        data = self.file.read(max(0, min(count, self.size - offset)))
        self._at = offset + len(data)
        return data

    def close(self) -> None:
        self.file.close()


def firsts_joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same pieces, but those that begin a member joined until they show whether it begins with a record."""
    held: list[bytes] = []
    for data, offset, first, last in pieces:
        if not held and (not first or not (data or last)):  # inside a member, a frame without content, or padding
            yield data, offset, first, last
            continue
        held.append(data)
        if last or sum(map(len, held)) >= FIRST:
            yield b"".join(held), offset, True, last
            held = []


def behind_padding(raw: Raw, offset: int, magic: bytes) -> int:
    """Where the zero bytes at an offset end, if the file ends there or the next member begins; else the offset.

    Tapes and block devices fill the last block of what is written to them.
    """
    at = offset
    while data := raw.read(at, ZEROS):
        zeros = len(data) - len(data.lstrip(b"\0"))
        at += zeros
        if zeros < len(data):
            return at if zeros and raw.read(at, len(magic)) == magic else offset
    return at


Source = Path | BinaryIO  # what a reader is given: a path, or a file that can seek


def size_of(source: Source) -> int:
    """Bytes of what a reader is given."""
    if isinstance(source, Path):
        return source.stat().st_size
    at = source.tell()
    size = source.seek(0, io.SEEK_END)
    source.seek(at)
    return size
