"""What is told of answers to many prompts: a mean with its 95 % interval, prompts drawn again whole."""

from collections.abc import Sequence

import numpy as np

from tasks.evaluation.statistics.intervals import interval
from tasks.runtime.statistics import statistics


@statistics
class Estimate:
    """A mean over `of` observations of `clusters` prompts; None where there is none, or no interval can be given."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    of: int = 0
    clusters: int = 0


def estimate(values: Sequence[float], clusters: Sequence[str], seed: int) -> Estimate:
    """Of one observation a prompt that is 0 or 1 Wilson's interval, else the bootstrap's over prompts."""
    if not values:
        return Estimate()
    within = interval(values, clusters, seed)
    low, high = (round(within.low, 6), round(within.high, 6)) if within else (None, None)
    return Estimate(round(float(np.mean(values)), 6), low, high, len(values), len(set(clusters)))
