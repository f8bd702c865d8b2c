"""Measure: `score`, the classifier's probability that a raw document is a good one. Depends on the text alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.quality import logit
from tasks.runtime.shards import add, batches
from tasks.runtime.stage import Artifact, Job, Output, Shard, stage

BINS = 20


@stage("score", libraries=("numpy",))
def score(job: Job, *, documents: Artifact, classifier: Artifact) -> dict[str, Any]:
    """Column `score` float32 in [0, 1]; statistics hold a histogram of 20 equal bins."""
    items = [(shard.key, shard) for shard in documents.shards()]
    return add(job.map(score_shard, items, weights=classifier.folder / "weights.npz"))


def score_shard(out: Output, shard: Shard, *, weights: Path) -> dict[str, Any]:
    from tasks.kernels.features import weighted_sums

    table, intercept = logit.load(weights)
    out.of(shard)
    histogram = np.zeros(BINS, np.int64)
    rows = 0
    out.write(pa.table({"score": pa.array([], pa.float32())}))
    for batch in batches(shard, ["text"]):
        values = logit.logistic(*weighted_sums(batch.column("text"), table), intercept)
        out.write(pa.table({"score": values}))
        histogram += np.bincount(np.minimum((values * BINS).astype(int), BINS - 1), minlength=BINS)
        rows += len(values)
    return {"documents": rows, "histogram": histogram.tolist()}
