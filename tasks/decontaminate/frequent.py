"""Fit: the grams that stand in more documents than a benchmark's own text would (GPT-3, appendix C: over 10).

Counted over the documents of all sources that are still kept when cuts are made. `hits` leaves out no document that
holds a gram, so the count is exact.
"""

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.decontaminate.grams import grams_table
from tasks.decontaminate.hits import hit_batches
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import kept_before
from tasks.runtime.job import Job
from tasks.runtime.shards import read_file
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "frequent.parquet"
TASKS = 64  # each answers with a number a gram that it met: what is gathered does not grow with the corpus
Work = tuple[Shard, Artifact, Artifact]  # a shard, its source's hits, and the decision before


@statistics
class Frequent:
    """Distinct grams met in kept documents, and those of them that are frequent."""

    grams_met: int = 0
    frequent: int = 0


@stage("frequent", kind="fit", section="contamination", textless=True, libraries=("numpy",))
def frequent(
    job: Job,
    *,
    documents: list[Artifact],
    hits: list[Artifact],
    before: list[Artifact],
    grams: Artifact,
    limit: int,
) -> Frequent:
    """A table: gram, documents, for the grams of more than `limit` documents, sorted by gram."""
    work = [
        (shard, source_hits, decision)
        for source, source_hits, decision in zip(documents, hits, before, strict=True)
        for shard in source.shards()
    ]
    known = _known(grams)
    counts = np.zeros(len(known), np.int64)
    parts = [(work[start::TASKS], grams) for start in range(min(TASKS, len(work)))]
    for number, count in job.engine.map(documents_holding, parts):
        counts[number] += count
    often = counts > limit
    with job.publish(FILE) as file:
        pq.write_table(pa.table({"gram": known[often], "documents": counts[often]}), file)
    return Frequent(int((counts > 0).sum()), int(often.sum()))


def frequent_grams(frequent: Artifact) -> np.ndarray:
    """Sorted int64 hashes."""
    grams: np.ndarray = read_file(frequent, FILE, ["gram"]).column("gram").to_numpy()
    return grams


def documents_holding(item: tuple[list[Work], Artifact]) -> tuple[np.ndarray, np.ndarray]:
    """(numbers of grams, kept documents of these shards that hold each of them); a gram's number is its place among
    all, sorted."""
    work, grams = item
    known = _known(grams)
    counts = np.zeros(len(known), np.int64)
    for shard, hits, before in work:
        kept = kept_before(before, shard)
        last = np.zeros(0, np.int64)  # of the document that the piece before ended in: it may go on
        for batch in hit_batches(hits, shard, ["row", "gram"]):
            row = batch["row"]
            chosen = kept[row]
            number = np.searchsorted(known, batch["gram"][chosen])
            pairs = np.unique(row[chosen] * max(1, len(known)) + number)
            pairs = pairs[~np.isin(pairs, last)]
            counts += np.bincount(pairs % max(1, len(known)), minlength=len(known))
            ends = pairs[pairs // max(1, len(known)) == row[-1]] if len(row) else pairs
            last = np.concatenate([last[last // max(1, len(known)) == row[-1]], ends]) if len(row) else last
    met = np.flatnonzero(counts)
    return met, counts[met]


@lru_cache(maxsize=1)
def _known(grams: Artifact) -> np.ndarray:
    return np.unique(grams_table(grams, ["gram"]).column("gram").to_numpy())
