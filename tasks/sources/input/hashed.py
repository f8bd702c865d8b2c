"""A part's bytes, hashed as they are read, and held against the list when the part has been read.

Where a reader goes through a file from front to back (WARC, JSONL, text: all kinds but `SEEKS`), it is given a file
that takes the checksum of every byte when it is first read; what a reader passes over is read for the checksum alone.
One pass, and no time between looking and reading. A byte that is read again is covered by the file's size and time of
change, which must be the same at the end. Kinds that seek (Parquet) are hashed before they are read, and size, time of
change and inode compared after.
"""

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from tasks.runtime.errors import Failure
from tasks.runtime.local_store import PIECE, sha256_of
from tasks.sources.input.files import REMEDY
from tasks.sources.input.raw import Source
from tasks.sources.parts import Part

SHAPES_NO_BYTES = True

SEEKS = ("parquet",)  # kinds whose readers want a path


class Hashed(io.RawIOBase):
    """A local file open for reading, whose bytes low..high are hashed when they are first read, whatever the order.

    `close` leaves it open, since readers close what they were given; `end` does close it.
    """

    def __init__(self, path: Path, low: int = 0, high: int | None = None):
        super().__init__()
        self.name = str(path)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._opened = _stamp(self._descriptor)
        self.size = self._opened[0]
        self._high = self.size if high is None else high
        self._hashed_to = low
        self._at = 0
        self._hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Fewer than `size` bytes only at the end of the file."""
        wanted = max(0, self.size - self._at) if size is None or size < 0 else size
        data = self._pread(self._at, wanted)
        self._fold(self._at, data)
        self._at += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Nothing: see `end`."""

    def follows_line_end(self, position: int) -> bool:
        """Whether a line may begin at a position."""
        return position == 0 or self._pread(position - 1, 1) == b"\n"

    def end(self) -> str:
        """Read what was not read, close the file, and give the checksum of its bytes low..high, hex.

        Raises:
            Failure: the file was written to since it was opened.
        """
        try:
            self._hash_up_to(self._high)
            if _stamp(self._descriptor) != self._opened:
                raise Failure(f"{self.name} was written to while it was read; let that finish, then {REMEDY}")
            return self._hash.hexdigest()
        finally:
            self.abandon()

    def abandon(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _pread(self, at: int, size: int) -> bytes:
        data = os.pread(self._descriptor, size, at)
        if len(data) == size or not data:
            return data
        pieces = [data]  # the kernel gives at most 2 GiB at once, and network file systems less
        while (got := sum(map(len, pieces))) < size and (more := os.pread(self._descriptor, size - got, at + got)):
            pieces.append(more)
        return b"".join(pieces)

    def _fold(self, at: int, data: bytes) -> None:
        if at > self._hashed_to:
            self._hash_up_to(min(at, self._high))
        if at <= self._hashed_to < min(at + len(data), self._high):
            fresh = memoryview(data)[self._hashed_to - at : self._high - at]
            self._hash.update(fresh)
            self._hashed_to += len(fresh)

    def _hash_up_to(self, position: int) -> None:
        while self._hashed_to < position:
            data = self._pread(self._hashed_to, min(PIECE, position - self._hashed_to))
            if not data:
                break
            self._hash.update(data)
            self._hashed_to += len(data)


class AsListed:
    """A part for its reader: `source` is what it reads; `sha256`, of what it has read, is there afterwards."""

    def __init__(self, source: Source):
        self.source = source
        self.sha256 = ""


@contextmanager
def as_listed(part: Part, path: Path, kind: str) -> Iterator[AsListed]:
    """A part's bytes for a reader of a kind, which are those that were listed when the block has ended.

    Args:
        part: as `parts.plan` gives it; its checksums, if it has any, are those that are expected.
        path: where the file lies on this machine.

    Raises:
        Failure: the file cannot be opened, or what was read is not what was listed: it names the file and the remedy.
    """
    try:
        source, finish = (_hashed_before if kind in SEEKS else _hashed_meanwhile)(part, path)
    except OSError as error:
        raise Failure(f"{path} was listed and cannot be read now ({error.strerror}); {REMEDY}") from None
    read = AsListed(source)
    try:
        try:
            yield read
        except Failure:  # as of bytes that do not add up: where the file changed, that is the cause
            finish()
            raise
        read.sha256 = finish()
    finally:
        if isinstance(source, Hashed):
            source.abandon()


def _hashed_meanwhile(part: Part, path: Path) -> tuple[Source, Callable[[], str]]:
    low, high, expected = part.spans[0] if part.spans else (0, None, part.sha256)
    file = Hashed(path, low, high)
    # Before a JSONL part stands a line's end: else its first line would be taken for the rest of one.
    if (expected and not low and high is None and file.size != part.size) or not file.follows_line_end(low):
        file.abandon()
        raise Failure(_differs(path, low, high))

    def finish() -> str:
        found = file.end()
        _compare(found, expected, path, low, high)
        return found

    return cast(BinaryIO, file), finish


def _hashed_before(part: Part, path: Path) -> tuple[Source, Callable[[], str]]:
    before = _stamp(path)
    spans = part.spans or ((0, None, part.sha256),)
    with path.open("rb") as file:
        found = [sha256_of(file, low, high) for low, high, _ in spans]
    for sha256, (low, high, expected) in zip(found, spans, strict=True):
        _compare(sha256, expected, path, low, high)

    def finish() -> str:
        if _stamp(path) != before:
            raise Failure(f"{path} was written to or replaced while it was read; let that finish, then {REMEDY}")
        return found[0]

    return path, finish


def _stamp(file: Path | int) -> tuple[int, int, int]:
    """Size, time of the last write (ns), inode."""
    status = os.stat(file)  # noqa: PTH116 (a descriptor too)
    return status.st_size, status.st_mtime_ns, status.st_ino


def _compare(found: str, expected: str | None, path: Path, low: int, high: int | None) -> None:
    if expected and found != expected:
        raise Failure(_differs(path, low, high))


def _differs(path: Path, low: int, high: int | None) -> str:
    where = "" if high is None else f": its bytes {low} to {high} differ"
    return f"{path} is not the file that was listed{where or ': its content differs'}; {REMEDY}"
