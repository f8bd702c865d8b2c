"""The one pass against all pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.kernels.witnesses import survivors

from . import twins


def run(members, exact, signatures, threshold, cap, fixed):
    indptr = np.cumsum([0, *map(len, members)]).astype(np.int64)
    flat = np.array([bucket for row in members for bucket in row], np.int64)
    table = np.array(signatures, np.uint32).reshape(len(members), -1 if len(members) else 4)
    return survivors(indptr, flat, np.array(exact, bool), table, threshold, cap, np.array(fixed, bool))


@st.composite
def cases(draw):
    buckets, documents = draw(st.integers(1, 6)), draw(st.integers(0, 14))
    place = st.sampled_from([0, 0, 1, 2, 0xFFFFFFFF])
    return (
        [draw(st.lists(st.integers(0, buckets - 1), unique=True)) for _ in range(documents)],
        draw(st.lists(st.booleans(), min_size=buckets, max_size=buckets)),
        [draw(st.lists(place, min_size=4, max_size=4)) for _ in range(documents)],
        draw(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])),
        draw(st.integers(1, 4)),
        [draw(st.sampled_from([False, False, True])) for _ in range(documents)],
    )


@given(cases())
def test_twin(case):
    got = run(*case)
    witness, similarity, skipped = twins.survivors(*case)
    assert got.witness.tolist() == witness
    assert got.similarity.tolist() == similarity
    assert got.skipped == skipped


@pytest.mark.parametrize("cap", [2, 1000])
def test_twin_on_more(cap):
    source = np.random.default_rng(cap)
    members = [sorted({*source.integers(0, 12, 3).tolist()}) for _ in range(120)]
    signatures = source.integers(0, 2, (120, 12)).tolist()
    case = (members, [i < 1 for i in range(12)], signatures, 0.75, cap, (source.random(120) < 0.1).tolist())
    got = run(*case)
    witness, similarity, skipped = twins.survivors(*case)
    assert got.witness.tolist() == witness
    assert got.similarity.tolist() == np.float32(similarity).tolist()
    assert got.skipped == skipped
    assert (skipped > 0) == (cap == 2)
    assert 10 < sum(w >= 0 for w in witness) < 110


def test_no_chains():
    # a ~ b, b ~ c, a !~ c: b leaves for a, and c has no witness left
    got = run([[0], [0], [0]], [False], [[1, 1, 1, 1], [1, 1, 1, 2], [1, 1, 2, 2]], 0.75, 9, [False] * 3)
    assert got.witness.tolist() == [-1, 0, -1]
    assert got.similarity.tolist() == [0.0, 0.75, 0.0]


def test_no_shingles_agree_with_nothing():
    none = [0xFFFFFFFF] * 4
    assert run([[0], [0]], [False], [none, none], 0.0, 9, [False] * 2).witness.tolist() == [-1, 0]
    assert run([[0], [0]], [False], [none, none], 0.5, 9, [False] * 2).witness.tolist() == [-1, -1]
    assert run([[0], [0]], [True], [none, none], 0.5, 9, [False] * 2).witness.tolist() == [-1, 0]


def test_mistakes():
    good = dict(
        indptr=np.array([0, 1]), buckets=np.array([0]), exact=np.array([True]), signatures=np.zeros((1, 4), np.uint32),
        threshold=0.5, cap=1, fixed=np.array([False]),
    )  # fmt: skip
    survivors(**good)
    for wrong in (
        {"indptr": np.array([0, 2])},
        {"indptr": np.array([], np.int64)},
        {"buckets": np.array([1])},
        {"buckets": np.array([-1])},
        {"signatures": np.zeros((2, 4), np.uint32)},
        {"signatures": np.zeros((1, 4), np.int64)},
        {"fixed": np.array([False, True])},
        {"cap": 0},
    ):
        with pytest.raises(ValueError):
            survivors(**{**good, **wrong})
