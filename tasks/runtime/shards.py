"""Shards and columns: Parquet files written whole, with their statistics and their shard's checksum in the footer.

A shard's main file `<key>.parquet` is published last, so that its presence says that the shard is finished; a run that
was killed finds the shard's statistics in that footer and goes on behind it.
"""

import errno
import json
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime import checked, statistics
from tasks.runtime.artifact import REMEDY, Artifact, File, Shard
from tasks.runtime.errors import Failure
from tasks.runtime.local_store import file_sha256
from tasks.runtime.store import Damaged, Unreachable

FORMAT = 2  # part of every fingerprint: raise it when the files written here change their meaning (tests/golden)
FOOTER = b"millrace"
COMPRESSION = "zstd"
Declared = tuple[tuple[str, pa.DataType | None], ...]  # names and types of a stage's columns; None: any type

DOCUMENTS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.large_string()),
        ("bytes", pa.int64()),  # of text in UTF-8, so that decisions can count bytes without reading text
        ("url", pa.string()),
        ("date", pa.timestamp("s", tz="UTC")),
        ("language", pa.string()),
        ("language_score", pa.float32()),
        ("meta", pa.string()),
    ]
)


@dataclass(frozen=True)
class Part:
    """A finished shard, as the worker tells of it: statistics as JSON, and its files."""

    statistics: dict[str, Any]
    files: tuple[File, ...]


