"""Overlap: the benchmarks against the tokens as trained on, which audits the filter, by each rule that is asked; and
what clean items score beside all (GPT-3, figure 4.2)."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

from tasks.evaluation.asking.table import scored_of
from tasks.evaluation.clean import studies
from tasks.evaluation.overlap import Overlapped
from tasks.evaluation.overlap import overlap as overlap_stage
from tasks.evaluation.rules.gpt2 import DIRTY_SHARE
from tasks.evaluation.scores import Scored
from tasks.evaluation.scores import scores as scores_stage
from tasks.report.formats import share
from tasks.report.given import Given
from tasks.report.palette import MUTED, SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json

PAPER = {"problems": 2000, "addition": 17, "subtraction": 2}  # GPT-3, section 3.9.1: three-digit problems met


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    audit = given.single(overlap_stage)
    if audit is None:
        return None
    found = [
        asdict(study)
        for artifact in given.named(scores_stage).values()
        for study in studies(artifact.counts(Scored), scored_of(artifact))
    ]
    return {**to_json(audit.counts(Overlapped)), "dirty_share": DIRTY_SHARE, "paper": PAPER, "studies": found}


def lines(content: Content) -> Iterator[str]:
    for rule, benchmarks in content["rules"].items():
        for name, row in benchmarks.items():
            states = f"{row['clean']:,} clean, {row['dirty']:,} dirty, {row['uncheckable']:,} uncheckable"
            yield f"Overlap {name} by {rule}: of {row['items']:,} items {states}"
    for name, row in content["arithmetic"].items():
        yield (
            f"Arithmetic {name}: {row['either']:,} of {row['problems']:,} problems stand in training text, "
            f"{row['sign']:,} with a sign, {row['word']:,} in words"
        )
    for study in content["studies"]:
        if study["flagged"]:
            dirty, of = study["states"]["dirty"]["items"], study["all"]["items"]
            yield (
                f"Overlap {study['model']}: {study['task']}, {study['way']}: {dirty:,} of {of:,} items are dirty by "
                f"{study['rule']}; clean ones score {_signed(study['change'])} beside all"
            )


def _signed(change: float | None) -> str:
    return "-" if change is None else f"{'+' if change > 0 else ''}{share(change)}"


def figures(content: Content) -> dict[str, Plot]:
    """A figure a rule, of the scores that a change can be said of."""
    by_rule: dict[str, list[dict[str, Any]]] = {}
    for study in content["studies"]:
        if study["change"] is not None:
            by_rule.setdefault(study["rule"], []).append(study)
    return {f"clean-{rule}": partial(_changes, rule=rule, rows=rows) for rule, rows in by_rule.items()}


def _changes(axes: Any, rule: str, rows: list[dict[str, Any]]) -> None:
    """As figure 4.2: a point a score; bars are 95 % intervals, filled points are flagged, and named."""
    axes.axhline(0, color=MUTED, linewidth=0.8)
    for row in rows:
        x, y = 100 * row["clean_share"], 100 * row["change"]
        if row["change_low"] is not None:
            axes.plot([x, x], [100 * row["change_low"], 100 * row["change_high"]], color=MUTED, linewidth=0.8)
        color = SERIES[1] if row["flagged"] else SERIES[0]
        axes.plot(x, y, "o", color=color, markerfacecolor=color if row["flagged"] else "none", markersize=5)
        if row["flagged"]:
            axes.annotate(
                f"{row['model']}: {row['task']}, {row['way']}",
                (x, y),
                xytext=(4, 4),
                textcoords="offset points",
                fontsize=7,
            )
    axes.set(title=f"Clean items beside all, by {rule}", xlabel="clean, % of the items", xlim=(-3, 103))
    axes.set_ylabel("(clean - all) / all, %")


OVERLAP = Section("overlap", "Overlap", gather, figures=figures, lines=lines)
