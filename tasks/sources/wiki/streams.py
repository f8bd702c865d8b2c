"""Where a large multistream bzip2 dump of MediaWiki can be cut: at streams that begin with a page.

Wikimedia packs every hundred pages as a stream of its own. A stream begins at a byte with ten bytes that are known, and
is taken for one only if what follows decompresses to the beginning of a page. A dump packed otherwise (one stream, or
streams that end inside a page) is not cut. No index is needed.
"""

import bz2
import re
from itertools import pairwise
from pathlib import Path

from tasks.sources.input.raw import Raw

STREAM = re.compile(rb"BZh[1-9]1AY&SY")
PAGE = re.compile(rb"\s*<page[\s>]")
STEP = 1 << 20
TRIES = 8  # streams looked at behind each place where a cut is due


def page_streams(path: Path, shard_bytes: int) -> list[tuple[int, int]]:
    """Bytes of each part, about `shard_bytes` each; one part, the whole file, where it cannot be cut."""
    raw = Raw(path)
    try:
        size, cuts = raw.size, [0]
        count = -(-size // shard_bytes) if STREAM.match(raw.read(0, 10)) else 1
        for number in range(1, count):
            due = size * number // count
            if due > cuts[-1] and (found := _first_page(raw, due)) is not None:
                cuts.append(found)
        return list(pairwise([*cuts, size]))
    finally:
        raw.close()


def _first_page(raw: Raw, due: int) -> int | None:
    """The first stream at or behind a place that begins with a page; None where the next ones do not."""
    at = due
    for _ in range(TRIES):
        found = _next(raw, at)
        if found is None or PAGE.match(_beginning(raw, found)):
            return found
        at = found + 1
    return None


def _next(raw: Raw, at: int) -> int | None:
    """Where the bytes that begin a stream are met next."""
    while data := raw.read(at, STEP):
        if found := STREAM.search(data):
            return at + found.start()
        if len(data) < STEP:
            return None
        at += STEP - 9  # they may lie across two steps
    return None


def _beginning(raw: Raw, at: int) -> bytes:
    """What a stream that would begin there holds in its first block; nothing where there is none."""
    stream = bz2.BZ2Decompressor()
    while not stream.eof and (data := raw.read(at, STEP)):
        at += len(data)
        try:
            if content := stream.decompress(data, 64):
                return content
        except OSError:
            return b""
    return b""
