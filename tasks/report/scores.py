"""Scores: each model's accuracy on all items and on clean ones, and its perplexity a source."""

from collections.abc import Iterator
from functools import partial
from math import exp
from typing import Any

from tasks.evaluation.evaluate import Evaluated
from tasks.evaluation.evaluate import evaluate as evaluate_stage
from tasks.report.formats import share
from tasks.report.given import Given
from tasks.report.palette import SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    models = [
        {"model": name, **to_json(scored.counts(Evaluated))} for name, scored in given.named(evaluate_stage).items()
    ]
    for model in models:
        for held_out in model["perplexity"].values():
            held_out["interval"] = _interval(held_out)
    return {"models": models} if models else None


def _interval(held_out: dict[str, Any]) -> list[float] | None:
    """95 % of the perplexity: e to the bounds of the loss's, by Student's t of so many documents less one."""
    if held_out["stderr"] is None:
        return None
    from scipy.stats import t

    half = float(t.ppf(0.975, held_out["documents"] - 1)) * held_out["stderr"]
    return [round(exp(held_out["loss"] + side * half), 4) for side in (-1, 1)]


def lines(content: Content) -> Iterator[str]:
    for row in content["models"]:
        held_out = [f"{source} {perplexity(loss)}" for source, loss in row["perplexity"].items()]
        if held_out:
            yield f"Scores {row['model']}: perplexity {', '.join(held_out)}"
        for name, task in row["tasks"].items():
            yield (
                f"Scores {row['model']}: {name} {share(task['accuracy'])} of {task['items']:,}, clean "
                f"{share(task['clean_accuracy'])} of {task['clean_items']:,}, by chance {share(task['chance'])}"
            )


def perplexity(scored: dict[str, Any]) -> str:
    """With its standard error, which is that of its logarithm, the loss, times it (the delta method)."""
    error = "" if scored["stderr"] is None else f" ± {scored['perplexity'] * scored['stderr']:.1f}"
    return f"{scored['perplexity']:.1f}{error}"


def figures(content: Content) -> dict[str, Plot]:
    return (
        {"tasks": partial(_tasks, models=content["models"])} if any(row["tasks"] for row in content["models"]) else {}
    )


def _tasks(axes: Any, models: list[dict[str, Any]]) -> None:
    rows = [(f"{model['model']}: {name}", task) for model in models for name, task in model["tasks"].items()]
    for place, (_, task) in enumerate(rows):
        first = place == 0
        axes.barh(place - 0.18, task["accuracy"] or 0, 0.32, color=SERIES[0], label="all items" if first else None)
        clean = task["clean_accuracy"] or 0
        axes.barh(place + 0.18, clean, 0.32, color=SERIES[2], label="clean items" if first else None)
        if task["chance"]:
            label = "chance" if first or not any(earlier["chance"] for _, earlier in rows[:place]) else None
            axes.plot([task["chance"]] * 2, [place - 0.4, place + 0.4], color=SERIES[1], label=label)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set(title="Accuracy", xlim=(0, 1))
    axes.figure.legend(loc="outside upper right", ncols=3)


SCORES = Section("scores", "Scores", gather, figures=figures, lines=lines)
