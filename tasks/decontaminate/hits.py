"""Measure: `hits`, where a document holds a benchmark's gram. Depends on the text and the benchmarks alone.

A hit says where the gram is and where the margin around it ends, both as UTF-8 bytes (to cut by) and as characters
(the paper's 200 are characters), so that `cuts` decides without reading text. It names the gram; whose it is, by which
rule, stands in `grams`, once. A document of any length is one row.

Memory: a batch of text (which holds its longest document whole), the grams, and ROOM places of some 200 bytes (13 MB):
places are found, joined and written a ROOM at a time, whatever a document holds.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.decontaminate.grams import grams_table
from tasks.decontaminate.told import tell_hits
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, batches, column_of, read_beside
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

HITS = pa.schema(
    [
        ("row", pa.int64()),
        ("gram", pa.int64()),
        ("count", pa.int64()),  # places of the gram whose margins touch, told as one
        ("start", pa.int64()),  # of the first of them, in bytes, without margin
        ("end", pa.int64()),
        ("cut_start", pa.int64()),  # of all of them, margins among it, in bytes
        ("cut_end", pa.int64()),
        ("from_character", pa.int64()),  # the same in characters
        ("to_character", pa.int64()),
        ("characters", pa.int64()),  # of the whole document
    ]
)
GROUP = 1 << 17  # rows of a row group, at least, but for the last


@statistics
class Met:
    """Documents, places of grams in them, rows that tell these, and documents that have any."""

    documents: int = 0
    hits: int = 0
    rows: int = 0
    touched: int = 0


@stage("hits", kind="measure", section="contamination", tell=tell_hits, libraries=("numpy",))
def hits(job: Job, *, documents: Artifact, grams: Artifact, margin: int) -> Met:
    """A table per shard (not row by row): HITS. Grams of words come in the order of row and cut_start, and so do, among
    them, those of letters."""
    items = [(shard.key, shard) for shard in documents.shards()]
    return job.total(hits_shard, items, grams=grams, margin=margin)


def hits_of(hits: Artifact, shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """The hits in a shard of documents: columns of HITS."""
    return read_beside(hits, shard, columns)


def hit_batches(hits: Artifact, shard: Shard, columns: list[str], rows: int = GROUP) -> Iterator[dict[str, np.ndarray]]:
    """The same in pieces, as arrays, for readers whose memory must not grow with what a page holds."""
    for batch in batches(column_of(hits, shard), columns, rows):
        yield {name: batch.column(name).to_numpy() for name in columns}


def hits_shard(out: Output, shard: Shard, *, grams: Artifact, margin: int) -> Met:
    from tasks.decontaminate.places import spans
    from tasks.kernels import margins
    from tasks.kernels.buffers import buffers
    from tasks.kernels.ngrams import places

    waiting = [HITS.empty_table()]
    first = hit_count = row_count = 0
    touched = np.zeros(shard.rows, bool)
    for batch in batches(shard, ["text"]):
        text = batch.column("text")
        for index in indices(grams):
            state = margins.state()
            for found in places(text, index):
                rows = spans(found, buffers(text), margin, state)
                row = rows.column("row").to_numpy() + first
                touched[row] = True
                hit_count += len(found.row)
                row_count += len(row)
                waiting.append(rows.set_column(0, "row", pa.array(row)).cast(HITS))
                if sum(table.num_rows for table in waiting) >= GROUP:
                    out.write(pa.concat_tables(waiting).combine_chunks())
                    waiting = []
        first += batch.num_rows
    if waiting:
        out.write(pa.concat_tables(waiting).combine_chunks())
    return Met(first, hit_count, row_count, int(touched.sum()))


@lru_cache(maxsize=1)
def indices(grams: Artifact) -> list:
    """Of each kind of unit that grams have, an index of those to look for; kept for the worker's next shard."""
    from tasks.kernels.ngrams import UNITS, Index

    table = grams_table(grams, ["unit", "length", "gram"])
    made = []
    for unit in UNITS:
        of_unit = table.filter(pc.equal(table.column("unit"), unit))
        if of_unit.num_rows:
            lengths = pc.unique(of_unit.column("length")).to_pylist()
            made.append(Index(lengths, of_unit.column("gram").to_numpy().view(np.uint64), unit))
    return made
