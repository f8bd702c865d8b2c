"""The pass-rate law of GPT-4's report (section 3.2): -mean log(pass rate) = alpha C^-k over a set of problems.

    problems    those that every small model solved at least once, without the 15 hardest
    buckets     6 of about equal size by the small models' mean pass rate, the easiest first
    the law     least squares of the logarithms, a bucket

The report prints the law without its minus (as a log of probabilities the left side would be negative). A rate of c in
n samples is c / n, as there: its logarithm is low on average where c is small, and of the problems only those with
c > 0 are seen, which makes the smallest models look better; both shrink with n.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.models.laws import Foretold, power

Floats = NDArray[np.float64]
HARDEST, BUCKETS = 15, 6  # the report's, of HumanEval's 164 problems


@dataclass(frozen=True)
class RateLaw:
    """-mean log(pass rate) = alpha C^-k, with 90 % intervals of both, and what it says of a model yet to come."""

    alpha: float
    k: float
    alpha_interval: tuple[float, float]
    k_interval: tuple[float, float]
    foretold: Foretold


def buckets(
    right: NDArray[np.int64],
    samples: NDArray[np.int64],
    items: list[str],
    hardest: int = HARDEST,
    count: int = BUCKETS,
) -> list[NDArray[np.int64]]:
    """Places of the problems of each bucket, the easiest first; within one, easier problems first.

    Args:
        right, samples: (models, problems), of the small models.
        items: the problems' ids, by which ties are put in order.

    ValueError: fewer problems than buckets are left.
    """
    solved = np.flatnonzero((right > 0).all(axis=0))
    if len(solved) < hardest + count:
        raise ValueError(
            f"{len(solved)} of {len(items)} problems were solved at least once by each of {len(right)} models; without "
            f"the {hardest} hardest that is not enough for {count} buckets"
        )
    rates = (right[:, solved] / samples[:, solved]).mean(axis=0)
    order = sorted(range(len(solved)), key=lambda place: (-rates[place], items[solved[place]]))
    kept = solved[order[: len(order) - hardest]]
    return np.array_split(kept, count)


def negative_log(right: NDArray[np.int64], samples: NDArray[np.int64]) -> Floats:
    """-mean log(pass rate) over problems (the last axis). ValueError for a rate of zero."""
    if (right == 0).any():
        raise ValueError("a problem that was never solved has no logarithm: leave it out before")
    return -np.log(right / samples).mean(axis=-1)


def rate_law(compute: Floats, y: Floats, at: float, draws: Floats) -> RateLaw:
    """The law through models' values `y` (n,) of -mean log(pass rate), and its value at compute `at`.

    Intervals are of 90 %, by a bootstrap of residuals of log y, as laws.foretell has it: `draws` (R, n + 1) in [0, 1),
    residuals widened by sqrt(n / (n - 2)) for a fit of two parameters, one more residual for the model that is
    foretold.

    ValueError: fewer than three models, or two different computes, or a model that solves every problem every time.
    """
    if len(compute) < 3:
        raise ValueError("an interval needs three models at least")
    if (y <= 0).any():
        raise ValueError("a model solves all of these problems every time: no power of compute passes through zero")
    law = power(compute, y)
    count = len(compute)
    fitted = np.log(law.at(compute))
    residuals = (np.log(y) - fitted) * np.sqrt(count / (count - 2))
    chosen = residuals[np.minimum((draws * count).astype(np.int64), count - 1)]
    drawn = [power(compute, np.exp(fitted + row[:count])) for row in chosen]
    values = np.exp([np.log(one.at(at)) + row[count] for one, row in zip(drawn, chosen, strict=True)])
    return RateLaw(
        law.a,
        -law.b,
        _interval([one.a for one in drawn]),
        _interval([-one.b for one in drawn]),
        Foretold(float(law.at(at)), *_interval(values.tolist())),
    )


def _interval(values: list[float]) -> tuple[float, float]:
    low, high = np.quantile(values, (0.05, 0.95))
    return float(low), float(high)
