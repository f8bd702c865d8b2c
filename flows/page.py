"""The report as a page: written anew at every run, since it shows what of this run was cached and what was fresh.

While the run is going the same page shows where it is (live.py).
"""

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from conf.pipeline import Pipeline
from flows import dag, kept_plan
from flows.live import Live, page_of
from flows.state import Past
from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.run import Run
from tasks.runtime.store import Damaged, write

if TYPE_CHECKING:
    from tasks.report.changes import Before
    from tasks.report.timings import Timing


def crawl_to_model(run: Run, pipeline: Pipeline, live: Live | None = None) -> tuple[dag.Built, str | None]:
    """Everything, the report, and where its page is: reports/<title>.html in the store.

    None where the run builds a part of the DAG without the report. `live`: what the run reports to, where its page is
    to be written while it goes.
    """
    from tasks.report.lineage import nodes_of
    from tasks.report.page import render

    started = time.time()
    planned = kept_plan.keep(run, pipeline)
    with live.of(run, pipeline.title) if live is not None else nullcontext():
        built = dag.crawl_to_model(run, pipeline)
        run.wait()
    assert built.report is not None
    if not run.wants(built.report):
        return built, None
    name = page_of(pipeline.title)
    timings = [timing(artifact, started, planned) for artifact in run.artifacts]
    cached = {row.label: "cached" for row, of in zip(run.artifacts, timings, strict=True) if of.cached}
    page = render(built.report, timings, nodes_of(run.artifacts, run.stages, cached), before(built.report))
    write(run.store, name, page.encode(), replace=True)
    return built, run.store.where(name)


def before(report: Artifact) -> "Before | None":
    """The newest other report of the same title in its store, to compare with; None where there is none."""
    from tasks.report.changes import Before
    from tasks.report.live import told_time
    from tasks.report.report import content_of

    found = Past(report.store).earlier(report)
    if found is None:
        return None
    earlier = artifact_at(found["label"], report.store)
    try:
        content = content_of(earlier)
    except Damaged:
        return None  # `millrace verify` tells of it; this run's page needs nothing of it
    started = earlier.trace().get("started")
    return Before(content, earlier.fingerprint, told_time(started) if started else "")


def timing(artifact: Artifact, started: float, planned: dict[str, kept_plan.Planned]) -> "Timing":
    """A stage's row of the page: what its making took and was planned to, and whether the run that began at `started`
    made it."""
    from tasks.report.timings import Timing, energy_of

    trace, plan = artifact.trace(), planned.get(f"{artifact.stage}/{artifact.name}")
    return Timing(
        artifact.stage,
        artifact.name,
        artifact.fingerprint,
        cached=trace.get("started", 0.0) < started,
        seconds=trace.get("seconds"),
        peak_bytes=trace.get("peak_bytes"),
        energy=energy_of(artifact),
        bytes=sum(row.bytes for row in artifact.files().values()),
        planned_seconds=plan.seconds if plan else None,
        planned_bytes=plan.bytes if plan else None,
    )
