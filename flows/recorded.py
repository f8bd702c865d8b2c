"""A run that Prefect records: one task a stage, and what the UI shows of it.

The manifest alone decides whether a stage is cached (shared/PREFECT.md, Cache): Prefect caches nothing and keeps no
result, a stage that is there already ends in the state Cached. Upstream handles are the task's parameters, so that
Prefect draws the edges.
"""

import errno
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any
from uuid import UUID

from prefect import flow, get_run_logger, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.states import Completed

from conf.load import load
from conf.pipeline import Pipeline
from flows.engines import engine
from flows.orphan import end_with_worker, work_is_over
from flows.placed import Places, build_there, places_of, require_pools
from flows.state import Past, differences, flat
from flows.stores import opened_store
from flows.terminal import rate
from tasks.runtime.artifact import Artifact
from tasks.runtime.decisions import Decided, decided, loses_most, means_to
from tasks.runtime.engine import Engine
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.job import Reporter, Silent, build
from tasks.runtime.measure import Due
from tasks.runtime.run import Run
from tasks.runtime.stage import Stage
from tasks.runtime.store import Unreachable

EVERY = 2.0  # seconds between two updates of a progress artifact: each costs the server 9 ms
RETRIES = 2
PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNRESET, errno.EHOSTUNREACH, errno.ENETUNREACH)
LONGEST = 200  # characters of a value in a table

Send = Callable[..., None]  # (function, *arguments, **named): call it in the sending thread

# Whoever else watches: the terminal, where `millrace run` called the flow; nobody under a worker.
watcher: ContextVar[Reporter | None] = ContextVar("watcher", default=None)


def recorded(name: str) -> Callable[[Callable[..., Any]], Any]:
    """`@flow` as all of ours are: nothing cached, no result kept, and nothing pickled when one fails."""
    return flow(name=name, flow_run_name=name + " {conf}", persist_result=False, result_serializer="json")


@contextmanager
def begin(conf: str, workers: int | None, alone: str | None = None) -> Iterator[tuple[Run, Pipeline]]:
    """A run whose stages are Prefect tasks, and the pipeline it is of; to be entered in a flow.

    `alone`: the store in which one stage after another is built, here, wherever the pipeline places them.
    """
    end_with_worker()
    pipeline = load(conf)
    if alone is not None:
        pipeline = pipeline.model_copy(update={"store": alone})
    places = places_of(pipeline) if alone is None else {}
    require_pools(places)
    store = opened_store(pipeline)
    with engine(pipeline, store, workers, here=alone is not None) as opened:
        terminal = watcher.get() or Silent()
        with post() as send:
            maker = Maker(opened, terminal, send, conf, places, Past(store))
            run = Run(store, opened, Teller(terminal), maker, side_by_side=opened.workers if alone is None else 1)
            maker.stop = run.stop
            try:
                yield run, pipeline
                run.wait()
            finally:
                run.close()
                work_is_over()


@contextmanager
def post() -> Iterator[Send]:
    """A thread that sends artifacts to the server while the next stage is at work: each takes it 10 to 40 ms.

    What was not sent is told of in the log and stops nothing: the run is about the store.
    """
    logger = get_run_logger()
    with ThreadPoolExecutor(1, "artifacts") as thread:

        def send(function: Callable[..., Any], *arguments: Any, **named: Any) -> None:
            # In a copy of the task's context, by which Prefect knows whose artifact it is.
            sent = thread.submit(copy_context().run, partial(function, *arguments, **named))
            sent.add_done_callback(told)

        def told(sent: Future[Any]) -> None:
            if error := sent.exception():
                logger.warning("an artifact did not reach Prefect's server (%s: %s)", type(error).__name__, error)

        yield send


def flush() -> None:
    """Send what log lines and events still wait: a server that is stopped before them is retried for a minute."""
    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=10)


class Teller(Silent):
    """What the DAG itself has to say, between its stages."""

    def __init__(self, watcher: Reporter):
        self.watcher, self.logger = watcher, get_run_logger()

    def log(self, text: str) -> None:
        self.logger.info(text)
        self.watcher.log(text)


class Maker:
    """Makes an artifact in a Prefect task of its own."""

    def __init__(self, engine: Engine, watcher: Reporter, send: Send, conf: str, places: Places, past: Past):
        self.engine, self.watcher, self.send, self.conf, self.places = engine, watcher, send, conf, places
        self.past = past  # each stage's folder is listed once per run
        self.stop: threading.Event | None = None  # the run's

    def __call__(self, artifact: Artifact, what: Stage, arguments: dict[str, Any], *beside: Due) -> Artifact:
        @task(
            name=what.name,
            task_run_name=f"{what.name}-{artifact.name}-{artifact.fingerprint[:8]}",
            description=(what.function.__doc__ or "").strip() or None,
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=RETRIES,
            retry_delay_seconds=5,
            retry_condition_fn=_may_pass,
        )
        def work(inputs: dict[str, Any]) -> Any:
            reporter = Recorder(self.watcher, what, self.send, self.past)
            pool = self.places.get((what.name, artifact.name))
            if pool is not None and not artifact.built:
                begun = time.monotonic()
                reporter.started(artifact)
                reporter.log(f"{artifact.label} runs on the work pool {pool}")
                judges = {key: arguments[key] for key in what.judges if key in arguments}
                build_there(artifact, judges, pool, self.conf, self.stop)
                reporter.finished(artifact, False, time.monotonic() - begun)
                return artifact
            hit = build(artifact, what, arguments, self.engine, reporter, self.stop, beside)
            return Completed(name="Cached", data=artifact) if hit else artifact

        inputs = {key: value for key, value in arguments.items() if key in artifact.recipe["inputs"]}
        # A bare call would return the State of a cached stage instead of the handle.
        return work(inputs, return_state=True).result()


