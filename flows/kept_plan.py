"""The plan as it was before a run, kept beside the report's page, so that what came can stand beside what was planned.

It is reports/<report>.plan.json in the store, no artifact's: plans differ from day to day. A run that goes on from
another keeps what was planned of the stages that are built by now.
"""

import json
from dataclasses import dataclass
from typing import Any

from conf.pipeline import Pipeline
from flows import dag
from flows.budget import Row, make
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.job import Silent
from tasks.runtime.run import Run
from tasks.runtime.store import Store, write

VERSION = 1


@dataclass(frozen=True)
class Planned:
    """Of a stage: seconds that it was to take with the run's workers, bytes that it was to write; None: not known."""

    seconds: float | None
    bytes: float | None
    by: str  # the pace that the seconds rest on


def keep(run: Run, pipeline: Pipeline) -> dict[str, Planned]:
    """Make the plan of a run that is about to begin, and keep it. By stage/name, of all stages ever planned."""
    store, workers = run.store, run.engine.workers if run.engine is not None else 1
    ahead = Run(store, None, Silent())
    try:
        dag.crawl_to_model(ahead, pipeline)
        name = next(artifact.name for artifact in ahead.artifacts if artifact.stage == "report")
        if all(artifact.built for artifact in ahead.artifacts if run.part is None or run.part.holds(artifact)):
            return kept(store, name)  # nothing to be planned, and to forecast reads the manifest of every artifact
        plan = make(ahead, pipeline, part=run.part)
    except (Mistake, Failure) as error:  # the run itself says what is wrong, or finds what was not there to be planned
        run.reporter.log(f"no plan was kept: {error}")
        return {}
    stages = {**kept(store, name), **{row.key: _planned(row, workers) for row in plan.due}}
    told = {"version": VERSION, "workers": workers, "stages": {key: vars(each) for key, each in stages.items()}}
    write(store, place(name), json.dumps(told, indent=1).encode(), replace=True)
    return stages


def kept(store: Store, name: str) -> dict[str, Planned]:
    """What was planned of the stages of the report of this name; nothing where no plan, or one of another version."""
    try:
        told = json.loads(store.read(place(name)))
        if told["version"] != VERSION:
            return {}
        return {key: Planned(**each) for key, each in told["stages"].items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # absent, or damaged: a plan is no part of an answer
        return {}


def place(name: str) -> str:
    """In the store, beside the page."""
    return f"reports/{name}.plan.json"


def _planned(row: Row, workers: int) -> Planned:
    if row.time is not None:
        return Planned(row.time.seconds / (workers if row.time.parallel else 1), row.holds.disk, row.time.source)
    hours: Any = row.gpu_hours
    return Planned(None if hours is None else hours * 3600, row.holds.disk, "" if hours is None else "gpu")
