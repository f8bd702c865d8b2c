"""HTTP bodies: chunked transfer coding and content codings undone, within a limit of bytes.

Archives often store a body decoded beside the header of the coded one (Common Crawl renames that header, others do
not), so a coding that is named but plainly not there is passed over; one that begins well and breaks is a Bad record.
"""

import re
import zlib

from tasks.sources.content import ZSTD, ZSTD_WINDOW
from tasks.sources.rejects import Bad

CHUNK = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]{0,1024})?\r?\n")
PLAIN = ("", "identity", "none", "utf-8", "binary", "7bit", "8bit")


def decode(body: bytes, transfer: str, codings: str, limit: int, partial: bool = False) -> bytes:
    """The body that a browser would see.

    Args:
        transfer: the Transfer-Encoding header. codings: the Content-Encoding header, in the order applied.
        limit: bytes that may come out of each step.
        partial: whether the archive says that it cut the body (WARC-Truncated); what decodes is then kept.

    Raises:
        Bad: `encoding` where a coding breaks or is unknown, `too-large` past the limit.
    """
    if "chunked" in transfer.lower():
        body = unchunk(body, partial)
    for coding in reversed([name.strip().lower() for name in codings.split(",")]):
        if coding in PLAIN:
            continue
        if coding in ("gzip", "x-gzip"):
            if body.startswith(b"\x1f\x8b"):
                body = _zlib(body, 31, limit, coding, partial)
        elif coding == "deflate":
            body = _deflate(body, limit, partial)
        elif coding == "br":
            body = _brotli(body, limit, partial)
        elif coding == "zstd":
            if body.startswith(ZSTD):
                body = _zstd(body, limit, partial)
        elif not _looks_like_text(body):
            raise Bad("encoding", f"Content-Encoding {coding[:40]!r} is unknown")
    if len(body) > limit:
        raise Bad("too-large", f"the body has {len(body)} bytes, the limit is {limit}")
    return body


def unchunk(body: bytes, partial: bool = False) -> bytes:
    """Chunks joined (RFC 9112, 7.1); a body that does not begin with a chunk is returned as it is."""
    match = CHUNK.match(body)
    if match is None or body[match.end() + int(match[1], 16) :][:2] not in (b"\r\n", b"\n", b"", b"\r"):
        first = int(match[1], 16) if match else 0
        if match is None or match.end() + first + 2 <= len(body):
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
    if partial:
        return b"".join(parts)
    raise Bad("encoding", f"no chunk where one should begin, at byte {position} of the body")


def _zlib(body: bytes, wbits: int, limit: int, coding: str, partial: bool) -> bytes:
    stream = zlib.decompressobj(wbits=wbits)
    try:
        data = stream.decompress(body, limit + 1)
    except zlib.error as error:
        if partial:
            return _as_far_as_it_goes(body, wbits, limit)
        raise Bad("encoding", f"{coding}: {error}") from None
    if len(data) > limit:
        raise Bad("too-large", f"the body decompresses to more than {limit} bytes")
    if not stream.eof and not partial:
        raise Bad("encoding", f"{coding}: the body ends before its stream does")
    return data


def _as_far_as_it_goes(body: bytes, wbits: int, limit: int) -> bytes:
    stream, data = zlib.decompressobj(wbits=wbits), b""
    for start in range(0, len(body), 1024):
        try:
            data += stream.decompress(body[start : start + 1024], max(1, limit - len(data)))
        except zlib.error:
            break
        if len(data) >= limit:
            break
    return data


def _deflate(body: bytes, limit: int, partial: bool) -> bytes:
    """zlib's format as the standard says, or the bare stream that old servers send; a plain page stays as it is."""
    if _looks_like_text(body):
        return body
    try:
        return _zlib(body, 15, limit, "deflate", partial)
    except Bad as bad:
        if bad.reason == "too-large":
            raise
    return _zlib(body, -15, limit, "deflate", partial)


def _brotli(body: bytes, limit: int, partial: bool) -> bytes:
    if _looks_like_text(body):
        return body
    import brotli

    stream, parts, size, piece = brotli.Decompressor(), [], 0, body
    try:
        while not stream.is_finished():
            data = stream.process(piece, output_buffer_limit=1 << 20)
            piece = b""
            parts.append(data)
            size += len(data)
            if size > limit:
                raise Bad("too-large", f"the body decompresses to more than {limit} bytes")
            if not data and stream.can_accept_more_data():
                break
        finished = stream.is_finished()
    except brotli.error as error:
        if not partial:
            raise Bad("encoding", f"br: {error}") from None
        finished = False
    if not finished and not partial:
        raise Bad("encoding", "br: the body ends before its stream does")
    return b"".join(parts)


def _zstd(body: bytes, limit: int, partial: bool) -> bytes:
    import zstandard

    stream = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
    parts, size = [], 0
    try:
        for start in range(0, len(body), 1024):  # which give at most 32 MiB: a block of 4 bytes gives 128 KiB
            parts.append(stream.decompress(body[start : start + 1024]))
            size += len(parts[-1])
            if size > limit:
                raise Bad("too-large", f"the body decompresses to more than {limit} bytes")
            if stream.eof:
                break
    except zstandard.ZstdError as error:
        if not partial:
            raise Bad("encoding", f"zstd: {error}") from None
    if not stream.eof and not partial:
        raise Bad("encoding", "zstd: the body ends before its stream does")
    return b"".join(parts)


def _looks_like_text(body: bytes) -> bool:
    """Whether the first bytes are those of a page rather than of a compressed stream."""
    start = body[:64].lstrip()
    return start[:1] == b"<" and all(byte >= 0x20 or byte in b"\t\r\n" for byte in start)
