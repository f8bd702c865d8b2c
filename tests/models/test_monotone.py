"""Trends: planted shapes are named, chance is not, and the order of models and items plays no part."""

import numpy as np
import pytest

from tasks.models.monotone import LEVEL, trend

COMPUTE = np.geomspace(1e-8, 1e-2, 6)


def answers(shares, items=2000, seed=1):
    """(models, items) of 0 and 1 with these shares: an item's difficulty is common to all models."""
    rng = np.random.default_rng(seed)
    common = rng.random(items) * 0.7 + rng.random((len(shares), items)) * 0.3
    return (np.argsort(np.argsort(common, axis=1), axis=1) < np.array(shares)[:, None] * items).astype(float)


@pytest.mark.parametrize(
    ("shares", "shape"),
    [
        ([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], "flat"),
        ([0.3, 0.4, 0.5, 0.55, 0.6, 0.7], "rising"),
        ([0.3, 0.3, 0.3, 0.5, 0.5, 0.5], "rising"),
        ([0.7, 0.6, 0.5, 0.4, 0.3, 0.2], "falling"),
        ([0.6, 0.5, 0.3, 0.3, 0.5, 0.8], "U"),  # GPT-4 and Hindsight Neglect
        ([0.9, 0.2, 0.2, 0.2, 0.2, 0.3], "U"),
        ([0.2, 0.5, 0.7, 0.6, 0.5, 0.3], "peak"),
    ],
)
def test_planted_shapes_are_named(shares, shape):
    found = trend(COMPUTE, answers(shares), None, seed=1, resamples=1000)
    assert found.shape == shape, found
    assert found.scores == pytest.approx(shares, abs=1e-3)


def test_scores_that_do_not_change_are_called_something_once_in_twenty():
    """200 sets of six models without a trend, their items' difficulties in common. 5 % are 10; that more than 21 come
    by chance has probability 5e-4."""
    rng = np.random.default_rng(5)
    called = 0
    for number in range(200):
        difficulty = rng.beta(1, 1, 200)
        values = (rng.random((6, 200)) < difficulty).astype(float)
        called += trend(COMPUTE, values, None, seed=number, resamples=300).shape != "flat"
    assert called <= 21


def test_clusters_are_drawn_together():
    """100 passages of 20 questions answered alike: a change that 2,000 items would show, 100 do not."""
    rng = np.random.default_rng(6)
    passages = (rng.random((3, 100)) < np.array([0.5, 0.5, 0.56])[:, None]).astype(float)
    values = np.repeat(passages, 20, axis=1)
    clusters = [f"passage-{number // 20}" for number in range(2000)]
    alone = trend(COMPUTE[:3], values, None, seed=1, resamples=1000)
    together = trend(COMPUTE[:3], values, clusters, seed=1, resamples=1000)
    assert min(alone.never_rises, alone.never_falls) <= LEVEL < min(together.never_rises, together.never_falls)


def test_seeds_of_one_compute_are_one_model():
    values = answers([0.3, 0.5, 0.7])
    noisy = np.concatenate([values, values[:1]])
    one = trend(COMPUTE[:3], values, None, seed=1, resamples=200)
    two = trend(COMPUTE[[0, 1, 2, 0]], noisy, None, seed=1, resamples=200)
    assert two.scores == pytest.approx(one.scores) and two.shape == one.shape == "rising"
    assert (two.compute == one.compute).all() and len(two.scores) == 3
    backwards = trend(COMPUTE[[0, 1, 2, 0]][::-1], noisy[::-1], None, seed=1, resamples=200)
    assert backwards.never_falls == two.never_falls and backwards.never_rises == two.never_rises


def test_too_few_models():
    with pytest.raises(ValueError, match="three different computes"):
        trend(np.array([1.0, 2.0, 2.0]), np.ones((3, 5)), None, seed=1)
    with pytest.raises(ValueError, match="an item"):
        trend(np.array([1.0, 2.0, 3.0]), np.ones((3, 0)), None, seed=1)