class Output:
    """The files of one shard, handed to a shard function. Rows go to the main file, `open` makes others.

    All are written in a scratch folder and published when the function has returned, the main file last.
    """

    def __init__(self, artifact: Artifact, key: str, scratch: Path, declared: Declared = ()):
        self.artifact, self.key, self.scratch = artifact, key, scratch
        self._declared = declared  # the columns that the stage declares, if it does
        self._writer: pq.ParquetWriter | None = None
        self._shard: Shard | None = None
        self._rows = 0
        self._others: list[str] = []

    @property
    def main(self) -> str:
        return f"{self.key}.parquet"

    def of(self, shard: Shard) -> None:
        """Say whose rows these are: a column has its shard's rows, in its shard's order."""
        self._shard = shard

    def write(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Append rows to `<key>.parquet`; a row group a call."""
        table = pa.Table.from_batches([rows]) if isinstance(rows, pa.RecordBatch) else rows
        if self._writer is None:
            self._check_declared(table.schema)
            self._writer = pq.ParquetWriter(self.scratch / self.main, table.schema, compression=COMPRESSION)
        self._writer.write_table(table)
        self._rows += table.num_rows

    @contextmanager
    def open(self, suffix: str) -> Iterator[IO[bytes]]:
        """Another file of the shard, `<key>.<suffix>`."""
        name = f"{self.key}.{suffix}"
        with (self.scratch / name).open("wb") as file:
            yield file
        self._others.append(name)

    def finish(self, counted: Any) -> Part:
        """Close and publish all files; `counted` is the shard's statistics."""
        if self._writer is None:
            raise RuntimeError(f"the shard function wrote no table for shard {self.key}; write an empty one")
        said = statistics.to_json(counted)
        footer: dict[str, Any] = {"format": FORMAT, "statistics": said, "others": self._others}
        if self._shard is not None:
            if self._rows != self._shard.rows:
                raise RuntimeError(
                    f"a column of {self._shard.name} must have its {self._shard.rows} rows, not {self._rows}"
                )
            footer["shard"] = {"sha256": self._shard.sha256, "rows": self._shard.rows}
        self._writer.add_key_value_metadata({FOOTER: json.dumps(footer, sort_keys=True).encode()})
        self._writer.close()
        names = [*self._others, self.main]
        files = tuple(describe(self.scratch / name, name) for name in names)
        for name in names:
            self.artifact.store.publish(self.artifact.name_of(name), self.scratch / name)
        return Part(json.loads(json.dumps(said)), files)

    def _check_declared(self, schema: pa.Schema) -> None:
        written = [(field.name, field.type) for field in schema]
        names_differ = [name for name, _ in self._declared] != [name for name, _ in written]
        pairs = zip(self._declared, written, strict=False)
        if self._declared and (names_differ or any(type_ not in (None, other) for (_, type_), (_, other) in pairs)):
            raise RuntimeError(f"{self.artifact.stage} declares the columns {self._declared} and writes {written}")

    def close(self) -> None:
        """Let go of what is open. A writer that was not finished must write no footer: its file is gone by then."""
        if self._writer is not None and self._writer.is_open:
            self._writer.is_open = False


def describe(path: Path, name: str) -> File:
    """A file's row in files.parquet."""
    is_parquet = name.endswith(".parquet")
    rows = pq.read_metadata(path).num_rows if is_parquet else None
    columns = checked.column_digests(path) if is_parquet else ()
    return File(name, rows, path.stat().st_size, file_sha256(path), columns)


def make_shard(
    task: tuple[str, Any],
    *,
    function: Callable[..., Any],
    artifact: Artifact,
    arguments: dict[str, Any],
    declared: Declared = (),
) -> Part:
    """Run a shard function unless its main file is there; describe the shard's files. Runs in a worker."""
    key, item = task
    if (part := finished(artifact, key)) is not None:
        return part
    with artifact.store.scratch() as scratch:
        out = Output(artifact, key, scratch, declared)
        try:
            return out.finish(function(out, item, **arguments))
        finally:
            out.close()


def finished(artifact: Artifact, key: str) -> Part | None:
    """A shard that an earlier attempt has published; None if there is none.

    One that is not whole, as when a repair was killed, is removed.
    """
    main = f"{key}.parquet"
    if not artifact.store.exists(artifact.name_of(main)):
        return None
    if (part := _whole(artifact, main)) is None:
        artifact.store.delete(artifact.name_of(main))
    return part


def _whole(artifact: Artifact, main: str) -> Part | None:
    try:
        path = artifact.store.local(artifact.name_of(main))
        footer = read_footer(path)
        names = [*footer["others"], main]
        paths = [artifact.store.local(artifact.name_of(name)) for name in names]
        return Part(footer["statistics"], tuple(map(describe, paths, names)))
    except Unreachable:
        raise
    except (OSError, pa.ArrowException, Failure) as error:  # Arrow's own OSErrors, of a broken footer, have no number
        if getattr(error, "errno", None) not in (None, errno.ENOENT):
            raise
        return None


def read_footer(path: Path) -> dict[str, Any]:
    metadata = pq.read_metadata(path).metadata or {}
    if FOOTER not in metadata:
        raise Failure(f"{path} has no Millrace footer; delete it and run again")
    return dict(json.loads(metadata[FOOTER]))


def _place(shard: Shard, columns: list[str] | None) -> Path:
    """The shard's file, here, with these columns (all if None) as they were written.

    Raises:
        Damaged: the file in the store is not. A local copy that is not is brought anew.
    """
    try:
        path = shard.store.local(shard.name, shard.sha256, check=False)
        try:
            checked.check(path, shard.file, columns)
        except Damaged:
            path = shard.store.local(shard.name, shard.sha256)
            checked.check(path, shard.file, columns)
    except FileNotFoundError:
        raise Damaged(f"{shard.store.where(shard.name)} is missing; {REMEDY}") from None
    return path


def read(shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """A whole shard as a table, or some of its columns; what is read is checked."""
    return pq.read_table(_place(shard, columns), columns=columns)


def batches(
    shard: Shard, columns: list[str] | None = None, rows: int = 4096, groups: range | None = None
) -> Iterator[pa.RecordBatch]:
    """A shard, or some of its row groups, in pieces, for stages whose memory must not grow with it."""
    with pq.ParquetFile(_place(shard, columns)) as parquet:
        chosen = None if groups is None else list(groups)
        yield from parquet.iter_batches(batch_size=rows, columns=columns, row_groups=chosen)


def row_groups(shard: Shard, columns: list[str] | None = None) -> list[int]:
    """The rows of each row group; these columns are checked, as they are about to be read."""
    with pq.ParquetFile(_place(shard, columns)) as parquet:
        return [parquet.metadata.row_group(number).num_rows for number in range(parquet.num_row_groups)]


def read_rows(shard: Shard, rows: list[int], columns: list[str] | None = None) -> pa.Table:
    """Some rows of a shard, in the order asked for; of its row groups those alone are unpacked that hold one."""
    with pq.ParquetFile(_place(shard, columns)) as parquet:
        starts = list(accumulate(row_groups(shard, columns), initial=0))
        groups = {row: bisect_right(starts, row) - 1 for row in rows}
        read_in = {number: parquet.read_row_group(number, columns) for number in sorted(set(groups.values()))}
        taken = [read_in[groups[row]].slice(row - starts[groups[row]], 1) for row in rows]
        return pa.concat_tables(taken) if taken else parquet.schema_arrow.empty_table()


def column_of(artifact: Artifact, shard: Shard) -> Shard:
    """An artifact's file for a shard of another one: a column, or a table beside the rows.

    Raises:
        Damaged: there is none.
    """
    return Shard(artifact.store, artifact.label, shard.key, artifact.file(f"{shard.key}.parquet"))


def columns_of(artifact: Artifact, shard: Shard) -> list[str]:
    """The names of an artifact's columns for a shard."""
    names: list[str] = pq.read_schema(_place(column_of(artifact, shard), [])).names
    return names


def read_column(artifact: Artifact, shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """An artifact's column file for a shard, row for row, after checking that it was made from these very rows.

    Raises:
        Failure: the column is of another shard (by checksum or row count).
    """
    column = column_of(artifact, shard)
    made_from = read_footer(_place(column, [])).get("shard")
    if made_from != {"sha256": shard.sha256, "rows": shard.rows}:
        raise Failure(
            f"{column.store.where(column.name)} was made from another shard than {shard.store.where(shard.name)} "
            f"({made_from}); {REMEDY}"
        )
    return read(column, columns)


def read_beside(artifact: Artifact, shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """An artifact's table for a shard that is not row by row (hits)."""
    return read(column_of(artifact, shard), columns)


def read_file(artifact: Artifact, file: str, columns: list[str] | None = None) -> pa.Table:
    """Any Parquet file of an artifact."""
    return read(Shard(artifact.store, artifact.label, file.removesuffix(".parquet"), artifact.file(file)), columns)