def _may_pass(_task: Any, _run: Any, state: Any) -> bool:
    """Retry what input and output can recover from; never a mistake, never bad input."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, Mistake | Failure) and not isinstance(error, Unreachable):
        return False
    return isinstance(error, Unreachable | ConnectionError | TimeoutError) or getattr(error, "errno", None) in PASSING


class Recorder(Reporter):
    """Tells Prefect of one stage: a progress artifact with log lines, then a markdown and a table artifact."""

    def __init__(self, watcher: Reporter, what: Stage, send: Send, past: Past):
        self.watcher, self.what, self.send, self.past = watcher, what, send, past
        self.logger = get_run_logger()
        self.bar: UUID | None = None  # the progress artifact's, once the server has made it
        self.begun = time.monotonic()
        self.told = 0.0

    def started(self, artifact: Artifact) -> None:
        self.watcher.started(artifact)

    def progress(self, artifact: Artifact, done: int, total: int, documents: int) -> None:
        self.watcher.progress(artifact, done, total, documents)
        now = time.monotonic()
        if now - self.told < EVERY:
            return
        self.told = now
        pace = rate(documents, now - self.begun)
        text = f"{artifact.stage} {artifact.name}: {done:,} of {total:,}{', ' if pace else ''}{pace}"
        self._show(artifact, 100 * done / total if total else 100.0, text)
        self.logger.info(text)

    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
        how = "cached" if cached else f"fresh, {seconds:.1f} s"
        if not cached:
            self._show(artifact, 100.0, f"{artifact.stage} {artifact.name}: {how}")
        page, rows = _page(artifact, self.what, how, self.past), _rows(artifact.manifest["statistics"])
        about = f"{artifact.label}: {how}"
        self.send(create_markdown_artifact, page, key=_key(artifact, "stage"), description=about)
        self.send(create_table_artifact, rows, key=_key(artifact, "statistics"), description=about)
        self.logger.info("%s: %s, in %s", artifact.label, how, artifact.where())
        self.watcher.finished(artifact, cached, seconds)

    def log(self, text: str) -> None:
        self.logger.info(text)
        self.watcher.log(text)

    def _show(self, artifact: Artifact, percent: float, text: str) -> None:
        def show() -> None:
            if self.bar is None:
                made = create_progress_artifact(percent, key=_key(artifact, "progress"), description=text)
                assert isinstance(made, UUID)  # a coroutine in async code, which this is not
                self.bar = made
            else:
                update_progress_artifact(self.bar, percent, description=text)

        self.send(show)


def _key(artifact: Artifact, kind: str) -> str:
    """Prefect takes lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", f"{artifact.stage}-{artifact.name}-{kind}".lower()).strip("-")


def _page(artifact: Artifact, what: Stage, how: str, past: Past) -> str:
    before = past.earlier(artifact)
    changed = differences(before, artifact.recipe) if before else ["nothing to compare with: the first of its name"]
    inputs = [f"`{key}` = {_cell(value)}" for key, value in artifact.recipe["inputs"].items()]
    parameters = [f"`{key}` = {_cell(value)}" for key, value in flat(artifact.recipe["parameters"]).items()]
    lines = [
        f"## {artifact.stage} {artifact.name}",
        "",
        f"- **{how}**",
        f"- fingerprint `{artifact.fingerprint}`",
        f"- {what.kind}: {what.purpose}",
        f"- in `{artifact.where()}`",
        *_loss(artifact, what),
        "",
    ]
    title = "Changed since " + (before["fingerprint"] if before else "ever")
    columns = [f"`{column.name}`: {column.meaning}" for column in what.columns]
    counted = artifact.manifest["statistics"].get("reasons") or what.reasons
    reasons = [f"`{reason}`: {meaning}" for reason, meaning in what.reasons.items() if reason in counted]
    sections = [(title, changed), ("Inputs", inputs), ("Parameters", parameters)]
    for heading, items in [
        *sections,
        *((name, told) for name, told in (("Columns", columns), ("Reasons", reasons)) if told),
    ]:
        lines += [f"### {heading}", "", *(f"- {item}" for item in items or ["none"]), ""]
    if what.note is not None:
        lines.append(what.note(artifact))
    return "\n".join(lines)


def _loss(artifact: Artifact, what: Stage) -> list[str]:
    """A line of a decision that takes most of its source; the report's page has the examples."""
    if not issubclass(what.statistics, Decided) or not loses_most(counts := decided(artifact)):
        return []
    sentence = (
        f"{counts.documents - counts.kept:,} of {counts.documents:,} documents leave, and "
        f"{counts.bytes - counts.kept_bytes:,} of {counts.bytes:,} bytes"
    )
    if means_to(artifact, what.drawn):
        return [f"- {sentence}: by a draw that is meant to"]
    return [f"- **WARNING**: {sentence}; the report shows examples"]


def _rows(statistics: dict[str, Any]) -> list[dict[str, str]]:
    """Statistics as a table: nested names joined by dots, lists in one cell."""
    rows = [{"statistic": key, "value": _cell(value)} for key, value in flat(statistics).items()]
    return rows or [{"statistic": "none", "value": ""}]


def _cell(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
