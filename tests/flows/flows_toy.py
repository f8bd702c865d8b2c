"""A DAG of three toy stages in the place of flows/dag.py, for what the command line and Prefect do around any DAG.

Two sources are ingested, thinned, and reported. TOY_SLEEP is how long a shard takes, TOY_FAIL how the report ends.
"""

import os
import time
from contextlib import nullcontext
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet

from conf.pipeline import Pipeline
from flows.live import Live
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import KEEP, REASON, Decided
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import DOCUMENTS, Output, read
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.sources.origins import Origin, table_of
from tasks.sources.rejects import REJECTS
from tasks.sources.told import tell_document

SHARDS, ROWS = 6, 4


@dataclass
class Built:
    report: Artifact


@statistics
class Counts:
    documents: int = 0
    kept: dict[str, int] = field(default_factory=dict)


@stage("ingest", kind="input", version="1", tell=tell_document)
def ingest(job: Job, *, source: str) -> Counts:
    return job.total(ingest_shard, [(f"{n:05}", n) for n in range(SHARDS)], source=source)


def ingest_shard(out: Output, number: int, *, source: str) -> Counts:
    time.sleep(float(os.environ.get("TOY_SLEEP", "0")))
    ids = [f"{source}:{number * ROWS + row:032x}" for row in range(ROWS)]
    rows = [{"id": id, "text": f"text of {id}", "url": f"https://example.org/{id}"} for id in ids]
    detail = f"404 <https://example.org/gone/{number}>"
    rejects = [{"file": "a.warc", "offset": 7, "length": 1, "reason": "status", "detail": detail}]
    with out.open("rejects.parquet") as file:
        pyarrow.parquet.write_table(pa.Table.from_pylist(rejects, schema=REJECTS), file)
    with out.open("origins.parquet") as file:
        origins = [Origin("a.warc", 100 * row, 100, id) for row, id in enumerate(ids)]
        pyarrow.parquet.write_table(table_of(origins), file)
    out.write(pa.Table.from_pylist(rows, schema=DOCUMENTS))
    return Counts(ROWS, {"all": ROWS})


@stage("keep", kind="decision", version="1", columns=(KEEP, REASON), reasons={"quality": "it is of odd number"})
def keep(job: Job, *, documents: Artifact, pareto: float) -> Decided:
    """The toy keeps every second document."""
    return job.total(keep_shard, [(shard.key, shard) for shard in documents.shards()])


def keep_shard(out: Output, shard: Shard) -> Decided:
    rows = read(shard, ["id"]).num_rows
    out.of(shard)
    kept = [row % 2 == 0 for row in range(rows)]
    reason = pa.array([None if yes else "quality" for yes in kept], pa.string())
    out.write(pa.table({"keep": kept, "reason": reason}))
    return Decided(documents=rows, kept=sum(kept), reasons={"quality": rows - sum(kept)})


@stage("report", kind="export", version="1")
def report(job: Job, *, keeps: list[Artifact], seed: int) -> Counts:
    how = os.environ.get("TOY_FAIL")
    if how:
        raise {"mistake": Mistake, "failure": Failure, "bug": ZeroDivisionError}[how](f"the toy's {how}")
    with job.publish("summary.txt") as file:
        file.write(f"kept {sum(keep.counts(Decided).kept for keep in keeps)} of the toys\n".encode())
    with job.publish("report.html") as file:
        file.write(b"<html></html>")
    return Counts()


def crawl_to_model(run: Run, pipeline: Pipeline, live: Live | None = None) -> tuple[Built, str | None]:
    with live.of(run, pipeline.title) if live else nullcontext():
        build_corpus(run, pipeline)
        keeps = [artifact for artifact in run.artifacts if artifact.stage == "keep"]
        with run.group("report"):
            built = Built(run(report, "report", keeps=keeps, seed=pipeline.seed))
        run.wait()
    return built, built.report.where("report.html") if run.wants(built.report) else None


def build_corpus(run: Run, pipeline: Pipeline) -> None:
    alpha = pipeline.quality.keep.pareto if pipeline.quality else 9.0
    for source in pipeline.sources:
        with run.group("corpus", source):
            documents = run(ingest, source, source=source)
            run(keep, source, documents=documents, pareto=alpha)
