"""A DAG of three toy stages in the place of flows/dag.py, for what the command line and Prefect do around any DAG.

Two sources are ingested, thinned, and reported. TOY_SLEEP is how long a shard takes, TOY_FAIL how the report ends.
"""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from conf.schema import Pipeline
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.shards import DOCUMENTS, add, read
from tasks.runtime.stage import Artifact, Job, Output, Run, Shard, stage

SHARDS, ROWS = 6, 4


@dataclass
class Built:
    artifacts: list[Artifact] = field(default_factory=list)
    report: Artifact | None = None
    page: Path | None = None


@stage("ingest", version="1")
def ingest(job: Job, *, source: str) -> dict:
    return add(job.map(ingest_shard, [(f"{n:05}", n) for n in range(SHARDS)], source=source))


def ingest_shard(out: Output, number: int, *, source: str) -> dict:
    time.sleep(float(os.environ.get("TOY_SLEEP", "0")))
    ids = [f"{source}:{number * ROWS + row:032x}" for row in range(ROWS)]
    rows = [{"id": id, "text": f"text of {id}", "url": f"https://example.org/{id}"} for id in ids]
    with out.open("rejects.parquet") as file:
        rejects = {
            "file": ["a.warc"],
            "offset": [7],
            "length": [1],
            "reason": ["status"],
            "detail": [f"404 <https://example.org/gone/{number}>"],
        }
        pa.parquet.write_table(pa.table(rejects), file)
    out.write(pa.Table.from_pylist(rows, schema=DOCUMENTS))
    return {"documents": ROWS, "kept": {"all": ROWS}}


@stage("keep", version="1")
def keep(job: Job, *, documents: Artifact, pareto: float) -> dict:
    """Column `keep`: the toy keeps every second document."""
    return add(job.map(keep_shard, [(shard.key, shard) for shard in documents.shards()]))


def keep_shard(out: Output, shard: Shard) -> dict:
    rows = read(shard, ["id"]).num_rows
    out.of(shard)
    kept = [row % 2 == 0 for row in range(rows)]
    out.write(pa.table({"keep": kept, "reason": [None if yes else "quality" for yes in kept]}))
    return {"documents": rows, "kept": sum(kept), "reasons": {"quality": rows - sum(kept)}}


@stage("report", version="1")
def report(job: Job, *, keeps: list[Artifact], seed: int) -> dict:
    how = os.environ.get("TOY_FAIL")
    if how:
        raise {"mistake": Mistake, "failure": Failure, "bug": ZeroDivisionError}[how](f"the toy's {how}")
    with job.publish("summary.txt") as file:
        file.write(f"kept {sum(keep.statistics['kept'] for keep in keeps)} of the toys\n".encode())
    with job.publish("report.html") as file:
        file.write(b"<html></html>")
    return {}


def crawl_to_model(run: Run, pipeline: Pipeline) -> Built:
    built = build_corpus(run, pipeline)
    alone = [artifact for artifact in built.artifacts if artifact.stage == "keep"]
    built.report = run(report, "report", keeps=alone, seed=pipeline.seed)
    return Built([*built.artifacts, built.report], built.report, built.report.folder / "report.html")


def build_corpus(run: Run, pipeline: Pipeline) -> Built:
    alpha = pipeline.quality.keep.pareto if pipeline.quality else 9.0
    built = Built()
    for source in pipeline.sources:
        documents = run(ingest, source, source=source)
        built.artifacts += [documents, run(keep, source, documents=documents, pareto=alpha)]
    return built
