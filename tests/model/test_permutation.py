"""The order of windows has no pattern that fewer rounds would leave: Feistel networks of two and three are told apart.

Luby and Rackoff (1988): two rounds pass the left half's difference on, whatever the round functions are; three let it
through where the right half's answer happens to repeat, four and more do not.
"""

import numpy as np
import pytest

from model.windows import permute

HALF = 5
SIDE = 1 << HALF  # n = SIDE^2 is the network's own domain: nothing is walked


@pytest.fixture(scope="module")
def orders() -> np.ndarray:
    """(keys, left half, right half) -> place."""
    keys = [str(n).encode() for n in range(12)]
    return np.array([[permute(i, SIDE**2, key) for i in range(SIDE**2)] for key in keys]).reshape(-1, SIDE, SIDE)


def test_windows_that_differ_in_their_left_half_do_not_keep_the_difference(orders: np.ndarray) -> None:
    left = np.arange(SIDE)
    for half in (orders >> HALF, orders & (SIDE - 1)):
        for step in (1, 2, 7):
            kept = half ^ half[:, left ^ step] == step
            # by chance one in 32, of 12 x 512 pairs: six standard deviations
            assert abs(kept.mean() - 1 / SIDE) < 6 * (1 / SIDE / (12 * 512)) ** 0.5


def test_neighbours_and_keys_agree_no_more_often_than_by_chance(orders: np.ndarray) -> None:
    flat = orders.reshape(12, -1)
    assert all(sorted(order.tolist()) == list(range(SIDE**2)) for order in flat)
    same = sum(int((flat[one] == flat[other]).sum()) for one in range(12) for other in range(one))
    assert same < 66 + 6 * 66**0.5  # one place of 1,024 in each of 66 pairs of keys
    gaps = np.abs(np.diff(flat, axis=1))
    assert abs(gaps.mean() / (SIDE**2 / 3) - 1) < 0.05, "neighbours lie a third of all apart, on average"


@pytest.mark.parametrize("n", [1, 2, 3, 5, 17, 1000])
def test_each_window_has_every_place_about_equally_often(n: int) -> None:
    keys = 400
    places = np.array([permute(n // 2, n, f"{key}".encode()) for key in range(keys)])
    counts = np.bincount(places * min(n, 5) // n, minlength=min(n, 5))
    expected = np.bincount(np.arange(n) * min(n, 5) // n) / n * keys
    assert ((counts - expected) ** 2 / expected).sum() < 30  # chi-square of at most 4 degrees: 5e-6 beyond
