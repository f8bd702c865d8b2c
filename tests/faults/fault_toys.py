"""A small pipeline of four stages with everything a store is asked for: shards with a file beside them, a file of its
own, an input read by column, a workspace, a decision made in this process. Tens of milliseconds a run.

In a module of its own so that processes that are killed can import it.
"""

import sys

import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.artifact import FILES, MANIFEST, Artifact, Shard, counted
from tasks.runtime.engine import LocalEngine
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import Output, batches, read, read_column
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.runtime.store import Store, open_store

SHARDS = 2


@statistics
class Rows:
    rows: int = 0


@stage("texts", kind="input", version="1")
def texts(job: Job, *, shards: int) -> Rows:
    """Shards, a file beside each, and a file of the artifact."""
    counts = job.total(texts_shard, [(f"{n:05}", n) for n in range(shards)])
    with job.publish("listing.txt") as file:
        file.write(b"".join(b"%05d\n" % n for n in range(shards)))
    return counts


def texts_shard(out: Output, number: int) -> Rows:
    brought = out.scratch / "download"  # this attempt's own
    brought.write_bytes(bytes([65 + number]) * 100)
    values = [(number * 7 + n * 3) % 11 for n in range(20)]
    text = brought.read_bytes().decode()
    out.write(pa.table({"value": values[:10], "text": [text] * 10}))
    out.write(pa.table({"value": values[10:], "text": [text] * 10}))
    with out.open("rejects.txt") as file:
        file.write(b"none\n")
    brought.unlink()
    return Rows(len(values))


@stage("doubled", kind="measure", version="1")
def doubled(job: Job, *, documents: Artifact) -> Rows:
    return job.total(doubled_shard, [(shard.key, shard) for shard in documents.shards()])


def doubled_shard(out: Output, shard: Shard) -> Rows:
    out.of(shard)
    for batch in batches(shard, ["value"], rows=7):
        out.write(pa.table({"double": pc.multiply(batch.column("value"), 2)}))
    return Rows(shard.rows)


@stage("kept", kind="decision", version="1")
def kept(job: Job, *, documents: Artifact, measure: Artifact) -> Rows:
    items = [(shard.key, shard) for shard in documents.shards()]
    return job.total(kept_shard, items, measure=measure)


def kept_shard(out: Output, shard: Shard, *, measure: Artifact) -> Rows:
    double = read_column(measure, shard, ["double"])["double"]
    out.of(shard)
    out.write(pa.table({"keep": pc.greater(double, 8)}))
    return Rows(shard.rows)


@stage("summed", kind="export", version="1")
def summed(job: Job, *, documents: Artifact, decision: Artifact) -> Rows:
    """A file alone, made in a workspace first; reads whole shards and a file."""
    total, rows = 0, 0
    for shard in documents.shards():
        table = read(shard)
        keep = read_column(decision, shard)["keep"]
        total += pc.sum(table["value"].filter(keep)).as_py() or 0
        rows += len(table["text"])
    path = job.workspace / "sum.txt"
    path.write_bytes(b"%d %d\n" % (total, len(documents.read("listing.txt"))))
    job.put("sum.txt", path)
    return Rows(rows)


def build(store: Store | str) -> Run:
    """The whole pipeline, by one worker, which is this process."""
    run = Run(open_store(store) if isinstance(store, str) else store, LocalEngine(1))
    documents = run(texts, "toy", shards=SHARDS)
    measure = run(doubled, "toy", documents=documents)
    decision = run(kept, "toy", documents=documents, measure=measure)
    run(summed, "toy", documents=documents, decision=decision)
    return run


def whole(store: Store) -> dict[str, bytes]:
    """Every byte that must not depend on how it came to be."""
    names = [entry.name for entry in store.list("")]
    return {name: store.read(name) for name in names if counted(name) or name.endswith((f"/{MANIFEST}", f"/{FILES}"))}


def drive() -> None:
    """`python -c 'import fault_toys; fault_toys.drive()' URL`."""
    build(sys.argv[1])
