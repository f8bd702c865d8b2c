"""Paired tests against scipy, by hand and by simulation; the false discovery rate; what effect is detectable."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tasks.evaluation.statistics import false_discovery, paired, wilson
from tasks.evaluation.statistics.pairs import mcnemar, minimum_detectable, minimum_detectable_share, sign_flips


def rows(both: int, only_a: int, only_b: int, neither: int) -> tuple[list[float], list[float]]:
    a = [1.0] * both + [1.0] * only_a + [0.0] * only_b + [0.0] * neither
    b = [1.0] * both + [0.0] * only_a + [1.0] * only_b + [0.0] * neither
    return a, b


def test_mcnemar_by_hand() -> None:
    """statsmodels.stats.contingency_tables.mcnemar([[101, 121], [59, 33]]): statistic 20.6722, p 5.450e-06 with its
    correction (its docstring's table); exact=True for [[x, 2], [9, y]]: p .0654297."""
    p, test = mcnemar(121, 59)
    assert test == "McNemar, corrected" and p == pytest.approx(5.450094825427e-06, rel=1e-6)
    p, test = mcnemar(2, 9)
    assert test == "McNemar, exact" and p == pytest.approx(0.0654296875)
    assert mcnemar(0, 0) == (1.0, "McNemar, exact") and mcnemar(4, 4)[0] == 1.0
    assert mcnemar(12, 12)[1] == "McNemar, exact" and mcnemar(12, 13) == (1.0, "McNemar, corrected")


@given(st.integers(0, 200), st.integers(0, 200))
def test_mcnemar_is_scipys(only_a: int, only_b: int) -> None:
    p, test = mcnemar(only_a, only_b)
    if only_a + only_b < 25:
        expected = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    else:
        expected = stats.chi2.sf(max(0, abs(only_a - only_b) - 1) ** 2 / (only_a + only_b), 1)
    assert p == pytest.approx(expected, rel=1e-9) and 0 < p <= 1 and (p, test) == mcnemar(only_b, only_a)


def test_two_models_right_and_wrong() -> None:
    found = paired(*rows(50, 5, 25, 20), None, 1)
    assert (found.items, found.only_a, found.only_b) == (100, 5, 25)
    assert found.difference == pytest.approx(0.2) and found.mcnemar_p == found.p == mcnemar(5, 25)[0]
    assert found.test == "McNemar, corrected" and found.told
    # Half of 3.84 added pairs are discordant: (30 + 1.92) / (100 + 3.84).
    assert found.minimum_detectable == pytest.approx((1.959964 + 0.841621) * np.sqrt(0.307399 / 100), rel=1e-4)
    # Of differences -1, 0 and 1: variance p5 + p25 - .2^2, over n - 1.
    error = np.sqrt((0.30 - 0.04) / 99)
    assert (found.low, found.high) == pytest.approx((0.2 - 1.96 * error, 0.2 + 1.96 * error), abs=0.011)
    turned = paired(*rows(50, 25, 5, 20), None, 1)
    assert turned.difference == -found.difference and turned.p == found.p


def test_the_same_model_twice_is_not_told_apart() -> None:
    """Nothing differs in 8 items; it may in others: Wilson's bound on 0 of 8, and no interval of width 0."""
    a, _ = rows(3, 2, 2, 1)
    found = paired(a, a, None, 1)
    bound = wilson(0, 8).high
    assert (found.difference, found.low, found.high, found.p) == (0, -bound, bound, 1) and not found.told
    assert found.minimum_detectable == pytest.approx(2.801585 * np.sqrt(1.92073 / 11.84146 / 8), rel=1e-4)


def test_all_items_differ_alike() -> None:
    found = paired([0.0] * 30, [1.0] * 30, None, 1)
    assert (found.difference, found.high) == (1, 1) and found.low == 1 - 2 * wilson(0, 30).high
    clustered = paired([1.0] * 30, [0.0] * 30, [str(n % 10) for n in range(30)], 1)
    assert (clustered.low, clustered.high) == (-1, -1 + 2 * wilson(0, 10).high)


def test_of_five_items_no_difference_can_be_told() -> None:
    assert paired([0.0] * 5, [1.0] * 5, None, 1).p > 0.05 > paired([0.0] * 6, [1.0] * 6, None, 1).p
    assert minimum_detectable_share(5, 5) is None and minimum_detectable_share(6, 6) is None  # more than 1
    assert minimum_detectable_share(0, 6) == pytest.approx(2.801585 * np.sqrt(1.92073 / 9.84146 / 6), rel=1e-4)
    assert paired([0.5, 0.5], [0.75, 0.75], None, 1).minimum_detectable is None  # no spread to tell by


def test_values_that_are_no_rights_and_differ_alike() -> None:
    found = paired([0.5] * 20, [0.75] * 20, None, 1)
    assert (found.low, found.high, found.test) == (0.25, 0.25, "sign flips") and found.told


def test_items_of_one_passage_are_compared_by_passage() -> None:
    """Ten passages of ten items: b wins all of three and loses all of one. Item by item McNemar calls that real."""
    a, b = rows(60, 10, 30, 0)
    passages = [str(n // 10) for n in range(100)]
    found = paired(a, b, passages, 1)
    assert found.mcnemar_p is None and found.test == "sign flips" and (found.only_a, found.only_b) == (10, 30)
    # Signs of four equal sums: |+3 -1| = 2 is reached unless two are of each sign: 1 - 6/16.
    assert found.p == pytest.approx(10 / 16, abs=0.02) and mcnemar(10, 30)[0] < 0.01
    single = paired(a, b, None, 1)
    assert found.low is not None and single.low is not None and found.low < 0 < single.low
    assert found.minimum_detectable > 2 * single.minimum_detectable  # type: ignore[operator]


def test_sign_flips_are_the_exact_law() -> None:
    """20 clusters, all sums 1: p = 2 / 2^20 is less than 10,000 draws can say; 16 of 20: the binomial's."""
    assert sign_flips(np.ones(20), 1) == pytest.approx(1e-4, abs=1e-4)
    exact = 2 * sum(comb(20, k) for k in range(5)) / 2**20
    assert sign_flips(np.array([1.0] * 16 + [-1.0] * 4), 1) == pytest.approx(exact, abs=0.003)


def test_p_values_are_uniform_where_nothing_differs() -> None:
    """Of 1,000 pairs of equally good models about 5 % are called different at 5 %; by McNemar's test, whose p-values
    come in steps, not more than that. 200 sets of 40 values that are no rights likewise."""
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0, 1, (2, 1000, 200)) < 0.6
    pairs = zip((a & ~b).sum(1).tolist(), (b & ~a).sum(1).tolist(), strict=True)
    rights = np.mean([mcnemar(only_a, only_b)[0] < 0.05 for only_a, only_b in pairs])
    assert 0.02 < rights < 0.055
    flipped = np.mean([sign_flips(rng.normal(0, 1, 40), n) < 0.05 for n in range(200)])
    assert 0.01 < flipped < 0.1  # .05 with three standard errors of .015


def test_the_minimum_detectable_effect_is_detected_four_times_in_five() -> None:
    """Of 2,000 simulated comparisons whose true difference is the stated effect, by the paired t test."""
    rng = np.random.default_rng(2)
    effect = (1.959964 + 0.841621) * 0.7 / np.sqrt(300)
    differences = rng.normal(effect, 0.7, (2000, 300))
    assert np.mean(stats.ttest_1samp(differences, 0, axis=1).pvalue < 0.05) == pytest.approx(0.8, abs=0.03)
    stated = [minimum_detectable(np.stack([row, np.ones(300)], 1)) for row in differences[:200]]
    assert np.mean(stated) == pytest.approx(effect, rel=0.02)


def test_so_it_is_of_rights_by_mcnemars_test() -> None:
    """Of 2,000 simulated comparisons of 400 items, a fifth of them discordant; the correction costs some power."""
    effect = minimum_detectable_share(80, 400)
    assert effect is not None
    counts = np.random.default_rng(3).multinomial(400, [0.1 - effect / 2, 0.1 + effect / 2, 0.8], 2000)
    told = np.mean([mcnemar(only_a, only_b)[0] < 0.05 for only_a, only_b, _ in counts.tolist()])
    assert 0.74 < told < 0.84


def test_what_cannot_be_paired_is_refused() -> None:
    with pytest.raises(ValueError, match="2 values beside 1"):
        paired([0.0, 1.0], [1.0], None, 1)
    with pytest.raises(ValueError, match="0 values"):
        paired([], [], None, 1)
    with pytest.raises(ValueError, match="NaN"):
        paired([float("nan")], [1.0], None, 1)


def test_false_discovery_by_hand() -> None:
    """Benjamini and Hochberg 1995, table of 15 p-values: four are rejected at 5 %, where Bonferroni rejects three."""
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    adjusted = false_discovery(p)
    assert sum(value <= 0.05 for value in adjusted) == 4
    assert adjusted[:4] == pytest.approx([0.0015, 0.003, 0.0095, 0.035625])
    assert false_discovery([]) == [] and false_discovery([0.03]) == [0.03]
    with pytest.raises(ValueError, match="between 0 and 1"):
        false_discovery([0.5, 1.5])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_false_discovery_is_scipys(p: list[float]) -> None:
    assert false_discovery(p) == pytest.approx(stats.false_discovery_control(p).tolist())
