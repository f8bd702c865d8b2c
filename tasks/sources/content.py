"""A file's content as one stream of bytes, decompressed where need be, that knows where in the file it stands.

gzip (members one after the other, as WARC has it, or one for all), zstd (frames) and plain bytes. `Content` holds a
window of the content; `place(position)` tells the file offset that belongs to a content position, so that the
bytes in the file of a record, or of a damaged range, are known (to the byte for a member, in proportion inside one).

Memory is bounded: a step gives at most 256 KiB of content, and a compressed stretch in which nothing could be kept is
abandoned after `scan` bytes of content, so that a decompression bomb costs neither memory nor hours.
"""

import io
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

READ = 1 << 16
STEP = 1 << 18
GZIP = b"\x1f\x8b\x08"
ZSTD = b"\x28\xb5\x2f\xfd"
ZSTD_WINDOW = 1 << 27  # memory that a frame may ask for; `zstd --long=27`, its tool's own limit

# content, the file offset behind it, whether it is the first of a member
Piece = tuple[bytes, int, bool]


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

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes; fewer only at the end."""
        if self._at != offset:
            self.file.seek(offset)
        data = self.file.read(max(0, min(count, self.size - offset)))
        self._at = offset + len(data)
        return data

    def close(self) -> None:
        self.file.close()


def kind_of(raw: Raw) -> str:
    """`gzip`, `zstd` or `plain`, by the first bytes; by the name where they are damaged."""
    magic = raw.read(0, 4)
    if magic.startswith(GZIP):
        return "gzip"
    if magic == ZSTD or _skippable(magic):
        return "zstd"
    name = raw.name.lower()
    if name.endswith((".gz", ".gzip")) and not magic.startswith((b"WARC", b"file")):
        return "gzip"
    if name.endswith((".zst", ".zstd")):
        return "zstd"
    return "plain"


def plain_pieces(raw: Raw, offset: int) -> Iterator[Piece]:
    while data := raw.read(offset, STEP):
        offset += len(data)
        yield data, offset, False


def gzip_pieces(raw: Raw, offset: int) -> Iterator[Piece]:
    """Content of gzip members from `offset` on; an empty piece says that a member ended well, checksum and all."""
    pending = b""
    fed = offset
    while offset < raw.size:
        if not pending:
            pending = raw.read(fed, READ)
            fed += len(pending)
        member = zlib.decompressobj(wbits=31)
        first = True
        while not member.eof:
            if not pending:
                pending = raw.read(fed, READ)
                fed += len(pending)
                if not pending:
                    raise Broken("truncated", f"the file ends inside the gzip member at byte {offset}")
            try:
                data = member.decompress(pending, STEP)
            except zlib.error as error:
                raise Broken("gzip", f"member at byte {offset}: {str(error)[:120]}") from None
            pending = member.unused_data if member.eof else member.unconsumed_tail
            if data:
                yield data, fed - len(pending), first
                first = False
        offset = fed - len(pending)
        yield b"", offset, False


def zstd_pieces(raw: Raw, offset: int) -> Iterator[Piece]:
    """Content of zstd frames, fed block by block (RFC 8878, 3.1.1): none gives more than 128 KiB, so none is a bomb."""
    import zstandard

    while offset < raw.size:
        head = raw.read(offset, 18)
        if _skippable(head):
            offset += 8 + int.from_bytes(head[4:8], "little")
            if offset > raw.size:
                raise Broken("truncated", "the file ends inside a skippable zstd frame")
            yield b"", offset, False
            continue
        try:
            size = zstandard.frame_header_size(head)
            checksum = 4 if zstandard.get_frame_parameters(head).has_checksum else 0
            frame = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
            frame.decompress(head[:size])
            at, last, first = offset + size, False, True
            while not last:
                block = int.from_bytes(raw.read(at, 3), "little")
                last = bool(block & 1)
                size = 3 + (1 if (block >> 1) & 3 == 1 else block >> 3)
                size += checksum if last else 0
                stored = raw.read(at, size)
                if len(stored) < size:
                    raise Broken("truncated", f"the file ends inside the zstd frame at byte {offset}")
                data = frame.decompress(stored)
                at += size
                if data:
                    yield data, at, first
                    first = False
        except zstandard.ZstdError as error:
            raise Broken("zstd", f"frame at byte {offset}: {str(error)[:120]}") from None
        offset = at
        yield b"", offset, False


def _skippable(magic: bytes) -> bool:
    return len(magic) >= 4 and magic[1:4] == b"\x2a\x4d\x18" and 0x50 <= magic[0] <= 0x5F


PIECES = {"plain": plain_pieces, "gzip": gzip_pieces, "zstd": zstd_pieces}


class Content:
    """A window on the content from a file offset on. Positions count content bytes from there."""

    def __init__(self, raw: Raw, kind: str, offset: int = 0, scan: int = 1 << 29, kept: int = 0):
        self.raw, self.kind, self.offset = raw, kind, offset
        self.window = bytearray()
        self.base = 0  # position of window[0]
        self.whole = 0  # up to here members have ended well
        self.starts: deque[int] = deque()  # positions where a member begins with a WARC header
        self.broken: Broken | None = None
        self.ended = False
        self._marks: deque[list[int]] = deque([[0, offset]])  # [content position, file offset behind it]
        self._pieces = PIECES[kind](raw, offset)
        self._scan, self._kept = scan, kept

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
            data, offset, first = next(self._pieces)
        except StopIteration:
            self.ended = True
            return
        except Broken as broken:
            self.broken, self.ended = broken, True
            return
        if not data:  # a member's end: what came last reaches to behind its trailer
            self.whole = end
            self._marks[-1][1] = offset
            return
        if first and data.startswith(b"WARC/"):
            self.starts.append(end)
        self.window += data
        self._marks.append([end + len(data), offset])
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
