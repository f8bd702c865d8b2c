"""What became of a record that is not a document: the one row, and the names of the reasons.

A reason is either damage (bytes or a record that could not be read as what it claims to be) or policy (read well, not
wanted). Only damage counts towards a source's `reject_share`.
"""

from typing import NamedTuple

import pyarrow as pa

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.shards import read_file

FILE = "rejects.parquet"  # behind the shard's key
REJECTS = pa.schema(
    [
        ("file", pa.string()),
        ("offset", pa.int64()),
        ("length", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)

DAMAGE = {
    "gzip": "a gzip member is broken (bad data, bad checksum, or no member where one should begin)",
    "zstd": "a zstd frame is broken",
    "truncated": "the file ends in the middle of a record",
    "header": "no WARC header, or one without type or length, or one longer than the limit",
    "length": "Content-Length does not agree with where the record ends",
    "http": "the HTTP header cannot be read",
    "encoding": "the body does not decode as its Transfer-Encoding or Content-Encoding says",
    "charset": "the text does not decode in any character set that it claims or looks like",
    "too-large": "a record, body or page is larger than the limit",
    "markup": "the page has more tags, or deeper nesting, than the limit",
    "slow": "the page's parser took more CPU time than the limit, and was stopped",
    "memory": "the page's parser took more memory than the limit",
    "crash": "the page's parser died of the page",
    "json": "the line is not a JSON object",
    "no-text": "the record has no text field, or it is not a string",
    "parquet": "the Parquet file, or a row group of it, cannot be read",
    "format": "the file is of a format that is not read (such as ARC)",
    "empty-file": "the file has no bytes",
}
POLICY = {
    "status": "the HTTP status is not 200",
    "type": "the body is neither HTML nor plain text",
    "empty": "no text is left",
    "id": "another record of the same file part has this id",
}


def rejects_of(documents: Artifact, shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """The records of a shard that became no document: columns of REJECTS."""
    return read_file(documents, f"{shard.key}.{FILE}", columns)


class Reject(NamedTuple):
    """One row of rejects.parquet.

    `offset` and `length` are bytes of the file (of its decompressed content for .jsonl.gz, .jsonl.zst and compressed
    text; a row number and a number of rows for Parquet). `detail` is a short sentence.
    """

    file: str
    offset: int
    length: int | None
    reason: str
    detail: str


class Bad(Exception):
    """Raised inside a reader for one bad record; becomes a Reject where the record's place is known."""

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail
