"""News: whether it can be told that a model wrote it (GPT-3, table 3.11), by a machine or by people; and repetition."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from tasks.evaluation.news.judged import judged_of, news_judged
from tasks.evaluation.news.news import CONTROL
from tasks.evaluation.news.repetition import repetition, repetition_of
from tasks.report.by_size import by_size
from tasks.report.formats import share
from tasks.report.given import Given
from tasks.report.palette import MUTED
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.job import Job

# GPT-3, table 3.11: what people told of the control and of the largest model, with 95 % intervals.
PAPER = {"control": (0.86, 0.83, 0.90), "GPT-3 175B": (0.52, 0.49, 0.54)}
RATERS = {"machine": "a machine", "people": "people"}


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    models = [{"model": name, **judged_of(told)} for name, told in given.named(news_judged).items()]
    if not models:
        return None
    repeated = [{"model": name, **row} for name, told in given.named(repetition).items() for row in repetition_of(told)]
    return {
        "models": sorted(models, key=lambda row: (row["parameters"], row["model"])),
        "repetition": repeated,
        "paper": {name: dict(zip(("value", "low", "high"), of, strict=True)) for name, of in PAPER.items()},
    }


def lines(content: Content) -> Iterator[str]:
    for row in content["models"]:
        for rater, name in RATERS.items():
            if (of := row[rater]) is not None:
                yield f"News {row['model']}: told from people's by {name} in {_told(of)}"
    longest = {(row["model"], row["of"]): row for row in content["repetition"]}  # lengths rise
    for (model, of), row in longest.items():
        own, human = (share(row[side]["rep"]["4"]["value"]) for side in ("own", "human"))
        yield f"Repetition {model}, {of}, first {row['length']} words: rep-4 {own}, people's {human}"


def _told(of: dict[str, Any]) -> str:
    accuracy, test = of["accuracy"], of["against"]
    bounds = f" [{share(accuracy['low'])}, {share(accuracy['high'])}]" if accuracy["low"] is not None else ""
    beside = f"; against the control t {test['t']:.1f}, p {test['p']:.2g}" if test is not None else ""
    return f"{share(accuracy['value'])}{bounds}{beside}"


def figures(content: Content) -> dict[str, Plot]:
    if sum(row["machine"] is not None for row in content["models"]) < 2:
        return {}
    return {"accuracy": partial(_accuracy, models=content["models"])}


def _accuracy(axes: Any, models: list[dict[str, Any]]) -> None:
    """By who told, the control's apart."""
    points: dict[str, list[tuple[int, dict[str, Any] | None]]] = {}
    for row in models:
        control = row["temperature"] == CONTROL["temperature"]
        for rater, name in RATERS.items():
            if row[rater] is not None:
                label = f"the control, by {name}" if control else f"told by {name}"
                points.setdefault(label, []).append((row["parameters"], row[rater]["accuracy"]))
    by_size(axes, points)
    axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle="--")
    axes.set(title="Telling a model's news from people's", ylabel="right")


NEWS = Section("news", "News, and repetition", gather, figures=figures, lines=lines)
