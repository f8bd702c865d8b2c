"""The forms that rows leave in: Parquet, and JSON Lines in one zstd frame. Equal rows give equal bytes.

JSON Lines is strict: UTF-8, an object a line, all keys in every one, dates as RFC 3339 has them.
"""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import zstandard

from tasks.export.rows import SCHEMA

GROUP = 32 << 20  # bytes of a row group: its texts, and ROW for each row; what a reader takes at once
ROW = 256  # bytes of a row beside its text, about
ROWS = 64  # held as Python objects at a time
LEVEL = 3  # of zstd, its own default: Arrow's (1) makes 183 MB of English 75.9 MB of Parquet, this 65.0
FEW = ("source", "split", "language", "file")  # columns of few values: a dictionary each


class Form(Protocol):
    """A file that is being written."""

    def write(self, rows: pa.Table) -> None: ...

    def close(self) -> None: ...


class Parquet:
    """Row groups end where a stated number of bytes is reached, wherever the tables that come end."""

    def __init__(self, path: Path):
        bounded = [name for name in SCHEMA.names if name != "text"]
        self._file = pq.ParquetWriter(
            path, SCHEMA, compression="zstd", compression_level=LEVEL, use_dictionary=FEW, write_statistics=bounded
        )
        self._waiting: list[pa.Table] = []
        self._bytes = 0

    def write(self, rows: pa.Table) -> None:
        while rows.num_rows:
            ends = self._bytes + np.cumsum(pc.binary_length(rows.column("text")).to_numpy() + ROW)
            count = int(np.searchsorted(ends, GROUP)) + 1  # up to the row that reaches it
            self._waiting.append(rows.slice(0, count))
            self._bytes = int(ends[min(count, rows.num_rows) - 1])
            rows = rows.slice(count)
            if self._bytes >= GROUP:
                self._flush()

    def _flush(self) -> None:
        # One chunk a column: pages end at chunks, which are the reader's affair.
        group = pa.concat_tables(self._waiting).combine_chunks()
        self._file.write_table(group, row_group_size=group.num_rows)
        self._waiting, self._bytes = [], 0

    def close(self) -> None:
        if self._waiting:
            self._flush()
        self._file.close()


class JsonLines:
    """A row is a Python object for a moment here: JSON has no columns."""

    def __init__(self, path: Path):
        self._file = path.open("wb")
        self._zstd = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).stream_writer(self._file)

    def write(self, rows: pa.Table) -> None:
        for few in rows.to_batches(max_chunksize=ROWS):
            for row in few.to_pylist():
                self._zstd.write(_line(row))  # a line at a time, so that a frame's blocks know no tables

    def close(self) -> None:
        self._zstd.close()  # and the file with it


def _line(row: dict[str, Any]) -> bytes:
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


FORMS: dict[str, type[Parquet] | type[JsonLines]] = {"parquet": Parquet, "jsonl.zst": JsonLines}
