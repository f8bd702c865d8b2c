"""Abilities by compute: pass rates that were foretold and came, and whether a task's score rises, falls or turns."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from tasks.models.pass_rates import FILE, Foreseen
from tasks.models.pass_rates import pass_rates as rates_stage
from tasks.models.pass_verdict import Passed
from tasks.models.pass_verdict import pass_verdict as verdict_stage
from tasks.models.trends import Trended
from tasks.models.trends import trend as trend_stage
from tasks.report.formats import share
from tasks.report.given import Given
from tasks.report.palette import SERIES
from tasks.report.scaling import power_of_ten
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json

SHAPES = {
    "flat": "does not change with compute beyond chance",
    "rising": "rises with compute",
    "falling": "falls with compute: inverse scaling",
    "U": "falls with compute, then rises: U-shaped",
    "peak": "rises with compute, then falls",
    "": "no item was asked of every model",
}


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    verdicts = given.named(verdict_stage)
    rates = []
    for name, made in given.named(rates_stage).items():
        told = to_json(made.counts(Foreseen))
        came = to_json(verdicts[name].counts(Passed))["buckets"] if name in verdicts else {}
        buckets = json.loads(made.read(FILE))["buckets"]
        for (number, law), about in zip(told["buckets"].items(), buckets, strict=True):
            law |= {key: about[key] for key in ("easiest", "hardest", "points")}
            law["came"] = came.get(number)
        rates.append({"model": name.removesuffix(f".{told['task']}"), **told})
    trends = [to_json(made.counts(Trended)) for made in given.named(trend_stage).values()]
    return {"rates": rates, "trends": trends, "shapes": SHAPES} if rates or trends else None


def lines(content: Content) -> Iterator[str]:
    for row in content["rates"]:
        if row["why"]:
            yield f"Pass rates of {row['model']} on {row['task']}: no law, {row['why']}"
            continue
        judged = [law["came"] for law in row["buckets"].values() if law["came"]]
        within = sum(came["within"] for came in judged)
        yield (
            f"Pass rates of {row['model']} on {row['task']}: foretold from {row['runs']} runs of at most "
            f"{100 * row['share']:.2g} % of its compute; {within} of {len(judged)} buckets came out within"
        )
    for row in content["trends"]:
        if not row["points"]:
            yield f"Trend of {row['task']}: no item was asked of every model"
            continue
        yield (
            f"Trend of {row['task']}: {SHAPES[row['shape']]} ({len(row['points'])} models, {row['items']:,} items; "
            f"p of never falling {row['never_falls']:.3g}, of never rising {row['never_rises']:.3g})"
        )


def figures(content: Content) -> dict[str, Plot]:
    plots: dict[str, Plot] = {}
    for row in (row for row in content["rates"] if not row["why"]):
        plots[f"rates-{row['model']}-{row['task']}"] = partial(_rates, row=row)
    for row in content["trends"]:
        if row["points"]:
            plots[f"trend-{row['task']}"] = partial(_trend, row=row)
    return plots


def _rates(axes: Any, row: dict[str, Any]) -> None:
    """A colour a bucket: the small models, the law through them, what was foretold and what came."""
    target = row["pf_days"]
    for (number, law), colour in zip(row["buckets"].items(), SERIES, strict=False):
        costs, values = zip(*law["points"], strict=True)
        axes.plot(costs, values, "o", markersize=3.5, color=colour, label=f"bucket {number}")
        if law["why"]:
            continue
        x = np.geomspace(min(costs), target, 40)
        axes.plot(x, law["alpha"] * x ** -law["k"], color=colour, linewidth=1)
        spread = [[law["foretold"] - law["low"]], [law["high"] - law["foretold"]]]
        axes.errorbar([target], [law["foretold"]], spread, color=colour, marker="_", capsize=3)
        if law["came"] and law["came"]["realised"]:
            axes.plot([target], [law["came"]["realised"]], "D", markersize=4.5, color=colour, markerfacecolor="none")
    axes.set(title=f"Pass rates of {row['model']}: {row['task']}", xlabel="PF-days, without embeddings")
    axes.set(ylabel="-mean log(pass rate)", xscale="log", yscale="log")
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(power_of_ten)
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:g}")
    axes.figure.legend(loc="outside upper right", ncols=3)


def _trend(axes: Any, row: dict[str, Any]) -> None:
    points = list(row["points"].values())
    costs, scores = [point["pf_days"] for point in points], [point["score"] for point in points]
    spread = [
        [0.0 if point[end] is None else sign * (point[end] - point["score"]) for point in points]
        for end, sign in (("low", -1), ("high", 1))
    ]
    axes.errorbar(
        costs, scores, np.maximum(spread, 0), color=SERIES[0], marker="o", markersize=4, capsize=3, linewidth=1
    )
    axes.set(title=f"{row['task']}: {row['shape']}", xlabel="PF-days, without embeddings", ylabel="score, 95 %")
    axes.set(xscale="log")
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(power_of_ten)
    axes.yaxis.set_major_formatter(lambda y, _: share(y, 0))


ABILITIES = Section("abilities", "Abilities by compute", gather, figures=figures, lines=lines)
