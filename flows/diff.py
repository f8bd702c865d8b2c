"""`millrace diff A B`: two corpora, of two pipelines or of one with other settings, or that of an earlier run's report.

Settings that differ; funnels side by side; which documents came and went, exactly, with reasons and samples; tokens and
mixtures; validation losses, and scores with intervals where both have them. Decisions that are not built are made in a
scratch store where columns suffice (supposed.py); nothing is written but the list that is asked for.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from conf.load import load
from conf.pipeline import Pipeline
from flows.state import flat
from flows.stores import store_of
from flows.supposed import scratch_over, suppose
from flows.views import changed_as_json, print_changed, print_funnel, print_mixtures, print_tokens, say, with_settings
from tasks.evaluation.compared import compared, sentence, tasks_of, told
from tasks.fates import corpus as of
from tasks.fates.changed import KINDS, changed
from tasks.fates.corpus import Corpus
from tasks.fates.summary import summary
from tasks.runtime.artifact import MANIFEST, artifact_at
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.store import Store

VERSION = 1  # of the JSON
REPORT = "report/"
NAMES = ("A", "B")


@dataclass(frozen=True)
class One:
    """One of the two: how it was named, its corpus, its settings by dotted key, and what cannot be said of it."""

    name: str
    corpus: Corpus
    settings: dict[str, Any] | None  # None of a report, which does not hold its pipeline's
    seed: int
    notes: list[str]


def show(
    console: Console,
    named: tuple[str, str],
    settings: tuple[Mapping[str, Any], Mapping[str, Any]],
    listing: Path | None,
    shown: int,
    workers: int | None,
    as_json: bool,
    log: Callable[[str], None],
) -> None:
    """Print what differs; `listing` is written, a line of JSON for each document that stands otherwise.

    Raises:
        Mistake: one of the two is neither a pipeline nor a report of the other's store; the list is there already.
    """
    if listing is not None and listing.exists():
        raise Mistake(f"{listing} is there: give --list another name, or remove it")
    with ExitStack() as open_things:
        a, b = _both(open_things, named, settings, workers, log)
        engine = LocalEngine(workers)
        open_things.callback(engine.close)
        found = diff(engine, a, b, listing, shown)
    if as_json:
        console.file.write(json.dumps(found, indent=1) + "\n")
        return
    say(console, f"A: {a.name}\nB: {b.name}\n")
    _print_settings(console, found["settings"])
    print_funnel(console, found["a"]["funnel"], found["b"]["funnel"], NAMES)
    print_tokens(console, found["a"]["tokens"], found["b"]["tokens"], NAMES)
    print_mixtures(console, found["a"]["mixtures"], found["b"]["mixtures"], NAMES)
    if found["documents"] is not None:
        print_changed(console, found["documents"], shown)
    _print_losses(console, found["losses"])
    for line in found["sentences"]:
        say(console, line)
    for note in found["notes"]:
        say(console, f"\n{note}")


def diff(engine: LocalEngine, a: One, b: One, listing: Path | None, shown: int) -> dict[str, Any]:
    """What differs, as JSON: see docs/explain.md."""
    documents = None
    if _decided(a.corpus) and _decided(b.corpus):
        parts = changed(engine, a.corpus, b.corpus)
        with ExitStack() as files:
            file = files.enter_context(listing.open("x", encoding="utf-8")) if listing is not None else None
            documents = changed_as_json(summary(parts, a.corpus, b.corpus, a.seed, shown, file), KINDS)
    scores, sentences = _scores(a, b)
    return {
        "version": VERSION,
        "settings": _settings(a, b),
        "a": {"name": a.name, **_view(a.corpus)},
        "b": {"name": b.name, **_view(b.corpus)},
        "documents": documents,
        "losses": list(_losses(a.corpus, b.corpus)),
        "scores": scores,
        "sentences": sentences,
        "notes": [f"{one.name}: {note}" for one in (a, b) for note in one.notes],
    }


def _settings(a: One, b: One) -> list[dict[str, Any]]:
    """Keys whose values differ: of the pipelines, or, where one is a report, the parameters of the decisions."""
    both = a.settings is not None and b.settings is not None
    left, right = ((one.settings or {}) if both else _parameters(one.corpus) for one in (a, b))
    return [
        {"key": key, "a": left.get(key), "b": right.get(key)}
        for key in sorted({*left, *right})
        if left.get(key) != right.get(key)
    ]


def _parameters(corpus: Corpus) -> dict[str, Any]:
    """Of all decisions on sources that are built, and of the mixtures."""
    made = [decision for of_source in corpus.decisions.values() for decision in of_source]
    told: dict[str, Any] = {}
    for decision in (each for each in [*made, *corpus.mixtures.values()] if each.built):
        told |= flat(decision.manifest["parameters"], f"{decision.stage} of {decision.name}")
    return told


def _view(corpus: Corpus) -> dict[str, Any]:
    return {"funnel": of.funnel(corpus), "tokens": of.tokens_held(corpus), "mixtures": of.mixtures(corpus)}


def _decided(corpus: Corpus) -> bool:
    made = [*corpus.documents.values(), *corpus.last.values()]
    return bool(made) and all(artifact.built for artifact in made)


# ---- what the two are


def _both(
    open_things: ExitStack,
    named: tuple[str, str],
    settings: tuple[Mapping[str, Any], Mapping[str, Any]],
    workers: int | None,
    log: Callable[[str], None],
) -> Iterator[One]:
    both = list(zip(named, settings, strict=True))
    pipelines = [None if name.startswith(REPORT) else load(name, given) for name, given in both]
    there = [pipeline for pipeline in pipelines if pipeline is not None]
    if not there:
        raise Mistake("one of the two is a pipeline, whose store the other's report lies in")
    for (name, given), pipeline in zip(both, pipelines, strict=True):
        if pipeline is not None:
            yield _of_pipeline(open_things, name, pipeline, given, workers, log)
        elif given:
            raise Mistake(f"{name} is of a run that was: its settings are what they were")
        else:
            yield _of_report(name, store_of(there[0]), there[0].seed)


def _of_pipeline(
    open_things: ExitStack,
    name: str,
    pipeline: Pipeline,
    given: Mapping[str, Any],
    workers: int | None,
    log: Callable[[str], None],
) -> One:
    store, engine = open_things.enter_context(scratch_over(pipeline, workers))
    found = suppose(pipeline, store, engine, log)
    notes = [f"only a run would tell {made.stage} of {made.name}: {why}" for made, why in found.untold]
    notes += [*found.failures.values()]
    values = flat(pipeline.model_dump(mode="json", exclude={"title"}))
    return One(with_settings(name, given), found.corpus, values, pipeline.seed, notes)


def _of_report(label: str, store: Store, seed: int) -> One:
    report = artifact_at(label, store)
    if not report.built:
        there = sorted(entry.name.rpartition("/")[0] for entry in store.list("report") if entry.name.endswith(MANIFEST))
        raise Mistake(f"{label} is not in {store.url}: there are {', '.join(there) or 'no reports'}")
    return One(label, of.of_report(report), None, seed, [])


# ---- losses and scores


def _losses(a: Corpus, b: Corpus) -> Iterator[dict[str, Any]]:
    """By model and source: both losses, their difference, and its interval of 95 % by the standard errors."""
    of_a, of_b = of.losses(a), of.losses(b)
    for model in of_a:
        for source, held in of_a[model].items():
            other = of_b.get(model, {}).get(source)
            if other is None:
                continue
            difference = other["loss"] - held["loss"]  # type: ignore[operator]
            interval = None
            if held["stderr"] is not None and other["stderr"] is not None:
                wide = 1.96 * sqrt(held["stderr"] ** 2 + other["stderr"] ** 2)
                interval = [difference - wide, difference + wide]
            yield {"model": model, "source": source, "a": held, "b": other, "difference": difference,
                   "interval": interval}  # fmt: skip


def _scores(a: One, b: One) -> tuple[list[dict[str, Any]], list[str]]:
    """Every model that both have scores of, task by task as `millrace compare` does."""
    rows, sentences = [], []
    of_a, of_b = of.scored_models(a.corpus), of.scored_models(b.corpus)
    for model in (model for model in of_a if model in of_b):
        if {made.label for made in of_a[model]} == {made.label for made in of_b[model]}:
            continue
        found = compared(tasks_of(of_a[model])[model], tasks_of(of_b[model])[model], a.seed)
        rows += list(told(found, f"{model} of A", f"{model} of B"))
        sentences += [sentence(row, f"{model} of A", f"{model} of B") for row in found]
    return rows, sentences


# ---- on a terminal


def _print_settings(console: Console, settings: list[dict[str, Any]]) -> None:
    if not settings:
        say(console, "no setting differs\n")
        return
    table = Table("setting", "A", "B", box=None, pad_edge=False, header_style="bold")
    for row in settings:
        table.add_row(row["key"], *(json.dumps(row[side]) for side in ("a", "b")))
    console.print(table)
    console.print()


def _print_losses(console: Console, losses: list[dict[str, Any]]) -> None:
    table = Table("model", "loss on", box=None, pad_edge=False, header_style="bold")
    for heading in ("A", "B", "B - A", "95 %"):
        table.add_column(heading, justify="right")
    for row in losses:
        ends = "-" if row["interval"] is None else "{:+.4f} to {:+.4f}".format(*row["interval"])
        values = (f"{row[side]['loss']:.4f}" for side in ("a", "b"))
        table.add_row(row["model"], row["source"], *values, f"{row['difference']:+.4f}", ends)
    if table.row_count:
        console.print()
        console.print(table)
