"""Word counts and logits against their plain twin (test_spark.py holds both to Spark)."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.kernels import features

from . import twins
from .strategies import TEXTS

SIZES = st.sampled_from([1, 7, 1000, 1 << 18])


@given(TEXTS, SIZES)
def test_term_frequencies(texts, size):
    indptr, indices, counts = features.term_frequencies(pa.array(texts, pa.large_string()), size)
    assert (indptr.dtype, indices.dtype, counts.dtype) == (np.int64, np.int32, np.int32)
    expected = [twins.term_frequencies(text or "", size) for text in texts]
    assert indptr.tolist() == np.cumsum([0, *map(len, expected)]).tolist()
    assert indices.tolist() == [feature for row in expected for feature in row]
    assert counts.tolist() == [count for row in expected for count in row.values()]


@given(TEXTS, SIZES, st.integers(-(2**40), 2**40), st.booleans())
def test_logits(texts, size, intercept, binary):
    weights = np.random.default_rng(size).integers(-(2**40), 2**40, size)
    expected = [
        intercept + sum(int(weights[f]) * (1 if binary else n) for f, n in counts.items())
        for counts in (twins.term_frequencies(text or "", size) for text in texts)
    ]
    got = features.logits(pa.array(texts, pa.large_string()), weights, intercept, binary)
    assert got.dtype == np.int64
    assert got.tolist() == expected


def test_binary_counts_a_feature_once_though_the_empty_token_shares_it():
    column = pa.array(["a  b   c a", "", " ", "x  x"], pa.large_string())
    assert features.logits(column, np.array([10]), 1, binary=True).tolist() == [11, 11, 1, 11]
    assert features.logits(column, np.array([10]), 1).tolist() == [71, 11, 1, 31]


def test_many_sigmas_and_spaces_take_linear_time():
    texts = ["Σ" * 300_000, "A" + "Σ'" * 200_000, "a" + " " * 2_000_000 + "b", "𝔸Σ" * 100_000]
    indptr, _, counts = features.term_frequencies(pa.array(texts, pa.large_string()), 1 << 18)
    assert np.diff(indptr).tolist() == [1, 1, 3, 1]
    assert counts[indptr[2] : indptr[3]].max() == 1_999_999


def test_mistakes():
    text = pa.array(["a"], pa.large_string())
    for size in (0, 1 << 31):
        with pytest.raises(ValueError, match="features"):
            features.term_frequencies(text, size)
    for weights in (np.zeros(4), np.zeros(0, np.int64), np.zeros((2, 2), np.int64)):
        with pytest.raises(ValueError, match="weights"):
            features.logits(text, weights, 0)
