"""Decision: `retracted`, documents that were taken back leave before anything else is decided. Reads no text.

It stands first in a source's decisions, so that all others see the corpus as if the documents had never been there:
a copy whose witness was taken back comes back itself, and a gram's frequency is counted without them.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import KEEP, REASON, Decided, kept_before
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, read
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics


@statistics
class TakenBack(Decided):
    """`listed`: ids of the list that are of this source; `unknown`: those of them that no document of it has."""

    listed: int = 0
    unknown: int = 0


@stage(
    "retracted",
    kind="decision",
    title="after retraction",
    columns=(KEEP, REASON),
    reasons={"retracted": "it was taken back: the pipeline's list `without` names it"},
    libraries=("numpy",),
)
def retracted(job: Job, *, documents: Artifact, before: Artifact | None, ids: list[str]) -> TakenBack:
    """Documents of a source that were not taken back. `ids` are those that were, ascending."""
    items = [(shard.key, shard) for shard in documents.shards()]
    counts = job.total(retracted_shard, items, before=before, ids=ids)
    met = {number for found in job.engine.map(partial(numbers_met, ids=ids), documents.shards()) for number in found}
    if unknown := len(ids) - len(met):
        first = ids[min(set(range(len(ids))) - met)]
        job.log(f"{unknown:,} of {len(ids):,} ids to be taken back are no documents of {documents.name}: {first}")
    return replace(counts, listed=len(ids), unknown=unknown)


def numbers_met(shard: Shard, *, ids: list[str]) -> list[int]:
    """Places in `ids` of those that a shard has."""
    met = pc.index_in(read(shard, ["id"]).column("id"), value_set=pa.array(ids, pa.string()))
    numbers: list[int] = pc.unique(met.drop_null()).to_pylist()
    return numbers


def retracted_shard(out: Output, shard: Shard, *, before: Artifact | None, ids: list[str]) -> TakenBack:
    table = read(shard, ["id", "bytes"])
    taken = pc.is_in(table.column("id"), value_set=pa.array(ids, pa.string())).to_numpy()
    met = kept_before(before, shard)
    leaves, keep = met & taken, met & ~taken
    reason = pa.array(np.full(shard.rows, "retracted", object), pa.string(), mask=~leaves)
    out.of(shard)
    out.write(pa.table({"keep": keep, "reason": reason}))
    size = table.column("bytes").to_numpy()
    return TakenBack(
        documents=int(met.sum()),
        bytes=int(size[met].sum()),
        kept=int(keep.sum()),
        kept_bytes=int(size[keep].sum()),
        reasons={"retracted": int(leaves.sum())},
    )
