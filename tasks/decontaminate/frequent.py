"""Fit: the grams that stand in more documents than a benchmark's own text would (GPT-3, appendix C: over 10).

Counted over the documents of all sources that are still kept when cuts are made.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.shards import read_column
from tasks.runtime.stage import Artifact, Job, Shard, stage


@stage("frequent", libraries=("numpy",))
def frequent(
    job: Job, *, documents: list[Artifact], hits: list[Artifact], keeps: list[Artifact], limit: int
) -> dict[str, Any]:
    """frequent.parquet: gram, documents, for the grams of more than `limit` documents, sorted by gram."""
    items = [
        (shard, hit, kept)
        for source, hit, kept in zip(documents, hits, keeps, strict=True)
        for shard in source.shards()
    ]
    grams = np.concatenate([np.zeros(0, np.int64), *job.engine.map(kept_grams, items)])
    gram, count = np.unique(grams, return_counts=True)
    often = count > limit
    with job.publish("frequent.parquet") as file:
        pq.write_table(pa.table({"gram": gram[often], "documents": count[often].astype(np.int64)}), file)
    return {"grams_met": len(gram), "frequent": int(often.sum())}


def kept_grams(item: tuple[Shard, Artifact, Artifact]) -> np.ndarray:
    """The gram of every (document, gram) of a shard's kept documents, int64."""
    shard, hits, keeps = item
    table = pq.read_table(hits.folder / f"{shard.key}.parquet", columns=["row", "gram"])
    row, gram = table.column("row").to_numpy(), table.column("gram").to_numpy()
    keep = read_column(keeps, shard, ["keep"]).column("keep").to_numpy()
    pairs = np.unique(np.stack([row, gram], axis=1)[keep[row]], axis=0)
    return pairs[:, 1]
