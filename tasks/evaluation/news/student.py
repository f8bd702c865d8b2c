"""Means over raters, and whether two of them differ: table 3.11 of GPT-3's paper, by Student's t (1908)."""

import warnings
from collections.abc import Sequence
from typing import Any

from tasks.evaluation.statistics.resampling import LEVEL


def mean(values: Sequence[float]) -> dict[str, Any] | None:
    """The mean of shares with its 95 % interval by Student's t, within 0 and 1, as JSON: value, low, high, of. The
    bounds are None of one value, and where all are equal; None of no value."""
    import numpy as np
    from scipy.stats import t

    if not values:
        return None
    found, of = np.asarray(values, np.float64), len(values)
    value, low, high = float(found.mean()), None, None
    if len(set(values)) > 1:
        half = float(t.ppf((1 + LEVEL) / 2, of - 1)) * float(found.std(ddof=1)) / of**0.5
        low, high = round(max(0.0, value - half), 6), round(min(1.0, value + half), 6)
    return {"value": round(value, 6), "low": low, "high": high, "of": of}


def against(control: Sequence[float], model: Sequence[float]) -> dict[str, float] | None:
    """The two-sample t test with equal variances: t, above 0 where the control's mean is the larger, and two-sided p.

    None where a side has fewer than two values, or neither side's values differ among themselves.
    """
    from scipy.stats import ttest_ind

    if min(len(control), len(model)) < 2 or (len(set(control)) == 1 and len(set(model)) == 1):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a side whose values are all equal, which is allowed
        found = ttest_ind(control, model, equal_var=True)
    return {"t": round(float(found.statistic), 4), "p": float(f"{found.pvalue:.3g}")}
