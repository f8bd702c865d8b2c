"""PPO by episode: the score of its answers, how far the policy went from its start, and the loss on pretraining text.

Models are those of the stage `ppo`, whatever else they are; what their metrics lack is left out.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from tasks.models.pretrain import metrics_of
from tasks.report.formats import number
from tasks.report.given import Given
from tasks.report.palette import SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.job import Job

STAGE = "ppo"
POINTS = 200  # of a curve
CURVES = {  # of metrics: what it is, and its unit
    "score": ("Score of an iteration's answers", "reward, mean"),
    "kl": ("KL of the policy to its start", "nats an episode"),
    "lm_loss": ("Loss on windows of pretraining (PPO-ptx)", "nats a token"),
    "beta": ("Weight of the KL", "reward a nat"),
    "answer_tokens": ("Length of answers", "tokens, mean"),
}
SHOWN = ("score", "kl", "lm_loss")  # as figures


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    models = {}
    for name, model in given.others.get(STAGE, {}).items():
        rows = [row for row in metrics_of(model) if row.get("episodes") is not None]
        curves = {key: _curve(rows, key) for key in CURVES}
        if any(curves.values()):
            models[name] = {key: curve for key, curve in curves.items() if curve}
    return {"models": models, "curves": {key: list(of) for key, of in CURVES.items()}} if models else None


def _curve(rows: list[dict[str, Any]], key: str) -> list[list[float]]:
    """[episodes, value] of rows that have one: at most POINTS, the first and the last among them."""
    there = [[row["episodes"], row[key]] for row in rows if row.get(key) is not None]
    if len(there) <= POINTS:
        return there
    return [there[round(place * (len(there) - 1) / (POINTS - 1))] for place in range(POINTS)]


def lines(content: Content) -> Iterator[str]:
    for name, curves in content["models"].items():
        told = [
            f"{key.replace('_', ' ')} {number(curves[key][0][1])} to {number(curves[key][-1][1])}"
            for key in SHOWN
            if key in curves
        ]
        last = max(curve[-1][0] for curve in curves.values())
        yield f"PPO {name}: over {last:,} episodes {', '.join(told)}"


def figures(content: Content) -> dict[str, Plot]:
    by_curve = {
        key: {name: curves[key] for name, curves in content["models"].items() if key in curves} for key in SHOWN
    }
    return {
        key: partial(_plot, curves=curves, title=CURVES[key][0], unit=CURVES[key][1])
        for key, curves in by_curve.items()
        if curves
    }


def _plot(axes: Any, curves: dict[str, list[list[float]]], title: str, unit: str) -> None:
    for place, (name, curve) in enumerate(curves.items()):
        episodes, values = zip(*curve, strict=True)
        marker = "o" if len(curve) == 1 else ""
        axes.plot(episodes, values, marker=marker, color=SERIES[place % len(SERIES)], label=name)
    axes.set(title=title, xlabel="episodes", ylabel=unit)
    axes.figure.legend(loc="outside upper right", ncols=3)


EPISODES = Section("ppo", "PPO, by episode", gather, figures=figures, lines=lines)
