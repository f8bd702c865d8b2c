"""What chance lets one expect: keep rates with their intervals, and how often LSH finds a pair of known similarity."""

import math

import numpy as np

Z = 1.959964  # 95 %, two-sided


def wilson(successes: int, trials: int) -> tuple[float, float] | None:
    """The 95 % interval of a binomial share (Wilson 1927); None without trials."""
    if not trials:
        return None
    share = successes / trials
    scale = 1 + Z * Z / trials
    middle = (share + Z * Z / (2 * trials)) / scale
    half = Z * math.sqrt(share * (1 - share) / trials + Z * Z / (4 * trials * trials)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


def found_by_lsh(jaccard: float, bands: int, rows: int, permutations: int, threshold: float) -> float:
    """Probability that a pair shares a whole band and then agrees in at least `threshold` of all permutations.

    Rows agree independently with probability `jaccard` (Broder 1997). Exact: P(enough agree) - P(enough agree and no
    band is whole), the latter by convolving the distributions of agreement in a band that is not whole.
    """
    agreed = np.arange(permutations + 1)
    enough = agreed / permutations >= threshold
    broken = _binomial(rows, jaccard)
    broken[rows] = 0.0
    nowhere = _binomial(permutations - bands * rows, jaccard)
    for _ in range(bands):
        nowhere = np.convolve(nowhere, broken)
    return float(max(0.0, (_binomial(permutations, jaccard) - nowhere)[enough].sum()))


def _binomial(n: int, p: float) -> np.ndarray:
    """P(k of n) for k = 0 ... n."""
    return np.array([math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)])
