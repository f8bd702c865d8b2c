"""The command line: what each command takes; what it does stands in the file of flows/ that bears its name.

Exit status 0 means success and nothing else does: 2 a mistake in what was asked, 1 a failure on the way, 130 Ctrl-C,
143 SIGTERM. Nothing heavier than typer and rich is imported before a command needs it: `--help` answers at once.
"""

import functools
import signal
import sys
import traceback
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer
from rich.console import Console

from flows import completion
from tasks.runtime.errors import Failure, Mistake, of_system

if TYPE_CHECKING:
    from conf.pipeline import Pipeline
    from tasks.runtime.run import Run

STATUSES = (
    "Exit status: 0 success; 1 a failure on the way, finished work is kept (of verify: damage was found); 2 a mistake "
    "in what was asked; 130 Ctrl-C; 143 SIGTERM."
)
app = typer.Typer(
    help="From Common Crawl to a trained, evaluated GPT, as one declarative DAG.",
    epilog=f"{STATUSES} What Prefect records lies in $MILLRACE_HOME, else in millrace/ of the user's state folder "
    "(XDG).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
USAGE = cast(type[Exception], typer.BadParameter.__mro__[1])  # UsageError: click's, or in newer typers its own
Conf = Annotated[
    Path,
    typer.Argument(
        metavar="CONF",
        autocompletion=completion.confs,
        help="A pipeline's YAML: the path of a file, or else the name of one that comes with Millrace, such as demo.",
    ),
]
Named = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        autocompletion=completion.models,
        help="A model of the pipeline, by name, or the folder of a finished one.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A key of CONF for this once, such as dedup.threshold=.8: any key, its value as YAML; may be repeated.",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        metavar="STAGE[:NAME]",
        autocompletion=completion.stages,
        help="This stage and all that it needs, such as tokenizer or pretrain:small.",
    ),
]
Only = Annotated[
    str | None,
    typer.Option(
        metavar="STAGE[:NAME]",
        autocompletion=completion.stages,
        help="This stage alone; its inputs must be there.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="The same as one JSON object, on standard output.")]
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

    app.command(epilog=STATUSES)(wrapped)
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
    if isinstance(error, BrokenPipeError):
        return 141, "whoever read this has closed the pipe; what was asked for may not be done"
    if isinstance(error, OSError) and error.errno is not None:
        return 1, of_system(error)
    if isinstance(error, MemoryError):
        return (
            1,
            "memory is used up; give fewer `--workers`, or a smaller `limits` of the source; finished work is kept",
        )
    first = (str(error).strip() or "no message").splitlines()[0]
    return 1, f"unexpected {type(error).__name__}: {first:.300}; --debug shows the traceback"


def console() -> Console:
    """On a pipe or in a file lines are not folded at 80 columns."""
    out = Console()
    return out if out.is_terminal else Console(width=200)


def read(conf: Path, settings: list[str] | None = None) -> "Pipeline":
    from conf.load import load

    if not settings:
        return load(conf)
    from flows.settings import typed

    return load(conf, typed(settings))


def followed(pipeline: "Pipeline", until: str | None = None, only: str | None = None) -> "Run":
    """The DAG followed to its end: every artifact's handle, in order, or those of a part; nothing is built."""
    from flows import dag
    from flows.part import chosen
    from flows.stores import store_of
    from tasks.runtime.job import Silent
    from tasks.runtime.run import Run

    class Notes(Silent):
        def log(self, text: str) -> None:
            say(text)

    run = Run(store_of(pipeline), None, Notes())
    dag.crawl_to_model(run, pipeline)
    part = chosen(run, until, only)
    if part is not None:
        run.artifacts = [artifact for artifact in run.artifacts if part.holds(artifact)]
    return run


@command
def run(
    conf: Conf,
    record: Annotated[bool, typer.Option("--record", help="Record in Prefect, with a temporary server.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores if absent.")] = None,
    until: Until = None,
    only: Only = None,
    settings: Set = None,
    latest: Annotated[
        bool, typer.Option("--latest", help="First take the crawls that came since, for sources with `crawl: latest`.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Build the whole DAG; what is built already is only looked at."""
    from flows.run import Asked
    from flows.run import run as build
    from flows.settings import typed

    if latest:
        from flows.latest import take

        take(conf, say, typed(settings))
    build(console(), read(conf, settings), Asked(conf, typed(settings), until, only, record, workers, debug), say)


@command
def plan(
    conf: Conf,
    gpu: Annotated[str | None, typer.Option("--gpu", help="Models on this GPU: h100, a100, l40s, rtx4090, ...")] = None,
    mfu: Annotated[
        float, typer.Option("--mfu", min=0.001, max=1.0, help="The share of its peak that a training reaches.")
    ] = 0.4,
    price_core_hour: Annotated[float | None, typer.Option(min=0, help="Of one CPU core; else `rates` of CONF.")] = None,
    price_gpu_hour: Annotated[float | None, typer.Option(min=0, help="Of one GPU; else `rates` of CONF.")] = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask servers of crawls how large the files are: a few each.")
    ] = False,
    each: Annotated[bool, typer.Option("--each", help="Every source on a line of its own.")] = False,
    until: Until = None,
    only: Only = None,
    settings: Set = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, on standard output.")] = False,
    debug: Debug = False,
) -> None:
    """What a run would do and cost before it is paid for: stages, cached or not and why, bytes, FLOPs, hours, price.

    Touches no network but by --ask. docs/cost.md says what the figures rest on.
    """
    import json

    from conf.mixture import unread
    from flows.budget import Asked, make
    from flows.part import chosen
    from flows.plan import as_json as told
    from flows.plan import show

    pipeline = read(conf, settings)
    run = followed(pipeline)  # all of it: sizes flow from the sources, also to a part
    sizes = None
    if ask:
        from flows.asking import sizes_of

        sizes = sizes_of(pipeline, run, say)
    part = chosen(run, until, only)
    planned = make(run, pipeline, Asked(gpu, mfu, price_core_hour, price_gpu_hour, sizes), part)
    if as_json:
        typer.echo(json.dumps(told(planned), indent=1, ensure_ascii=False))
    else:
        show(console(), pipeline, planned, each)
    for group in pipeline.unread() if pipeline.models else ():
        say(unread(group))


@command
def status(
    conf: Conf,
    until: Until = None,
    only: Only = None,
    as_json: Json = False,
    settings: Set = None,
    debug: Debug = False,
) -> None:
    """Each stage: done, partial (shards done/total) or to do, and why."""
    from flows.status import show

    show(console(), followed(read(conf, settings), until, only), as_json)


@command
def explain(
    conf: Conf,
    document: Annotated[
        str | None,
        typer.Argument(
            metavar="[WHAT]", help="A document's id, or a piece's; a URL; or else a phrase of a text, letter by letter."
        ),
    ] = None,
    within: Annotated[str | None, typer.Option(help="The source that is looked through; all if absent.")] = None,
    step: Annotated[int | None, typer.Option(help="What this step of a model's training reads, instead.")] = None,
    model: Annotated[str | None, typer.Option(help="Whose step, where the pipeline has several models.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, on standard output.")] = False,
    settings: Set = None,
    debug: Debug = False,
) -> None:
    """One document's fate: each stage's decision, score, reason, its duplicate, its n-gram hits, a model's steps.

    With --step the documents of a step instead: for each window its group, epoch and tokens, their records and URLs.
    """
    from flows.explain import show
    from flows.explain_step import show_step

    if (document is None) == (step is None) or (model is not None and step is None):
        raise Mistake(
            "explain takes a document's id, URL or phrase, or else --step N, with --model NAME for one of several"
        )
    if step is not None and (as_json or within is not None):
        raise Mistake("--json and --within are for documents, not for --step")
    run = followed(read(conf, settings))
    if step is not None:
        show_step(console(), run, step, model)
    elif document is not None:
        show(console(), run, document, within, as_json)


@command
def retract(
    conf: Conf,
    ids: Annotated[Path, typer.Argument(metavar="IDS", help="A file of ids, pieces' ids or URLs, one a line.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Where the list goes; else to the file that `without` names, or to one beside CONF."),
    ] = None,
    copies: Annotated[
        bool,
        typer.Option("--copies", help="With all that deduplication took for copies of them, or them for copies of."),
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores if absent.")] = None,
    settings: Set = None,
    debug: Debug = False,
) -> None:
    """What leaves if these documents are taken back, what comes back, which tokens, steps and models held them.

    Writes the list that CONF takes as `without`, and beside it the evidence as JSON; changes nothing else.
    """
    from flows.retract import retract as take_back

    take_back(console(), conf, read(conf, settings), ids, out, copies, workers, say)


class Form(StrEnum):
    """Of an export's files."""

    parquet = "parquet"
    jsonl = "jsonl.zst"


class Which(StrEnum):
    """Splits of an export."""

    train = "train"
    validation = "validation"
    all = "all"


@command
def export(
    conf: Conf,
    out: Annotated[
        str, typer.Argument(metavar="OUT", help="An empty folder, or a URL as `store` takes: s3://bucket/prefix.")
    ],
    form: Annotated[Form, typer.Option("--format", help="Of the files.")] = Form.parquet,
    size: Annotated[str, typer.Option("--size", help="Bytes of a file, about: 500MB, 2GB.")] = "500MB",
    split: Annotated[Which, typer.Option("--split", help="As in training.")] = Which.all,
    source: Annotated[
        list[str] | None, typer.Option("--source", help="A source or group, several by repeating it; all if absent.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Where it will be found, for the card.")] = None,
    creator: Annotated[str | None, typer.Option("--creator", help="Who made it, for the card.")] = None,
    published: Annotated[str | None, typer.Option("--published", help="A date as 2026-11-30, for the card.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores if absent.")] = None,
    settings: Set = None,
    debug: Debug = False,
) -> None:
    """The kept, cut documents as Parquet or JSON Lines, with a dataset card, Croissant and lineage.

    Each row names its crawl record. The same corpus gives the same bytes; a killed export goes on where it was.
    """
    from flows.export import run as leave
    from flows.export import told
    from flows.settings import repeated

    about = told(url, creator, published)
    pipeline, again = read(conf, settings), f"{conf}{repeated(settings)}"
    leave(console(), pipeline, again, out, form.value, size, split.value, source or [], about, workers, say)


@command
def verify(conf: Conf, as_json: Json = False, settings: Set = None, debug: Debug = False) -> None:
    """Compute every output's checksum again and compare it with its manifest."""
    from flows.settings import repeated
    from flows.verify import show

    again = repeated(settings)
    if not show(console(), followed(read(conf, settings)), as_json):
        raise Failure(
            f"damage was found: `millrace repair {conf}{again}` makes what is damaged anew, to the same bytes"
        )


@command
def repair(
    conf: Conf,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores if absent.")] = None,
    settings: Set = None,
    debug: Debug = False,
) -> None:
    """Make anew what is damaged, only that, to the same bytes; what is not built stays so."""
    from flows import terminal
    from flows.repair import repair as mend

    out = console()
    with terminal.reporter(out, workers) as watcher:
        mend(out, read(conf, settings), workers, watcher)


@command
def gc(
    confs: Annotated[
        list[Path],
        typer.Argument(
            metavar="CONF...",
            autocompletion=completion.confs,
            help="Every pipeline that uses the store. What was built with --set and stands in none is not reached.",
        ),
    ],
    delete: Annotated[bool, typer.Option("--delete", help="Remove them; else they are only listed.")] = False,
    debug: Debug = False,
) -> None:
    """Artifacts of a store that none of these pipelines reaches, with their sizes."""
    from flows.gc import collect

    collect(console(), [followed(read(conf)) for conf in confs], delete, say)


@command
def export_model(
    conf: Conf,
    model: Named,
    path: Annotated[Path, typer.Argument(metavar="OUT", help="A folder for hf, a file for gguf; not there yet.")],
    to: Annotated[Literal["hf", "gguf"], typer.Option(help="A folder for transformers, or a file for llama.cpp.")],
    settings: Set = None,
    debug: Debug = False,
) -> None:
    """A model for other programs, with its tokenizer and a card that says what it was made from."""
    from flows.export_model import export

    export(console(), followed(read(conf, settings)), model, path, to)


@command
def sample(
    conf: Conf,
    model: Named,
    prompt: Annotated[str, typer.Argument(help="What the text begins with; an empty one begins a document.")],
    tokens: Annotated[int, typer.Option(min=1, help="A text, at most.")] = 100,
    count: Annotated[int, typer.Option(min=1, help="Texts, drawn side by side.")] = 1,
    temperature: Annotated[float, typer.Option(help="0: always the likeliest token.")] = 1.0,
    top_k: Annotated[int | None, typer.Option(help="Draw from the k likeliest tokens only.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Draw from the likeliest tokens of this mass only.")] = None,
    stop: Annotated[list[str] | None, typer.Option(help="A text ends before this; may be given again.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same texts.")] = 1,
    beams: Annotated[int | None, typer.Option(min=1, help="Search with this many beams instead of drawing.")] = None,
    draft: Annotated[str | None, typer.Option(help="A smaller model that drafts: the same law, fewer passes.")] = None,
    settings: Set = None,
    debug: Debug = False,
) -> None:
    """Texts that follow a prompt."""
    from flows.models import chosen
    from flows.sample import Asked, show

    asked = Asked(prompt, tokens, count, temperature, top_k, top_p, stop or [], seed, beams)
    run = followed(read(conf, settings))
    show(console(), chosen(run, model), chosen(run, draft) if draft is not None else None, asked, say)


@command
def next(
    conf: Conf,
    model: Named,
    text: Annotated[str, typer.Argument(help="What the model reads.")],
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="Tokens after each.")] = 5,
    more: Annotated[int, typer.Option(min=0, help="Go on by this many tokens, each the likeliest.")] = 5,
    settings: Set = None,
    debug: Debug = False,
) -> None:
    """The likeliest tokens after each token of a text, step by step."""
    from flows.models import chosen
    from flows.next import show

    show(console(), chosen(followed(read(conf, settings)), model), text, k, more)


@command
def look(
    conf: Conf,
    model: Named,
    text: Annotated[str, typer.Argument(help="What the model reads.")],
    path: Annotated[Path, typer.Argument(metavar="OUT.html", help="The page that is written.")],
    settings: Set = None,
    debug: Debug = False,
) -> None:
    """What a model looks at: a page with its attention by layer and head, and what it expects by temperature."""
    from flows.look import write
    from flows.models import chosen

    write(console(), chosen(followed(read(conf, settings)), model), text, path)


@command
def quiz(
    conf: Conf,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model whose news is built; MODEL-control for the control's.")
    ],
    path: Annotated[Path, typer.Argument(metavar="OUT.html", help="The page that is written.")],
    number: Annotated[int, typer.Option(min=1, help="Another number: other halves of the titles, another order.")] = 1,
    settings: Set = None,
    debug: Debug = False,
) -> None:
    """A page that asks people which texts a model wrote; its export is what `evaluate.news.ratings` takes."""
    from flows.quiz import write

    write(console(), followed(read(conf, settings)), model, path, number)


@command
def label(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="PROMPTS",
            help="JSON lines of prompts with answers; with --quiz CONF instead; with --agreement files of labels.",
        ),
    ],
    labeler: Annotated[str | None, typer.Option(help="Your name, or a number; this machine's user if absent.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where labels go, and are gone on with; PROMPTS-LABELER.jsonl if absent.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page, on 127.0.0.1; 0: any that is free.")] = 0,
    quiz: Annotated[
        str | None, typer.Option("--quiz", metavar="MODEL", help="Ask who wrote a text: this model, or a person.")
    ] = None,
    number: Annotated[int, typer.Option(min=1, help="Of the quiz: other halves of the titles, another order.")] = 1,
    agreement: Annotated[
        bool, typer.Option("--agreement", help="Show how far labelers agree, instead: per cent and kappa.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the order in which answers are shown.")] = 1,
    settings: Set = None,
    debug: Debug = False,
) -> None:
    """A page of this machine on which you rank answers: ties, quality from 1 to 7, flags; each label is kept at once.

    Its address holds a token. What is kept is what `examples` of form compare reads. Ctrl-C, or the page, ends it.
    """
    from flows import label as page

    if agreement:
        page.show_agreement(console(), files, seed)
        return
    if len(files) > 1:
        raise Mistake(f"one file of prompts at a time, not {len(files)}; --agreement takes several files of labels")
    if quiz is not None:
        path = out or Path(f"ratings-{quiz}-{number}.jsonl")
        run = followed(read(files[0], settings))
        page.ask_who(console(), run, page.Quizzed(quiz, number, path), labeler, port, say)
        return
    page.rank(console(), files[0], out, labeler, port, seed, say)


