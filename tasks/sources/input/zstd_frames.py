"""zstd: content of frames, fed block by block (RFC 8878, 3.1.1); none gives more than 128 KiB, so none is a bomb.

A zstd WARC may hold the dictionary of its frames in a skippable frame of its own kind, its first one, as it is or
compressed in its turn (https://iipc.github.io/warc-specifications/specifications/warc-zstd/).
"""

from collections.abc import Iterator
from typing import Any

from tasks.sources.input.raw import Broken, Piece, Raw, behind_padding

ZSTD = b"\x28\xb5\x2f\xfd"
DICTIONARY = b"\x5d\x2a\x4d\x18"  # magic of the skippable frame that holds one
DICTIONARY_BYTES = 32 << 20  # at most, decompressed; tools make them of 100 KiB
LEAST, MOST = 1 << 10, 1 << 31  # bytes of a window that the library lets one allow (`zstd --long=31`)


def is_skippable(magic: bytes) -> bool:
    return len(magic) >= 4 and magic[1:4] == b"\x2a\x4d\x18" and 0x50 <= magic[0] <= 0x5F


def asks(window: int, asked: int | None = None) -> str:
    """The rest of a sentence about a stream whose window (dictionary) is larger than the limit, with the remedy."""
    return (
        f"needs a window of {asked or 'more'} bytes, the limit is {window}; set `limits: {{window: {asked or '...'}}}` "
        f"(a worker then takes as much memory), or compress the file again with a smaller one"
    )


def zstd_pieces(raw: Raw, offset: int, window: int) -> Iterator[Piece]:
    """Content from a frame on.

    Args:
        window: bytes; a frame that needs more is refused. As much memory is taken, but no more than it has content.
    """
    import zstandard

    if raw.dictionary is None and raw.read(0, 4) == DICTIONARY:
        raw.dictionary = _dictionary(raw, window)
    try:
        most = min(max(window, LEAST), MOST)
        decoder = zstandard.ZstdDecompressor(dict_data=raw.dictionary, max_window_size=most)
    except zstandard.ZstdError as error:
        raise Broken("dictionary", f"the file's dictionary cannot be used: {str(error)[:120]}") from None
    while offset < raw.size:
        head = raw.read(offset, 18)
        if is_skippable(head):
            offset += 8 + int.from_bytes(head[4:8], "little")
            if offset > raw.size:
                raise Broken("truncated", "the file ends inside a skippable zstd frame")
            yield b"", offset, False, True
            continue
        try:
            size = zstandard.frame_header_size(head)
            asked = zstandard.get_frame_parameters(head)
            _require(asked, window, raw, offset)
            frame = decoder.decompressobj()
            checksum = 4 if asked.has_checksum else 0
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
                if data or last:
                    yield data, at, first, last
                    first = False
        except zstandard.ZstdError as error:
            raise Broken("zstd", f"frame at byte {offset}: {str(error)[:120]}") from None
        offset = at
        if raw.read(offset, 1) == b"\0" and (behind := behind_padding(raw, offset, ZSTD)) > offset:
            offset = behind
            yield b"", offset, True, False


def _require(asked: Any, window: int, raw: Raw, offset: int) -> None:
    """See that a frame's window is within the limit and its dictionary at hand. Raises Broken where it is not."""
    if asked.window_size > window:
        raise Broken("window", f"the zstd frame at byte {offset} {asks(window, asked.window_size)}")
    if asked.dict_id and (raw.dictionary is None or raw.dictionary.dict_id() != asked.dict_id):
        held = "none" if raw.dictionary is None else f"number {raw.dictionary.dict_id()}"
        detail = f"the zstd frame at byte {offset} needs dictionary {asked.dict_id}, the file holds {held}"
        raise Broken("dictionary", detail)


def _dictionary(raw: Raw, window: int) -> Any:
    """The dictionary in the file's first frame."""
    import zstandard

    size = int.from_bytes(raw.read(4, 4), "little")
    data = raw.read(8, min(size, DICTIONARY_BYTES + 1))
    try:
        if data.startswith(ZSTD):
            stream, parts, total = zstandard.ZstdDecompressor(max_window_size=window).decompressobj(), [], 0
            for start in range(0, len(data), 1024):
                parts.append(stream.decompress(data[start : start + 1024]))
                total += len(parts[-1])
                if stream.eof or total > DICTIONARY_BYTES:
                    break
            data = b"".join(parts)
        if not data or len(data) > DICTIONARY_BYTES:
            raise Broken("dictionary", f"the file's dictionary is empty or has more than {DICTIONARY_BYTES} bytes")
        return zstandard.ZstdCompressionDict(data)
    except zstandard.ZstdError as error:
        raise Broken("dictionary", f"the file's dictionary cannot be read: {str(error)[:120]}") from None
