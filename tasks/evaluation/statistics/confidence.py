"""Calibration: whether what a model gives 80 % to is right in 80 of 100 cases (GPT-4, figure 8).

As in that figure each choice of each item is a case: its probability, normalised over the item's choices, and whether
it is the right one. Beside it the error over the likeliest choices alone, as Guo et al. 2017 ("On Calibration of Modern
Neural Networks") define it, and their remedy: one temperature, by which all log-probabilities are divided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

BINS = 10  # of equal width, as in the figure
COLDEST, HOTTEST = 0.02, 50.0  # where a temperature is looked for; a fit at either end says that there is none


@dataclass(frozen=True)
class Bin:
    """Cases of a confidence from `low` on, below `high` (the last one holds 1 too)."""

    low: float
    high: float
    cases: int
    confidence: float | None  # their mean; None where there are none
    right: float | None  # the share that is right


@dataclass(frozen=True)
class Calibration:
    """Expected calibration errors: sum over bins of their share of cases x |share right - mean confidence|."""

    items: int
    bins: tuple[Bin, ...]
    ece: float  # over every choice of every item
    ece_top: float  # over each item's likeliest choice
    temperature: float  # of least negative log-likelihood over all items
    ece_refit: float | None  # each half at the temperature fitted on the other; None of fewer than two items
    bins_refit: tuple[Bin, ...]


def calibration(confidences: Sequence[Sequence[float]], gold: Sequence[int]) -> Calibration | None:
    """`confidences`: an item's probabilities, which add up to 1 over its choices; `gold`: the right one's place. None
    where there is no item.

    Raises:
        ValueError: an item's probabilities do not add up to 1, or its gold is none of its places.
    """
    if len(confidences) != len(gold):
        raise ValueError(f"{len(confidences)} items and {len(gold)} right choices")
    if not len(gold):
        return None
    width = max(len(item) for item in confidences)
    logs = np.full((len(gold), width), -np.inf)  # (n, choices), filled up with what is never chosen
    for i, (item, place) in enumerate(zip(confidences, gold, strict=True)):
        if not 0 <= place < len(item) or not min(item) >= 0 or abs(sum(item) - 1) > 1e-3:
            raise ValueError(f"item {i}: {list(item)} with the gold {place} are no probabilities of choices")
        # A probability that was rounded to 0 is kept apart from a choice that is not there.
        logs[i, : len(item)] = np.log(np.maximum(item, 1e-12))
    places = np.asarray(gold)
    halves = np.arange(len(gold)) % 2
    refit = np.empty_like(logs)
    for half in (0, 1):
        fitted = temperature_of(logs[halves != half], places[halves != half]) if len(gold) > 1 else 1.0
        refit[halves == half] = normalised(logs[halves == half], fitted)
    as_asked = normalised(logs, 1.0)
    bins, bins_refit = binned(as_asked, places), binned(refit, places)
    return Calibration(
        items=len(gold),
        bins=bins,
        ece=error_of(bins),
        ece_top=error_of(binned_top(as_asked, places)),
        temperature=temperature_of(logs, places),
        ece_refit=error_of(bins_refit) if len(gold) > 1 else None,
        bins_refit=bins_refit if len(gold) > 1 else (),
    )


def normalised(logs: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Log-probabilities (n, choices) -> probabilities at a temperature; rows add up to 1."""
    scaled = (logs - logs.max(1, keepdims=True)) / temperature
    raised = np.exp(scaled)
    return raised / raised.sum(1, keepdims=True)


def temperature_of(logs: NDArray[np.float64], gold: NDArray[np.intp]) -> float:
    """The temperature of least negative log-likelihood of the gold choices; its logarithm is searched."""
    from scipy.optimize import minimize_scalar

    shifted = logs - logs.max(1, keepdims=True)
    right = shifted[np.arange(len(gold)), gold]

    def loss(log_temperature: float) -> float:
        scale = exp(-log_temperature)
        return float(np.log(np.exp(shifted * scale).sum(1)).mean() - (right * scale).mean())

    found = minimize_scalar(loss, bounds=(log(COLDEST), log(HOTTEST)), method="bounded", options={"xatol": 1e-6})
    return float(exp(found.x))


def binned(p: NDArray[np.float64], gold: NDArray[np.intp]) -> tuple[Bin, ...]:
    """Every choice that is there (its probability is above 0), by its confidence."""
    right = np.zeros(p.shape, bool)
    right[np.arange(len(gold)), gold] = True
    there = p > 0
    return _bins(p[there], right[there])


def binned_top(p: NDArray[np.float64], gold: NDArray[np.intp]) -> tuple[Bin, ...]:
    """The likeliest choice of each item; of equals the first."""
    return _bins(p.max(1), p.argmax(1) == gold)


def _bins(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    places = np.minimum((confidence * BINS).astype(np.intp), BINS - 1)
    made = []
    for place in range(BINS):
        inside = places == place
        cases = int(inside.sum())
        made.append(
            Bin(
                low=place / BINS,
                high=(place + 1) / BINS,
                cases=cases,
                confidence=float(confidence[inside].mean()) if cases else None,
                right=float(right[inside].mean()) if cases else None,
            )
        )
    return tuple(made)


def error_of(bins: Sequence[Bin]) -> float:
    """The expected calibration error."""
    total = sum(one.cases for one in bins)
    return sum(
        one.cases * abs(one.right - one.confidence)
        for one in bins
        if one.right is not None and one.confidence is not None
    ) / max(1, total)
