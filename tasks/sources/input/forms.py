"""Forms of compression: which one a file has, and its content as pieces of at most 256 KiB (or one block of the form).

gzip (by igzip, twice as fast as zlib), bzip2, xz, lzma and LZ4 here, zstd and LZ4's legacy frames in files of their
own. In all of them several streams may stand one after the other, and zero bytes behind one of them are padding.
"""

import bz2
import lzma
import re
from collections.abc import Callable, Iterator
from typing import Any, cast

from isal import isal_zlib

from tasks.sources.input.lz4_legacy import LEGACY, lz4_legacy_pieces
from tasks.sources.input.raw import Broken, Piece, Raw, behind_padding, firsts_joined
from tasks.sources.input.zstd_frames import ZSTD, asks, is_skippable, zstd_pieces

IGZIP_ERROR: type[Exception] = cast(Any, isal_zlib.error)  # which its stubs declare as an instance
READ = 1 << 16
READ_GZIP = 1 << 14  # of which what stands behind a member is copied at its end
STEP = 1 << 18
WINDOW = 1 << 27  # memory that a stream may ask for: `zstd --long=27`, its tool's own limit; twice that of `xz -9`
OVERHEAD = 4 << 20  # bytes that liblzma counts beside its dictionary (0.1 MiB) or that of several filters
GZIP = b"\x1f\x8b\x08"
BZIP2 = re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")
XZ_FORMATS = {"xz": lzma.FORMAT_XZ, "lzma": lzma.FORMAT_ALONE}
MAGIC = {
    "gzip": GZIP,
    "zstd": ZSTD,
    "bzip2": b"BZh",  # and two numbers more: a text may begin with it
    "xz": b"\xfd7zXZ\0",
    "lzma": b"\x5d\0\0",
    "lz4": b"\x04\x22\x4d\x18",
    "lz4-legacy": LEGACY,
}
NAMES = {
    (".gz", ".gzip"): "gzip",
    (".zst", ".zstd"): "zstd",
    (".bz2",): "bzip2",
    (".xz",): "xz",
    (".lzma",): "lzma",
    (".lz4",): "lz4",
}
SKIPPED = 64  # skippable frames looked behind for the first one that is not


def kind_of(raw: Raw) -> str:
    """The form of compression, or `plain`, by the first bytes; by the name where they are damaged."""
    head = raw.read(0, 18)
    offset = 0
    for _ in range(SKIPPED):  # zstd and LZ4 share skippable frames
        if not is_skippable(head):
            break
        offset += 8 + int.from_bytes(head[4:8], "little")
        head = raw.read(offset, 18)
    for kind, magic in MAGIC.items():
        if head.startswith(magic) and (kind != "lzma" or _lzma(head)) and (kind != "bzip2" or BZIP2.match(head)):
            return kind
    if offset:
        return "zstd"
    if not head.startswith((b"WARC", b"file")):
        for endings, kind in NAMES.items():
            if raw.name.lower().endswith(endings):
                return kind
    return "plain"


def _lzma(head: bytes) -> bool:
    """Whether the first bytes are a .lzma header, which has no magic: a dictionary as encoders make it, a size."""
    dictionary, size = int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:13], "little")
    return dictionary.bit_count() <= 2 and dictionary >= 1 << 12 and (size == (1 << 64) - 1 or size < 1 << 40)


def plain_pieces(raw: Raw, offset: int, window: int = WINDOW) -> Iterator[Piece]:
    while data := raw.read(offset, STEP):
        offset += len(data)
        yield data, offset, False, False


