"""`millrace repair`: what `verify` finds damaged is made anew, in the order of the DAG; what is not built stays so."""

from typing import Any

from rich.console import Console

from conf.pipeline import Pipeline
from flows import dag
from flows.engines import engine
from flows.stores import opened_store
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Reporter
from tasks.runtime.measure import Due
from tasks.runtime.repair import mend
from tasks.runtime.run import Run
from tasks.runtime.stage import Stage


def repair(console: Console, pipeline: Pipeline, workers: int | None, watcher: Reporter) -> None:
    """Print what was wrong, and that it is mended."""
    wrong: list[str] = []
    store = opened_store(pipeline)
    with engine(pipeline, store, workers) as opened:

        def make(artifact: Artifact, what: Stage, arguments: dict[str, Any], *_: Due) -> Artifact:
            for sentence in mend(artifact, what, arguments, opened, watcher):
                console.print(f"mended: {sentence}", markup=False, highlight=False, soft_wrap=True)
                wrong.append(sentence)
            return artifact

        run = Run(store, opened, watcher, make)
        dag.crawl_to_model(run, pipeline)
    built = sum(artifact.built for artifact in run.artifacts)
    console.print(f"{built} artifacts looked at, {len(wrong)} faults mended", highlight=False)
