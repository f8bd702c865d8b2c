"""The classifier's arithmetic: what has room in fixed point, and scores against the formula in exact fractions."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tasks.quality import logit


@pytest.mark.parametrize("sign", [1, -1])
def test_a_weight_of_128_and_weights_of_2_to_the_18_have_no_room(sign: int) -> None:
    just = np.nextafter(128.0, 0)
    assert logit.fixed(sign * np.array([just]), 0.0)[0].tolist() == [sign * round(just * 2**24)]
    with pytest.raises(ValueError, match=r"a weight of 128\.0 leaves no room for an exact sum \(limit 128\)"):
        logit.fixed(np.array([1.0, sign * 128.0]), 0.0)
    whole = np.full(4096, 64.0) * np.where(np.arange(4096) % 2, sign, 1)
    with pytest.raises(ValueError, match=r"weights of 262144 together leave no room for an exact sum \(limit 262144\)"):
        logit.fixed(whole, 0.0)
    whole[7] *= 1 - 2**-20
    assert np.abs(logit.fixed(whole, 0.0)[0]).sum() == 2**42 - 64 * 2**24 // 2**20


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    with (tmp_path / "w.npz").open("wb") as file:
        logit.save(file, np.array([0.5, -1.25, 2**-25, 3 * 2**-25]), 0.1, preset=np.array("gpt3"))
    weights, intercept = logit.load(tmp_path / "w.npz")
    assert weights.tolist() == [1 << 23, -5 << 22, 0, 2] and weights.dtype == np.int64  # halves go to the even one
    assert intercept == round(0.1 * 2**24) / 2**24 != 0.1
    with np.load(tmp_path / "w.npz", allow_pickle=False) as arrays:
        assert str(arrays["preset"]) == "gpt3"


@pytest.mark.parametrize("unit", [True, False])
def test_scores_are_the_formula(unit: bool) -> None:
    draw = np.random.default_rng(1)
    sizes = [0, 1, 5, 0, 30]
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    indices, counts = (
        draw.integers(0, 16, indptr[-1]).astype(np.int32),
        draw.integers(1, 9, indptr[-1]).astype(np.int32),
    )
    weights, intercept = logit.fixed(draw.normal(size=16) / 8, -0.25)
    found = logit.scores(indptr, indices, counts, weights, intercept, unit)
    for row, score in enumerate(found.tolist()):
        of = slice(indptr[row], indptr[row + 1])
        total = sum(Fraction(int(weights[i]), 2**24) * int(n) for i, n in zip(indices[of], counts[of], strict=True))
        length = math.sqrt(sum(int(n) ** 2 for n in counts[of]) or 1) if unit else 1
        assert score == pytest.approx(1 / (1 + math.exp(-(float(total) / length + intercept))), rel=1e-6)
    assert found.dtype == np.float32 and found[0] == found[3] == np.float32(1 / (1 + math.exp(0.25)))


def test_a_logit_past_700_overflows_nothing() -> None:
    sums = np.array([10**6, -(10**6), 0]) * 2**24
    with np.errstate(all="raise", under="ignore"):
        assert logit.logistic(sums, np.ones(3, np.int64), 0.0).tolist() == [1.0, 0.0, 0.5]
