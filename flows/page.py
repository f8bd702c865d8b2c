"""The report as a page: written anew at every run, since it shows what of this run was cached and what was fresh."""

import json
import time
from typing import Any

from conf.schema import Pipeline
from flows import dag
from tasks.runtime.stage import Run
from tasks.runtime.store import RUN, Artifact, publish


def crawl_to_model(run: Run, pipeline: Pipeline) -> dag.Built:
    """Everything, the report, and `page`: store/reports/<title>.html."""
    from tasks.report.page import render

    started = time.time()
    built = dag.crawl_to_model(run, pipeline)
    assert built.report is not None
    built.page = run.root / "reports" / f"{built.report.name}.html"
    built.page.parent.mkdir(exist_ok=True)
    with publish(built.page) as file:
        file.write(render(built.report, [timing(artifact, started) for artifact in built.artifacts]).encode())
    return built


def timing(artifact: Artifact, started: float) -> dict[str, Any]:
    """A stage's row of the page: what its making took, and whether the run that began at `started` made it."""
    traces: dict[str, Any] = {}
    path = artifact.folder / RUN
    if path.is_file():
        traces = json.loads(path.read_bytes())
    return {
        "stage": artifact.stage,
        "name": artifact.name,
        "fingerprint": artifact.fingerprint,
        "cached": traces.get("started", 0.0) < started,
        "seconds": traces.get("seconds"),
        "peak_bytes": traces.get("peak_bytes"),
    }
