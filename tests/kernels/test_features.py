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


@given(TEXTS, SIZES)
def test_weighted_sums(texts, size):
    weights = np.random.default_rng(size).integers(-(2**40), 2**40, size)
    rows = [twins.term_frequencies(text or "", size) for text in texts]
    sums, squares = features.weighted_sums(pa.array(texts, pa.large_string()), weights)
    assert (sums.dtype, squares.dtype) == (np.int64, np.int64)
    assert sums.tolist() == [sum(int(weights[f]) * n for f, n in row.items()) for row in rows]
    assert squares.tolist() == [sum(n * n for n in row.values()) for row in rows]


def test_a_word_may_share_its_feature_with_the_empty_token():
    column = pa.array(["a  b   c a", "", " ", "x  x"], pa.large_string())
    sums, squares = features.weighted_sums(column, np.array([10]))
    assert sums.tolist() == [70, 10, 0, 30]
    assert squares.tolist() == [49, 1, 0, 9]


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
            features.weighted_sums(text, weights)
