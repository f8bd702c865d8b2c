"""Scores: each model's tasks, with intervals, and its perplexity a source."""

from collections.abc import Iterator
from functools import partial
from math import exp
from typing import Any

from tasks.evaluation.perplexity import Perplexities
from tasks.evaluation.perplexity import perplexity as perplexity_stage
from tasks.evaluation.scores import Scored
from tasks.evaluation.scores import scores as scores_stage
from tasks.models.imported import Imported, imported
from tasks.models.pretrain import Trained, pretrain
from tasks.models.train import Tuned, train
from tasks.report import curves
from tasks.report.formats import score, share
from tasks.report.given import Given
from tasks.report.palette import SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json

BARS = 16  # of the first figure; the table has all


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    models: dict[str, dict[str, Any]] = {}

    def of(name: str) -> dict[str, Any]:
        return models.setdefault(name, {"model": name, **_size(given, name), "perplexity": {}, "tasks": {}})

    for name, measured in given.named(perplexity_stage).items():
        held_out = to_json(measured.counts(Perplexities))["sources"]
        of(name)["perplexity"] = held_out
        for one in held_out.values():
            one["interval"] = _interval(one)
    for scored in given.named(scores_stage).values():
        task = to_json(scored.counts(Scored))
        of(task["model"])["tasks"][task["task"]] = task
    if not models:
        return None
    content: dict[str, Any] = {"models": list(models.values())}
    rows = curves.rows_of(content)
    return content | {
        "overview": _overview(rows),
        "names": list(dict.fromkeys(row["model"] for row in rows)),
        "sensitivity": curves.sensitivity(rows),
        "seeds": curves.seeds(rows),
        "figures": list(_plots(rows)),
    }


def _size(given: Given, name: str) -> dict[str, Any]:
    """A model's parameters; `size` is what trainings of one size that differ in their seed alone have in common."""
    if made := given.named(pretrain).get(name):
        trained = made.counts(Trained)
        return {
            "parameters": trained.parameters,
            "size": f"{trained.parameters:,} parameters, {trained.updates:,} updates, {trained.tokens:,} tokens",
        }
    if tuned := given.named(train).get(name):
        return {"parameters": tuned.counts(Tuned).parameters, "size": None}
    came = given.named(imported).get(name)
    return {"parameters": came.counts(Imported).parameters if came else None, "size": None}


def _overview(rows: list[curves.Row]) -> list[dict[str, Any]]:
    """A line a task and way of asking, with the values of every model."""
    finished = [row for row in rows if row["step"] is None]
    return [
        {
            "task": task, "asked": label, "metric": same[0]["metric"], "chance": same[0]["chance"],
            "best": same[0]["best"], "signature": same[0]["signature"],
            "values": {row["model"]: row["all"] for row in same},
        }
        for (task, label), same in curves.by(finished, "task", "label").items()
    ]  # fmt: skip


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
            asked = [(label, way) for label, way in task["ways"].items() if way["step"] is None]
            if not asked:
                continue
            told = ", ".join(f"{value(way['all'], task['metric'])} ({label})" for label, way in asked[:3])
            first = asked[0][1]
            chance = f", by chance {share(first['chance'])}" if first["chance"] is not None else ""
            yield f"Scores {row['model']}: {name}, {task['metric']} {told} of {first['all']['items']:,}{chance}"


def value(of: dict[str, Any], metric: str) -> str:
    """With its interval, or a word on why it has none."""
    if of["value"] is None:
        return "no item asked"
    low = "no interval" if of["low"] is None else f"{score(of['low'], metric)} to {score(of['high'], metric)}"
    return f"{score(of['value'], metric)} [{low}]"


def perplexity(scored: dict[str, Any]) -> str:
    """With its standard error, which is that of its logarithm, the loss, times it (the delta method)."""
    error = "" if scored["stderr"] is None else f" ± {scored['perplexity'] * scored['stderr']:.1f}"
    return f"{scored['perplexity']:.1f}{error}"


def figures(content: Content) -> dict[str, Plot]:
    return _plots(curves.rows_of(content))


def _plots(rows: list[curves.Row]) -> dict[str, Plot]:
    plots = dict(curves.figures(rows))
    plain = [row for row in curves.plainly(rows) if row["metric"] != "perplexity"]
    if plain:
        plots = {"tasks": partial(_tasks, rows=plain[:BARS]), **plots}
    return plots


def _tasks(axes: Any, rows: list[curves.Row]) -> None:
    labels = {"all items", "clean items", "chance"}  # not in the legend yet

    def once(label: str) -> str | None:
        if label not in labels:
            return None
        labels.remove(label)
        return label

    for place, way in enumerate(rows):
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
    names = [f"{row['model']}: {row['task']}, {row['label']}" for row in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=9 if len(rows) <= 8 else 6)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set(title="Score, with 95 % interval", xlim=(0, 1))
    axes.figure.legend(loc="outside upper right", ncols=3)


SCORES = Section("scores", "Scores", gather, figures=figures, lines=lines)
