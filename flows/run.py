"""`millrace run`: the whole DAG, recorded in Prefect where a server is up or `--record` starts one for the run."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from tasks.runtime.errors import Mistake

if TYPE_CHECKING:
    from conf.pipeline import Pipeline
    from tasks.runtime.job import Reporter
    from tasks.runtime.part import Part


@dataclass(frozen=True)
class Asked:
    """A run as it was asked for."""

    conf: Path
    settings: dict[str, Any] = field(default_factory=dict)  # keys beside the file's
    until: str | None = None
    only: str | None = None
    record: bool = False
    workers: int | None = None
    debug: bool = False


def run(out: Console, pipeline: "Pipeline", asked: Asked, say: Callable[[str], None]) -> None:
    """Build what is not built, tell of it on `out`, and of a server that does not answer by `say`."""
    from flows import dag, terminal
    from flows.found import found, public
    from flows.part import asked_of
    from flows.places import places_of

    part = asked_of(pipeline, dag.crawl_to_model, asked.until, asked.only)  # what cannot be is told before all else
    url = found(say)
    placed = [name for _, name in places_of(pipeline, part)]
    if placed and not url:
        raise Mistake(
            f"model {placed[0]} is placed on a work pool (`on:`), which takes a Prefect server with workers: start "
            f"`millrace ui`, or set PREFECT_API_URL"
        )
    with terminal.reporter(out, asked.workers) as watcher:
        if url or asked.record:
            built, page = _run_recorded(asked, watcher, url)
        else:
            built, page = _run_alone(pipeline, part, asked.workers, watcher)
    rest = _left(pipeline, part) if part is not None else ""
    out.print(f"{watcher.fresh} stages built, {watcher.cached} cached{rest}", highlight=False, soft_wrap=True)
    if page is not None:
        _summary(out, built, page)
    if url:
        out.print(f"Recorded in Prefect: {public(url).removesuffix('/api')}/runs", highlight=False, soft_wrap=True)
    elif asked.record:
        out.print("Recorded in Prefect: `millrace ui` shows it", highlight=False, markup=False)
    else:
        out.print("Not recorded in Prefect: start `millrace ui` first, or give --record", highlight=False, markup=False)


def _left(pipeline: "Pipeline", part: "Part") -> str:
    """What the rest of the DAG still has to do: a phrase after the counts."""
    from flows import dag
    from flows.part import left
    from flows.stores import store_of
    from tasks.runtime.run import Run

    followed = Run(store_of(pipeline), None)
    dag.crawl_to_model(followed, pipeline)
    rest = left(followed, part)
    return f"; {rest}" if rest else ""


def _run_alone(pipeline: "Pipeline", part: "Part | None", workers: int | None, watcher: "Reporter") -> Any:
    from flows import page
    from flows.engines import engine
    from flows.live import Live
    from flows.stores import opened_store
    from tasks.runtime.run import Run

    store = opened_store(pipeline)
    with engine(pipeline, store, workers) as opened:
        side_by_side = opened.workers if opened.workers > 1 else 0
        run = Run(store, opened, live := Live(watcher), side_by_side=side_by_side, part=part)
        try:
            return page.crawl_to_model(run, pipeline, live)
        finally:
            run.close()


def _run_recorded(asked: Asked, watcher: "Reporter", url: str | None) -> Any:
    from flows import home, server

    if not asked.debug:  # Prefect's log is on its server; the terminal is the watcher's
        os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
        os.environ["PREFECT_LOGGING_INTERNAL_LEVEL"] = "CRITICAL"  # an event that was not taken is the UI's loss alone
    if url:
        os.environ["PREFECT_API_URL"] = url
        return _flow(asked, watcher)
    os.environ.update(home.settings())
    with server.server(server.free_port(), server.TEMPORARY) as (started, process):
        os.environ["PREFECT_API_URL"] = started
        import prefect  # noqa: F401  takes 1.5 s, in which the server comes up

        server.wait_until_up(started, process)
        return _flow(asked, watcher)


def _flow(asked: Asked, watcher: "Reporter") -> Any:
    from flows import recorded
    from flows.crawl_to_model import crawl_to_model

    token = recorded.watcher.set(watcher)
    try:
        return crawl_to_model(str(asked.conf), asked.workers, asked.settings or None, asked.until, asked.only)
    finally:
        recorded.watcher.reset(token)
        recorded.flush()


def _summary(out: Console, built: Any, page: str) -> None:
    from tasks.report.report import summary_of

    out.print()
    out.print(summary_of(built.report).rstrip(), markup=False, highlight=False, soft_wrap=True)
    out.print()
    out.print(f"Report: {page}", markup=False, highlight=False, soft_wrap=True)
