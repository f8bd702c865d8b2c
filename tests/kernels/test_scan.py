"""Signatures and grams of one scan, against the two by themselves."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.kernels import minhash, ngrams
from tasks.kernels.scan import signatures_and_places

from .strategies import TEXT, TEXTS

# Blocks are of some 2,048 words: rows about as long, twice and three times as long
SIZES = st.sampled_from([0, 1, 5, 2030, 2040, 2043, 2044, 2045, 2046, 2047, 2048, 2049, 2060, 4080, 4099, 6200])
LENGTHS = st.lists(st.integers(1, 15), min_size=1, max_size=3, unique=True)


def assert_as_alone(column: pa.Array, index: ngrams.Index, shingle: int, permutations: int, room: int) -> None:
    signed, found = signatures_and_places(column, index, shingle, permutations, 7, room)
    parts = list(found)
    for one, alone in zip(signed, minhash.signatures(column, shingle, permutations, 7), strict=True):
        assert np.array_equal(one, alone)
    alone = ngrams.find(column, index)
    for field in ngrams.Grams._fields:
        joined = [value for part in parts for value in getattr(part, field).tolist()]
        assert joined == getattr(alone, field).tolist(), field


@given(TEXTS, LENGTHS, st.integers(1, 6), st.integers(1, 20), st.randoms(use_true_random=False))
def test_as_alone(texts, lengths, shingle, permutations, random):
    column = pa.array(["a b c a b", *texts], pa.large_string())
    every = np.concatenate([ngrams.grams(column, n).gram for n in lengths])
    some = [gram for gram in every.tolist() if random.random() < 0.5] or [1]
    assert_as_alone(column, ngrams.Index(lengths, np.array(some, np.uint64)), shingle, permutations, 1)


@settings(deadline=None, max_examples=40)  # thousands of words an example
@given(st.lists(st.tuples(TEXT, SIZES), min_size=1, max_size=3), LENGTHS, st.sampled_from([1, 5, 40]))
def test_rows_longer_than_a_block(parts, lengths, shingle):
    words = [f"w{i * i % 97}" for i in range(7000)]
    column = pa.array([f"{text} {' '.join(words[:size])} end" for text, size in parts], pa.large_string())
    grams = np.concatenate([ngrams.grams(column, n).gram for n in lengths])
    assert_as_alone(column, ngrams.Index(lengths, np.append(grams, np.uint64(1))), shingle, 3, 1)


def test_mistakes():
    text = pa.array(["a"], pa.large_string())
    for index in (ngrams.Index([2], np.zeros(0, np.uint64)), ngrams.Index([2], np.ones(1, np.uint64), "letters")):
        with pytest.raises(ValueError, match="A scan of words"):
            signatures_and_places(text, index, 5, 128, 1)
    with pytest.raises(ValueError, match="permutations"):
        signatures_and_places(text, ngrams.Index([2], np.ones(1, np.uint64)), 5, 0, 1)
