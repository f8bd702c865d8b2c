"""Measure: `harm`, the probability that a document is harmful, by words as texts that people called so use them."""

import numpy as np
import pyarrow as pa

from tasks.quality.harm_classifier import weights_of
from tasks.quality.logit import logistic
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, batches
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics

BINS = 20


@statistics
class Scored:
    """`histogram`: documents by twentieths of the probability."""

    documents: int = 0
    histogram: tuple[int, ...] = (0,) * BINS


@stage(
    "harm",
    kind="measure",
    section="rules",
    columns=(Column("harm", pa.float32(), "probability that the document is harmful, in [0, 1]"),),
)
def harm(job: Job, *, documents: Artifact, classifier: Artifact) -> Scored:
    """The probability that each document of a source is harmful."""
    return job.total(harm_shard, [(shard.key, shard) for shard in documents.shards()], classifier=classifier)


def harm_shard(out: Output, shard: Shard, *, classifier: Artifact) -> Scored:
    from tasks.kernels.features import weighted_sums

    weights, intercept = weights_of(classifier)
    out.of(shard)
    out.write(pa.table({"harm": pa.array([], pa.float32())}))
    histogram = np.zeros(BINS, np.int64)
    rows = 0
    for batch in batches(shard, ["text"]):
        values = logistic(*weighted_sums(batch.column("text"), weights), intercept)
        out.write(pa.table({"harm": values}))
        histogram += np.bincount(np.minimum((values * BINS).astype(int), BINS - 1), minlength=BINS)
        rows += len(values)
    return Scored(rows, tuple(histogram.tolist()))
