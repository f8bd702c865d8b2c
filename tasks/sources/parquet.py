"""Reader of `kind: parquet`: a document a row, and a Reject for each row, row group or file that gives none.

Offsets are row numbers.
"""

from collections.abc import Iterator

from tasks.sources.hashed import Source
from tasks.sources.parts import Part
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import Bad, Reject
from tasks.sources.rows import candidate
from tasks.sources.tally import Tally

ROWS = 1024  # of a Parquet file at once


def parquet(path: Source, part: Part, reading: Reading, tally: Tally) -> Iterator[Candidate | Reject]:
    """Texts of a Parquet file, or of some of its row groups."""
    groups = None if part.end is None else list(range(part.start, part.end))
    readable = True
    for item in rows_of(path, part.path, reading.fields, groups):
        readable = readable and not (isinstance(item, Reject) and item.length is None)
        yield item
    tally.bytes(part.size if readable else 0, 0 if readable else part.size)


def rows_of(
    path: Source, name: str, fields: dict[str, str | None], groups: list[int] | None = None
) -> Iterator[Candidate | Reject]:
    """Rows of a Parquet file, or of some of its row groups; offsets are row numbers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        names = [field for field in dict.fromkeys(fields.values()) if field in file.schema_arrow.names]
    except (pa.ArrowException, OSError) as error:
        yield Reject(name, 0, None, "parquet", str(error)[:160])
        return
    with file:
        counts = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        if fields["text"] not in names:
            yield Reject(name, 0, sum(counts), "no-text", f"no column {fields['text']!r}")
            return
        for group in range(len(counts)) if groups is None else groups:
            row = sum(counts[:group])
            try:
                for batch in file.iter_batches(batch_size=ROWS, row_groups=[group], columns=names):
                    for value in batch.to_pylist():
                        row += 1
                        try:
                            yield candidate(value, fields, row - 1, 1)
                        except Bad as bad:
                            yield Reject(name, row - 1, 1, bad.reason, f"row {row - 1}: {bad.detail}")
            except (pa.ArrowException, OSError) as error:
                left = sum(counts[: group + 1]) - row
                yield Reject(name, row, left, "parquet", f"row group {group}: {str(error)[:160]}")
