"""Where each document stood: `<key>.origins.parquet` beside a shard, a row for every row of it, in its order.

A crawl's record is named as its index names it (file, offset, length), and by the record's own id. Files bear the name
that ids are made of (`files.InputFile`): a URL, or the path below the folder that the source's files share, so that
nothing of the machine that read them stands here.
"""

from typing import NamedTuple

import pyarrow as pa

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.shards import read_file
from tasks.sources.rejects import storable

FILE = "origins.parquet"
ORIGINS = pa.schema(
    [
        ("file", pa.string()),
        ("offset", pa.int64()),
        ("length", pa.int64()),
        ("record", pa.string()),
    ]
)
MEANINGS = {
    "file": "the file that the record stood in: a URL, or its path below the folder that the source's files share",
    "offset": "where the record begins: bytes of the file; of its decompressed content for JSONL, wiki dumps and "
    "compressed text (of a dump that is read in parts: of its part); a row number for Parquet",
    "length": "how long it is, in the same unit",
    "record": "the record's own id, such as WARC-Record-ID; null where it has none",
}


class Origin(NamedTuple):
    """A row of ORIGINS."""

    file: str
    offset: int
    length: int
    record: str | None


def table_of(origins: list[Origin]) -> pa.Table:
    """Origins as origins.parquet has them."""
    columns = zip(*origins, strict=True) if origins else ([] for _ in ORIGINS)
    files, offsets, lengths, records = map(list, columns)
    return pa.table(
        [
            pa.array([storable(file) for file in files], pa.string()),
            pa.array(offsets, pa.int64()),
            pa.array(lengths, pa.int64()),
            pa.array([None if record is None else storable(record) for record in records], pa.string()),
        ],
        schema=ORIGINS,
    )


def origins_of(documents: Artifact, shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """Where the documents of a shard stood, row for row: columns of ORIGINS."""
    return read_file(documents, f"{shard.key}.{FILE}", columns)
