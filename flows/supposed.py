"""A pipeline's corpus as it would be: its decisions made over the measures that are built, in a scratch store.

The stages themselves decide, so that the answer is a run's own. What reads text is not made: it is named, with why it
is not there, and so is what waits for it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from conf.pipeline import Pipeline
from flows import dag
from flows.state import Past, reason
from flows.stores import store_of
from tasks.fates.corpus import Corpus
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import Engine, LocalEngine
from tasks.runtime.errors import Failure
from tasks.runtime.job import Silent, build, inputs_of
from tasks.runtime.local_store import LocalStore
from tasks.runtime.overlay import Overlay
from tasks.runtime.run import Run
from tasks.runtime.stage import Stage
from tasks.runtime.store import Store

Asked = tuple[Artifact, Stage, dict[str, Any]]


@dataclass(frozen=True)
class Supposed:
    """A pipeline's corpus, its decisions made as far as they can be.

    `untold`: what would have to be read or counted first, and why that is not there; `waiting`: decisions that wait for
    it. `failures`: what a decision says that cannot be made, by its label. `due`: stages that a run would make.
    """

    pipeline: Pipeline
    corpus: Corpus
    untold: list[tuple[Artifact, str]]
    waiting: list[Artifact]
    failures: dict[str, str]
    due: list[Artifact]
    arguments: dict[str, dict[str, Any]]  # of each artifact, by its label

    @property
    def decided(self) -> bool:
        """Whether every source has its last decision."""
        return bool(self.corpus.last) and all(made.built for made in self.corpus.last.values())


@contextmanager
def scratch_over(pipeline: Pipeline, workers: int | None) -> Iterator[tuple[Store, Engine]]:
    """A pipeline's store, of which nothing is written, and an engine of this machine, whatever the pipeline's is."""
    engine = LocalEngine(workers or pipeline.workers)
    try:
        with TemporaryDirectory(prefix="millrace-supposed-") as folder:
            yield Overlay(store_of(pipeline), LocalStore(Path(folder))), engine
    finally:
        engine.close()


def suppose(pipeline: Pipeline, store: Store, engine: Engine, log: Callable[[str], None]) -> Supposed:
    """Follow the DAG, and make the decisions on every source, and the mixtures, that can be made of columns."""
    asked: list[Asked] = []

    def note(artifact: Artifact, what: Stage, arguments: dict[str, Any], *_: Any) -> Artifact:
        asked.append((artifact, what, arguments))
        return artifact

    class Notes(Silent):
        def log(self, text: str) -> None:
            log(text)

    run = Run(store, None, Notes(), make=note)
    built = dag.crawl_to_model(run, pipeline)
    scores = [made for by in built.scores.values() for made in by.values()]
    decisions = {name: source.decisions for name, source in built.sources.items()}
    corpus = Corpus(
        documents=built.documents,
        decisions=decisions,
        groups={name: pipeline.group(name) for name in pipeline.sources},
        tokens=built.tokens,
        mixtures=built.mixtures,
        models=built.models,
        perplexities=built.perplexities,
        scores=scores,
    )
    last = {made[-1].label for made in decisions.values() if made}
    wanted = _needed(asked, last | {made.label for made in built.mixtures.values()})
    due = [artifact for artifact, _, _ in asked if not artifact.built]
    past, untold, waiting, failures = Past(store), [], [], {}
    of_decisions = _needed(asked, last)
    for artifact, what, arguments in asked:
        if artifact.label not in wanted or artifact.built:
            continue
        if not (what.kind == "decision" or what.textless):
            if artifact.label in of_decisions:
                untold.append((artifact, reason(artifact, past)))
        elif all(used.built for used in inputs_of(arguments)):
            try:
                build(artifact, what, arguments, engine, Silent())
            except Failure as failure:  # a mixture that the text left does not fill
                failures[artifact.label] = str(failure)
        elif artifact.label in of_decisions:
            waiting.append(artifact)
    arguments_of = {artifact.label: arguments for artifact, _, arguments in asked}
    return Supposed(pipeline, corpus, untold, waiting, failures, due, arguments_of)


def _needed(asked: list[Asked], wanted: set[str]) -> set[str]:
    """These labels and those of all that they read, directly or not, as far as it is not built."""
    needed = set(wanted)
    for artifact, _, arguments in reversed(asked):  # in the order of the DAG: who reads comes behind what it reads
        if artifact.label in needed and not artifact.built:
            needed |= {used.label for used in inputs_of(arguments)}
    return needed
