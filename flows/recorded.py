"""A run that Prefect records: one task a stage, in the sub-flow run of its group, and what the UI shows of it.

The manifest alone decides whether a stage is cached (shared/PREFECT.md, Cache): Prefect caches nothing and keeps no
result, a stage that is there already ends in the state Cached. The handles from which an arrow is to be drawn are the
task's parameter: Prefect draws an arrow for each.
"""

import errno
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow, get_client, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient
from prefect.context import FlowRunContext
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.runtime import flow_run
from prefect.states import Completed

from conf.load import load
from conf.pipeline import Pipeline
from flows.engines import engine
from flows.form import documented
from flows.groups import EVERY, Groups, Send, task_key
from flows.latest import take
from flows.leftovers import mark, settle
from flows.markdown import plain
from flows.orphan import end_with_worker, work_is_over
from flows.pace import Pace
from flows.part import asked_of
from flows.placed import build_there, require_pools
from flows.places import Places, places_of
from flows.pool import make_pool_for_deploy
from flows.stage_page import key_of, stage_page
from flows.state import Past
from flows.stores import opened_store
from flows.terminal import how_compiled, how_fast
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import Engine
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.job import Reporter, Silent, build, inputs_of
from tasks.runtime.measure import Due
from tasks.runtime.run import Run
from tasks.runtime.stage import Stage
from tasks.runtime.store import Unreachable

make_pool_for_deploy(sys.argv)

RETRIES = 2
PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNRESET, errno.EHOSTUNREACH, errno.ENETUNREACH)

# Whoever else watches: the terminal, where `millrace run` called the flow; nobody under a worker.
watcher: ContextVar[Reporter | None] = ContextVar("watcher", default=None)


def recorded(name: str) -> Callable[[Callable[..., Any]], Any]:
    """`@flow` as all of ours are: nothing cached, no result kept, and nothing pickled when one fails.

    A run is named by its pipeline's file until that is read, and then by the title.
    """

    def run_name() -> str:
        return f"{Path(str(flow_run.parameters.get('conf', ''))).stem}: {name.replace('-', ' ')}"

    def made(function: Callable[..., Any]) -> Any:
        how: dict[str, Any] = {"persist_result": False, "result_serializer": "json"}
        about = inspect.cleandoc(function.__doc__ or "")
        return flow(name=name, flow_run_name=run_name, description=about, **how)(documented(function))

    return made


@contextmanager
def begin(
    conf: str,
    workers: int | None,
    settings: dict[str, Any] | None = None,
    dag: Callable[[Run, Pipeline], Any] | None = None,
    until: str | None = None,
    only: str | None = None,
    latest: bool = False,
    alone: str | None = None,
) -> Iterator[tuple[Run, Pipeline]]:
    """A run whose stages are Prefect tasks, and the pipeline it is of; to be entered in a flow.

    `settings` are keys beside the file's, as `--set` gives them; `until` and `only` name the part of `dag` that is
    built. `latest`: the crawls that came since are taken first, for sources that stand for all of them.
    `alone`: the store in which one stage after another is built, here, wherever the pipeline places them.

    Raises:
        Mistake: the pipeline cannot be, or `dag` has no such part, or what the part reads is not there.
        Failure: which crawls came cannot be asked.
    """
    end_with_worker()
    if latest:
        take(conf, get_run_logger().info, settings)
    pipeline = load(conf, settings)
    if alone is not None:
        pipeline = pipeline.model_copy(update={"store": alone})
    part = asked_of(pipeline, dag, until, only)
    places = places_of(pipeline, part) if alone is None else {}
    require_pools(places)
    store = opened_store(pipeline)
    with engine(pipeline, store, workers, here=alone is not None) as opened, get_client(sync_client=True) as client:
        introduce(client, pipeline.title if alone is None else None)
        terminal = watcher.get() or Silent()
        with post() as send:
            send(settle, client)  # what earlier runs left
            maker = Maker(opened, terminal, conf, pipeline, places, Past(store))
            side_by_side = opened.workers if alone is None else 0
            run = Run(store, opened, Teller(terminal), maker, side_by_side, part)
            maker.groups = groups = Groups(run, pipeline.title, client, send)
            try:
                yield run, pipeline
                run.wait()
            finally:
                run.close()
                groups.end()
                work_is_over()


def introduce(client: SyncPrefectClient, title: str | None) -> None:
    """Say of the flow run which process it is of, and name it by its pipeline: `demo: crawl to model`."""
    context = FlowRunContext.get()
    assert context is not None and context.flow is not None and context.flow_run is not None
    mark(client, context.flow_run.id)
    name = f"{title}: {context.flow.name.replace('-', ' ')}"
    if title is not None and context.flow_run.name != name:
        client.set_flow_run_name(context.flow_run.id, name)
        context.flow_run.name = name


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

    def compiling(self, done: int, total: int, seconds: float) -> None:
        if (text := how_compiled(done, total, seconds)) is not None:
            self.logger.info(text)
        self.watcher.compiling(done, total, seconds)

    def log(self, text: str) -> None:
        self.logger.info(text)
        self.watcher.log(text)


