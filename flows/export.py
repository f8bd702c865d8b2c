"""`millrace export`: the kept, cut documents as Parquet or JSON Lines, with a card, Croissant and their lineage.

What is not built is not built here: the command says so. It runs on this machine's processes, whatever the engine.
"""

import re
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from conf.keys import SCALES
from conf.pipeline import Pipeline
from conf.spelling import did_you_mean
from conf.store import Store as Address
from conf.store import address
from flows import dag
from flows.dag.built import Columns
from flows.engines import engine
from flows.size import size as in_words
from flows.stores import cache_of, store_of
from tasks.export.export import How, export, recipe, require_free
from tasks.export.lineage import About, Told
from tasks.export.rows import SPLITS, Leaving
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.job import Silent
from tasks.runtime.run import Run
from tasks.runtime.store import open_store, store_at

EVERY = 10.0  # seconds between two lines of progress


def run(
    console: Console,
    pipeline: Pipeline,
    conf: str,
    out: str,
    form: str,
    size: str,
    split: str,
    sources: list[str],
    about_it: Told,
    workers: int | None,
    say: Callable[[str], None],
) -> None:
    """Export to `out`, a folder or a URL; `about_it` is what only the user knows.

    Raises:
        Mistake: an unknown source, a size or OUT that is none, OUT holds something else, or the corpus is not built.
        Failure: OUT cannot be written further, such as a full disk.
    """
    how = How(form, bytes_of(size), SPLITS if split == "all" else (split,))
    url = _address(out)
    leaving = built(pipeline, chosen(pipeline, sources), conf)
    about = {each.source: _about(pipeline, each.source) for each in leaving}
    require_free(store_at(url, cache_of(pipeline)), recipe(leaving, how))  # before anything is touched
    place = open_store(url, cache_of(pipeline))
    started = told_at = time.monotonic()

    def progress(done: int, of: int, made: Any) -> None:
        nonlocal told_at
        if time.monotonic() - told_at > EVERY:
            told_at = time.monotonic()
            console.print(f"  {done:,} of {of:,} files", style="dim", highlight=False)

    installed = version("millrace")
    try:
        with engine(pipeline, place, workers, here=True) as opened:
            files = export(place, leaving, how, pipeline.title, about, about_it, installed, opened, progress, say)
    except OSError as error:
        if error.errno is None:
            raise
        raise Failure(
            f"{error.filename or place.url}: {error.strerror}; mend it and give the same command again: finished files "
            f"are kept"
        ) from error
    rows, text = sum(made.rows for made in files), sum(made.text_bytes for made in files)
    console.print(
        f"{rows:,} rows, {in_words(text)} of text in {len(files):,} files of {in_words(sum(f.bytes for f in files))}: "
        f"{place.url} ({time.monotonic() - started:.1f} s)",
        highlight=False,
        soft_wrap=True,
    )


def told(url: str | None, creator: str | None, published: str | None) -> Told:
    """What the user says of an export.

    Raises:
        Mistake: the date is none.
    """
    if published is not None:
        try:
            date.fromisoformat(published)
        except ValueError:
            raise Mistake(f"--published {published!r} is no date; write it as 2026-11-30") from None
    return Told(url, creator, published)


def bytes_of(size: str) -> int:
    """`500MB`, `2G` or `1000` in bytes.

    Raises:
        Mistake: it is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMGT]?)B?", size.strip())
    count = round(float(match[1]) * SCALES.get(match[2], 1)) if match else 0
    if count < 1:
        raise Mistake(f"--size {size!r} is no number of bytes; write it as 500MB, 2GB or 1000000")
    return count


def _address(out: str) -> str:
    try:
        return address(TypeAdapter(Address).validate_python(out))
    except ValidationError as error:
        raise Mistake(f"OUT: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def chosen(pipeline: Pipeline, names: list[str]) -> list[str]:
    """The sources that names of sources and groups mean; all of them for none.

    Raises:
        Mistake: there is no such source or group.
    """
    known = {*pipeline.sources, *pipeline.groups}
    if unknown := [name for name in names if name not in known]:
        raise Mistake(
            f"--source {unknown[0]}: no source or group has that name (there are {', '.join(sorted(known))})"
            f"{did_you_mean(unknown[0], known)}"
        )
    return pipeline.named(names) if names else list(pipeline.sources)


def built(pipeline: Pipeline, sources: list[str], conf: str) -> list[Leaving]:
    """What leaves of these sources.

    Raises:
        Mistake: their decisions are not built.
    """
    corpus = dag.build_corpus(Run(store_of(pipeline), None, Silent()), pipeline)
    missing = [
        f"{artifact.stage} of {artifact.name}"
        for source in sources
        for artifact in _needed(corpus.sources[source])
        if not artifact.built
    ]
    if missing:
        raise Mistake(f"not built yet: {', '.join(missing)}; run it first: `millrace run {conf}`")
    return [
        Leaving(
            source,
            corpus.sources[source].documents,
            corpus.sources[source].last,
            corpus.sources[source].measures.get("score"),
            pipeline.validation,
            pipeline.seed,
        )
        for source in sources
    ]


def _needed(columns: Columns) -> list[Any]:
    score = columns.measures.get("score")
    return [columns.documents, *([score] if score is not None else []), *columns.decisions]


def _about(pipeline: Pipeline, source: str) -> About:
    declared = pipeline.sources[source]
    return About(declared.kind, pipeline.group(source), declared.licence, declared.one_crawl)
