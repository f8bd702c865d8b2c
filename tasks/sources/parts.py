"""Which input files, or parts of them, make which shard: by size, and by nothing else.

One WARC file is one shard; files smaller than an eighth of the shard size are packed together in their order; large
uncompressed JSONL is cut by bytes (each part has the lines that begin in it), large Parquet by row groups; a JSON array
is not cut.

A local file is what its list says if its checksum is. A whole file is checked before it is read; where parts of one are
read apart, each has the checksums of its own bytes, taken in the pass that checks the whole.
"""

import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tasks.runtime.errors import Failure
from tasks.sources.batches import opened, probe
from tasks.sources.content import Raw, kind_of
from tasks.sources.elements import HEAD, stacked
from tasks.sources.files import require_unchanged
from tasks.sources.rejects import Bad
from tasks.sources.remote import is_remote

SHARD = 64 << 20  # bytes of input per shard
PACK = 8  # files smaller than SHARD / PACK share a shard, up to that size
Span = tuple[int, int]  # bytes of a file, half-open


class Part(NamedTuple):
    """A file, or the bytes (JSONL) or row groups (Parquet) start..end of it. `etag` where it is remote.

    `spans` are the bytes of the file that a part reads, with their checksums; empty for a whole file, whose checksum is
    `sha256`.
    """

    path: str
    size: int
    start: int = 0
    end: int | None = None
    etag: str | None = None
    sha256: str | None = None
    spans: tuple[tuple[int, int, str], ...] = ()


def plan(files: list[dict[str, Any]], kind: str, shard_bytes: int = SHARD) -> list[tuple[str, list[Part]]]:
    """(key, parts) of each shard, in the files' order.

    Args:
        files: dicts with `path`, `size` and maybe `etag` and `sha256`.
        kind: as the stage's.
        shard_bytes: size aimed at.

    Raises:
        Failure: a file that is cut is not the one that was listed.
    """
    groups: list[list[Part]] = []
    small: list[Part] = []
    waiting = 0  # bytes of `small`
    pack = shard_bytes // PACK
    for file in files:
        parts = _split(file, kind, shard_bytes)
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


def require_as_listed(part: Part, path: Path) -> None:
    """See that the bytes that a part reads are those that were listed.

    Raises:
        Failure: they are not.
    """
    if not part.spans:
        require_unchanged(path, part.sha256)
        return
    with path.open("rb") as file:
        for low, high, expected in part.spans:
            file.seek(low)
            if _sha256(file.read(high - low)) != expected:
                raise Failure(
                    f"{path}: bytes {low} to {high} are not those that were listed; put the file back, or give the new "
                    f"one a source of its own"
                )


def _split(file: dict[str, Any], kind: str, shard_bytes: int) -> list[Part]:
    path, size = file["path"], file["size"]
    whole = Part(path, size, etag=file.get("etag"), sha256=file.get("sha256"))
    if size <= shard_bytes or is_remote(path) or kind not in ("jsonl", "parquet"):
        return [whole]
    parts = _row_groups(path, size, shard_bytes) if kind == "parquet" else _byte_ranges(path, size, shard_bytes)
    if len(parts) < 2:
        return [whole]
    require_unchanged(Path(path), whole.sha256)
    with Path(path).open("rb") as content:
        return [part._replace(spans=tuple(_read(content, span) for span in spans)) for part, spans in parts]


def _read(file: Any, span: Span) -> tuple[int, int, str]:
    file.seek(span[0])
    return (*span, _sha256(file.read(span[1] - span[0])))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _byte_ranges(path: str, size: int, shard_bytes: int) -> list[tuple[Part, list[Span]]]:
    raw = Raw(path)
    try:
        if kind_of(raw) != "plain" or stacked(raw.read(0, HEAD)):
            return []
    finally:
        raw.close()
    count = -(-size // shard_bytes)
    cuts = [size * number // count for number in range(count + 1)]
    return [(Part(path, end - start, start, end), [(start, end)]) for start, end in pairwise(cuts)]


def _row_groups(path: str, size: int, shard_bytes: int) -> list[tuple[Part, list[Span]]]:
    try:
        with opened(Path(path)) as file:
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
            parts.append((Part(path, taken, start, group + 1), [span, (footer, size)]))
            start, taken = group + 1, 0
    return parts


def _group_span(group: Any) -> Span:
    chunks = [group.column(number) for number in range(group.num_columns)]
    starts = [min(filter(None, (chunk.dictionary_page_offset, chunk.data_page_offset)), default=-1) for chunk in chunks]
    ends = [start + chunk.total_compressed_size for start, chunk in zip(starts, chunks, strict=True)]
    return min(starts, default=-1), max(ends, default=-1)  # -1: a damaged footer
