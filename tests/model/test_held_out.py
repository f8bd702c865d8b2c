"""The loss over a sample of windows, and its standard error."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.held_out import Estimate, estimate, validation_of


def test_by_hand():
    """Three documents of 10, 20 and 10 tokens, the second in two windows: 100 nats over 40 tokens."""
    found = estimate([(20.0, 10), (30.0, 12), (25.0, 8), (25.0, 10)], ["a", "b", "b", "c"])
    squares = (20 - 25) ** 2 + (55 - 50) ** 2 + (25 - 25) ** 2
    assert found == (2.5, pytest.approx(sqrt(3 / 2 * squares) / 40), 40, 4, 3)


def test_one_document_tells_no_error_and_none_no_loss():
    assert estimate([(20.0, 10), (30.0, 10)], ["a", "a"]) == (2.5, None, 20, 2, 1)
    assert estimate([], []) is None


@given(st.lists(st.tuples(st.floats(0, 1000), st.integers(1, 64), st.integers(0, 5)), min_size=1, max_size=40))
def test_it_is_that_of_documents_whatever_their_windows(rows):
    """Merging each document's windows into one, or another order, changes nothing."""
    losses, documents = [(nats, count) for nats, count, _ in rows], [str(name) for *_, name in rows]
    merged = {
        name: (sum(n for n, _, of in rows if str(of) == name), sum(c for _, c, of in rows if str(of) == name))
        for name in sorted(set(documents))
    }
    found, once = estimate(losses, documents), estimate(list(merged.values()), list(merged))
    assert found is not None and once is not None
    assert found[:2] == pytest.approx(once[:2], abs=1e-9) and found.documents == once.documents == once.windows
    assert estimate(losses[::-1], documents[::-1])[:2] == pytest.approx(found[:2], abs=1e-9)


def test_intervals_cover_the_truth_as_often_as_they_say():
    """Documents differ more than their windows do. Of 400 samples, 95 % intervals must cover in 92 to 98 %
    (a binomial's standard deviation is 1.1 %); without the clusters they would be far too narrow."""
    draw = np.random.default_rng(1)
    covered = naive = 0
    for _ in range(400):
        level = draw.normal(4, 0.5, 60)  # nats a token of each document
        windows = draw.integers(1, 6, 60)
        names = np.repeat([str(n) for n in range(60)], windows).tolist()
        tokens = draw.integers(20, 65, windows.sum())
        # Long documents are easier: a ratio of sums is not a mean of ratios.
        rate = np.repeat(level - 0.1 * windows, windows) + draw.normal(0, 0.1, windows.sum())
        losses = list(zip((rate * tokens).tolist(), tokens.tolist(), strict=True))
        true = (4 * 3 - 0.1 * 11) / 3  # E[windows x (4 - .1 windows)] / E[windows], of 1 ... 5
        covered += inside(estimate(losses, names), true)
        naive += inside(estimate(losses, [str(n) for n in range(len(losses))]), true)
    assert 0.92 <= covered / 400 <= 0.98 and naive / 400 < 0.85


def inside(found: Estimate | None, true: float) -> bool:
    assert found is not None and found.stderr is not None
    return abs(found.loss - true) < 1.96 * found.stderr


def test_a_row_of_metrics_is_read_by_source():
    row = {"loss": 5.0, "validation_web": 4.0, "validation_stderr_web": 0.1, "validation_one": 3.0}
    assert validation_of(row) == {"web": (4.0, 0.1), "one": (3.0, None)}
