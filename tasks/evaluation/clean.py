"""A score on clean items against the score on all: GPT-3's study (section 4, figure 4.2, table C.1), by each rule.

The paper's axes: x is the share of a set that is known to be clean (what cannot be checked is not), y the relative
change (clean - all) / all. GPT-4's report (appendix C) prints the same change, and takes the lower of the two scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.evaluation.metrics import METRICS
from tasks.evaluation.rules.rule import CLEAN, DIRTY, STATES
from tasks.evaluation.scores import Score, Scored, Value
from tasks.evaluation.statistics import Interval, bootstrap_of

FLAGGED = 0.5  # dirty, of a set's items: "a quarter of benchmarks scoring over 50%" (GPT-3, section 4)
RESAMPLES = 1000  # the ends of the interval then move by some 5 % of its width from seed to seed
SEED = 1  # of the resampling


@dataclass(frozen=True)
class Study:
    """One way of asking a task, by one rule. `change`: (clean - all) / all, with its 95 % interval where the score is a
    mean over items; None where nothing is clean, or the score on all is 0. `lower`: which of the two is less."""

    model: str
    task: str
    way: str
    rule: str
    all: Value
    states: dict[str, Value]
    clean_share: float
    flagged: bool
    change: float | None
    change_low: float | None
    change_high: float | None
    lower: str


def studies(scored: Scored, items: pa.Table) -> list[Study]:
    """Of each way and each rule that was asked. `items`: what the task's items are worth (SCORED)."""
    found = []
    for label, score in scored.ways.items():
        rows = of_way(items, score)
        for rule, states in score.rules.items():
            count = score.all.items
            if not count:
                continue
            clean = states.get(CLEAN, Value())
            change = None
            if clean.value is not None and score.all.value:
                change = round((clean.value - score.all.value) / score.all.value, 6)
            within = None
            if change is not None and METRICS[scored.metric].corpus is None:
                within = change_within(*(rows[name].to_pylist() for name in ("value", "cluster", rule)))
            found.append(
                Study(
                    model=scored.model,
                    task=scored.task,
                    way=label,
                    rule=rule,
                    all=score.all,
                    states={state: states.get(state, Value()) for state in STATES},
                    clean_share=round(clean.items / count, 6),
                    flagged=states.get(DIRTY, Value()).items > FLAGGED * count,
                    change=change,
                    change_low=None if within is None else round(within.low, 6),
                    change_high=None if within is None else round(within.high, 6),
                    lower=CLEAN if change is not None and change < 0 else "all",
                )
            )
    return found


def of_way(items: pa.Table, score: Score) -> pa.Table:
    """The rows of one way of asking that were asked."""
    how = {name: getattr(score, name) for name in ("shots", "template", "draw", "step")}
    chosen = pc.is_valid(items["value"])
    for name, value in how.items():
        chosen = pc.and_(chosen, pc.is_null(items[name]) if value is None else pc.equal(items[name], value))
    return items.filter(chosen)


def change_within(values: Sequence[float], clusters: Sequence[str | None], states: Sequence[str]) -> Interval | None:
    """The interval of (clean - all) / all of means over items: the clean ones are among all, so both are drawn together
    (a bootstrap by clusters). None where no resample has a clean item and a score on all, or all are clean."""
    clean = np.array([state == CLEAN for state in states], np.float64)
    worth = np.asarray(values, np.float64)
    if not len(worth) or clean.all() or not clean.any():
        return None
    parts = np.stack([worth * clean, clean, worth, np.ones_like(worth)], axis=1)

    def change(sums: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (sums[:, 0] / sums[:, 1]) / (sums[:, 2] / sums[:, 3]) - 1
        return np.asarray(np.where(np.isfinite(found), found, np.nan))

    return bootstrap_of(parts, change, clusters, SEED, RESAMPLES)
