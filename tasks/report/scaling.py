"""Scaling: losses by compute over a ladder of models, the laws they show, and what was foretold beside what came."""

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from tasks.models.laws import Saturating
from tasks.models.prediction import Predicted
from tasks.models.prediction import prediction as prediction_stage
from tasks.models.scaling import FILE, Scaled
from tasks.models.scaling import scaling as scaling_stage
from tasks.models.verdict import Judged
from tasks.models.verdict import verdict as verdict_stage
from tasks.report.formats import number
from tasks.report.given import Given
from tasks.report.palette import INK, MUTED, SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json

POINTS = 100  # of a curve
LAWS = {
    "compute": "compute (6ND, PF-days), lower envelope",
    "compute_without_embeddings": "compute without embeddings, lower envelope",
    "parameters": "parameters without embeddings, each on its own budget",
    "tokens": "tokens, each size on its own budget",
}


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    scaled = given.single(scaling_stage)
    if scaled is None:
        return None
    curves = json.loads(scaled.read(FILE))["curves"]
    verdicts = given.named(verdict_stage)
    foretold = [
        {"model": name, **to_json(made.counts(Predicted)), "verdict": to_json(verdicts[name].counts(Judged))}
        for name, made in given.named(prediction_stage).items()
    ]
    return {
        **to_json(scaled.counts(Scaled)),
        "curves": {
            name: [[c, loss] for _, c, loss in points[:: len(points) // POINTS + 1]] for name, points in curves.items()
        },
        "predictions": foretold,
        "names": LAWS,
    }


def lines(content: Content) -> Iterator[str]:
    for name, law in content["laws"].items():
        yield f"Scaling: loss falls as {name} to the power {law['b']:.3f} (Kaplan et al.: {law['paper']:.3f})"
    for row in content["predictions"]:
        came = row["verdict"]
        yield (
            f"Foretold {row['model']}: loss {row['loss']:.3f} ({row['low']:.3f} to {row['high']:.3f}), from "
            f"{row['runs']} runs of at most {100 * row['share']:.2g} % of its compute; it came to "
            f"{came['realised']:.3f}, {'within' if came['within'] else 'outside'}"
        )


def tiles(content: Content) -> list[tuple[str, str]]:
    return [
        (number(row["verdict"]["realised"]), f"loss of {row['model']}; foretold {row['low']:.3f} to {row['high']:.3f}")
        for row in content["predictions"]
    ]


def figures(content: Content) -> dict[str, Plot]:
    plots: dict[str, Plot] = {"compute": partial(_compute, content=content)}
    for row in content["predictions"]:
        plots[f"prediction-{row['model']}"] = partial(_prediction, row=row, runs=content["runs"])
    return plots


def _compute(axes: Any, content: Content) -> None:
    """Each size in a colour of its own, its seeds alike; the law of the envelope across."""
    sizes = list(dict.fromkeys(_size(name) for name in content["curves"]))
    named: set[str] = set()
    for name, points in content["curves"].items():
        size, colour = _size(name), SERIES[sizes.index(_size(name)) % len(SERIES)]
        label = None if size in named else size
        named.add(size)
        axes.plot(*zip(*points, strict=True), color=colour, label=label, linewidth=1.1)
    if law := content["laws"].get("compute_without_embeddings"):
        ends = [c for points in content["curves"].values() for c, _ in points]
        x = np.geomspace(min(ends), max(ends), 50)
        axes.plot(x, law["a"] * x ** law["b"], color=INK, linestyle="--", linewidth=1, label=f"C to the {law['b']:.3f}")
    axes.set(title="Validation loss by compute", xlabel="PF-days, without embeddings", ylabel="nats a token")
    axes.set(xscale="log", yscale="log")
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(power_of_ten)
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:g}")
    low, high = axes.get_ylim()
    axes.set_yticks([tick for tick in (1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 10) if low <= tick <= high])
    axes.legend()


def _prediction(axes: Any, row: dict[str, Any], runs: dict[str, Any]) -> None:
    law = Saturating(row["a"], row["b"], row["c"], row["unit"])
    limit = row["share"] * row["pf_days"] * 1.000001
    small = [ran for ran in runs.values() if ran["pf_days_without_embeddings"] <= limit]
    costs = [ran["pf_days_without_embeddings"] for ran in small]
    x = np.geomspace(min(costs), row["pf_days"], 60)
    axes.plot(x, law.at(x), color=MUTED, linewidth=1, label="a C^b + c, from the small runs")
    axes.plot(costs, [ran["loss"] for ran in small], "o", markersize=4, color=SERIES[0], label="small runs")
    spread = [[row["loss"] - row["low"]], [row["high"] - row["loss"]]]
    axes.errorbar(
        [row["pf_days"]], [row["loss"]], spread, color=SERIES[1], marker="_", capsize=4, label="foretold, 90 %"
    )
    axes.plot([row["pf_days"]], [row["verdict"]["realised"]], "D", markersize=5, color=SERIES[2], label="realised")
    axes.set(
        title=f"Foretold: {row['model']}", xlabel="PF-days, without embeddings", ylabel="nats a token", xscale="log"
    )
    axes.xaxis.set_major_formatter(power_of_ten)
    axes.legend()


def power_of_ten(value: float, _: int) -> str:
    """1e-8: matplotlib's own labels are formulas, which figures here do not parse."""
    return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")


def _size(name: str) -> str:
    return re.sub(r"-seed\d+$", "", name)


SCALING = Section("scaling", "Scaling", gather, figures=figures, lines=lines, tiles=tiles)
