"""Which input files, or parts of them, make which shard: by size, and by nothing else.

One WARC file is one shard; files smaller than an eighth of the shard size are packed together in their order; large
uncompressed JSONL is cut at line ends (a JSON array is not cut), large Parquet by row groups, large multistream dumps
of MediaWiki by streams.

A local file is what its list says if its checksum is. That of a whole file is taken while it is read
(input/hashed.py); where parts of one are read apart, each has the checksums of its own bytes, taken in a pass that
checks the whole.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from tasks.runtime.errors import Failure
from tasks.runtime.local_store import PIECE, sha256_of
from tasks.sources.input.files import REMEDY, require_unchanged
from tasks.sources.input.forms import kind_of
from tasks.sources.input.raw import Raw
from tasks.sources.rejects import Bad
from tasks.sources.remote.bring import is_remote
from tasks.sources.rows.batches import opened, probe
from tasks.sources.rows.elements import HEAD, stacked
from tasks.sources.wiki.streams import page_streams

SHARD = 64 << 20  # bytes of input per shard
PACK = 8  # files smaller than SHARD / PACK share a shard, up to that size
Span = tuple[int, int]  # bytes of a file, half-open


class Part(NamedTuple):
    """A file, or the bytes (JSONL, MediaWiki) or row groups (Parquet) start..end of it. `etag` where it is remote.

    `name` is what the ids of its documents are made of: see `files.InputFile`. `spans` are the bytes of the file that a
    part reads, with their checksums; empty for a whole file, whose checksum is `sha256`.
    `places` of records that were brought here without the rest of their file: (offset here, offset there) of each.
    """

    path: str
    size: int
    start: int = 0
    end: int | None = None
    etag: str | None = None
    sha256: str | None = None
    spans: tuple[tuple[int, int, str], ...] = ()
    name: str = ""
    places: tuple[tuple[int, int], ...] = ()

    def place_of(self, offset: int) -> int:
        """Where in the whole file a byte of the records that were brought here stands."""
        here, there = self.places[max(0, bisect_right(self.places, (offset, 1 << 62)) - 1)]
        return there + offset - here


def plan(
    files: list[dict[str, Any]], kind: str, shard_bytes: int = SHARD, place: Callable[[str], Path] = Path
) -> list[tuple[str, list[Part]]]:
    """(key, parts) of each shard, in the files' order.

    Args:
        files: dicts with `path`, `size` and maybe `etag`, `sha256` and `name` (the path if absent).
        kind: as the stage's.
        shard_bytes: size aimed at.
        place: where a listed path that is no URL lies on this machine.

    Raises:
        Failure: a file that is cut is not the one that was listed.
    """
    groups: list[list[Part]] = []
    small: list[Part] = []
    waiting = 0  # bytes of `small`
    pack = shard_bytes // PACK
    for file in files:
        parts = _split(file, kind, shard_bytes, place)
        if len(parts) > 1 or file["size"] >= pack:
            groups.extend([part] for part in parts)
            continue
        if small and waiting + file["size"] > pack:
            groups.append(small)
            small, waiting = [], 0
        small.extend(parts)
        waiting += file["size"]
    if small:
        groups.append(small)
    return [(f"{number:05}", group) for number, group in enumerate(groups)]


def _split(file: dict[str, Any], kind: str, shard_bytes: int, place: Callable[[str], Path]) -> list[Part]:
    path, size = file["path"], file["size"]
    whole = Part(path, size, etag=file.get("etag"), sha256=file.get("sha256"), name=file.get("name") or path)
    if size <= shard_bytes or is_remote(path) or kind not in SPLIT:
        return [whole]
    try:
        parts = SPLIT[kind](whole, place(path), shard_bytes)
    except OSError as error:
        raise Failure(f"{path} was listed and cannot be read now ({error.strerror}); {REMEDY}") from None
    return parts if len(parts) > 1 else [whole]


def _lines(whole: Part, path: Path, shard_bytes: int) -> list[Part]:
    """Parts of a file that is not compressed, cut behind the first line end at or behind equal shares of its bytes.

    One pass finds the cuts and takes the checksums, of the parts and of the whole, which must be as listed.
    """
    with path.open("rb") as file:
        raw = Raw(file)
        if kind_of(raw) != "plain" or stacked(raw.read(0, HEAD)):
            return []
        count = -(-whole.size // shard_bytes)
        # A line that holds the byte before a share's end belongs to that share.
        ends = [whole.size * number // count - 1 for number in range(1, count)]
        spans, sha256 = _cut(file, ends)
    if whole.sha256 not in (None, sha256):
        raise Failure(f"{whole.path} is not the file that was listed: its content differs; {REMEDY}")
    cut = whole._replace(sha256=None)
    return [cut._replace(size=span[1] - span[0], start=span[0], end=span[1], spans=(span,)) for span in spans]


def _cut(file: BinaryIO, ends: list[int]) -> tuple[list[tuple[int, int, str]], str]:
    """Spans with their checksums, cut behind the first line end at or behind each of `ends`; and the whole's checksum.

    The last span reaches to the file's end; an end inside a line that an earlier one has cut already cuts nothing.
    """
    spans = []
    whole, part = hashlib.sha256(), hashlib.sha256()
    waiting = ends[::-1]
    low = at = 0
    file.seek(0)
    while data := file.read(PIECE):
        whole.update(data)
        begin = 0
        while waiting and (newline := data.find(b"\n", max(begin, waiting[-1] - at))) >= 0:
            cut = at + newline + 1
            part.update(memoryview(data)[begin : newline + 1])
            spans.append((low, cut, part.hexdigest()))
            low, begin, part = cut, newline + 1, hashlib.sha256()
            while waiting and waiting[-1] < cut:
                waiting.pop()
        part.update(memoryview(data)[begin:])
        at += len(data)
    if at > low:
        spans.append((low, at, part.hexdigest()))
    return spans, whole.hexdigest()


def _streams(whole: Part, path: Path, shard_bytes: int) -> list[Part]:
    """Parts of a dump; each reads the dump's head as well."""
    spans = page_streams(path, shard_bytes)
    if len(spans) < 2:
        return []
    require_unchanged(path, whole.sha256)
    with path.open("rb") as file:
        return [
            whole._replace(
                size=end - start, start=start, end=end, sha256=None, spans=((start, end, sha256_of(file, start, end)),)
            )
            for start, end in spans
        ]


