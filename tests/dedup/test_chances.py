"""The probabilities of banding, against their definitions."""

import random

import pytest

from tasks.dedup.chances import RECALL, shares_a_band, to_meet


@pytest.mark.parametrize(("similarity", "bands", "rows"), [(0.5, 3, 2), (0.8, 14, 8), (0.0, 5, 1), (1.0, 5, 3)])
def test_sharing_a_band_is_one_less_missing_all(similarity: float, bands: int, rows: int) -> None:
    draw = random.Random(1)
    expected = 1.0
    for _ in range(bands):
        expected *= 1 - similarity**rows
    assert shares_a_band(similarity, bands, rows) == pytest.approx(1 - expected)
    trials = 4000
    met = sum(any(all(draw.random() < similarity for _ in range(rows)) for _ in range(bands)) for _ in range(trials))
    assert abs(met - trials * (1 - expected)) <= 4 * (trials * 0.25) ** 0.5


@pytest.mark.parametrize("bands", [1, 2, 14, 100])
@pytest.mark.parametrize("rows", [1, 4, 8])
@pytest.mark.parametrize("threshold", [0.3, 0.6, 0.8, 1.0])
def test_what_a_full_bucket_has_to_grant_is_the_least_that_keeps_the_recall(
    threshold: float, bands: int, rows: int
) -> None:
    """Were all buckets split, RECALL of the pairs that share a band would still meet; not with less."""
    chance = to_meet(threshold, bands, rows)
    wanted = RECALL * shares_a_band(threshold, bands, rows)

    def meets(granted: float) -> float:
        return 1 - (1 - threshold**rows * granted) ** bands

    assert 0 < chance <= RECALL
    assert meets(chance * 0.999) < wanted
    assert meets(chance) >= wanted - 1e-12 or chance == RECALL


def test_of_a_threshold_of_nothing_a_hundredth_is_asked() -> None:
    assert to_meet(0.0, 14, 8) == to_meet(0.01, 14, 8) == to_meet(0.005, 14, 8)
    assert to_meet(0.0, 3, 1) > 0
