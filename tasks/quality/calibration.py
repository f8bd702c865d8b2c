"""What a score means: the classifier's logits stretched until they are probabilities (Platt, 1999).

A classifier that is held back so that it carries over to other sources is unsure of everything: its order is right, but
its scores huddle around one half, where the paper's rule (kept iff u < (2 - score)^-9) hardly tells them apart. So the
logit's slope and intercept are fitted on documents that a third of the sample leaves out in turn. The order, and with
it every AUC, stays as it is.
"""

import math
from typing import Any

import numpy as np

from tasks.quality.strength import PASSES, first_rows, fit

THIRDS = 3
STEPS = 100
STEEPEST = 100.0


def calibrate(x: Any, y: np.ndarray, weights: np.ndarray, strength: float, seed: int) -> tuple[float, float]:
    """Slope and intercept to be applied to logits, to 4 digits; (1, 0) where a third has one side only."""
    rows = first_rows(y, weights)
    x, y, weights = x[rows], y[rows], weights[rows]
    third = np.concatenate([np.arange((y == label).sum()) % THIRDS for label in (1, 0)])
    logits = np.zeros(len(y))
    for number in range(THIRDS):
        out = third == number
        if len(set(y[~out])) < 2 or not out.any():
            return 1.0, 0.0
        logits[out] = fit(x[~out], y[~out], weights[~out], strength, seed, PASSES).decision_function(x[out])
    slope, intercept = platt(logits, y == 1, weights)
    return float(f"{slope:.4g}"), float(f"{intercept:.4g}")


def platt(logits: np.ndarray, good: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of least log loss, by Newton's method on sums that are exact (fsum).

    Targets are Platt's, (n + 1) / (n + 2) and 1 / (n + 2), so that two sides that lie apart do not ask for an endless
    slope. A slope that is not above 0 (nothing was learned) is taken for 1, with intercept 0.
    """
    counts = (math.fsum(weights[~good]), math.fsum(weights[good]))
    target = np.where(good, (counts[1] + 1) / (counts[1] + 2), 1 / (counts[0] + 2))

    def loss(slope: float, intercept: float) -> float:
        z = slope * logits + intercept
        return math.fsum(weights * (np.logaddexp(0.0, z) - target * z))

    slope, intercept = 1.0, 0.0
    best = loss(slope, intercept)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(slope * logits + intercept, -700, 700)))
        error, spread = weights * (chance - target), weights * chance * (1 - chance)
        gradient = (math.fsum(error * logits), math.fsum(error))
        a, b, c = math.fsum(spread * logits**2) + 1e-12, math.fsum(spread * logits), math.fsum(spread) + 1e-12
        size = a * c - b * b
        if size <= 0:
            break
        move = ((c * gradient[0] - b * gradient[1]) / size, (a * gradient[1] - b * gradient[0]) / size)
        step = 1.0
        while step > 1e-6 and loss(slope - step * move[0], intercept - step * move[1]) > best:
            step /= 2
        if step <= 1e-6:
            break
        slope, intercept = slope - step * move[0], intercept - step * move[1]
        best, last = loss(slope, intercept), best
        if last - best < 1e-9 * abs(last):
            break
    return (slope, intercept) if 0 < slope < STEEPEST else (1.0, 0.0)
