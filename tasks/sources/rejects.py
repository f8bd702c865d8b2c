"""What became of a record that is not a document: the one row, and the names of the reasons.

A reason is damage (bytes that could not be read as the record that they claim to be), loss (a record that had a body,
of which no document came) or policy (read well, not wanted). What is a fault, the input's or ours, is never policy;
damage and loss count towards a source's `reject_share`.
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
    "bzip2": "a bzip2 stream is broken",
    "xz": "an xz stream is broken",
    "lzma": "a .lzma stream is broken",
    "lz4": "an LZ4 frame is broken",
    "window": "a compressed stream needs more memory than `limits: window`",
    "dictionary": "a zstd frame needs a dictionary that the file does not hold, or the one it holds is broken",
    "truncated": "the file ends in the middle of a record",
    "header": "no WARC (or ARC) header, or one without type or length, or one longer than the limit",
    "length": "Content-Length does not agree with where the record ends",
    "http": "the HTTP header cannot be read",
    "json": "the line is not a JSON object",
    "xml": "a page of the dump is not well-formed XML, or bytes stand where none should",
    "no-text": "the record has no text field, or it is neither a string nor a list of strings",
    "parquet": "the Parquet file, or a row group of it, cannot be read",
    "format": "the file is of another format than its source's `kind` (such as PDF, or an archive)",
    "empty-file": "the file has no bytes",
}
LOSS = {
    "encoding": "the body does not decode as its Transfer-Encoding or Content-Encoding says",
    "charset": "the text does not decode in any character set that it claims or looks like",
    "too-large": "a record, body or page is larger than the limit",
    "markup": "the page has more tags, or deeper nesting, than the limit",
    "slow": "the page's parser took more CPU time than the limit, and was stopped",
    "memory": "the page's parser took more memory than the limit",
    "crash": "the page's parser died of the page",
    "no-content": "the page has a body, and no text was found in it",
    "id": "another text of this id was met before it",
}
POLICY = {
    "redirect": "the page of a wiki is a redirect to another",
    "namespace": "the page of a wiki is of a namespace that is not read (`namespaces`)",
    "status": "the HTTP status is not 200",
    "type": "the body is neither HTML nor plain text, or the page of a wiki is no wikitext",
    "empty": "the body, or the record's text, is empty",
    "padding": "zero bytes behind a compressed member, as tapes and block devices add them",
    "repeated": "the same id and text were met before it",
    "where": "the record does not meet the source's `where`",
    "unlinked": "no link names the page (a row a run of such records, all of them counted)",
}
KINDS = {"damage": DAMAGE, "loss": LOSS, "policy": POLICY}
REASONS = {**DAMAGE, **LOSS, **POLICY}
FAULTS = {**DAMAGE, **LOSS}


def rejects_of(documents: Artifact, shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """The records of a shard that became no document: columns of REJECTS."""
    return read_file(documents, f"{shard.key}.{FILE}", columns)


class Reject(NamedTuple):
    """One row of rejects.parquet.

    `offset` and `length` are bytes of the file (of its decompressed content for .jsonl.gz, .jsonl.zst and compressed
    text; a row number and a number of rows for Parquet). `detail` is a short sentence. `records` is how many records
    the row stands for.
    """

    file: str
    offset: int
    length: int | None
    reason: str
    detail: str
    records: int = 1


def storable(text: str) -> str:
    """Text without lone surrogates, which UTF-8 cannot hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def table_of(rejects: list[Reject]) -> pa.Table:
    """Rejects as rejects.parquet has them."""
    texts = [reject._replace(file=storable(reject.file), detail=storable(reject.detail)) for reject in rejects]
    return pa.table(
        {
            name: pa.array([getattr(reject, name) for reject in texts], REJECTS.field(name).type)
            for name in REJECTS.names
        },
        schema=REJECTS,
    )


class Bad(Exception):
    """Raised inside a reader for one bad record; becomes a Reject where the record's place is known."""

    def __init__(self, reason: str, detail: str):
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail
