"""Texts drawn again, counted out as weights, so that any sum over them is one product of matrices (rates.py).

Intervals of means and shares are those of tasks/evaluation/statistics.
"""

from typing import Any, NamedTuple

import numpy as np

from tasks.evaluation.statistics.intervals import wilson
from tasks.evaluation.statistics.resampling import LEVEL, Interval, bootstrap, draws

RESAMPLES = 1000  # of counts of words, of which there are hundreds


class Estimate(NamedTuple):
    """A value with its 95 % interval, None where the observations tell nothing of their spread, and their number."""

    value: float
    low: float | None
    high: float | None
    of: int


def weights(count: int, seed: int, purpose: str) -> Any:
    """int64 (RESAMPLES, count): how often each of `count` texts is drawn, `count` times with replacement."""
    fraction = draws(seed, purpose, 0, RESAMPLES * count) >> np.uint64(32)
    places = ((fraction * np.uint64(count)) >> np.uint64(32)).astype(np.int64).reshape(RESAMPLES, count)
    places += np.arange(RESAMPLES)[:, None] * count
    return np.bincount(places.ravel(), minlength=RESAMPLES * count).reshape(RESAMPLES, count)


def percentiles(value: float, resampled: np.ndarray, of: int) -> Estimate:
    """A value with the bounds of its resamples."""
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return _estimate(value, Interval(float(low), float(high)), of)


def mean(values: list[float], clusters: list[str], seed: int) -> Estimate | None:
    """The mean over observations, clusters of them drawn again whole; None of no observation."""
    if not values:
        return None
    return _estimate(float(np.mean(values)), bootstrap(values, clusters, seed), len(values))


def share(right: int, items: int) -> Estimate | None:
    """A share with Wilson's interval; None of no item."""
    return _estimate(right / items, wilson(right, items), items) if items else None


def _estimate(value: float, interval: Interval | None, of: int) -> Estimate:
    low, high = (None, None) if interval is None else (round(interval.low, 6), round(interval.high, 6))
    return Estimate(round(value, 6), low, high, of)
