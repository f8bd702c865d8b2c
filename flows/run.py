"""`millrace run`: the whole DAG, recorded in Prefect where a server is up or `--record` starts one for the run."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from tasks.runtime.errors import Mistake

if TYPE_CHECKING:
    from conf.pipeline import Pipeline
    from tasks.runtime.job import Reporter


def run(
    out: Console,
    pipeline: "Pipeline",
    conf: Path,
    record: bool,
    workers: int | None,
    debug: bool,
    say: Callable[[str], None],
) -> None:
    """Build what is not built, tell of it on `out`, and of a server that does not answer by `say`."""
    from flows import terminal

    url = _server(say)
    placed = [name for name, (model, _) in pipeline.trained().items() if model.on]
    placed += list(pipeline.models) if pipeline.evaluate.on else []
    if placed and not url:
        raise Mistake(
            f"model {placed[0]} is placed on a work pool (`on:`), which takes a Prefect server with workers: start "
            f"`millrace ui`, or set PREFECT_API_URL"
        )
    with terminal.reporter(out, workers) as watcher:
        if url or record:
            built, page = _run_recorded(conf, workers, watcher, url, debug)
        else:
            built, page = _run_alone(pipeline, workers, watcher)
    out.print(f"{watcher.fresh} stages built, {watcher.cached} cached", highlight=False)
    _summary(out, built, page)
    if url:
        out.print(f"Recorded in Prefect: {url.removesuffix('/api')}/runs", highlight=False, soft_wrap=True)
    elif record:
        out.print("Recorded in Prefect: `millrace ui` shows it", highlight=False, markup=False)
    else:
        out.print("Not recorded in Prefect: start `millrace ui` first, or give --record", highlight=False, markup=False)


def _server(say: Callable[[str], None]) -> str | None:
    """The Prefect API that is to record the run, if one is up."""
    from flows import home

    asked = os.environ.get("PREFECT_API_URL")
    if asked and home.answers(asked):
        return asked
    if asked:
        say(f"PREFECT_API_URL is {asked}, but no Prefect server answers there")
    if url := home.ui_server():
        os.environ.update(home.settings())
    return url


def _run_alone(pipeline: "Pipeline", workers: int | None, watcher: "Reporter") -> Any:
    from flows import page
    from flows.engines import engine
    from flows.stores import opened_store
    from tasks.runtime.run import Run

    store = opened_store(pipeline)
    with engine(pipeline, store, workers) as opened:
        run = Run(store, opened, watcher, side_by_side=opened.workers if opened.workers > 1 else 0)
        try:
            return page.crawl_to_model(run, pipeline)
        finally:
            run.close()


def _run_recorded(conf: Path, workers: int | None, watcher: "Reporter", url: str | None, debug: bool) -> Any:
    from flows import home, server

    if not debug:  # Prefect's log is on its server; the terminal is the watcher's
        os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
    if url:
        os.environ["PREFECT_API_URL"] = url
        return _flow(conf, workers, watcher)
    os.environ.update(home.settings())
    with server.server(server.free_port(), server.TEMPORARY) as (started, process):
        os.environ["PREFECT_API_URL"] = started
        import prefect  # noqa: F401  takes 1.5 s, in which the server comes up

        server.wait_until_up(started, process)
        return _flow(conf, workers, watcher)


def _flow(conf: Path, workers: int | None, watcher: "Reporter") -> Any:
    from flows import recorded
    from flows.crawl_to_model import crawl_to_model

    token = recorded.watcher.set(watcher)
    try:
        return crawl_to_model(str(conf), workers)
    finally:
        recorded.watcher.reset(token)
        recorded.flush()


def _summary(out: Console, built: Any, page: str) -> None:
    from tasks.report.report import summary_of

    out.print()
    out.print(summary_of(built.report).rstrip(), markup=False, highlight=False, soft_wrap=True)
    out.print()
    out.print(f"Report: {page}", markup=False, highlight=False, soft_wrap=True)
