"""Reader of `kind: parquet`: a document a row, and a Reject for each row, row group or file that gives none.

Offsets are row numbers. Only the columns that the source's fields name are read (columns.py). What a cell cannot give
costs its row at most (record.py says when), what a row group cannot give its own rows: its bytes are damaged in
proportion. Memory is bounded by bytes, not rows (batches.py).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from tasks.sources.input.raw import Source
from tasks.sources.parts import Part
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import FAULTS, Bad, Reject
from tasks.sources.rows.batches import batches, opened
from tasks.sources.rows.cells import values
from tasks.sources.rows.columns import needed, repeated
from tasks.sources.rows.record import Wanted, candidate
from tasks.sources.tally import Tally

NAMES = 20  # of the columns that a file has, in a sentence


def parquet(path: Source, part: Part, reading: Reading, tally: Tally) -> Iterator[Candidate | Reject]:
    """Texts of a Parquet file, or of some of its row groups."""
    wanted = Wanted.of(reading)
    path = cast(Path, path)  # which readers that seek are given (hashed.SEEKS)
    try:
        if path.stat().st_size == 0:
            raise Bad("empty-file", "the file has 0 bytes")
        opened_file = opened(path)
    except Bad as bad:
        tally.bytes(0, part.size)
        yield Reject(part.path, 0, None, bad.reason, bad.detail)
        return
    with opened_file as file:
        rows = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        groups = range(len(rows)) if part.end is None else range(part.start, part.end)
        if problem := _problem(file.schema_arrow, wanted):
            tally.bytes(0, part.size)
            count = sum(rows[group] for group in groups)
            yield Reject(part.path, sum(rows[: groups.start]), count, problem.reason, problem.detail)
            return
        leaves = sorted({leaf for found in needed(file.schema_arrow, wanted.paths).values() for leaf in found})
        left = part.size
        for group in groups:
            damaged = 0
            first = sum(rows[:group])
            rows_read = _rows(batches(path, file, group, leaves), first, part.path, wanted, tally)
            for item in _whole(rows_read, first, rows[group], group, part.path):
                if isinstance(item, Reject) and item.reason in FAULTS:
                    damaged += item.length or 0
                yield item
            size = min(left, _stored(file.metadata, group, path.stat().st_size) * damaged // max(1, rows[group]))
            left -= size
            tally.bytes(0, size)
        tally.bytes(left, 0)


def _problem(schema: Any, wanted: Wanted) -> Bad | None:
    """What keeps the whole file from being read."""
    if names := repeated(schema, wanted.paths):
        return Bad("parquet", f"two columns are named {names[0]!r}; which one is meant cannot be told")
    leaves = needed(schema, list(wanted.text))
    if not any(leaves.values()):
        there = ", ".join(schema.names[:NAMES])
        return Bad("no-text", f"no column {' nor '.join(map(repr, wanted.text))}; the file has {there}")
    return None


def _rows(found: Iterator[Any], row: int, name: str, wanted: Wanted, tally: Tally) -> Iterator[Candidate | Reject]:
    """What each row of batches gives; the first is number `row`."""
    for batch in found:
        names = batch.schema.names
        for cells in zip(*(values(column) for column in batch.columns), strict=True):
            try:
                yield candidate(dict(zip(names, cells, strict=True)), wanted, row, 1, tally)
            except Bad as bad:
                detail = bad.detail if bad.reason == "where" else f"row {row}: {bad.detail}"
                yield Reject(name, row, 1, bad.reason, detail)
            row += 1


def _whole(
    found: Iterator[Candidate | Reject], first: int, count: int, group: int, name: str
) -> Iterator[Candidate | Reject]:
    """What is found in a row group, and a Reject for those of its `count` rows, from `first` on, that are not."""
    row, detail = first, f"row group {group} has fewer rows than the footer says"
    try:
        for item in found:
            row += 1
            yield item
    except Bad as bad:
        detail = bad.detail
    if row < first + count:
        yield Reject(name, row, first + count - row, "parquet", detail)


def _stored(metadata: Any, group: int, size: int) -> int:
    """Bytes of a row group in a file of that size: its share of what all would have uncompressed."""
    sizes = [max(0, metadata.row_group(number).total_byte_size) for number in range(metadata.num_row_groups)]
    return size * sizes[group] // max(1, sum(sizes))
