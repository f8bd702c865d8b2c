"""The one pass over edges, against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.kernels.witnesses import witnesses

from . import twins


def run(earlier):
    indptr = np.cumsum([0, *map(len, earlier)]).astype(np.int64)
    return witnesses(indptr, np.array([e for row in earlier for e in row], np.int64)).tolist()


@st.composite
def graphs(draw):
    n = draw(st.integers(0, 25))
    return [draw(st.lists(st.integers(0, d - 1), max_size=6)) if d else [] for d in range(n)]


@given(graphs())
def test_twin(earlier):
    assert run(earlier) == twins.witnesses(earlier)


def test_no_chains():
    # a ~ b, b ~ c, a !~ c: b leaves for a, and c has no witness left
    assert run([[], [0], [1]]) == [-1, 0, -1]


def test_the_first_that_stays_is_the_witness():
    assert run([[], [0], [], [2, 1], [2, 1, 0]]) == [-1, 0, -1, 2, 0]


def test_mistakes():
    witnesses(np.array([0, 0, 1]), np.array([0]))
    for indptr, earlier in (
        ([0, 0, 2], [0]),
        ([], []),
        ([0, 2, 1], [0]),
        ([0, 0, 1], [1]),
        ([0, 0, 1], [-1]),
    ):
        with pytest.raises(ValueError):
            witnesses(np.array(indptr, np.int64), np.array(earlier, np.int64))
