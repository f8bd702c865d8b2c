"""Measure: `hits`, where a document holds a benchmark's gram. Depends on the text and the benchmarks alone.

A hit says where the gram is and where the margin around it ends, both as UTF-8 bytes (to cut by) and as characters
(the paper's 200 are characters), so that `cuts` decides without reading text. It names the gram; whose it is, by which
rule, stands in `grams`, once. A document of any length is one row.

Memory: a batch of text (which holds its longest document whole), the grams, and ROOM places of some 200 bytes (13 MB):
places are found, joined and written a ROOM at a time, whatever a document holds.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

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


def hits_of(hits: Artifact, shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """The hits in a shard of documents: columns of HITS."""
    return read_beside(hits, shard, columns)


def hit_batches(hits: Artifact, shard: Shard, columns: list[str], rows: int = GROUP) -> Iterator[dict[str, np.ndarray]]:
    """The same in pieces, as arrays, for readers whose memory must not grow with what a page holds."""
    for batch in batches(column_of(hits, shard), columns, rows):
        yield {name: batch.column(name).to_numpy() for name in columns}


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


class Finding:
    """The hits in one shard's rows."""

    def __init__(self, out: Output, shard: Shard, shared: dict[str, Any], *, grams: Artifact, margin: int):
        self.out, self.shared, self.margin = out, shared, margin
        self.indices = indices(grams)
        self.waiting = [HITS.empty_table()]
        self.first = self.places = self.rows = 0
        self.touched = np.zeros(shard.rows, bool)

    def take(self, text: pa.Array) -> None:
        from tasks.decontaminate.places import spans
        from tasks.kernels import margins
        from tasks.kernels.buffers import buffers

        for index in self.indices:
            state = margins.state()
            for found in self._places(text, index):
                rows = spans(found, buffers(text), self.margin, state)
                row = rows.column("row").to_numpy() + self.first
                self.touched[row] = True
                self.places += len(found.row)
                self.rows += len(row)
                self.waiting.append(rows.set_column(0, "row", pa.array(row)).cast(HITS))
                if sum(table.num_rows for table in self.waiting) >= GROUP:
                    self._write()
        self.first += len(text)

    def _places(self, text: pa.Array, index: Any) -> Iterator[Any]:
        """Where the index's grams are; what `signatures` of the same reading wants of the words is made on the way."""
        from tasks.kernels.ngrams import places
        from tasks.kernels.scan import signatures_and_places

        signing = self.shared.get("signatures")
        if signing is None or index.unit != "words" or not len(index):
            yield from places(text, index)
            return
        signed, found = signatures_and_places(text, index, *signing.shape)
        yield from found
        signing.made = (text, signed)

    def _write(self) -> None:
        self.out.write(pa.concat_tables(self.waiting).combine_chunks())
        self.waiting = []

    def counts(self) -> Met:
        if self.waiting:
            self._write()
        return Met(self.first, self.places, self.rows, int(self.touched.sum()))


@stage("hits", kind="measure", section="contamination", tell=tell_hits, rows=Finding, libraries=("numpy",))
def hits(job: Job, *, documents: Artifact, grams: Artifact, margin: int) -> Met:
    """A table per shard (not row by row): HITS. Grams of words come in the order of row and cut_start, and so do, among
    them, those of letters."""
    return job.measure(documents, grams=grams, margin=margin)