class Made:
    """What a task returns and the next takes: Prefect knows by it alone which task an arrow comes from.

    No dataclass: Prefect looks into those, and draws arrows between tasks whose artifacts share a store's handle.
    """

    def __init__(self, artifact: Artifact):
        self.artifact = artifact


class Maker:
    """Makes an artifact in a Prefect task of its own, in the flow run of its group."""

    def __init__(self, engine: Engine, watcher: Reporter, conf: str, pipeline: Pipeline, places: Places, past: Past):
        self.engine, self.watcher, self.conf, self.places = engine, watcher, conf, places
        self.pipeline = pipeline  # which a stage that is placed elsewhere takes along
        self.past = past  # each stage's folder is listed once per run
        self.groups: Groups | None = None
        self.made: dict[str, Made] = {}  # by label

    def __call__(self, artifact: Artifact, what: Stage, arguments: dict[str, Any], *beside: Due) -> Artifact:
        assert self.groups is not None, "a stage before its run"
        groups, stop = self.groups, self.groups.run.stop

        @task(
            name=what.name,
            task_run_name=f"{what.name} {artifact.name}",
            description=(what.function.__doc__ or "").strip() or None,
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=RETRIES,
            retry_delay_seconds=5,
            retry_condition_fn=_may_pass,
        )
        def work(inputs: list[Made]) -> Any:
            reporter = Recorder(self.watcher, what, groups, self.past, self.engine.workers)
            pool = self.places.get((what.name, artifact.name))
            if pool is not None and not artifact.built:
                begun = time.monotonic()
                reporter.started(artifact)
                reporter.log(f"{artifact.label} runs on the work pool {pool}")
                build_there(artifact, arguments, pool, self.conf, self.pipeline, stop)
                reporter.finished(artifact, False, time.monotonic() - begun)
                return Made(artifact)
            groups.run.compile(artifact, what, *beside)
            hit = build(artifact, what, arguments, self.engine, reporter, stop, beside)
            return Completed(name="Cached", data=Made(artifact)) if hit else Made(artifact)

        work.task_key = task_key(artifact)
        with groups.of(artifact) as before:
            inputs = [self.made[used.label] for used in inputs_of(arguments) if used.label in before & set(self.made)]
            try:
                # A bare call would return the State of a cached stage instead of the handle.
                state = work(inputs, return_state=True)
                made: Made = state.result()
            except BaseException as error:
                groups.failed(artifact, error)
                raise
        self.made[artifact.label] = made
        groups.finished(artifact, state.name == "Cached")
        return artifact


def _may_pass(_task: Any, _run: Any, state: Any) -> bool:
    """Retry what input and output can recover from; never a mistake, never bad input."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, Mistake | Failure) and not isinstance(error, Unreachable):
        return False
    return isinstance(error, Unreachable | ConnectionError | TimeoutError) or getattr(error, "errno", None) in PASSING


class Recorder(Reporter):
    """Tells Prefect of one stage: its share of its group's progress, log lines, and at the end its page."""

    def __init__(self, watcher: Reporter, what: Stage, groups: Groups, past: Past, workers: int):
        self.watcher, self.what, self.groups, self.past = watcher, what, groups, past
        self.logger = get_run_logger()
        self.pace = Pace(workers)
        self.told = time.monotonic()

    def started(self, artifact: Artifact) -> None:
        self.watcher.started(artifact)
        self.groups.progress(artifact, 0.0, f"{artifact.stage} {artifact.name}")

    def progress(self, artifact: Artifact, done: int, total: int, documents: int) -> None:
        self.watcher.progress(artifact, done, total, documents)
        now = time.monotonic()
        self.pace.mark(now, done, total, documents)
        if now - self.told < EVERY:
            return
        self.told = now
        parts = (f"{artifact.stage} {artifact.name}: {done:,} of {total:,}", how_fast(self.pace, now))
        text = ", ".join(part for part in parts if part)
        self.groups.progress(artifact, done / total if total else 1.0, text)
        self.logger.info(text)

    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
        how = "cached" if cached else f"fresh, {seconds:.1f} s"
        key = key_of(self.groups.title, artifact.stage, artifact.name)
        page = stage_page(artifact, self.what, how, self.past)
        self.groups.send(create_markdown_artifact, page, key=key, description=plain(f"{artifact.label}: {how}"))
        self.logger.info("%s: %s, in %s", artifact.label, how, artifact.where())
        self.watcher.finished(artifact, cached, seconds)

    def compiling(self, done: int, total: int, seconds: float) -> None:
        """A run's affair, not a stage's (Teller)."""

    def log(self, text: str) -> None:
        self.logger.info(text)
        self.watcher.log(text)
