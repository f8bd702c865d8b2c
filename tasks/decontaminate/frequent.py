"""Fit: the grams that stand in more documents than a benchmark's own text would (GPT-3, appendix C: over 10).

Counted over the documents of all sources that are still kept when cuts are made.
"""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.decontaminate.hits import hits_of
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import kept_before
from tasks.runtime.job import Job
from tasks.runtime.shards import read_file
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "frequent.parquet"


@statistics
class Frequent:
    """Distinct grams met in kept documents, and those of them that are frequent."""

    grams_met: int = 0
    frequent: int = 0


@stage("frequent", kind="fit", section="contamination", libraries=("numpy",))
def frequent(
    job: Job, *, documents: list[Artifact], hits: list[Artifact], before: list[Artifact], limit: int
) -> Frequent:
    """A table: gram, documents, for the grams of more than `limit` documents, sorted by gram."""
    items = [
        (shard, source_hits, decision)
        for source, source_hits, decision in zip(documents, hits, before, strict=True)
        for shard in source.shards()
    ]
    grams = np.concatenate([np.zeros(0, np.int64), *job.engine.map(kept_grams, items)])
    gram, count = np.unique(grams, return_counts=True)
    often = count > limit
    with job.publish(FILE) as file:
        pq.write_table(pa.table({"gram": gram[often], "documents": count[often].astype(np.int64)}), file)
    return Frequent(len(gram), int(often.sum()))


def frequent_grams(frequent: Artifact) -> np.ndarray:
    """Sorted int64 hashes."""
    return read_file(frequent, FILE, ["gram"]).column("gram").to_numpy()


def kept_grams(item: tuple[Shard, Artifact, Artifact]) -> np.ndarray:
    """The gram of every (document, gram) of a shard's kept documents, int64."""
    shard, hits, before = item
    table = hits_of(hits, shard, ["row", "gram"])
    row, gram = table.column("row").to_numpy(), table.column("gram").to_numpy()
    keep = kept_before(before, shard)
    pairs = np.unique(np.stack([row, gram], axis=1)[keep[row]], axis=0)
    return pairs[:, 1]
