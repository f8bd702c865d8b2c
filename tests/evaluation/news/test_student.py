"""Student's t beside its definition, and beside scipy; what cannot be tested is not."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tasks.evaluation.news.student import against, mean

SHARES = st.lists(st.integers(0, 20).map(lambda n: n / 20), min_size=2, max_size=12)


@given(SHARES, SHARES)
def test_the_t_test_is_its_definition(control: list[float], model: list[float]) -> None:
    found = against(control, model)
    if len(set(control)) == len(set(model)) == 1:
        assert found is None
        return
    n, m = len(control), len(model)
    pooled = ((n - 1) * np.var(control, ddof=1) + (m - 1) * np.var(model, ddof=1)) / (n + m - 2)
    t = (np.mean(control) - np.mean(model)) / sqrt(pooled * (1 / n + 1 / m))
    assert found is not None and found["t"] == pytest.approx(t, abs=1e-4)
    assert found["p"] == pytest.approx(2 * stats.t.sf(abs(t), n + m - 2), rel=5e-3)


def test_a_control_that_is_told_more_often_has_a_t_above_0() -> None:
    found = against([0.9, 0.8, 1.0], [0.5, 0.6, 0.4])
    assert found is not None and found["t"] > 0 and found["p"] < 0.05


@given(SHARES)
def test_the_mean_and_its_interval(values: list[float]) -> None:
    found = mean(values)
    assert (
        found is not None and found["of"] == len(values) and found["value"] == pytest.approx(np.mean(values), abs=1e-6)
    )
    if len(set(values)) == 1:
        assert found["low"] is found["high"] is None
    else:
        low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
        assert (found["low"], found["high"]) == (
            pytest.approx(max(0.0, low), abs=1e-6),
            pytest.approx(min(1.0, high), abs=1e-6),
        )


def test_too_few_values() -> None:
    assert mean([]) is None and against([0.5], [0.1, 0.2]) is None
    assert mean([0.5]) == {"value": 0.5, "low": None, "high": None, "of": 1}
