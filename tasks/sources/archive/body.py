"""HTTP bodies: chunked transfer coding and content codings undone, within a limit of bytes.

Archives often store a body decoded beside the header of the coded one (Common Crawl renames that header, others do
not), so a coding that is named but plainly not there is passed over; one that begins well and breaks is a Bad record.
"""

import re
import struct
import zlib
from typing import Any

from tasks.sources.input.binary import CONTROLS, looks_binary
from tasks.sources.input.forms import GZIP, WINDOW, ZSTD
from tasks.sources.rejects import Bad

CHUNK = re.compile(rb"[ \t]*(?:0[xX])?([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]{0,1024})?\r?\n")
PLAIN = ("", "identity", "none", "chunked", "utf-8", "utf8", "binary", "7bit", "8bit")
STREAMS = 4096  # gzip members or zstd frames of one body; more of them is no page
SURE = 200  # bytes; a compressed stream as long as that holds a control byte, but for one in 10**8 ((232 / 256) ** 200)
STEP = 1024  # bytes fed at a time where each may give much, or the next may break
PIECE = 1 << 16  # bytes fed at a time else


def decode(body: bytes, transfer: str, codings: str, limit: int, partial: bool = False) -> bytes:
    """The body that a browser would see.

    Args:
        transfer: the Transfer-Encoding header. codings: the Content-Encoding header; both in the order applied.
        limit: bytes that may come out of each step.
        partial: whether the archive says that it cut the body (WARC-Truncated); what decodes is then kept.

    Raises:
        Bad: `encoding` where a coding breaks or is unknown, `too-large` past the limit.
    """
    if "chunked" in transfer.lower():
        body = unchunk(body, partial)
    for coding in reversed([name.strip().lower() for name in f"{codings},{transfer}".split(",")]):
        if coding not in PLAIN:
            body = _decoded(body, coding, limit, partial)
    if len(body) > limit:
        raise Bad("too-large", f"the body has {len(body)} bytes, the limit is {limit}")
    return body


def unchunk(body: bytes, partial: bool = False) -> bytes:
    """Chunks joined (RFC 9112, 7.1); a body that does not begin with a chunk is returned as it is.

    Lines may end in a bare LF and sizes begin with `0x`, as some servers send them.
    """
    match = CHUNK.match(body)
    if match is None:
        return body
    behind = match.end() + int(match[1], 16)
    standard = match[0].endswith(b"\r\n")  # else a text whose first line is a number is as likely
    if not body.startswith((b"\r\n", b"\n"), behind) and (behind + 2 <= len(body) or not standard):
        return body
    parts: list[bytes] = []
    position = 0
    while match is not None:
        size = int(match[1], 16)
        if size == 0:
            return b"".join(parts)
        part = body[match.end() : match.end() + size]
        parts.append(part)
        if len(part) < size:
            if partial:
                return b"".join(parts)
            raise Bad("encoding", f"the chunk at byte {position} should have {size} bytes and has {len(part)}")
        position = match.end() + size
        while body[position : position + 1] in (b"\r", b"\n"):
            position += 1
        if position >= len(body):  # no last chunk: every byte was read nonetheless
            return b"".join(parts)
        match = CHUNK.match(body, position)
    if len(parts) == 1 and not standard:
        return body
    if partial:
        return b"".join(parts)
    raise Bad("encoding", f"no chunk where one should begin, at byte {position} of the body")


def _decoded(body: bytes, coding: str, limit: int, partial: bool) -> bytes:
    """One coding undone, or the body as it is where it plainly has none."""
    if coding in ("gzip", "x-gzip"):
        if body.startswith(GZIP):
            return _gzip(body, limit, coding, partial)
    elif coding == "zstd":
        if body.startswith(ZSTD):
            return _zstd(body, limit, partial)
    elif coding in ("br", "deflate"):  # which no first bytes tell
        plain = _plainly_text(body)
        if plain and len(body) >= SURE:
            return body
        try:
            return {"br": _brotli, "deflate": _deflate}[coding](body, limit, partial and not plain)
        except Bad:
            if plain:
                return body
            raise
    elif not _plainly_text(body):
        raise Bad("encoding", f"Content-Encoding {coding[:40]!r} is unknown")
    if looks_binary(body):
        raise Bad("encoding", f"Content-Encoding is {coding}, but the body is neither that nor text")
    return body


def _plainly_text(body: bytes) -> bool:
    """Whether the beginning is text: no control byte in it, or a byte order mark before it."""
    start = body[:STEP]
    return start.startswith((b"\xff\xfe", b"\xfe\xff")) or len(start.translate(None, CONTROLS)) == len(start)