def gzip_pieces(raw: Raw, offset: int, window: int = WINDOW) -> Iterator[Piece]:
    pending = b""
    fed = offset
    while offset < raw.size:
        if not pending:
            pending = raw.read(fed, READ_GZIP)
            fed += len(pending)
        member = isal_zlib.decompressobj(wbits=31)
        first = True
        while not member.eof:
            if not pending:
                pending = raw.read(fed, READ_GZIP)
                fed += len(pending)
                if not pending:
                    raise Broken("truncated", f"the file ends inside the gzip member at byte {offset}")
            try:
                data = member.decompress(pending, STEP)
            except IGZIP_ERROR as error:
                raise Broken("gzip", f"member at byte {offset}: {str(error)[:120]}") from None
            pending = member.unused_data if member.eof else member.unconsumed_tail
            last = member.eof
            if data or last:
                yield data, fed - len(pending), first, last
                first = False
        offset = fed - len(pending)
        if (pending[:1] or raw.read(offset, 1)) == b"\0" and (behind := behind_padding(raw, offset, GZIP)) > offset:
            pending, fed, offset = b"", behind, behind
            yield b"", offset, True, False


def _stream_pieces(
    raw: Raw, offset: int, window: int, kind: str, start: Callable[[], Any], errors: tuple[type[Exception], ...]
) -> Iterator[Piece]:
    """Pieces by a decompressor of the shape that bz2's has, which holds what it was fed until it needs more.

    The offset behind a piece is that behind what was fed, up to 64 KiB too far.
    """
    pending = b""
    fed = offset
    while offset < raw.size:
        stream = start()
        first = True
        while not stream.eof:
            if stream.needs_input and not pending:
                pending = raw.read(fed, READ)
                fed += len(pending)
                if not pending:
                    raise Broken("truncated", f"the file ends inside the {kind} stream at byte {offset}")
            try:
                data = stream.decompress(pending, STEP)
            except errors as error:
                if "emory usage limit" in str(error):
                    raise Broken("window", f"the {kind} stream at byte {offset} {asks(window)}") from None
                raise Broken(kind, f"stream at byte {offset}: {str(error)[:120]}") from None
            pending = stream.unused_data or b"" if stream.eof else b""
            last = stream.eof
            if data or last:
                yield data, fed - len(pending), first, last
                first = False
        offset = fed - len(pending)
        if raw.read(offset, 1) == b"\0" and (behind := behind_padding(raw, offset, MAGIC[kind])) > offset:
            pending, fed, offset = b"", behind, behind
            yield b"", offset, True, False


def bzip2_pieces(raw: Raw, offset: int, window: int = WINDOW) -> Iterator[Piece]:
    return _stream_pieces(raw, offset, window, "bzip2", bz2.BZ2Decompressor, (OSError,))


def xz_pieces(raw: Raw, offset: int, window: int = WINDOW, kind: str = "xz") -> Iterator[Piece]:
    def start() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(XZ_FORMATS[kind], memlimit=window + OVERHEAD)

    return _stream_pieces(raw, offset, window, kind, start, (lzma.LZMAError,))


def lzma_pieces(raw: Raw, offset: int, window: int = WINDOW) -> Iterator[Piece]:
    return xz_pieces(raw, offset, window, "lzma")


def lz4_pieces(raw: Raw, offset: int, window: int = WINDOW) -> Iterator[Piece]:
    from lz4.frame import LZ4FrameDecompressor

    return _stream_pieces(raw, offset, window, "lz4", LZ4FrameDecompressor, (RuntimeError,))


Pieces = Callable[[Raw, int, int], Iterator[Piece]]


def _of_members(pieces: Pieces) -> Pieces:
    return lambda raw, offset, window: firsts_joined(pieces(raw, offset, window))


PIECES: dict[str, Pieces] = {
    "plain": plain_pieces,
    "gzip": _of_members(gzip_pieces),
    "zstd": _of_members(zstd_pieces),
    "bzip2": _of_members(bzip2_pieces),
    "xz": _of_members(xz_pieces),
    "lzma": _of_members(lzma_pieces),
    "lz4": _of_members(lz4_pieces),
    "lz4-legacy": _of_members(lz4_legacy_pieces),
}
