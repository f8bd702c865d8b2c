"""Scores: each model's tasks, with intervals, and its perplexity a source."""

from collections.abc import Iterator
from functools import partial
from math import exp
from typing import Any

from tasks.evaluation.perplexity import Perplexities
from tasks.evaluation.perplexity import perplexity as perplexity_stage
from tasks.evaluation.scores import Scored
from tasks.evaluation.scores import scores as scores_stage
from tasks.report.formats import share
from tasks.report.given import Given
from tasks.report.palette import SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    models: dict[str, dict[str, Any]] = {}
    for name, measured in given.named(perplexity_stage).items():
        held_out = to_json(measured.counts(Perplexities))["sources"]
        models[name] = {"model": name, "perplexity": held_out, "tasks": {}}
        for one in held_out.values():
            one["interval"] = _interval(one)
    for scored in given.named(scores_stage).values():
        task = to_json(scored.counts(Scored))
        model = models.setdefault(task["model"], {"model": task["model"], "perplexity": {}, "tasks": {}})
        model["tasks"][task["task"]] = task
    return {"models": list(models.values())} if models else None


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
            for way in task["ways"].values():
                clean = way["rules"].get("gpt3", {}).get("clean")
                of_clean = f", clean {value(clean)} of {clean['items']:,}" if clean else ""
                yield (
                    f"Scores {row['model']}: {name}, {way['shots']} shots, {task['metric']} {value(way['all'])} of "
                    f"{way['all']['items']:,}{of_clean}, by chance {share(way['chance'])}"
                )


def value(of: dict[str, Any]) -> str:
    """With its interval."""
    if of["low"] is None:
        return share(of["value"])
    return f"{share(of['value'])} [{share(of['low'])}, {share(of['high'])}]"


def perplexity(scored: dict[str, Any]) -> str:
    """With its standard error, which is that of its logarithm, the loss, times it (the delta method)."""
    error = "" if scored["stderr"] is None else f" ± {scored['perplexity'] * scored['stderr']:.1f}"
    return f"{scored['perplexity']:.1f}{error}"


def figures(content: Content) -> dict[str, Plot]:
    rows = [
        (f"{row['model']}: {name}, {label}", way)
        for row in content["models"]
        for name, task in row["tasks"].items()
        for label, way in task["ways"].items()
        if way["all"]["value"] is not None
    ]
    return {"tasks": partial(_tasks, rows=rows)} if rows else {}


def _tasks(axes: Any, rows: list[tuple[str, dict[str, Any]]]) -> None:
    labels = {"all items", "clean items", "chance"}  # not in the legend yet

    def once(label: str) -> str | None:
        if label not in labels:
            return None
        labels.remove(label)
        return label

    for place, (_, way) in enumerate(rows):
        both = [(way["all"], SERIES[0], "all items", -0.18)]
        if clean := way["rules"].get("gpt3", {}).get("clean"):
            both.append((clean, SERIES[2], "clean items", 0.18))
        for of, color, label, aside in both:
            if of["value"] is None:
                continue
            axes.barh(place + aside, of["value"], 0.32, color=color, label=once(label))
            if of["low"] is not None:
                axes.plot([of["low"], of["high"]], [place + aside] * 2, color="black", linewidth=1)
        if way["chance"]:
            axes.plot([way["chance"]] * 2, [place - 0.4, place + 0.4], color=SERIES[1], label=once("chance"))
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set(title="Score, with 95 % interval", xlim=(0, 1))
    axes.figure.legend(loc="outside upper right", ncols=3)


SCORES = Section("scores", "Scores", gather, figures=figures, lines=lines)
