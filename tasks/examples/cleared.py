"""Decision: `cleared`, which labelled records hold no benchmark text. Reads no text.

The hits that count are those of `cuts` (tasks/decontaminate/rules.py): by the same rule, less what is frequent in the
corpus. A document loses the hit and a margin around it; of a record nothing could be cut that its label is not of, so
it is left out whole.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from tasks.decontaminate.rules import Judged, effective, wanted
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import KEEP, REASON, Decided, kept_before
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, read
from tasks.runtime.stage import stage

REASONS = {"contaminated": "benchmark text stands in it"}


@stage(
    "cleared",
    kind="decision",
    title="after decontamination",
    columns=(KEEP, REASON),
    reasons=REASONS,
    libraries=("numpy",),
)
def cleared(
    job: Job,
    *,
    documents: Artifact,
    hits: Artifact,
    grams: Artifact,
    frequent: Artifact,
    rule: str,
    judged: dict[str, dict[str, Any]],
) -> Decided:
    """Which labelled records stay: those without benchmark text. `rule` names the one of `judged` that decides."""
    items: list[tuple[str, Any]] = [(shard.key, shard) for shard in documents.shards()]
    how = Judged(rule, **judged[rule])
    return job.total(cleared_shard, items, hits=hits, grams=grams, frequent=frequent, how=how)


def cleared_shard(
    out: Output, shard: Shard, *, hits: Artifact, grams: Artifact, frequent: Artifact, how: Judged
) -> Decided:
    keep = kept_before(None, shard)
    size = read(shard, ["bytes"]).column("bytes").to_numpy()
    for found in effective(hits, shard, wanted(grams, frequent, how), np.ones(shard.rows, bool)):
        keep[found["row"]] = False
    out.of(shard)
    reason = pa.array(["contaminated"]).take(pa.array(np.where(keep, -1, 0), pa.int64(), mask=keep))
    out.write(pa.table([pa.array(keep), reason], names=["keep", "reason"]))
    left = {"contaminated": int((~keep).sum())}
    return Decided(shard.rows, int(size.sum()), int(keep.sum()), int(size[keep].sum()), left)
