"""What `select` chose, as `ingest` reads it: single records by ranges, near ones in one request.

    NNNNN.records.parquet   file (URL), bytes, etag: the version of the file; offset, length; in this order

A record of a crawl is a whole gzip member, so that the records of a file, one after the other, are a WARC file that any
reader reads; the places that it finds are put back to those in the whole file.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from tasks.runtime.artifact import Artifact
from tasks.runtime.shards import read_file
from tasks.sources.parts import Part
from tasks.sources.remote.bring import Remote
from tasks.sources.remote.manners import Manners
from tasks.sources.remote.ranges import fetch_range

# Over a gap smaller than this two ranges are one request. A request costs a round trip, 50 to 100 ms to Common Crawl's
# servers from another continent, and one of the few a second that they bear; at 10 MB/s a gap of 256 KiB costs 26 ms.
GAP = 256 << 10  # bytes
LARGEST = 16 << 20  # bytes of a request, gaps and all: what a worker holds
LIST = "records.parquet"
LISTED = pa.schema(
    [
        ("file", pa.string()),
        ("bytes", pa.int64()),
        ("etag", pa.string()),
        ("offset", pa.int64()),
        ("length", pa.int64()),
    ]
)


def merged(places: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Ranges (offset, length) in order, in groups that are one request each."""
    group: list[tuple[int, int]] = []
    for offset, length in places:
        if group:
            end = group[-1][0] + group[-1][1]
            if offset - end >= GAP or offset + length - group[0][0] > LARGEST:
                yield group
                group = []
        group.append((offset, length))
    if group:
        yield group


def lists(selection: Artifact) -> list[tuple[str, list[Part]]]:
    """(key, parts) of each shard: a list of records each."""
    names = [name for name in selection.files() if name.endswith(f".{LIST}")]
    return [(name.partition(".")[0], [Part(name, selection.file(name).bytes)]) for name in names]


def brought(selection: Artifact, name: str, scratch: Path, manners: Manners) -> Iterator[tuple[Part, Path]]:
    """The records of a list, a WARC file after the other, each as a local file that is gone when the next one comes.

    Raises:
        Failure: a file changed since it was selected from. Mistake, Failure: it cannot be had.
    """
    rows = read_file(selection, name)
    columns = [rows.column(column).to_pylist() for column in LISTED.names]
    path = scratch / "selected.warc.gz"
    for (url, size, etag), group in groupby(zip(*columns, strict=True), key=lambda row: row[:3]):
        there = Remote(url, size, etag)
        places: list[tuple[int, int]] = []
        written = 0
        with path.open("wb") as file:
            for near in merged([(offset, length) for _, _, _, offset, length in group]):
                start = near[0][0]
                data = memoryview(fetch_range(there, start, near[-1][0] + near[-1][1], manners))
                for offset, length in near:
                    places.append((written, offset))
                    written += file.write(data[offset - start : offset - start + length])
        yield Part(url, written, etag=etag or None, name=url, places=tuple(places)), path
        path.unlink()
