"""Calibration: bins and errors by hand, temperatures that are found again, halves that do not see each other."""

import numpy as np
import pytest

from tasks.evaluation.statistics import calibration
from tasks.evaluation.statistics.confidence import normalised, temperature_of


def drawn(items: int, choices: int, hotter: float, seed: int = 1) -> tuple[np.ndarray, list[int]]:
    """Probabilities that a model states, and golds drawn from the same at another temperature."""
    rng = np.random.default_rng(seed)
    logs = rng.normal(0, 2, (items, choices))
    truth = normalised(logs, hotter)
    gold = [int(rng.choice(choices, p=row)) for row in truth]
    return normalised(logs, 1.0), gold


def test_by_hand() -> None:
    """Two items: (.75, .25) right, (.65, .35) wrong. Every choice is a case."""
    found = calibration([[0.75, 0.25], [0.65, 0.35]], [0, 1])
    assert found is not None
    filled = [(one.low, one.cases, one.confidence, one.right) for one in found.bins if one.cases]
    expected = [(0.2, 1, 0.25, 0.0), (0.3, 1, 0.35, 1.0), (0.6, 1, 0.65, 0.0), (0.7, 1, 0.75, 1.0)]
    assert np.array(filled) == pytest.approx(np.array(expected))
    assert found.ece == pytest.approx((0.25 + 0.65 + 0.65 + 0.25) / 4)
    assert found.ece_top == pytest.approx((0.25 + 0.65) / 2)
    assert found.items == 2 and sum(one.cases for one in found.bins_refit) == 4


def test_a_calibrated_model_has_no_error_and_temperature_one() -> None:
    found = calibration(*drawn(20_000, 4, 1.0))
    assert found is not None
    assert found.ece < 0.01 and found.ece_top < 0.015 and found.temperature == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize("hotter", [0.5, 2.5])
def test_a_model_too_sure_or_not_sure_enough_is_put_right_by_its_temperature(hotter: float) -> None:
    found = calibration(*drawn(20_000, 4, hotter))
    assert found is not None and found.ece_refit is not None
    assert found.temperature == pytest.approx(hotter, rel=0.04)
    assert found.ece > 0.05 and found.ece_refit < 0.01
    assert (found.bins[9].right < found.bins[9].confidence) == (hotter > 1)  # type: ignore[operator]


def test_each_half_is_measured_at_the_others_temperature() -> None:
    """Even places are calibrated, odd ones too sure by 3: fitted on themselves neither would show an error."""
    even, odd = drawn(4000, 3, 1.0, 2), drawn(4000, 3, 3.0, 3)
    p = [row for pair in zip(even[0], odd[0], strict=True) for row in pair]
    gold = [place for pair in zip(even[1], odd[1], strict=True) for place in pair]
    found = calibration(p, gold)
    assert found is not None and found.ece_refit is not None
    crossed = np.concatenate([normalised(np.log(even[0]), 3.0), normalised(np.log(odd[0]), 1.0)])
    places = np.array(even[1] + odd[1])
    tops = crossed.argmax(1) == places
    assert found.ece_refit > 0.04 and 0.3 < tops.mean() < 0.9


def test_the_temperature_is_the_least_losss() -> None:
    p, gold = drawn(500, 5, 1.7)
    best = temperature_of(np.log(p), np.array(gold))

    def loss(temperature: float) -> float:
        return float(-np.log(normalised(np.log(p), temperature)[np.arange(500), gold]).mean())

    grid = [loss(t) for t in np.linspace(0.5, 4, 400)]
    assert loss(best) <= min(grid) + 1e-9


def test_items_of_different_numbers_of_choices_and_probabilities_rounded_to_zero() -> None:
    found = calibration([[1.0, 0.0], [0.2, 0.3, 0.5], [1.0]], [1, 2, 0])
    assert found is not None and np.isfinite([found.ece, found.ece_top, found.temperature]).all()
    assert sum(one.cases for one in found.bins) == 6


def test_nothing_asked_and_what_is_no_probability() -> None:
    assert calibration([], []) is None
    only = calibration([[0.5, 0.5]], [0])
    assert only is not None and only.ece_refit is None and only.bins_refit == ()
    for p, gold in (([0.5, 0.6], 0), ([0.5, 0.5], 2), ([1.5, -0.5], 0)):
        with pytest.raises(ValueError, match="item 0"):
            calibration([p], [gold])
    with pytest.raises(ValueError, match="1 items and 0"):
        calibration([[1.0]], [])
