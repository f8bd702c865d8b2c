"""Laws of scaling: loss as a power of compute, size or data, fitted by least squares, and what a fit foretells.

    power         y = a x^b           of logarithms (Kaplan et al. 2020, "Scaling laws for neural language models")
    saturating    y = a x^b + c       a >= 0, b < 0, c >= 0 (GPT-4 technical report, section 3: L(C) = a C^b + c)

The second is not linear in b alone: for a given b, the best a and c are a straight line's. So the search is in one
dimension, needs no starting point, and gives the same bits everywhere.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EXPONENTS = -np.geomspace(0.005, 2.0, 240)  # of compute: KMH+20's is -.050, a law of -.005 is flat over ten decades
ROUNDS, FINE = 7, 21  # each round looks at 21 exponents between the neighbours of the best: ten times finer a round


@dataclass(frozen=True)
class Power:
    """y = a x^b."""

    a: float
    b: float

    def at(self, x: float | Floats) -> Floats:
        return np.asarray(self.a * np.asarray(x, np.float64) ** self.b)


@dataclass(frozen=True)
class Saturating:
    """y = a (x / unit)^b + c; `unit` is the geometric mean of the fitted x, which keeps a of y's own size."""

    a: float
    b: float
    c: float
    unit: float

    def at(self, x: float | Floats) -> Floats:
        return np.asarray(self.a * (np.asarray(x, np.float64) / self.unit) ** self.b + self.c)


@dataclass(frozen=True)
class Foretold:
    """A law's value at some x, and the 90 % interval in which one more run is expected."""

    value: float
    low: float
    high: float


def power(x: Floats, y: Floats) -> Power:
    """Least squares of log y on log x. ValueError for fewer than two different x, or values that are not positive."""
    if len(np.unique(x)) < 2 or (x <= 0).any() or (y <= 0).any():
        raise ValueError("a power law needs two different x at least, and positive values")
    log_x, log_y = np.log(x), np.log(y)
    offset = log_x - log_x.mean()
    b = float((offset * log_y).sum() / (offset**2).sum())
    return Power(float(np.exp(log_y.mean() - b * log_x.mean())), b)


def saturating(x: Floats, y: Floats) -> Saturating:
    """Least squares of y. ValueError for fewer than four different x, or x that are not positive."""
    if len(np.unique(x)) < 4 or (x <= 0).any():
        raise ValueError("a law of three parameters needs four different x at least, and positive ones")
    unit = float(np.exp(np.log(x).mean()))
    a, b, c = _fits(x / unit, y[None, :])
    return Saturating(float(a[0]), float(b[0]), float(c[0]), unit)


def foretell(x: Floats, y: Floats, at: float, draws: Floats) -> tuple[Saturating, Foretold]:
    """The law, and its value at `at` with a 90 % interval by a bootstrap of residuals over all runs, seeds among them.

    `draws`: (R, n + 1) in [0, 1). Replicate r refits the law on its values plus n residuals drawn with replacement,
    and adds to what it then foretells one more: the run that is foretold is a run as well. Residuals are widened by
    sqrt(n / (n - 3)), for a fit of three parameters leaves them too small (Davison and Hinkley 1997, section 6.2).

    ValueError as `saturating`.
    """
    law = saturating(x, y)
    fitted = law.at(x)
    count = len(x)
    residuals = (y - fitted) * np.sqrt(count / max(count - 3, 1))
    chosen = residuals[np.minimum((draws * count).astype(np.int64), count - 1)]
    a, b, c = _fits(x / law.unit, fitted[None, :] + chosen[:, :count])
    values = a * (at / law.unit) ** b + c + chosen[:, count]
    low, high = np.quantile(values, (0.05, 0.95))
    return law, Foretold(float(law.at(at)), float(low), float(high))


def _fits(x: Floats, ys: Floats) -> tuple[Floats, Floats, Floats]:
    """a, b, c, (R,) each, of R sets of values (R, n) at the same x (n,)."""
    at = np.empty(len(ys), np.int64)
    shapes = x[None, :] ** EXPONENTS[:, None]  # (exponents, n)
    for row, y in enumerate(ys):
        at[row] = np.argmin(_errors(shapes, y[None, :])[0])
    low = np.log(-EXPONENTS[np.maximum(at - 1, 0)])
    high = np.log(-EXPONENTS[np.minimum(at + 1, len(EXPONENTS) - 1)])
    steps = np.linspace(0.0, 1.0, FINE)
    rows = np.arange(len(ys))
    for _ in range(ROUNDS):
        logs = low[:, None] + (high - low)[:, None] * steps  # (R, FINE)
        fine = x[None, None, :] ** -np.exp(logs)[:, :, None]  # (R, FINE, n)
        best = np.argmin(_errors(fine, ys[:, None, :])[0], axis=1)
        low, high = logs[rows, np.maximum(best - 1, 0)], logs[rows, np.minimum(best + 1, FINE - 1)]
    b = -np.exp((low + high) / 2)
    _, a, c = _errors(x[None, :] ** b[:, None], ys)
    return a, b, c


def _errors(u: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Sum of squares, a and c of the best y = a u + c with a, c >= 0, over the last axis."""
    mean_u, mean_y = u.mean(-1), y.mean(-1)
    offset = u - mean_u[..., None]
    a = (offset * y).sum(-1) / (offset**2).sum(-1)
    c = mean_y - a * mean_u
    through_zero = (u * y).sum(-1) / (u**2).sum(-1)
    a, c = np.where(c < 0, through_zero, a), np.maximum(c, 0.0)
    a, c = np.maximum(a, 0.0), np.where(a < 0, mean_y, c)
    errors = ((y - a[..., None] * u - c[..., None]) ** 2).sum(-1)
    return errors, a, c