@command
def tasks(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CONF] [TASK]", help="A pipeline's YAML, for its data; a task's name, to see one."),
    ] = None,
    settings: Set = None,
    debug: Debug = False,
) -> None:
    """The tasks that a model can be asked: form, metric, solved examples; which data are there, and where others are.

    With a task's name that task, with its prompt over an item of CONF's data.
    """
    from flows.tasks import show

    def told(conf: Path) -> "tuple[Pipeline, Run]":
        pipeline = read(conf, settings)
        return pipeline, followed(pipeline)

    show(console(), what or [], told)


@command
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A model of the pipeline, by name.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The model that it is compared with.")],
    conf: Conf = Path("demo"),
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON, on standard output.")] = False,
    prompts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Ask yourself instead: both answer these prompts, a page asks which is better."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Of --prompts: where labels go, and are gone on with.")] = None,
    labeler: Annotated[str | None, typer.Option(help="Of --prompts: your name; this machine's user if absent.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of --prompts: the page's; 0: any.")] = 0,
    tokens: Annotated[int, typer.Option(min=1, help="Of --prompts: of an answer, at most.")] = 100,
    temperature: Annotated[float, typer.Option(min=0, help="Of --prompts; 0: always the likeliest token.")] = 1.0,
    settings: Set = None,
    debug: Debug = False,
) -> None:
    """Two models on the same items: differences with intervals, paired tests, and what could have been seen.

    Each task and number of examples is a row; p-values are adjusted over the rows. CONF is the demo's if absent. With
    --prompts a person compares their answers, not knowing whose they are: how often A's is better, with its interval.
    """
    pipeline = read(conf, settings)
    if prompts is not None:
        from flows.compare_prompts import Options
        from flows.compare_prompts import compare as side_by_side
        from flows.models import chosen

        run = followed(pipeline)
        asked = Options(prompts, out, labeler, port, tokens, temperature, pipeline.seed)
        side_by_side(console(), chosen(run, a), chosen(run, b), asked, say)
        return
    from flows.compare import show

    show(console(), followed(pipeline), a, b, pipeline.seed, as_json)


