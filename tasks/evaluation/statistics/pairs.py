"""Two models on the same items: whether their difference can be told, and how large one would have to be.

The test is McNemar's where values are right or wrong and no two items share a cluster: exact (binomial) for fewer than
25 discordant pairs, else chi-squared with continuity correction (McNemar 1947; Edwards 1948). Elsewhere signs are
flipped: under the null hypothesis a cluster's summed difference is as likely to be its negative (Fisher 1935; 10,000
draws, the observed one counted among them, so that p is never 0).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, erfc, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.statistics.intervals import Z, wilson
from tasks.evaluation.statistics.resampling import RESAMPLES, Interval, blocks, bootstrap, cluster_sums, draws

POWER = 0.8  # of the minimum detectable effect
EXACT = 25  # discordant pairs: fewer are tested by the binomial law itself, the usual bound


@dataclass(frozen=True)
class Paired:
    """`difference` is the mean of b less the mean of a; low and high its 95 % interval, None of one cluster."""

    items: int
    difference: float
    low: float | None
    high: float | None
    only_a: int | None  # items that only a has right; None where values are not 0 or 1
    only_b: int | None
    mcnemar_p: float | None  # None where the test does not apply
    p: float
    test: str  # which one gave `p`
    minimum_detectable: (
        float | None
    )  # difference that so many items show with a probability of 80 %; None: they show none

    @property
    def told(self) -> bool:
        """Whether the test, by itself, tells the two apart at 5 %."""
        return self.p < 0.05


def paired(a: Sequence[float], b: Sequence[float], clusters: Sequence[str | None] | None, seed: int) -> Paired:
    """Compare two models' values of the same items, in the same order.

    Raises:
        ValueError: no items, another number of them, or a value that is NaN.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if len(first) != len(second) or not len(first):
        raise ValueError(f"{len(first)} values beside {len(second)}: give both models' values of the same items")
    differences = second - first
    within = bootstrap(differences.tolist(), clusters, seed)
    sums = cluster_sums(np.stack([differences, np.ones_like(differences)], axis=1), clusters)
    only_a = only_b = mcnemar_p = None
    if np.isin(first, (0.0, 1.0)).all() and np.isin(second, (0.0, 1.0)).all():
        only_a, only_b = int((differences < 0).sum()), int((differences > 0).sum())
        if differences.min() == differences.max():
            within = of_equal(float(differences[0]), len(sums))
    if only_a is not None and only_b is not None and len(sums) == len(first):
        p, test = mcnemar(only_a, only_b)
        mcnemar_p, detectable = p, minimum_detectable_share(only_a + only_b, len(first))
    else:
        p, test, detectable = sign_flips(sums[:, 0], seed), "sign flips", minimum_detectable(sums)
    return Paired(
        items=len(first),
        difference=float(differences.mean()),
        low=within.low if within else None,
        high=within.high if within else None,
        only_a=only_a,
        only_b=only_b,
        mcnemar_p=mcnemar_p,
        p=p,
        test=test,
        minimum_detectable=detectable,
    )


def mcnemar(only_a: int, only_b: int) -> tuple[float, str]:
    """Two-sided p of so many discordant pairs, and which form of the test gave it."""
    discordant = only_a + only_b
    if discordant < EXACT:
        tail = sum(comb(discordant, k) for k in range(min(only_a, only_b) + 1)) / 2**discordant
        return min(1.0, 2 * tail), "McNemar, exact"
    squared = max(0, abs(only_a - only_b) - 1) ** 2 / discordant
    return erfc(sqrt(squared / 2)), "McNemar, corrected"  # the tail of chi-squared with one degree of freedom


def sign_flips(sums: NDArray[np.float64], seed: int) -> float:
    """Two-sided p of clusters' summed differences (G,)."""
    observed = abs(float(sums.sum()))
    least = observed - 1e-9 * float(np.abs(sums).sum())  # equal sums, added up in another order
    reached = 0
    for first, last in blocks(RESAMPLES - 1, len(sums)):
        bits = draws(seed, "sign flips", first * len(sums), (last - first) * len(sums)) >> np.uint64(63)
        signs = 1.0 - 2.0 * bits.astype(np.float64).reshape(last - first, len(sums))
        reached += int((np.abs(signs @ sums) >= least).sum())
    return (1 + reached) / RESAMPLES


def of_equal(difference: float, count: int) -> Interval:
    """The interval where all of `count` independent observations have one difference, -1, 0 or 1, of which resampling
    shows no spread: by Wilson's bound u on the share that may have another, all of it on one side."""
    other = wilson(0, count).high
    margin = other if difference == 0 else 2 * other
    return Interval(max(-1.0, difference - margin), min(1.0, difference + margin))


def minimum_detectable_share(discordant: int, items: int) -> float | None:
    """(z(97.5 %) + z(80 %)) sqrt(q / n), q the share of discordant pairs (Miettinen 1968, its variance without a
    difference). To the pairs z^2 = 3.84 are added, half of them discordant (Agresti and Coull 1998): that none is among
    few does not mean that there are none. None where it is more than 1, or where items are fewer than six, of which no
    outcome gives McNemar's test a p under 5 %."""
    share = (discordant + Z * Z / 2) / (items + Z * Z)
    found = (Z + NormalDist().inv_cdf(POWER)) * sqrt(share / items)
    return found if items >= 6 and found <= 1 else None  # 2 / 2**6 is .03, 2 / 2**5 is .06


def minimum_detectable(sums: NDArray[np.float64]) -> float | None:
    """(z(97.5 %) + z(80 %)) x the standard error of the mean difference (Cohen 1988; for evaluations Miller 2024,
    "Adding Error Bars to Evals", section 5), of clusters' (sum, items), (G, 2); None of one cluster, and
    where no difference has shown at all.

    The error is model/held_out.py's, of a ratio of sums over clusters.
    """
    count = len(sums)
    if count < 2:
        return None
    items = float(sums[:, 1].sum())
    residuals = sums[:, 0] - sums[:, 0].sum() / items * sums[:, 1]
    error = sqrt(count / (count - 1) * float((residuals**2).sum())) / items
    return (Z + NormalDist().inv_cdf(POWER)) * error or None
