"""What one step of a decision leaves to the next: pieces, Arrow files below the artifact, written where they are made.

A step is a shuffle of the engine whose reduced rows do not come to this process: a worker publishes them in the store
and tells the name, the number of rows and some counts. So nothing that grows with the corpus is collected, and on a
cluster rows go from worker to worker. The files are named run.*, which an artifact's checksums leave out, and are
removed when the last step is done.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.runtime.artifact import Artifact
from tasks.runtime.fixed import fixed
from tasks.runtime.job import Job
from tasks.runtime.shuffle import cuts, hashed, read_file, unhashed

STEPS = "run.steps"
COUNTS = 8  # that a step may tell, at most
Reduced = tuple[pa.Table, list[int]]  # rows whose first column is `key`, and counts


@dataclass(frozen=True)
class Piece:
    """A file of rows, and between which hashes of keys they are."""

    name: str  # in the store
    rows: int
    low: int
    high: int


def step(
    job: Job, emit: Callable[[Any], pa.Table], reduce: Callable[[pa.Table], Reduced], items: list[Any]
) -> tuple[list[Piece], list[int]]:
    """The pieces that a shuffle leaves, and the sums of what it counted."""
    published = partial(_publish, reduce=reduce, artifact=job.artifact)
    pieces, counts = [], np.zeros(COUNTS, np.int64)
    for told in job.engine.shuffle(emit, published, items):
        for row in told.to_pylist():
            if row["rows"]:
                pieces.append(Piece(_name(job.artifact, row["name"].hex()), row["rows"], row["low"], row["high"]))
            counts += [row[f"count{n}"] for n in range(COUNTS)]
    # A shuffle's answer comes in the order of its rows; those here are names made up by chance.
    return sorted(pieces, key=lambda piece: (piece.low, piece.high, piece.name)), counts.tolist()


def _publish(table: pa.Table, *, reduce: Callable[[pa.Table], Reduced], artifact: Artifact) -> pa.Table:
    rows, counts = reduce(table)
    piece = write(artifact, rows) if rows.num_rows else Piece("", 0, 0, 0)
    name = bytes.fromhex(piece.name.rpartition("/")[2].removesuffix(".arrow")) or bytes(16)
    return pa.table(
        {
            "key": pa.array([int.from_bytes(name[:8], signed=True)], pa.int64()),
            "name": fixed(np.frombuffer(name, np.uint8).reshape(1, 16)),
            "rows": pa.array([piece.rows], pa.int64()),
            "low": pa.array([piece.low], pa.uint64()),
            "high": pa.array([piece.high], pa.uint64()),
        }
        | {f"count{n}": pa.array([counts[n] if n < len(counts) else 0], pa.int64()) for n in range(COUNTS)}
    )


def write(artifact: Artifact, rows: pa.Table) -> Piece:
    """Rows, at least one, as a piece; in the order of the hashes of their keys."""
    hashes = hashed(rows.select(["key"])).column("key")
    low, high = hashes[0].as_py(), hashes[-1].as_py()
    name = _name(artifact, os.urandom(16).hex())  # of this attempt: a worker that was given up may write another
    with artifact.store.scratch() as scratch:
        path = scratch / "piece.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
            writer.write_table(rows)
        artifact.store.publish(name, path)
    return Piece(name, rows.num_rows, low, high)


def rows_of(piece: Piece, *, artifact: Artifact) -> pa.Table:
    """The rows of a piece, mapped."""
    return read_file(str(artifact.store.local(piece.name)))


def at(pieces: list[Piece], key: int) -> list[Piece]:
    """Those that may hold rows of this key."""
    place = hashed(pa.table({"key": pa.array([key], pa.int64())})).column("key")[0].as_py()
    return [piece for piece in pieces if piece.low <= place <= piece.high]


def rows_at(pieces: list[Piece], key: int, schema: pa.Schema, artifact: Artifact) -> pa.Table:
    """The rows of one key; `pieces` are those that may hold it."""
    tables = [rows_of(piece, artifact=artifact) for piece in pieces]
    found = [table.filter(pa.array(table.column("key").to_numpy() == key)) for table in tables]
    return pa.concat_tables([schema.empty_table(), *found])


def overlapping(pieces: list[Piece], number: int, files: int) -> list[Piece]:
    """Those that may hold hashes of the part `number` of `files` equal ranges."""
    low, high = (-(-(edge << 64) // files) for edge in (number, number + 1))
    return [piece for piece in pieces if piece.low < high and piece.high >= low]


def rows_between(number: int, files: int, pieces: list[Piece], *, artifact: Artifact) -> pa.Table:
    """The rows of `pieces`, which are in order, whose hashes are of that part: a file of what is stored by key."""
    parts = []
    for piece in pieces:
        table = hashed(rows_of(piece, artifact=artifact))
        start, end = cuts(table, files)[number : number + 2]
        parts.append(table.slice(start, end - start))
    return unhashed(pa.concat_tables(parts))


def as_they_are(table: pa.Table) -> Reduced:
    """The reduce of a step that only brings rows of a key together."""
    return table, []


@contextmanager
def cleared(job: Job) -> Iterator[None]:
    """Remove the pieces: what a killed attempt left, and at the end this one's."""
    _clear(job)
    yield
    _clear(job)


def _clear(job: Job) -> None:
    for entry in list(job.store.list(job.artifact.name_of(STEPS))):
        job.store.delete(entry.name)


def _name(artifact: Artifact, piece: str) -> str:
    return artifact.name_of(f"{STEPS}/{piece}.arrow")
