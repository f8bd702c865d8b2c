"""Shards and columns: Parquet files written whole, with their statistics and their shard's checksum in the footer.

A shard's main file `<key>.parquet` is published last, so that its presence says that the shard is finished; a run that
was killed finds the shard's statistics in that footer and goes on behind it.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.errors import Failure
from tasks.runtime.store import Artifact, Shard, describe, publish

FORMAT = 1  # part of every fingerprint: raise it when the files written here change their meaning
FOOTER = b"millrace"

DOCUMENTS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.large_string()),
        ("bytes", pa.int64()),  # of text in UTF-8, so that decisions can count bytes without reading text
        ("url", pa.string()),
        ("date", pa.timestamp("s", tz="UTC")),
        ("language", pa.string()),
        ("meta", pa.string()),
    ]
)
REJECTS = pa.schema(
    [
        ("file", pa.string()),
        ("offset", pa.int64()),
        ("length", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)


class Output:
    """The files of one shard, handed to a shard function. Rows go to the main file, `open` makes others."""

    def __init__(self, folder: Path, key: str, stack: ExitStack):
        self.folder, self.key = folder, key
        self._stack = stack
        self._writer: pq.ParquetWriter | None = None
        self._shard: Shard | None = None
        self._rows = 0
        self._others: list[str] = []

    def of(self, shard: Shard) -> None:
        """Say whose rows these are: a column has its shard's rows, in its shard's order."""
        self._shard = shard

    def write(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Append rows to `<key>.parquet`; a row group a call."""
        table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
        if self._writer is None:
            file = self._stack.enter_context(publish(self.folder / f"{self.key}.parquet"))
            self._writer = pq.ParquetWriter(file, table.schema, compression="zstd")
            self._stack.callback(self._abandon)
        self._writer.write_table(table)
        self._rows += table.num_rows

    @contextmanager
    def open(self, suffix: str) -> Iterator[IO[bytes]]:
        """Another file of the shard, `<key>.<suffix>`; it appears when the block ends, before the main file."""
        self._others.append(f"{self.key}.{suffix}")
        with publish(self.folder / self._others[-1]) as file:
            yield file

    def _abandon(self) -> None:
        """A writer that was not finished must not write a footer when it is collected: its file is gone by then."""
        if self._writer is not None:
            self._writer.is_open = False

    def finish(self, statistics: dict[str, Any]) -> None:
        if self._writer is None:
            raise RuntimeError(f"the shard function wrote no table for shard {self.key}; write an empty one")
        footer: dict[str, Any] = {"format": FORMAT, "statistics": statistics, "others": self._others}
        if self._shard is not None:
            if self._rows != self._shard.rows:
                raise RuntimeError(
                    f"a column of {self._shard.path} must have its {self._shard.rows} rows, not {self._rows}"
                )
            footer["shard"] = {"sha256": self._shard.sha256, "rows": self._shard.rows}
        self._writer.add_key_value_metadata({FOOTER: json.dumps(footer, sort_keys=True).encode()})
        self._writer.close()


def make_shard(
    task: tuple[str, Any], *, function: Callable[..., dict], folder: Path, arguments: dict[str, Any]
) -> dict:
    """Run a shard function unless its main file is there; describe the shard's files. Runs in a worker."""
    key, item = task
    main = folder / f"{key}.parquet"
    if not main.is_file():
        with ExitStack() as stack:
            out = Output(folder, key, stack)
            out.finish(function(out, item, **arguments))
    footer = read_footer(main)
    names = [*footer["others"], main.name]
    return {
        "statistics": footer["statistics"],
        "files": [describe(folder / name, folder) for name in names],
    }


def read_footer(path: Path) -> dict[str, Any]:
    metadata = pq.read_metadata(path).metadata or {}
    if FOOTER not in metadata:
        raise Failure(f"{path} has no Millrace footer; delete its folder and run again")
    return json.loads(metadata[FOOTER])


def read(shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """A whole shard as a table."""
    return pq.read_table(shard.path, columns=columns)


def batches(shard: Shard, columns: list[str] | None = None, rows: int = 4096) -> Iterator[pa.RecordBatch]:
    """A shard in pieces, for stages whose memory must not grow with it."""
    with pq.ParquetFile(shard.path) as file:
        yield from file.iter_batches(batch_size=rows, columns=columns)


def column_path(artifact: Artifact, shard: Shard) -> Path:
    """The file of a column artifact for a shard, after checking that it was made from these very rows.

    Raises:
        Failure: the column is of another shard (by checksum or row count).
    """
    path = artifact.folder / f"{shard.key}.parquet"
    footer = read_footer(path)
    if footer.get("shard") != {"sha256": shard.sha256, "rows": shard.rows}:
        raise Failure(
            f"{path} was made from another shard than {shard.path} ({footer.get('shard')}); "
            f"delete {artifact.folder} and run again"
        )
    return path


def read_column(artifact: Artifact, shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """An artifact's column file for a shard, row for row; see `column_path` for what is checked."""
    return pq.read_table(column_path(artifact, shard), columns=columns)


def add(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Sum nested dictionaries of numbers and equally long lists of numbers, key by key."""
    total: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            if isinstance(value, dict):
                total[key] = add([total.get(key, {}), value])
            elif isinstance(value, list):
                before = total.get(key, [0] * len(value))
                total[key] = [a + b for a, b in zip(before, value, strict=True)]
            else:
                total[key] = total.get(key, 0) + value
    return {key: total[key] for key in sorted(total)}
