"""LZ4's legacy frames, of `lz4 -l` and Linux kernels, which the lz4 library does not read.

A magic number, then blocks of up to 8 MiB of content, each behind its stored size; no checksum, no mark of the end: a
frame goes on to the next magic number, or the end of the file (lz4_Frame_format.md, Legacy frame).
"""

from collections.abc import Iterator

from tasks.sources.input.raw import Broken, Piece, Raw, behind_padding

LEGACY = b"\x02\x21\x4c\x18"
BLOCK = 8 << 20  # bytes of a block's content
STORED = BLOCK + BLOCK // 255 + 16  # bytes of a block at most (LZ4_COMPRESSBOUND)


def lz4_legacy_pieces(raw: Raw, offset: int, window: int) -> Iterator[Piece]:
    """Content from a frame on, a block a piece; `window` bounds nothing here: no block needs another."""
    import lz4.block

    while offset < raw.size:
        frame, first = offset, True
        if raw.read(offset, 4) != LEGACY:
            raise Broken("lz4", f"no legacy LZ4 frame at byte {offset}")
        offset += 4
        last = _ends(raw, offset)
        if last:  # of nothing
            yield b"", offset, True, True
        while not last:
            size = int.from_bytes(raw.read(offset, 4), "little")
            if not 0 < size <= STORED:
                raise Broken("lz4", f"no block at byte {offset} of the legacy LZ4 frame at byte {frame}")
            stored = raw.read(offset + 4, size)
            if len(stored) < size:
                raise Broken("truncated", f"the file ends inside the legacy LZ4 frame at byte {frame}")
            try:
                data = lz4.block.decompress(stored, uncompressed_size=BLOCK)
            except lz4.block.LZ4BlockError as error:
                raise Broken("lz4", f"block at byte {offset} of a legacy frame: {str(error)[:120]}") from None
            offset += 4 + size
            last = _ends(raw, offset)
            yield data, offset, first, last
            first = False
        if raw.read(offset, 1) == b"\0" and (behind := behind_padding(raw, offset, LEGACY)) > offset:
            offset = behind
            yield b"", offset, True, False


def _ends(raw: Raw, offset: int) -> bool:
    """Whether a frame ends at an offset: with the file, before another one, or before zero bytes, which are no size."""
    following = raw.read(offset, 4)
    return following == LEGACY or not following.strip(b"\0")
