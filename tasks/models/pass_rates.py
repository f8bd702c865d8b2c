"""Fit: `pass-rates`, how often a model will solve a task's problems, foretold from small models before it is trained.

By the pass-rate law (rates.py), a law for each of six buckets of problems. As with `prediction`, the target's training
takes this artifact as an input, so it was there before the first step.
"""

import json
from dataclasses import field
from typing import Any

import numpy as np

from model.config import PF_DAY, Architecture, Training, training_flops
from tasks.kernels.draw import uniform
from tasks.models.answered import Shared, cost, shared
from tasks.models.rates import buckets, negative_log, rate_law
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "pass-rates.json"
REPLICATES = 1000


@statistics
class Bucket:
    """Problems of about one difficulty: -mean log(pass rate) = alpha C^-k with 90 % intervals, C in PF-days; and its
    value that is foretold of the target. `why` there is no law, if there is none."""

    problems: int = 0
    alpha: float = 0.0
    alpha_low: float = 0.0
    alpha_high: float = 0.0
    k: float = 0.0
    k_low: float = 0.0
    k_high: float = 0.0
    foretold: float = 0.0
    low: float = 0.0
    high: float = 0.0
    why: str = ""


@statistics
class Foreseen:
    """Of a task's problems: all that every small model was asked, and those that each solved at least once; the buckets
    from the easiest ("1"); PF-days of the target, small runs, and the share of the target's compute of the largest.
    `why` there are no buckets, if there are none."""

    task: str = ""
    problems: int = 0
    solved: int = 0
    pf_days: float = 0.0
    runs: int = 0
    share: float = 0.0
    buckets: dict[str, Bucket] = field(default_factory=dict)
    why: str = ""


@stage("pass-rates", kind="fit", section="abilities", libraries=("numpy",))
def pass_rates(
    job: Job,
    *,
    task: str,
    scores: dict[str, Artifact],
    models: dict[str, Artifact],
    architecture: dict[str, Any],
    training: dict[str, Any],
    share: float,
    seed: int,
) -> Foreseen:
    """The pass rates that the model of this architecture and training will have on a task (pass-rates.json).

    `scores` of the task and `models`, by name: runs of at most `share` of its compute.

    Raises:
        Failure: a run has more compute than that, or answers were not sampled.
    """
    target = training_flops(Architecture(**architecture), Training(**training)) / PF_DAY
    costs = np.array([cost(models[name]) for name in scores])
    if costs.max() > share * target:
        raise Failure(
            f"{list(scores)[int(costs.argmax())]} took {100 * costs.max() / target:.3g} % of the compute that is to be "
            f"foretold from {100 * share:.3g} % at most; name smaller runs, or raise ladder.share"
        )
    found = shared(scores)
    if found.right is None or found.samples is None:
        raise Failure(f"{task} was answered once an item: pass rates need `samples` of several in its task file")
    why, places = "", []
    try:
        places = buckets(found.right, found.samples, found.items)
    except ValueError as error:
        why = str(error)
    fitted = {}
    told = []
    for number, some in enumerate(places, start=1):
        y = negative_log(found.right[:, some], found.samples[:, some])
        fitted[str(number)] = _bucket(costs, y, len(some), target, seed, f"{task}:{number}")
        told.append(_told(found, some, costs, y))
    with job.publish(FILE) as file:
        file.write(json.dumps({"task": task, "pf_days": target, "buckets": told}, indent=1).encode())
    solved = int((found.right > 0).all(axis=0).sum())
    return Foreseen(task, len(found.items), solved, target, len(costs), float(costs.max() / target), fitted, why)


def _bucket(costs: Any, y: Any, problems: int, target: float, seed: int, name: str) -> Bucket:
    ids = [f"{name}:{replicate}:{place}" for replicate in range(REPLICATES) for place in range(len(y) + 1)]
    draws = uniform(ids, seed, "pass-rates").reshape(REPLICATES, -1)
    try:
        law = rate_law(costs, y, target, draws)
    except ValueError as error:
        return Bucket(problems=problems, why=str(error))
    return Bucket(
        problems,
        *_digits(law.alpha, *law.alpha_interval),
        *_digits(law.k, *law.k_interval),
        *_digits(law.foretold.value, law.foretold.low, law.foretold.high),
    )


def _digits(middle: float, low: float, high: float) -> tuple[float, float, float]:
    """Six of them: those beyond may differ between machines."""
    return float(f"{middle:.6g}"), float(f"{low:.6g}"), float(f"{high:.6g}")


def _told(found: Shared, some: Any, costs: Any, y: Any) -> dict[str, Any]:
    assert found.right is not None and found.samples is not None
    rates = (found.right[:, some] / found.samples[:, some]).mean(axis=0)
    return {
        "items": [found.items[place] for place in some],
        "easiest": float(rates.max()),  # mean pass rate over the small models
        "hardest": float(rates.min()),
        "points": [[float(c), float(value)] for c, value in zip(costs, y, strict=True)],
    }
