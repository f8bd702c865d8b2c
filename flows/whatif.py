"""`millrace whatif`: the corpus as it would be with other settings, beside the present one. Nothing is written.

Exact is what decisions decide: the funnel, reasons, and which documents come and go. Where the token shards would be
others, tokens are estimated (tasks/fates/estimate.py), and from them the mixture; both say so.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from conf.load import load
from flows.supposed import Supposed, scratch_over, suppose
from flows.views import changed_as_json, print_changed, print_funnel, print_mixtures, print_tokens, say, with_settings
from tasks.fates import corpus as of
from tasks.fates.changed import KINDS, changed
from tasks.fates.estimate import Estimate, estimated, shares
from tasks.fates.summary import summary
from tasks.runtime.engine import Engine
from tasks.runtime.errors import Failure, Mistake

VERSION = 1  # of the JSON
SHOWN = 3  # documents of a kind that are shown
NAMES = ("now", "then")


def show(
    console: Console,
    conf: Path,
    settings: Mapping[str, Any],
    workers: int | None,
    as_json: bool,
    log: Callable[[str], None],
) -> None:
    """Print both corpora.

    Raises:
        Mistake: a setting is none, or names another store; or no source is ingested.
    """
    told = whatif(conf, settings, workers, log)
    if as_json:
        console.file.write(json.dumps(told, indent=1) + "\n")
        return
    before, after = told["before"], told["after"]
    say(console, f"{with_settings(conf, settings)}\n")
    print_funnel(console, before["funnel"], after["funnel"], NAMES)
    print_tokens(console, before["tokens"], after["tokens"], NAMES)
    print_mixtures(console, before["mixtures"], after["mixtures"], NAMES)
    if told["documents"] is not None:
        print_changed(console, told["documents"], SHOWN)
    for note in told["notes"]:
        say(console, f"\n{note}")


def whatif(conf: Path, settings: Mapping[str, Any], workers: int | None, log: Callable[[str], None]) -> dict[str, Any]:
    """Both corpora as JSON: see docs/explain.md."""
    now, then = load(conf), load(conf, settings)
    if now.store_url() != then.store_url():
        raise Mistake("whatif asks what the measures of one store say: leave `store` as it is, and see `millrace diff`")
    with scratch_over(now, workers) as (store, engine):
        before = suppose(now, store, engine, log)
        after = suppose(then, store, engine, lambda _: None)
        if not any(documents.built for documents in before.corpus.documents.values()):
            raise Mistake(f"nothing of {conf} is ingested: `millrace run {conf}` first")
        notes: list[str] = []
        tokens, used = _tokens(engine, before, after, notes)
        told = {
            "version": VERSION,
            "conf": str(conf),
            "settings": dict(settings),
            "before": {
                "funnel": of.funnel(before.corpus),
                "tokens": of.tokens_held(before.corpus),
                "mixtures": of.mixtures(before.corpus),
            },
            "after": {
                "funnel": of.funnel(after.corpus),
                "tokens": tokens,
                "mixtures": _mixtures(after, tokens, notes),
            },
            "documents": None,
            "only_a_run": [{"stage": made.stage, "name": made.name, "why": why} for made, why in after.untold],
            "undecided": [{"stage": made.stage, "name": made.name} for made in after.waiting],
            "tokens_a_byte": {name: each.ratio for name, each in used.items()},
            "to_build": [{"stage": made.stage, "name": made.name} for made in after.due],
            "notes": notes,
        }
        if before.decided and after.decided:
            parts = changed(engine, before.corpus, after.corpus)
            told["documents"] = changed_as_json(summary(parts, before.corpus, after.corpus, now.seed, SHOWN), KINDS)
        _note(after, notes)
    return told


def _tokens(
    engine: Engine, before: Supposed, after: Supposed, notes: list[str]
) -> tuple[dict[str, dict[str, Any] | None], dict[str, Estimate]]:
    """Tokens by source as they would be: a run's own where they are built, else estimated from those of now."""
    told: dict[str, dict[str, Any] | None] = {}
    used: dict[str, Estimate] = {}
    pipeline = after.pipeline
    for name, counts in of.tokens_held(after.corpus).items():
        told[name] = counts
        made, then = before.corpus.tokens.get(name), after.corpus.last.get(name)
        now, documents = before.corpus.last.get(name), after.corpus.documents[name]
        if counts is not None or made is None or not made.built or now is None or then is None:
            continue
        if not then.built or documents != before.corpus.documents[name]:
            continue
        each = used[name] = estimated(engine, made, documents, now, then, pipeline.validation, pipeline.seed)
        told[name] = {"train": each.train, "validation": each.validation, "estimated": True, "known": each.known}
    if used:
        ratios = ", ".join(f"{name} {each.ratio:.4f}" for name, each in used.items())
        notes.append(
            "Tokens after ~ are estimated: of documents that stay as they were, those of now; of the others their "
            f"bytes, at the tokens a byte that the source has now ({ratios}). A run tells them exactly, and makes its "
            "tokenizer anew where that is fitted"
        )
    return told, used


def _mixtures(after: Supposed, tokens: Mapping[str, dict[str, Any] | None], notes: list[str]) -> of.Mixtures:
    """As they would be: the stage's own answer where its tokens are there, else from estimated tokens."""
    told = of.mixtures(after.corpus)
    for name, made in after.corpus.mixtures.items():
        if (failure := after.failures.get(made.label)) is not None:
            notes.append(f"A run would stop: {failure}")
        if told[name] is not None or failure is not None:
            continue
        how = after.arguments[made.label]
        if how["times"]:
            notes.append(f"mixture of {name}: clusters count several times (dedup.rehydrate): only a run tells it")
            continue
        held: dict[str, int] = {}
        for source, group in how["groups"].items():
            counts = tokens.get(source)
            if counts is None:
                break
            held[group] = held.get(group, 0) + counts["train"]
        else:
            try:
                told[name] = shares(held, how)
            except Failure as failed:
                notes.append(f"A run would stop, by the estimate: {failed}")
    return told


def _note(after: Supposed, notes: list[str]) -> None:
    """What only a run would tell."""
    for made, why in after.untold:
        notes.append(f"Only a run would tell {made.stage} of {made.name}: {why}")
    if after.waiting:
        names = ", ".join(f"{made.stage} of {made.name}" for made in after.waiting)
        notes.append(f"Not decided, for what they read is not there: {names}")
    if after.due:
        models = [made.name for made in after.due if made.stage == "pretrain"]
        trained = f", models {', '.join(models)} among them" if models else ""
        notes.append(f"A run would build {len(after.due)} stages{trained}")
