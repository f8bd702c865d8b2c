"""The interval of a score: Wilson's for shares of independent items, the bootstrap's for everything else."""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist

import numpy as np

from tasks.evaluation.statistics.resampling import LEVEL, Interval, bootstrap

Z = NormalDist().inv_cdf((1 + LEVEL) / 2)  # 1.96


def wilson(right: int, items: int) -> Interval:
    """Wilson's score interval of a share (Wilson 1927), without continuity correction; (0, 1) of no items.

    Raises:
        ValueError: more right than items, or less than none.
    """
    if not 0 <= right <= items:
        raise ValueError(f"{right} of {items} items cannot be right")
    if items == 0:
        return Interval(0.0, 1.0)
    share, spread = right / items, Z * Z / items
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * sqrt(share * (1 - share) / items + spread / (4 * items))
    # At the ends the formula is exact but for rounding.
    return Interval(0.0 if right == 0 else middle - half, 1.0 if right == items else middle + half)


def interval(values: Sequence[float], clusters: Sequence[str | None] | None, seed: int) -> Interval | None:
    """Of the mean of items' values: Wilson's where they are all 0 or 1 and no two share a cluster, else the
    bootstrap's by clusters; None of no items, and of one value other than 0 and 1.

    Where clustered items are all right, or all wrong, resampling shows no spread: then Wilson's of so many clusters.
    """
    found = np.asarray(values, np.float64)
    if not len(found):
        return None
    named = [cluster for cluster in clusters or () if cluster is not None]
    count = len(found) - len(named) + len(set(named))
    if np.isin(found, (0.0, 1.0)).all() and (count == len(found) or found.min() == found.max()):
        return wilson(round(float(found.mean()) * count), count)
    return bootstrap(values, clusters, seed)