class On(StrEnum):
    """What trains a model."""

    cpu = "cpu"
    gpu = "gpu"


@command
def init(
    out: Annotated[
        Path | None, typer.Argument(metavar="[OUT.yaml]", help="The pipeline that is written; FOLDER.yaml if absent.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--from", metavar="FOLDER", help="Where your text is; nothing is asked then.")
    ] = None,
    on: Annotated[On | None, typer.Option(help="What trains the model: a GPU if there is one, else the cores.")] = None,
    debug: Debug = False,
) -> None:
    """A pipeline for your own text, commented: from what lies in a folder, and three questions.

    Kinds of files are told by their first bytes, fields of records by what stands in them; what is not understood is
    listed. The model suits the text's size and the machine.
    """
    from flows.init import init as propose

    def ask(question: str) -> str:
        try:
            return input(question).strip()
        except EOFError:
            raise Mistake("nobody answers; give --from FOLDER, and nothing is asked") from None

    propose(console(), out, folder, None if on is None else on is On.gpu, ask)


@command
def deploy(
    conf: Conf,
    flow: Annotated[
        Literal["build-corpus", "train-tokenizer", "pretrain", "evaluate", "crawl-to-model"],
        typer.Option(help="How far it goes."),
    ] = "build-corpus",
    name: Annotated[str | None, typer.Option(help="Of the deployment; the file's if absent.")] = None,
    cron: Annotated[
        str | None,
        typer.Option(help="When it runs: minute, hour, day, month, day of the week; '0 3 5 * *' is once a month."),
    ] = None,
    timezone: Annotated[str, typer.Option(help="Of --cron, such as Europe/Berlin.")] = "UTC",
    paused: Annotated[
        bool | None, typer.Option("--paused/--resume", help="Whether schedules wait; as it is if absent.")
    ] = None,
    latest: Annotated[
        bool | None,
        typer.Option("--latest/--no-latest", help="Take new crawls; yes if absent where a source has `crawl: latest`."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores if absent.")] = None,
    settings: Set = None,
    tag: Annotated[list[str] | None, typer.Option(help="To find its runs by; may be repeated.")] = None,
    debug: Debug = False,
) -> None:
    """A flow over CONF as a deployment of the Prefect server that is up, started by hand or by a schedule.

    Given again it renews the deployment; what was set in the UI since stays. Its runs work in this folder.
    """
    from flows.deploy import Asked
    from flows.deploy import deploy as send
    from flows.settings import typed

    asked = Asked(flow, name, cron, timezone, paused, latest, workers, typed(settings), tag or [])
    send(console(), conf, asked, say)


@command
def whatif(
    conf: Conf,
    settings: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE...", help="Keys of CONF, such as dedup.threshold=.8, as YAML.")
    ],
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores if absent.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, on standard output.")] = False,
    debug: Debug = False,
) -> None:
    """The corpus as it would be with other settings, beside the present one: funnel, reasons, tokens, mixture.

    Decisions are made over the measures that are built, exactly, and nothing is written; what only a run would tell is
    named.
    """
    from flows.settings import typed
    from flows.whatif import show

    show(console(), conf, typed(settings), workers, as_json, say)


@command
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A pipeline, as CONF; or a report of B's store by its label.")],
    b: Annotated[str, typer.Argument(metavar="B", help="What it is compared with, likewise; may be A again.")],
    set_a: Annotated[list[str] | None, typer.Option("--set-a", metavar="KEY=VALUE", help="A key of A's.")] = None,
    set_b: Annotated[list[str] | None, typer.Option("--set-b", metavar="KEY=VALUE", help="A key of B's.")] = None,
    out: Annotated[
        Path | None, typer.Option("--list", metavar="FILE.jsonl", help="Write every document that differs here.")
    ] = None,
    sample: Annotated[int, typer.Option(min=0, help="Documents of a kind that are shown, drawn by hash.")] = 5,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores if absent.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, on standard output.")] = False,
    debug: Debug = False,
) -> None:
    """Two corpora: settings, funnels, documents gained and lost with reasons and samples, tokens, losses, scores.

    A report's label, as the store has it (report/NAME-FINGERPRINT), is the corpus of an earlier run.
    """
    from flows.diff import show
    from flows.settings import typed

    show(console(), (a, b), (typed(set_a), typed(set_b)), out, sample, workers, as_json, say)


@command
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the UI listens, on 127.0.0.1.")] = 4200,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="postgresql://USER@HOST/NAME instead of a file; MILLRACE_DATABASE for one with a password.",
        ),
    ] = None,
    auth: Annotated[
        bool,
        typer.Option("--auth", help="Ask for a user and password: MILLRACE_AUTH's (user:password), else made here."),
    ] = False,
    server: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The API of a Prefect server that is up: bring it a worker and deployments."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Prefect's server and a worker on loopback, kept alive; its deployments run in this folder. Ctrl-C ends both."""
    from flows import database as records
    from flows.ui import serve, serve_beside

    if server is not None:
        if database is not None or auth:
            raise Mistake("--database and --auth are for a server of our own, and --server names another's")
        serve_beside(server, console())
        return
    if database is not None:
        records.take(database)
    serve(port, auth, console())


def main() -> None:
    from flows import usage, utf8

    utf8.ensure()
    try:
        status = app(prog_name="millrace", standalone_mode=False)
    except USAGE as error:
        say(usage.sentence(error))
        status = 2
    sys.exit(status or 0)


if __name__ == "__main__":
    main()
