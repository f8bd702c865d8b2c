"""Does a score rise with compute, fall (inverse scaling), or fall and rise again (U)? By a stated test.

McKenzie et al. 2023 and GPT-4's report (figure 3: Hindsight Neglect) call such a trend by eye. Here it is two tests of
order-restricted inference (Robertson, Wright and Dykstra 1988, chapter 2), each at 2.5 %, so that of scores that do not
change 5 % are called something:

    never falls    refused if the scores lie too far from the nearest that never fall (isotonic regression)
    never rises    the same, the other way round

"Too far" is the sum of squares that resampled items, the same for all models, give where nothing changes, which is the
least favourable case. Refused "never rises" alone is rising, "never falls" alone falling, neither is flat; of both, U
or peak by which of the two shapes lies nearer. Models of one compute (seeds) count by their mean. Items are what is
resampled: the spread of trainings is not in it where each compute has one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.statistics.resampling import cluster_sums, resampled

Floats = NDArray[np.float64]
Shape = Literal["flat", "rising", "falling", "U", "peak"]
LEVEL = 0.025  # of each test
RESAMPLES = 4000  # a p of .025 is then known to .0025


@dataclass(frozen=True)
class Trend:
    """Mean scores by compute, from the least; p of "never falls" and of "never rises"; what they say."""

    compute: Floats
    scores: Floats
    never_falls: float
    never_rises: float
    shape: Shape


def trend(
    compute: Floats, values: Floats, clusters: list[str | None] | None, seed: int, resamples: int = RESAMPLES
) -> Trend:
    """The trend of models' scores.

    Args:
        compute: (models,), of any unit: its order alone counts.
        values: (models, items), each item's score by each model.
        clusters: of the items; those of one are drawn together.

    ValueError: fewer than three different computes, or no item.
    """
    different = np.unique(compute)
    if len(different) < 3 or not values.shape[1]:
        raise ValueError("a trend needs three different computes at least, and an item")
    by_compute = np.stack([values[compute == one].mean(axis=0) for one in different])
    scores = by_compute.mean(axis=1)
    parts = cluster_sums(np.vstack([by_compute, np.ones(by_compute.shape[1])]).T, clusters)
    sums = resampled(parts, seed, resamples)
    noise = sums[:, :-1] / sums[:, -1:] - scores  # (R, computes): what chance does to scores that do not change
    falls = _p(_squares(scores, True), [_squares(row, True) for row in noise])
    rises = _p(_squares(scores, False), [_squares(row, False) for row in noise])
    return Trend(different, scores, falls, rises, _shape(scores, falls <= LEVEL, rises <= LEVEL))


def _shape(scores: Floats, falls: bool, rises: bool) -> Shape:
    if not falls or not rises:
        return "falling" if falls else "rising" if rises else "flat"
    valley = min(_bent(scores, first_rises=False))
    return "U" if valley <= min(_bent(scores, first_rises=True)) else "peak"


def _bent(scores: Floats, first_rises: bool) -> Iterator[float]:
    """Squares about the nearest scores that go one way and from some place on the other."""
    for turn in range(len(scores) + 1):
        yield _squares(scores[:turn], first_rises) + _squares(scores[turn:], not first_rises)


def _squares(scores: Floats, rising: bool) -> float:
    """Sum of squares about the nearest scores that never fall (or, not `rising`, never rise)."""
    from scipy.optimize import isotonic_regression

    if len(scores) < 2:
        return 0.0
    return float(((scores - isotonic_regression(scores, increasing=rising).x) ** 2).sum())


def _p(found: float, by_chance: list[float]) -> float:
    """Share of chance's that are as large, the found one among them. What differs by rounding alone is as large."""
    return (1 + sum(one >= found - 1e-12 for one in by_chance)) / (1 + len(by_chance))
