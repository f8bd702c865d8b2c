"""The command line: run, plan, status, explain, verify, ui.

Exit status 0 means success and nothing else does: 2 a mistake in what was asked, 1 a failure on the way, 130 Ctrl-C,
143 SIGTERM. Nothing heavier than typer and rich is imported before a command needs it: `--help` answers at once.
"""

import functools
import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from tasks.runtime.errors import Failure, Mistake

if TYPE_CHECKING:
    from conf.schema import Pipeline
    from tasks.runtime.stage import Reporter
    from tasks.runtime.store import Artifact

app = typer.Typer(
    help="From Common Crawl to a trained, evaluated GPT, as one declarative DAG.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Conf = Annotated[Path, typer.Argument(metavar="CONF", help="A pipeline's YAML, such as conf/demo.yaml.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of whatever goes wrong.")]


class Terminated(BaseException):
    """SIGTERM, as an exception: what was started is ended on the way out."""


def _terminate(number: int, frame: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one is enough
    raise Terminated


def say(text: str) -> None:
    typer.echo(f"millrace: {text}", err=True)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """A command of the app: whatever goes wrong in it ends as a sentence and an exit status."""

    @functools.wraps(function)
    def wrapped(**arguments: Any) -> None:
        signal.signal(signal.SIGTERM, _terminate)
        try:
            function(**arguments)
        except (typer.Exit, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001  nothing leaves as a traceback but by --debug
            status, sentence = verdict(error)
            if arguments.get("debug"):
                traceback.print_exc()
            say(sentence)
            raise typer.Exit(status) from None

    app.command()(wrapped)
    return wrapped


def verdict(error: BaseException) -> tuple[int, str]:
    """Exit status and sentence of an exception."""
    if isinstance(error, Mistake):
        return 2, str(error)
    if isinstance(error, Failure):
        return 1, str(error)
    if isinstance(error, KeyboardInterrupt):
        return 130, "stopped by Ctrl-C; finished work is kept, and the same command goes on from it"
    if isinstance(error, Terminated) or type(error).__name__ == "TerminationSignal":  # the latter is Prefect's
        return 143, "stopped by SIGTERM; finished work is kept, and the same command goes on from it"
    first = (str(error).strip() or "no message").splitlines()[0]
    return 1, f"unexpected {type(error).__name__}: {first:.300}; --debug shows the traceback"


def console() -> Console:
    """On a pipe or in a file lines are not folded at 80 columns."""
    out = Console()
    return out if out.is_terminal else Console(width=200)


def read(conf: Path) -> "Pipeline":
    from conf.load import load

    return load(conf)


def handles(pipeline: "Pipeline") -> "list[Artifact]":
    """Every artifact of the DAG, in order; nothing is built."""
    from flows import dag
    from tasks.runtime.stage import Run, Silent

    class Notes(Silent):
        def log(self, text: str) -> None:
            say(text)

    run = Run(pipeline.root(), None, Notes())
    dag.crawl_to_model(run, pipeline)
    return run.artifacts


@command
def run(
    conf: Conf,
    record: Annotated[bool, typer.Option("--record", help="Record in Prefect, with a temporary server.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores if absent.")] = None,
    debug: Debug = False,
) -> None:
    """Build the whole DAG; what is built already is only looked at."""
    from flows import terminal

    pipeline = read(conf)
    out = console()
    url = _server()
    with terminal.reporter(out) as watcher:
        if url or record:
            built = _run_recorded(conf, workers, watcher, url, debug)
        else:
            built = _run_alone(pipeline, workers, watcher)
    out.print(f"{watcher.fresh} stages built, {watcher.cached} cached", highlight=False)
    _summary(out, built)
    if url:
        out.print(f"Recorded in Prefect: {url.removesuffix('/api')}/runs", highlight=False, soft_wrap=True)
    elif record:
        out.print("Recorded in Prefect: `millrace ui` shows it", highlight=False, markup=False)
    else:
        out.print("Not recorded in Prefect: start `millrace ui` first, or give --record", highlight=False, markup=False)


def _server() -> str | None:
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
    from tasks.runtime.stage import Run
    from tasks.runtime.store import open_store

    root = open_store(pipeline.root())
    with engine(pipeline, workers) as opened:
        return page.crawl_to_model(Run(root, opened, watcher), pipeline)


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


def _summary(out: Console, built: Any) -> None:
    if built.report is None:
        return
    summary = built.report.folder / "summary.txt"
    if summary.is_file():
        out.print()
        out.print(summary.read_text().rstrip(), markup=False, highlight=False, soft_wrap=True)
        out.print()
    out.print(f"Report: {built.page}", markup=False, highlight=False, soft_wrap=True)


@command
def plan(conf: Conf, debug: Debug = False) -> None:
    """What a run would do before it is paid for: stages, cached or not and why, bytes, FLOPs, hours."""
    from flows.plan import show

    pipeline = read(conf)
    show(console(), pipeline, handles(pipeline))


@command
def status(conf: Conf, debug: Debug = False) -> None:
    """Each stage: done, partial (shards done/total) or to do, and why."""
    from flows.status import show

    pipeline = read(conf)
    show(console(), pipeline, handles(pipeline))


@command
def explain(
    conf: Conf,
    document: Annotated[str, typer.Argument(metavar="ID_OR_URL", help="A document's id, or a piece's, or a URL.")],
    debug: Debug = False,
) -> None:
    """One document's fate: each stage's decision, score, reason, its duplicate, its n-gram hits."""
    from flows.explain import show

    show(console(), handles(read(conf)), document)


@command
def verify(conf: Conf, debug: Debug = False) -> None:
    """Compute every output's checksum again and compare it with its manifest."""
    from flows.verify import show

    if not show(console(), handles(read(conf))):
        raise Failure("damage was found: delete the folders named above and run again, which builds them anew")


@command
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the UI listens, on 127.0.0.1.")] = 4200,
    debug: Debug = False,
) -> None:
    """Prefect's server and a worker on loopback, with the deployments of prefect.yaml; Ctrl-C ends both."""
    from flows.ui import serve

    serve(port, console())


def main() -> None:
    app(prog_name="millrace")


if __name__ == "__main__":
    main()
