"""The report as a page: written anew at every run, since it shows what of this run was cached and what was fresh."""

import time
from typing import TYPE_CHECKING

from conf.pipeline import Pipeline
from flows import dag, kept_plan
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.runtime.store import write

if TYPE_CHECKING:
    from tasks.report.timings import Timing


def crawl_to_model(run: Run, pipeline: Pipeline) -> tuple[dag.Built, str | None]:
    """Everything, the report, and where its page is: reports/<title>.html in the store.

    None where the run builds a part of the DAG without the report.
    """
    from tasks.report.page import render

    started = time.time()
    planned = kept_plan.keep(run, pipeline)
    built = dag.crawl_to_model(run, pipeline)
    run.wait()
    assert built.report is not None
    if not run.wants(built.report):
        return built, None
    name = f"reports/{built.report.name}.html"
    page = render(built.report, [timing(artifact, started, planned) for artifact in run.artifacts])
    write(run.store, name, page.encode(), replace=True)
    return built, run.store.where(name)


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
