"""A measure with a threshold, as a newcomer adds one (docs/add-a-measure.md): `capitals`, and the decision `calm`.

A module of its own, since shard functions are sent to worker processes, which import them by module name.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from flows.dag import Built
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import KEEP, REASON, Decided, kept_before
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import Output, batches, read, read_column
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics


@statistics
class Measured:
    documents: int = 0
    shouted: int = 0  # of more capitals than other letters


@stage(
    "capitals",
    kind="measure",
    columns=(Column("capitals", pa.float32(), "share of its letters that are capitals; 0 without letters"),),
)
def capitals(job: Job, *, documents: Artifact) -> Measured:
    """How much of each document is written in capitals."""
    return job.total(capitals_shard, [(shard.key, shard) for shard in documents.shards()])


def capitals_shard(out: Output, shard: Shard) -> Measured:
    out.of(shard)
    out.write(pa.table({"capitals": pa.array([], pa.float32())}))  # a shard without rows has its column too
    rows = shouted = 0
    for batch in batches(shard, ["text"]):
        shares = np.array([share_of(text) for text in batch.column("text").to_pylist()], np.float32)
        out.write(pa.table({"capitals": shares}))
        rows += len(shares)
        shouted += int((shares > 0.5).sum())
    return Measured(rows, shouted)


def share_of(text: str | None) -> float:
    letters = [c for c in text or "" if c.isalpha()]
    return sum(c.isupper() for c in letters) / len(letters) if letters else 0.0


@stage(
    "calm",
    kind="decision",
    title="after calm",
    columns=(KEEP, REASON),
    reasons={"shouting": "too much of it is written in capitals"},
)
def calm(job: Job, *, documents: Artifact, before: Artifact | None, capitals: Artifact, most: float) -> Decided:
    """Documents whose share of capitals is at most `most`."""
    items = [(shard.key, shard) for shard in documents.shards()]
    return job.total(calm_shard, items, before=before, capitals=capitals, most=most)


def calm_shard(out: Output, shard: Shard, *, before: Artifact | None, capitals: Artifact, most: float) -> Decided:
    met = kept_before(before, shard)
    loud = read_column(capitals, shard).column("capitals").to_numpy() > np.float32(most)
    kept = met & ~loud
    reason = np.where(met & loud, "shouting", None)
    size = read(shard, ["bytes"]).column("bytes").to_numpy()
    out.of(shard)
    out.write(pa.table({"keep": kept, "reason": pa.array(reason, pa.string())}))
    return Decided(
        documents=int(met.sum()),
        bytes=int(size[met].sum()),
        kept=int(kept.sum()),
        kept_bytes=int(size[kept].sum()),
        reasons={"shouting": int((met & loud).sum())},
    )


@dataclass(frozen=True)
class Step:
    """The line in the DAG. In the house `most` is a key of the schema, `p.heuristics.capitals`."""

    most: float

    def __call__(self, run: Run, p: object, built: Built) -> None:
        for name, source in built.sources.items():
            source.measures["capitals"] = run(capitals, name, documents=source.documents)
            decision = run(
                calm,
                name,
                documents=source.documents,
                before=source.before,
                capitals=source.measures["capitals"],
                most=self.most,
            )
            source.decisions.append(decision)
