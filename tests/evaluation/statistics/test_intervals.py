"""Intervals: Wilson's closed form, the bootstrap against theory, and how often they cover what they are of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tasks.evaluation.statistics import Interval, bootstrap, bootstrap_of, interval, wilson
from tasks.evaluation.statistics.resampling import cluster_sums, draws, resampled


@pytest.mark.parametrize(
    ("right", "items", "low", "high"),
    [(5, 10, 0.236593, 0.763407), (0, 10, 0.0, 0.277533), (10, 10, 0.722467, 1.0), (70, 100, 0.604152, 0.781051)],
)
def test_wilson_by_hand(right: int, items: int, low: float, high: float) -> None:
    """As statsmodels 0.14 gives them: proportion_confint(method="wilson")."""
    assert wilson(right, items) == pytest.approx((low, high), abs=1e-6)


@given(st.integers(1, 3000), st.data())
def test_wilson_is_scipys(items: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, items))
    expected = stats.binomtest(right, items).proportion_ci(0.95, method="wilson")
    assert wilson(right, items) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_wilson_of_no_items_says_nothing_and_of_too_many_is_refused() -> None:
    assert wilson(0, 0) == Interval(0.0, 1.0)
    with pytest.raises(ValueError, match="4 of 3 items"):
        wilson(4, 3)


def test_wilson_covers() -> None:
    """Of 2,000 drawn shares from 5 to 95 % and 60 items each, 93 to 97 % of intervals hold the true one. (At one share
    coverage goes up and down with it, since counts are whole: hence many.)"""
    rng = np.random.default_rng(1)
    shares = rng.uniform(0.05, 0.95, 2000)
    found = [wilson(int(right), 60) for right in rng.binomial(60, shares)]
    covered = np.mean([low <= share <= high for share, (low, high) in zip(shares, found, strict=True)])
    assert 0.93 <= covered <= 0.97, covered


def test_the_bootstrap_covers() -> None:
    """Of 2,000 simulated sets of 40 clusters, 1 to 4 items each that share most of their value, 93 to 97 % of intervals
    hold the true mean; were the items taken one by one, far fewer."""
    rng = np.random.default_rng(2)
    covered: list[bool] = []
    single: list[bool] = []
    for n in range(2000):
        sizes = rng.integers(1, 5, 40)
        names = [str(place) for place in np.repeat(np.arange(40), sizes)]
        values = np.repeat(rng.uniform(0, 1, 40), sizes) * 0.8 + rng.uniform(0, 1, sizes.sum()) * 0.2
        for covers, clusters in ((covered, names), (single, None))[: 2 if n < 300 else 1]:
            found = bootstrap(values.tolist(), clusters, n, 400)
            assert found is not None
            covers.append(found.low <= 0.5 <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.97, np.mean(covered)
    assert np.mean(single) < 0.88, np.mean(single)


def test_the_bootstraps_spread_is_the_standard_error() -> None:
    values = np.random.default_rng(3).normal(2, 3, 400)
    found = bootstrap(values, None, 1)
    assert found is not None
    half = 1.96 * values.std() / np.sqrt(400)
    assert found == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03 * half * 2)


def test_the_bootstrap_depends_on_seed_and_values_alone() -> None:
    values = list(np.random.default_rng(4).uniform(0, 1, 37))
    assert bootstrap(values, None, 1) == bootstrap(values, [None] * 37, 1)
    assert bootstrap(values, None, 1) == bootstrap(values, [str(n) for n in range(37)], 1)
    assert bootstrap(values, None, 1) != bootstrap(values, None, 2)
    # A fixed example: other draws would be another interval on every page that was ever printed.
    assert bootstrap([0.0, 1.0, 0.5, 0.25], None, 1) == pytest.approx((0.125, 0.8125))


def test_draws_are_by_number_however_they_are_asked_for() -> None:
    whole = draws(7, "x", 0, 1000)
    assert np.array_equal(whole, np.concatenate([draws(7, "x", 0, 333), draws(7, "x", 333, 667)]))
    assert len(np.unique(whole)) == 1000 and not np.array_equal(whole, draws(7, "y", 0, 1000))
    bits = np.unpackbits(draws(7, "x", 0, 20_000).view(np.uint8)).reshape(-1, 64).mean(0)
    assert (np.abs(bits - 0.5) < 5 * 0.5 / np.sqrt(20_000)).all()


def test_every_cluster_is_drawn_as_often() -> None:
    parts = np.eye(13)
    counts = resampled(parts, 5, 20_000)
    assert (counts.sum(1) == 13).all()
    assert stats.chisquare(counts.sum(0)).pvalue > 1e-4
    assert counts.var() == pytest.approx(12 / 13, rel=0.02)  # of a multinomial: n p (1 - p)


def test_clusters_are_added_up_and_items_without_one_stand_alone() -> None:
    parts = np.array([[1.0], [2.0], [4.0], [8.0]])
    assert cluster_sums(parts, ["p", None, "p", None]).tolist() == [[5.0], [2.0], [8.0]]
    assert cluster_sums(parts, None).tolist() == parts.tolist()
    with pytest.raises(ValueError, match="4 items and 1 clusters"):
        cluster_sums(parts, ["p"])


def test_a_statistic_of_sums() -> None:
    """A ratio of two sums over items, and resamples where it is not defined."""
    rng = np.random.default_rng(5)
    parts = np.stack([rng.poisson(3, 300), rng.poisson(6, 300)], 1).astype(float)
    found = bootstrap_of(parts, lambda sums: sums[:, 0] / sums[:, 1], None, 1)
    assert found is not None and found.low < 0.5 < found.high and found.high - found.low < 0.1
    undefined = bootstrap_of([[0.0], [1.0]], lambda sums: np.where(sums[:, 0] > 0, sums[:, 0], np.nan), None, 1)
    assert undefined == Interval(1.0, 2.0)


def test_which_interval_a_score_gets() -> None:
    rights = [1.0, 0.0, 1.0, 1.0]
    assert interval(rights, None, 1) == wilson(3, 4)
    assert interval(rights, ["a", "b", None, None], 1) == wilson(3, 4)
    assert interval(rights, ["a", "a", None, None], 1) == bootstrap(rights, ["a", "a", None, None], 1)
    assert interval([0.5, 0.25], None, 1) == bootstrap([0.5, 0.25], None, 1)
    assert interval([1.0] * 6, ["a", "a", "a", "b", "b", "b"], 1) == wilson(2, 2)
    assert (
        interval([], None, 1) is None and interval([0.5], None, 1) is None and interval([1.0], None, 1) == wilson(1, 1)
    )
    assert interval([0.5, 0.75], ["a", "a"], 1) is None
    with pytest.raises(ValueError, match="NaN"):
        interval([float("nan"), 0.5], None, 1)