class _Parts:
    """Decoded pieces, within a limit of bytes."""

    def __init__(self, limit: int):
        self.limit, self.size, self.pieces = limit, 0, list[bytes]()

    def add(self, data: bytes) -> None:
        self.pieces.append(data)
        self.size += len(data)
        if self.size > self.limit:
            raise Bad("too-large", f"the body decompresses to more than {self.limit} bytes")

    @property
    def left(self) -> int:
        """Bytes to ask for: one more than may come."""
        return self.limit - self.size + 1

    def joined(self) -> bytes:
        return b"".join(self.pieces)


def _gzip(body: bytes, limit: int, coding: str, partial: bool) -> bytes:
    """All members; what stands behind the last is passed over, as browsers do."""
    parts, at = _Parts(limit), 0
    for _ in range(STREAMS):
        at = _inflate(body, at, 31, parts, coding, partial)
        if not body.startswith(GZIP, at):
            return parts.joined()
    raise Bad("encoding", f"{coding}: more than {STREAMS} members")


def _inflate(body: bytes, at: int, wbits: int, parts: _Parts, coding: str, partial: bool) -> int:
    """The stream at a position decoded into `parts`; gives the position behind it."""
    stream, first = zlib.decompressobj(wbits=wbits), len(parts.pieces)
    step = STEP if partial else PIECE  # where a stream breaks, what came of the steps before is kept
    while not stream.eof and at < len(body):
        piece = body[at : at + step]
        try:
            parts.add(stream.decompress(piece, parts.left))  # all of the piece, or more than may come
        except zlib.error as error:
            if partial:
                return len(body)
            raise Bad("encoding", f"{coding}: {error}") from None
        at += len(piece) - len(stream.unused_data)
    if not (stream.eof or partial or (wbits == 31 and _lacks_trailer(stream, b"".join(parts.pieces[first:])))):
        raise Bad("encoding", f"{coding}: the body ends before its stream does")
    return at


def _lacks_trailer(stream: Any, data: bytes) -> bool:
    """Whether nothing but (the end of) a member's trailer, its checksum and size, is missing: then it can be added."""
    trailer = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    for missing in range(1, len(trailer) + 1):
        attempt = stream.copy()
        try:
            attempt.decompress(trailer[-missing:], 1)
        except zlib.error:
            continue
        if attempt.eof:
            return True
    return False


def _deflate(body: bytes, limit: int, partial: bool) -> bytes:
    """zlib's format as the standard says, or the bare stream that old servers send."""
    failed: Bad | None = None
    for wbits, cut in ((15, False), (-15, False), (15, partial), (-15, partial)):
        parts = _Parts(limit)
        try:
            _inflate(body, 0, wbits, parts, "deflate", cut)
        except Bad as bad:
            if bad.reason == "too-large":
                raise
            failed = failed or bad
            continue
        if parts.size or not body:
            return parts.joined()
    raise failed or Bad("encoding", "deflate: no byte can be decoded")


def _brotli(body: bytes, limit: int, partial: bool) -> bytes:
    import brotli

    stream, parts, piece = brotli.Decompressor(), _Parts(limit), body
    try:
        while not stream.is_finished():
            data = stream.process(piece, output_buffer_limit=1 << 20)
            piece = b""
            parts.add(data)
            if not data and stream.can_accept_more_data():
                break
        finished = stream.is_finished()
    except brotli.error as error:
        if not partial:
            raise Bad("encoding", f"br: {error}") from None
        finished = False
    if not finished and not partial:
        raise Bad("encoding", "br: the body ends before its stream does")
    return parts.joined()


def _zstd(body: bytes, limit: int, partial: bool) -> bytes:
    """All frames; what stands behind the last is passed over."""
    import zstandard

    parts, at = _Parts(limit), 0
    decoder = zstandard.ZstdDecompressor(max_window_size=WINDOW)
    try:
        for _ in range(STREAMS):
            stream = decoder.decompressobj()
            while not stream.eof and at < len(body):
                parts.add(stream.decompress(body[at : at + STEP]))  # at most 32 MiB: a block of 4 bytes gives 128 KiB
                at += STEP
            if not stream.eof:
                if partial:
                    return parts.joined()
                raise Bad("encoding", "zstd: the body ends before its stream does")
            at = min(at, len(body)) - len(stream.unused_data)
            if not body.startswith(ZSTD, at):
                return parts.joined()
    except zstandard.ZstdError as error:
        if not partial:
            raise Bad("encoding", f"zstd: {error}") from None
        return parts.joined()
    raise Bad("encoding", f"zstd: more than {STREAMS} frames")
