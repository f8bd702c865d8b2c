"""Measure: `hits`, where a document holds a benchmark's gram. Depends on the text and the benchmarks alone.

A hit says where the gram is and where the margin around it ends, both as UTF-8 bytes (to cut by) and as characters
(the paper's 200 are characters), so that `cuts` decides without reading text. A document of any length is one row.
"""

import numpy as np
import pyarrow as pa

from tasks.decontaminate.grams import grams_table
from tasks.decontaminate.told import tell_hits
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, batches, read_beside
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

HITS = pa.schema(
    [
        ("row", pa.int64()),
        ("gram", pa.int64()),
        ("benchmark", pa.string()),
        ("item", pa.string()),
        ("start", pa.int64()),  # of the gram, in bytes
        ("end", pa.int64()),
        ("cut_start", pa.int64()),  # of gram and margin, in bytes
        ("cut_end", pa.int64()),
        ("from_character", pa.int64()),  # the same in characters
        ("to_character", pa.int64()),
        ("characters", pa.int64()),  # of the whole document
    ]
)


@statistics
class Met:
    """Hits, and documents that have any."""

    documents: int = 0
    hits: int = 0
    touched: int = 0


@stage("hits", kind="measure", section="contamination", tell=tell_hits)
def hits(job: Job, *, documents: Artifact, grams: Artifact, n: int, margin: int) -> Met:
    """A table per shard (not row by row): HITS, in the order of row and start; a row for every item with the gram."""
    items = [(shard.key, shard) for shard in documents.shards()]
    return job.total(hits_shard, items, grams=grams, n=n, margin=margin)


def hits_of(hits: Artifact, shard: Shard, columns: list[str] | None = None) -> pa.Table:
    """The hits in a shard of documents: columns of HITS."""
    return read_beside(hits, shard, columns)


def hits_shard(out: Output, shard: Shard, *, grams: Artifact, n: int, margin: int) -> Met:
    from tasks.kernels.ngrams import Index, find

    wanted = grams_table(grams)
    known = wanted.column("gram").to_numpy()
    index = Index(n, np.unique(known).view(np.uint64))
    out.write(HITS.empty_table())
    first = hit_count = touched = 0
    for batch in batches(shard, ["text"]):
        text = batch.column("text")
        row, gram, start, end = find(text, n, index)
        if len(row):
            located = _locate(text, row, start, end, margin)
            rows = pa.table({"row": row.astype(np.int64) + first, "gram": gram.view(np.int64), **located})
            out.write(_with_items(rows, wanted, known))
            hit_count += len(row)
            touched += len(np.unique(row))
        first += batch.num_rows
    return Met(first, hit_count, touched)


def _locate(text: pa.Array, row: np.ndarray, start: np.ndarray, end: np.ndarray, margin: int) -> dict[str, np.ndarray]:
    """Byte offsets of the margins, and all in characters; spans are within their own document."""
    places = {
        name: np.zeros(len(row), np.int64)
        for name in ("start", "end", "cut_start", "cut_end", "from_character", "to_character", "characters")
    }
    places["start"][:], places["end"][:] = start, end
    for document in np.unique(row):
        of_document = row == document
        content = np.frombuffer(text[int(document)].as_buffer(), np.uint8)
        # Offsets of the bytes that begin a character; the number of those before a byte is the character's place.
        begins = np.flatnonzero((content & 0xC0) != 0x80)
        edges = np.append(begins, len(content))
        low = np.maximum(np.searchsorted(begins, start[of_document]) - margin, 0)
        high = np.minimum(np.searchsorted(begins, end[of_document]) + margin, len(begins))
        places["cut_start"][of_document], places["cut_end"][of_document] = edges[low], edges[high]
        places["from_character"][of_document], places["to_character"][of_document] = low, high
        places["characters"][of_document] = len(begins)
    return places


def _with_items(rows: pa.Table, wanted: pa.Table, known: np.ndarray) -> pa.Table:
    """Every hit once for each (benchmark, item) that has its gram."""
    gram = rows.column("gram").to_numpy()
    low, high = np.searchsorted(known, gram), np.searchsorted(known, gram, side="right")
    copies = high - low
    repeated = np.repeat(np.arange(len(gram)), copies)
    within = np.arange(len(repeated)) - np.repeat(np.cumsum(copies) - copies, copies)
    items = wanted.take(pa.array(np.repeat(low, copies) + within))
    return (
        rows.take(pa.array(repeated))
        .append_column("benchmark", items.column("benchmark"))
        .append_column("item", items.column("item"))
        .select(HITS.names)
        .cast(HITS)
    )
