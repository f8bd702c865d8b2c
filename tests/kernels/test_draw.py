"""The draw against its plain twin, and against chance."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.kernels import draw

from . import twins


@given(st.lists(st.text(max_size=70), max_size=5), st.integers(-(2**63), 2**64 - 1), st.text(max_size=20))
def test_twin(ids, seed, purpose):
    expected = [twins.draw(one, seed, purpose) for one in ids]
    assert draw.uniform(ids, seed, purpose).tolist() == expected
    assert draw.uniform(pa.array(ids, pa.string()), seed, purpose).tolist() == expected
    framed = pa.chunked_array([pa.array(["x", *ids], pa.large_string()).slice(1), pa.array(ids, pa.large_string())])
    assert draw.uniform(framed, seed, purpose).tolist() == expected + expected


def test_all_of_the_id_the_seed_and_the_purpose_enter():
    one = f"cc:{7:032x}"
    draws = [
        draw.uniform([one], 1, "keep"),
        draw.uniform([one], 2, "keep"),
        draw.uniform([one], 1, "split"),
        draw.uniform([one + "#1"], 1, "keep"),
        draw.uniform([one + "#2"], 1, "keep"),
        draw.uniform(["dd" + one[2:]], 1, "keep"),
        draw.uniform([one + "\0"], 1, "keep"),
    ]
    assert len({float(d[0]) for d in draws}) == len(draws)


@pytest.mark.parametrize("purpose", ["keep", "split"])
def test_uniform_and_independent(purpose):
    ids = [f"cc:{i:032x}" for i in range(200_000)]  # consecutive: the hardest
    one = draw.uniform(ids, 1, purpose)
    assert ((one >= 0) & (one < 1)).all()
    for other in (draw.uniform(ids, 2, purpose), draw.uniform(ids, 1, purpose + "2"), np.roll(one, 1)):
        cells = np.histogram2d(one, other, bins=16, range=[[0, 1], [0, 1]])[0]
        expected = len(ids) / 256
        chi = ((cells - expected) ** 2 / expected).sum()
        assert 170 < chi < 355  # 255 degrees of freedom: probability 1e-5 on either side; the seeds are fixed


def test_a_null_is_refused():
    with pytest.raises(ValueError, match="null"):
        draw.uniform(pa.array(["a", None]), 1, "x")
