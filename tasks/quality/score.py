"""Measure: `score`, the classifier's probability that a raw document is a good one. Depends on the text alone."""

from typing import Any

import numpy as np
import pyarrow as pa

from tasks.quality.weights import weights_of
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.job import Job
from tasks.runtime.shards import Output
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics

BINS = 20


@statistics
class Scored:
    """`histogram`: documents by twentieths of the score."""

    documents: int = 0
    histogram: tuple[int, ...] = (0,) * BINS


class Scoring:
    """The scores of one shard's rows."""

    def __init__(self, out: Output, shard: Shard, shared: dict[str, Any], *, classifier: Artifact):
        self.out, self.weights = out, weights_of(classifier)
        self.rows, self.histogram = 0, np.zeros(BINS, np.int64)
        out.of(shard)

    def take(self, text: pa.Array) -> None:
        values = self.weights.of_text(text)
        self.out.write(pa.table({"score": values}))
        self.rows += len(values)
        self.histogram += np.bincount(np.minimum((values * BINS).astype(int), BINS - 1), minlength=BINS)

    def counts(self) -> Scored:
        return Scored(self.rows, tuple(self.histogram.tolist()))


@stage(
    "score",
    kind="measure",
    section="quality",
    rows=Scoring,
    columns=(Column("score", pa.float32(), "probability that the document is a good one, in [0, 1]"),),
)
def score(job: Job, *, documents: Artifact, classifier: Artifact) -> Scored:
    """The classifier's probability that each document of a source is a good one."""
    return job.measure(documents, classifier=classifier)