def _row_groups(whole: Part, path: Path, shard_bytes: int) -> list[Part]:
    size = whole.size
    try:
        with opened(path) as file:
            metadata = file.metadata
            for group in range(metadata.num_row_groups):
                probe(file, group)
    except Bad:
        return []  # the reader will say so, in a Reject
    parts: list[tuple[Part, list[Span]]] = []
    start, taken = 0, 0
    group_spans = [_group_span(metadata.row_group(group)) for group in range(metadata.num_row_groups)]
    if any(not 0 <= low <= high <= size for low, high in group_spans):
        return []  # a damaged footer; the reader will say so
    footer = max((high for _, high in group_spans), default=0)
    for group in range(metadata.num_row_groups):
        taken += size * metadata.row_group(group).num_rows // max(1, metadata.num_rows)
        if taken >= shard_bytes or group + 1 == metadata.num_row_groups:
            spans = group_spans[start : group + 1]
            span = (min(low for low, _ in spans), max(high for _, high in spans))
            parts.append((whole._replace(size=taken, start=start, end=group + 1, sha256=None), [span, (footer, size)]))
            start, taken = group + 1, 0
    if len(parts) < 2:
        return []
    require_unchanged(path, whole.sha256)
    with path.open("rb") as file:
        return [
            part._replace(spans=tuple((low, high, sha256_of(file, low, high)) for low, high in spans))
            for part, spans in parts
        ]


def _group_span(group: Any) -> Span:
    chunks = [group.column(number) for number in range(group.num_columns)]
    starts = [min(filter(None, (chunk.dictionary_page_offset, chunk.data_page_offset)), default=-1) for chunk in chunks]
    ends = [start + chunk.total_compressed_size for start, chunk in zip(starts, chunks, strict=True)]
    return min(starts, default=-1), max(ends, default=-1)  # -1: a damaged footer


SPLIT = {"jsonl": _lines, "parquet": _row_groups, "mediawiki": _streams}
