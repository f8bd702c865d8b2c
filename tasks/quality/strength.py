"""How much the classifier may believe its sample, chosen by what carries over to other sources.

On documents of the sources that it learned from, a classifier gains by learning those sources. What it is for is pages
from elsewhere. So whole sources are held out in turn, a good and a raw one together; of a side that has one source a
third of its sites (a document without URL is its own). The strength s is the one of least log loss there, both sides
weighing alike, in: minimise s (mean log loss) + |w|^2 / 2. It is scikit-learn's C times the number of documents, so
that what was found on some documents holds for more. The grid is half decades from 10^1.5 to 10^3.5, and goes on
while its edge wins, to 1 or 10^6.
"""

import warnings
import zlib
from typing import Any

import numpy as np

from tasks.quality.drawn import Drawn, balanced
from tasks.runtime.statistics import statistics

START = (3, 4, 5, 6, 7)  # half decades: s = 10^(n/2)
BOUNDS = (0, 12)
THIRDS = 3
MOST = 5  # folds, that a source of many does not cost a fit each
DOCUMENTS = 3_000  # of each side: what bounds the cost, at most 13 fits a fold
PASSES = 100


@statistics
class Tried:
    """A strength (scikit-learn's C times the documents), and mean log loss and AUC on what was held out."""

    strength: float = 0.0
    log_loss: float = 0.0
    auc: float = 0.0


@statistics
class Chosen:
    """The strength of least log loss. `at_bound`: the grid's last edge won, so that a better one may lie beyond.

    `held_out`: what was held out in turn: sources, sites or documents; nothing where the sample was too small for any.
    """

    strength: float = 100.0
    held_out: str = ""
    folds: int = 0
    at_bound: bool = False
    tried: tuple[Tried, ...] = ()


def fit(x: Any, y: np.ndarray, weights: np.ndarray, strength: float, seed: int, passes: int, model: Any = None) -> Any:
    """`solve` with the C that this strength is for so many documents."""
    return solve(x, y, weights, strength / len(y), seed, passes, model)


def solve(x: Any, y: np.ndarray, weights: np.ndarray, c: float, seed: int, passes: int, model: Any = None) -> Any:
    """scikit-learn's logistic regression, going on from `model`. That a pass limit was reached is told by its n_iter_.

    `saga`, seeded, is the solver that showed no difference across BLAS kernels and thread counts.
    """
    from sklearn.linear_model import LogisticRegression

    if model is None:
        model = LogisticRegression(solver="saga", tol=1e-3, random_state=seed, warm_start=True)
    model.set_params(C=c, max_iter=passes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(x, y, sample_weight=weights)


def choose(x: Any, y: np.ndarray, sides: list[Drawn], seed: int) -> Chosen:
    """The strength for rows `x` with labels `y`, which are those of `sides` in order."""
    from sklearn.metrics import log_loss, roc_auc_score

    rows = first_rows(y, np.ones(len(y)))
    languages = np.concatenate([side.languages for side in sides])[rows]
    x, good = x[rows], y[rows] == 1
    held_out, folds = _folds([_first(side) for side in sides], languages, good)
    if not folds:
        return Chosen()
    parts = []
    for fold in folds:
        weights = np.where(fold, _balance(languages, good, fold), _balance(languages, good, ~fold))
        learn, judge = ~fold & (weights > 0), fold & (weights > 0)
        parts.append(((x[learn], good[learn], weights[learn]), (x[judge], good[judge], weights[judge])))
    models: list[Any] = [None] * len(folds)
    tried: dict[int, tuple[float, float]] = {}

    def attempt(step: int) -> None:
        losses = []
        for place, (learn, judge) in enumerate(parts):
            models[place] = fit(*learn, 10 ** (step / 2), seed, PASSES, models[place])
            chance = models[place].predict_proba(judge[0])[:, 1]
            loss = log_loss(judge[1], chance, sample_weight=judge[2], labels=[False, True])
            losses.append((loss, roc_auc_score(judge[1], chance, sample_weight=judge[2])))
        mean = np.mean(losses, axis=0)
        tried[step] = (round(float(mean[0]), 6), round(float(mean[1]), 6))

    for step in START:
        attempt(step)
    while (best := min(tried, key=lambda step: (tried[step][0], step))) not in BOUNDS:
        if best == max(tried):
            attempt(best + 1)
        elif best == min(tried):
            attempt(best - 1)
        else:
            break
    return Chosen(
        strength=_strength(best),
        held_out=held_out,
        folds=len(folds),
        at_bound=best in (min(tried), max(tried)),
        tried=tuple(Tried(_strength(step), *tried[step]) for step in sorted(tried)),
    )


def first_rows(y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The first documents of each side, good ones before raw ones, that weigh something: in a draw's order a sample."""
    return np.concatenate([np.flatnonzero((y == label) & (weights > 0))[:DOCUMENTS] for label in (1, 0)])


def _strength(step: int) -> float:
    return float(f"{10 ** (step / 2):.4g}")


def _first(side: Drawn) -> tuple[np.ndarray, np.ndarray]:
    return side.sources[:DOCUMENTS], side.sites[:DOCUMENTS]


def _balance(languages: np.ndarray, good: np.ndarray, part: np.ndarray) -> np.ndarray:
    """`balanced` within a part; 0 outside of it."""
    weights = np.zeros(len(good))
    weights[part] = balanced(languages[part], good[part])
    return weights


def _folds(
    sides: list[tuple[np.ndarray, np.ndarray]], languages: np.ndarray, good: np.ndarray
) -> tuple[str, list[np.ndarray]]:
    """What is held out, and the folds (bool, documents): those in which there is something to learn and to judge."""

    def whole(fold: np.ndarray) -> bool:
        return bool(_balance(languages, good, fold).any() and _balance(languages, good, ~fold).any())

    several = max(len(set(sources)) for sources, _ in sides) > 1
    ways = {"sources": several, "sites": True, "documents": True}
    for way in (name for name, possible in ways.items() if possible):
        parts = [_parts(*side, way) for side in sides]
        count = min(MOST, max(len(side) for side in parts))
        folds = [np.concatenate([side[number % len(side)] for side in parts]) for number in range(count)]
        if usable := [fold for fold in folds if whole(fold)]:
            return way, usable
    return "", []


def _parts(sources: np.ndarray, sites: np.ndarray, way: str) -> list[np.ndarray]:
    """The parts (bool, documents) of a side that are held out in turn."""
    names = sorted(set(sources))
    if way == "sources" and len(names) > 1:
        return [sources == name for name in names]
    if way == "documents":
        third = np.arange(len(sites)) % THIRDS  # in the order of the draws
    else:
        third = np.array([zlib.crc32(site.encode()) % THIRDS for site in sites], np.int64)
    return [third == number for number in range(THIRDS)]
