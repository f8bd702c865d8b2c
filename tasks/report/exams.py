"""Exams, and scores by subject and language (GPT-4's technical report, table 1 and figures 4 and 5)."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from tasks.evaluation.exams import Exams
from tasks.evaluation.exams import exams as exams_stage
from tasks.evaluation.parts import Parts
from tasks.evaluation.parts import parts as parts_stage
from tasks.report.formats import share
from tasks.report.given import Given
from tasks.report.palette import MUTED, SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json

BARS = 60  # of a figure of subjects: MMLU has 57


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    models = [to_json(sat.counts(Exams)) for sat in given.named(exams_stage).values()]
    tasks: dict[str, list[dict[str, Any]]] = {}
    for told in given.named(parts_stage).values():
        found = to_json(told.counts(Parts))
        tasks.setdefault(found["task"], []).append(found)
    if not models and not tasks:
        return None
    return {"exams": _by_exam(models), "models": [row["model"] for row in models], "parts": tasks}


def _by_exam(models: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Exams with each model's result, in the order of the first model's percentile, or its share of the raw points."""
    names = list(models[0]["exams"]) if models else []
    rows = [{"exam": name, "models": {row["model"]: row["exams"][name] for row in models}} for name in names]

    def baseline(row: dict[str, Any]) -> tuple[float, float]:
        first = next(iter(row["models"].values()))
        reported = first["reported"]
        return reported["percentile"] or 0.0, (reported["raw"] or 0.0) / first["most"]

    return sorted(rows, key=baseline)


def lines(content: Content) -> Iterator[str]:
    for row in content["exams"]:
        for model, told in row["models"].items():
            yield f"Exam {told['title']}, {model}: {result(told['reported'], told['most'])}"
    for task, models in content["parts"].items():
        for told in models:
            for field, of in told["fields"].items():
                yield (
                    f"Scores {told['model']}: {task}, mean over {len(of['parts'])} values of {field} "
                    f"{value(of['macro'])}, over {of['micro']['items']:,} items {value(of['micro'])}"
                )


def result(told: dict[str, Any], most: float) -> str:
    """Raw points with their interval, the score, and the percentile's lower bound."""
    if told["raw"] is None:
        return "no result: a section was not asked, or is not graded"
    text = f"{told['raw']:.4g} [{told['raw_low']:.4g}, {told['raw_high']:.4g}] of {most:g} points"
    text += "" if told["score"] is None or told["score"] == told["raw"] else f", score {told['score']:g}"
    return text if told["percentile"] is None else f"{text}, {_ordinal(told['percentile'])} percentile or above"


def _ordinal(number: float) -> str:
    """85th, 62nd."""
    whole = round(number)
    ending = "th" if 10 < whole % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(whole % 10, "th")
    return f"{whole}{ending}"


def value(of: dict[str, Any]) -> str:
    """A share with its interval."""
    if of["low"] is None:
        return share(of["value"])
    return f"{share(of['value'])} [{share(of['low'])}, {share(of['high'])}]"


def figures(content: Content) -> dict[str, Plot]:
    plots: dict[str, Plot] = {}
    placed = [row for row in content["exams"] if any(one["reported"]["percentile"] is not None for one in _of(row))]
    if placed:
        plots["percentiles"] = partial(_percentiles, rows=placed)
    for task, models in content["parts"].items():
        for field in models[0]["fields"]:
            if len(models[0]["fields"][field]["parts"]) <= BARS:
                plots[f"{task}-{field}"] = partial(_parts, task=task, field=field, models=models)
    return plots


def _of(row: dict[str, Any]) -> list[dict[str, Any]]:
    return list(row["models"].values())


def _percentiles(axes: Any, rows: list[dict[str, Any]]) -> None:
    """Lower bounds, a dot a model; what guessing comes to as a tick."""
    names = list(rows[0]["models"])
    for number, model in enumerate(names):
        aside = 0.24 * (number - (len(names) - 1) / 2) / max(1, len(names) - 1) if len(names) > 1 else 0.0
        there = [(place, row["models"][model]["reported"]) for place, row in enumerate(rows)]
        there = [(place, told) for place, told in there if told["percentile"] is not None]
        values = [told["percentile"] for _, told in there]
        spread = [
            [told["percentile"] - told["percentile_low"] for _, told in there],
            [told["percentile_high"] - told["percentile"] for _, told in there],
        ]
        places = [place + aside for place, _ in there]
        color = SERIES[number % len(SERIES)]
        axes.errorbar(values, places, xerr=spread, fmt="o", color=color, markersize=4, capsize=2, label=model)
    guessed = [(one["guessed"]["percentile"], place) for place, row in enumerate(rows) for one in _of(row)[:1]]
    axes.plot(
        [percentile for percentile, _ in guessed if percentile is not None],
        [place for percentile, place in guessed if percentile is not None],
        "|", color=MUTED, markersize=11, label="by guessing",
    )  # fmt: skip
    axes.set_yticks(range(len(rows)), [_of(row)[0]["title"] for row in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(axis="y", visible=False)
    axes.set(title="Lower bound of the percentile", xlim=(-3, 103))
    axes.figure.legend(loc="outside upper right", ncols=3)


def _parts(axes: Any, task: str, field: str, models: list[dict[str, Any]]) -> None:
    """Scores by the values of a field, in the order of the first model's; of a later field means over the first."""
    first = models[0]
    ranked = sorted(_values(first, field), key=lambda name: (_values(first, field)[name]["value"] or 0.0, name))
    for number, told in enumerate(models):
        values = _values(told, field)
        there = [
            (place, values[name]) for place, name in enumerate(ranked) if values.get(name, {}).get("low") is not None
        ]
        color = SERIES[number % len(SERIES)]
        axes.errorbar(
            [of["value"] for _, of in there],
            [place + 0.16 * number for place, _ in there],
            xerr=[[of["value"] - of["low"] for _, of in there], [of["high"] - of["value"] for _, of in there]],
            fmt="o", color=color, markersize=3, linewidth=0.8, label=told["model"],
        )  # fmt: skip
    axes.figure.set_figheight(max(3.3, 1.2 + 0.17 * len(ranked)))
    axes.set_yticks(range(len(ranked)), ranked, fontsize=7 if len(ranked) > 20 else 9)
    axes.grid(axis="y", visible=False)
    axes.set(title=f"{task} by {field}", xlim=(0, 1))
    axes.figure.legend(loc="outside upper right", ncols=3)


def _values(told: dict[str, Any], field: str) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = told["within"].get(field) or told["fields"][field]["parts"]
    return values


EXAMS = Section("exams", "Exams and subjects", gather, figures=figures, lines=lines)
