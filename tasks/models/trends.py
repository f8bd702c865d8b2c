"""Measure: `trend`, whether models' scores of a task rise with compute, fall (inverse scaling), or turn (U)."""

from dataclasses import field

import numpy as np

from tasks.evaluation.statistics import interval
from tasks.models.answered import cost, shared
from tasks.models.monotone import trend as trend_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics


@statistics
class Point:
    """A model's PF-days without embeddings, and its mean score with the 95 % interval over items."""

    pf_days: float = 0.0
    score: float = 0.0
    low: float | None = None
    high: float | None = None


@statistics
class Trended:
    """Of a task's items that every model was asked: the models from the least compute; p of "never falls" and of "never
    rises", and what they say: flat, rising, falling, U or peak (tasks/models/monotone.py)."""

    task: str = ""
    items: int = 0
    left_out: int = 0
    points: dict[str, Point] = field(default_factory=dict)
    never_falls: float = 0.0
    never_rises: float = 0.0
    shape: str = ""


@stage("trend", kind="measure", section="abilities", libraries=("numpy", "scipy"))
def trend(job: Job, *, task: str, scores: dict[str, Artifact], models: dict[str, Artifact], seed: int) -> Trended:
    """A task's scores by compute, over three models at least whose compute differs."""
    found = shared(scores)
    costs = {name: cost(models[name]) for name in scores}
    if not found.items:
        return Trended(task, left_out=found.left_out)
    about = trend_of(np.array(list(costs.values())), found.values, found.clusters, seed)
    points = {}
    for name, values in sorted(zip(scores, found.values, strict=True), key=lambda one: (costs[one[0]], one[0])):
        within = interval(values.tolist(), found.clusters, seed)
        low, high = (round(within.low, 6), round(within.high, 6)) if within else (None, None)
        points[name] = Point(costs[name], round(float(values.mean()), 6), low, high)
    falls, rises = round(about.never_falls, 6), round(about.never_rises, 6)
    return Trended(task, len(found.items), found.left_out, points, falls, rises, about.shape)
