"""Two corpora side by side on a terminal: funnels with reasons, tokens, mixtures. What is not known is `-`."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.size import size
from tasks.runtime.visible import visible

Funnel = Mapping[str, list[dict[str, Any]]]
Tokens = Mapping[str, dict[str, Any] | None]
Mixtures = Mapping[str, dict[str, dict[str, float]] | None]


def say(console: Console, text: str) -> None:
    console.print(visible(text, kept="\n"), markup=False, highlight=False, soft_wrap=True)


def with_settings(name: object, settings: Mapping[str, Any]) -> str:
    """A pipeline as it was asked for: `demo with dedup.threshold=0.9`."""
    told = ", ".join(f"{key}={json.dumps(value)}" for key, value in settings.items())
    return f"{name} with {told}" if told else f"{name}"


def print_funnel(console: Console, before: Funnel, after: Funnel, names: tuple[str, str]) -> None:
    """A row a step, and below it a row a reason that counts something on either side."""
    table = Table("source", "step", box=None, pad_edge=False, header_style="bold")
    for heading in (f"documents, {names[0]}", names[1], "change", f"bytes, {names[0]}", names[1]):
        table.add_column(heading, justify="right")
    for source in dict.fromkeys([*before, *after]):
        steps = [{step["step"]: step for step in funnel.get(source, [])} for funnel in (before, after)]
        for number, step in enumerate(dict.fromkeys([*steps[0], *steps[1]])):
            a, b = (side.get(step, {}) for side in steps)
            counts = a.get("documents"), b.get("documents")
            sizes = size(a.get("bytes")), size(b.get("bytes"))
            table.add_row(source if not number else "", step, *_counts(*counts), *sizes)
            reasons = [side.get("reasons") or {} for side in (a, b)]
            for reason in dict.fromkeys([*reasons[0], *reasons[1]]):
                said = [
                    side.get("reasons", {}).get(reason, 0) if side.get("documents") is not None else None
                    for side in (a, b)
                ]
                if any(said):
                    table.add_row("", f"  {reason}", *_counts(*said), "", "", style="dim")
    console.print(table)


def _counts(a: int | None, b: int | None) -> tuple[str, str, str]:
    change = "" if a is None or b is None or a == b else f"{b - a:+,}"
    return _count(a), _count(b), change


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def print_tokens(console: Console, before: Tokens, after: Tokens, names: tuple[str, str]) -> None:
    """Train tokens a source; `~` before what is estimated."""
    table = Table("source", box=None, pad_edge=False, header_style="bold")
    for heading in (f"train tokens, {names[0]}", names[1], "change"):
        table.add_column(heading, justify="right")
    for source in dict.fromkeys([*before, *after]):
        a, b = before.get(source), after.get(source)
        change = "" if a is None or b is None or a["train"] == b["train"] else f"{b['train'] - a['train']:+,}"
        table.add_row(source, _tokens(a), _tokens(b), change)
    console.print()
    console.print(table)


def _tokens(value: dict[str, Any] | None) -> str:
    return "-" if value is None else f"{'~' if value.get('estimated') else ''}{value['train']:,}"


def print_mixtures(console: Console, before: Mixtures, after: Mixtures, names: tuple[str, str]) -> None:
    """By model and group: weights and epochs."""
    table = Table("model", "group", box=None, pad_edge=False, header_style="bold")
    for heading in (f"weight, {names[0]}", names[1], f"epochs, {names[0]}", names[1]):
        table.add_column(heading, justify="right")
    for model in dict.fromkeys([*before, *after]):
        a, b = before.get(model) or {}, after.get(model) or {}
        for number, group in enumerate(dict.fromkeys([*a, *b])):
            values = [
                "-" if group not in side else f"{side[group][key]:.{digits}f}"
                for key, digits in (("weight", 4), ("epochs", 3))
                for side in (a, b)
            ]
            table.add_row(model if not number else "", group, *values)
    if table.row_count:
        console.print()
        console.print(table)


def print_changed(console: Console, documents: Mapping[str, Any], shown: int) -> None:
    """What `as_json` gives of a summary."""
    totals = documents["totals"]
    say(console, "\nDocuments: " + ", ".join(f"{count:,} {kind}" for kind, count in totals.items()))
    table = Table("source", "", "before", "after", box=None, pad_edge=False, header_style="bold")
    table.add_column("documents", justify="right")
    for row in documents["counts"]:
        table.add_row(row["source"], row["kind"], row["before"], row["after"], f"{row['documents']:,}")
    if table.row_count:
        console.print(table)
    for kind, rows in documents["samples"].items():
        if rows and shown:
            say(console, f"\n{kind.capitalize()}, {len(rows)} of {totals[kind]:,}, drawn by hash:")
        for row in rows:
            url = visible(row["url"] or "no URL", kept="")
            say(console, f"  {row['id']}  {url}  {row['before']} -> {row['after']}")
            say(console, f"    {' '.join(row['begins'].split())}")


def changed_as_json(told: Any, kinds: tuple[str, ...]) -> dict[str, Any]:
    """A `Summary`."""
    keys = ("source", "kind", "before", "after")
    return {
        "totals": {kind: told.total(kind) for kind in kinds},
        "counts": [{**dict(zip(keys, place, strict=True)), "documents": count} for place, count in told.counts.items()],
        "bytes": [{"source": source, "kind": kind, "bytes": count} for (source, kind), count in told.bytes.items()],
        "samples": told.samples,
    }
