"""Which input files, or parts of them, make which shard: by size, and by nothing else.

One WARC file is one shard; files smaller than an eighth of the shard size are packed together in their order; large
uncompressed JSONL is cut by bytes (each part has the lines that begin in it), large Parquet by row groups.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tasks.sources.content import Raw, kind_of
from tasks.sources.remote import is_remote

SHARD = 64 << 20  # bytes of input a shard
PACK = 8  # files smaller than SHARD / PACK share a shard, up to that size


class Part(NamedTuple):
    """A file, or the bytes (JSONL) or row groups (Parquet) start..end of it. `etag` where it is remote."""

    path: str
    size: int
    start: int = 0
    end: int | None = None
    etag: str | None = None


def plan(files: list[dict[str, Any]], kind: str, shard_bytes: int = SHARD) -> list[tuple[str, list[Part]]]:
    """(key, parts) of each shard, in the files' order.

    Args:
        files: dicts with `path`, `size` and maybe `etag`. kind: as the stage's. shard_bytes: size aimed at.
    """
    groups: list[list[Part]] = []
    small: list[Part] = []
    pack = shard_bytes // PACK
    for file in files:
        parts = _split(file, kind, shard_bytes)
        if len(parts) > 1 or file["size"] >= pack:
            groups.extend([part] for part in parts)
            continue
        if small and sum(part.size for part in small) + file["size"] > pack:
            groups.append(small)
            small = []
        small.extend(parts)
    if small:
        groups.append(small)
    return [(f"{number:05}", group) for number, group in enumerate(groups)]


def _split(file: dict[str, Any], kind: str, shard_bytes: int) -> list[Part]:
    path, size, etag = file["path"], file["size"], file.get("etag")
    whole = Part(path, size, etag=etag)
    if size <= shard_bytes or is_remote(path) or kind not in ("jsonl", "parquet"):
        return [whole]
    if kind == "parquet":
        return _row_groups(path, size, shard_bytes) or [whole]
    raw = Raw(path)
    try:
        if kind_of(raw) != "plain":
            return [whole]
    finally:
        raw.close()
    count = -(-size // shard_bytes)
    cuts = [size * number // count for number in range(count + 1)]
    return [Part(path, end - start, start, end) for start, end in pairwise(cuts)]


def _row_groups(path: str, size: int, shard_bytes: int) -> list[Part]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(Path(path))
    except (pa.ArrowException, OSError):
        return []  # the reader will say so, in a Reject
    parts, start, bytes_ = [], 0, 0
    for group in range(metadata.num_row_groups):
        bytes_ += size * metadata.row_group(group).num_rows // max(1, metadata.num_rows)
        if bytes_ >= shard_bytes or group + 1 == metadata.num_row_groups:
            parts.append(Part(path, bytes_, start, group + 1))
            start, bytes_ = group + 1, 0
    return parts
