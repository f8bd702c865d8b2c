"""Measure: `score`, the classifier's probability that a raw document is a good one. Depends on the text alone."""

import numpy as np
import pyarrow as pa

from tasks.quality.weights import weights_of
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, batches
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics

BINS = 20


@statistics
class Scored:
    """`histogram`: documents by twentieths of the score."""

    documents: int = 0
    histogram: tuple[int, ...] = (0,) * BINS


@stage(
    "score",
    kind="measure",
    section="quality",
    columns=(Column("score", pa.float32(), "probability that the document is a good one, in [0, 1]"),),
)
def score(job: Job, *, documents: Artifact, classifier: Artifact) -> Scored:
    """The classifier's probability that each document of a source is a good one."""
    return job.total(score_shard, [(shard.key, shard) for shard in documents.shards()], classifier=classifier)


def score_shard(out: Output, shard: Shard, *, classifier: Artifact) -> Scored:
    weights = weights_of(classifier)
    out.of(shard)
    histogram = np.zeros(BINS, np.int64)
    rows = 0
    out.write(pa.table({"score": pa.array([], pa.float32())}))
    for batch in batches(shard, ["text"]):
        values = weights.of_text(batch.column("text"))
        out.write(pa.table({"score": values}))
        histogram += np.bincount(np.minimum((values * BINS).astype(int), BINS - 1), minlength=BINS)
        rows += len(values)
    return Scored(rows, tuple(histogram.tolist()))
