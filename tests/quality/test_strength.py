"""The strength of the regularisation: chosen by what carries over to other sources, on a grid whose edge never wins."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from tasks.quality.calibration import platt
from tasks.quality.drawn import Drawn, balanced
from tasks.quality.strength import BOUNDS, choose


def side(sources: list[str], sites: list[str] | None = None, languages: list[str] | None = None) -> Drawn:
    rows = len(sources)
    none = np.zeros(0, np.int64)
    names = [np.array(each, object) for each in (languages or ["en"] * rows, sources, sites or sources)]
    return Drawn(np.arange(rows) / rows, *names, none, none, none)


def problem(own: float, shared: float, rows: int = 120, sources: int = 3) -> tuple[Any, np.ndarray, list[Drawn]]:
    """Features that tell every source (by `own`) and one that tells good from raw (by `shared`), with noise."""
    draw = np.random.default_rng(1)
    y = np.repeat([1, 0], rows)
    names = [[f"{kind}{n % sources}" for n in range(rows)] for kind in ("good", "raw")]
    x = draw.normal(size=(2 * rows, 1 + 2 * sources)) * 0.3
    x[:, 0] += shared * (y - 0.5)
    for row, name in enumerate(names[0] + names[1]):
        x[row, 1 + int(name[-1]) + sources * (name[0] == "r")] += own
    return csr_matrix(x / 3), y, [side(each) for each in names]


def test_what_only_tells_the_sources_is_not_believed() -> None:
    """Where sources have marks of their own, less is believed than where they have none."""
    marked, plain = choose(*problem(own=2.0, shared=0.5), seed=1), choose(*problem(own=0.0, shared=0.5), seed=1)
    assert marked.held_out == plain.held_out == "sources" and marked.folds == 3
    assert marked.strength < plain.strength


@pytest.mark.parametrize("shared", [0.0, 0.3, 3.0])
def test_the_edge_of_the_grid_never_wins(shared: float) -> None:
    chosen = choose(*problem(own=0.5, shared=shared), seed=1)
    losses = {each.strength: each.log_loss for each in chosen.tried}
    assert chosen.strength == min(losses, key=lambda strength: (losses[strength], strength))
    inside = min(losses) < chosen.strength < max(losses)
    assert inside != chosen.at_bound
    if chosen.at_bound:
        assert chosen.strength in [10 ** (bound / 2) for bound in BOUNDS]


def test_of_one_source_sites_are_held_out_and_else_documents() -> None:
    x, y, _ = problem(own=0.0, shared=1.0)
    sites = [f"site{n % 20}" for n in range(120)]
    assert choose(x, y, [side(["a"] * 120, sites), side(["b"] * 120, sites)], 1).held_out == "sites"
    assert choose(x, y, [side(["a"] * 120, ["one"] * 120), side(["b"] * 120, ["one"] * 120)], 1).held_out == "documents"


def test_too_few_for_any_fold_are_fitted_with_the_default() -> None:
    x, y = csr_matrix(np.eye(4)), np.array([1, 1, 0, 0])
    sides = [side(["a", "a"], languages=["en", "de"]), side(["b", "b"], languages=["de", "en"])]
    chosen = choose(x, y, sides, 1)
    assert (chosen.strength, chosen.folds, chosen.tried) == (100.0, 0, ())


def test_balanced() -> None:
    languages = np.array(["en", "en", "en", "de", "fr", "de", "de"], object)
    good = np.array([True, False, False, True, True, False, False])
    weights = balanced(languages, good)
    assert weights.tolist() == [1.5, 0.75, 0.75, 1.5, 0.0, 0.75, 0.75]


def test_platt_finds_the_slope_that_was_hidden() -> None:
    """20,000 labels drawn from known probabilities, told as logits a fifth as steep and moved."""
    draw = np.random.default_rng(1)
    true = draw.normal(size=20_000) * 2
    good = draw.random(20_000) < 1 / (1 + np.exp(-true))
    slope, intercept = platt(true / 5 + 0.4, good, np.ones(20_000))
    assert slope == pytest.approx(5, rel=0.03) and intercept == pytest.approx(-2, abs=0.08)


@pytest.mark.parametrize("gap", [0.01, 1.0, 100.0])
def test_sides_that_lie_apart_get_a_slope_that_ends(gap: float) -> None:
    good = np.arange(200) < 100
    slope, _ = platt(np.where(good, gap, -gap), good, np.ones(200))
    assert 0 < slope <= 100


def test_what_points_the_wrong_way_is_left_alone() -> None:
    good = np.arange(200) < 100
    assert platt(np.where(good, -1.0, 1.0), good, np.ones(200)) == (1.0, 0.0)
