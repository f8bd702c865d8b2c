"""Word counts and logits against their plain twin (test_spark.py holds both to Spark)."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.kernels import features

from . import twins
from .strategies import TEXT, TEXTS

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


EDGES = [1, 3, 4, 5, 62, 63, 64, 65, 127, 128, 129, 4031, 4032, 4033, 4094, 4095, 4096, 4097, 8191, 8192, 8193]


@settings(deadline=None, max_examples=60)  # thousands of bytes an example
@given(st.lists(st.tuples(TEXT, st.sampled_from(EDGES), st.sampled_from(["a", "B", " ", "é"])), max_size=4))
def test_words_across_the_edges_of_lanes_and_chunks(parts):
    """Sixty-four bytes are classified at once, 4096 before their words are hashed: neither shows."""
    text = "".join(part + filling * count for part, count, filling in parts)
    column = pa.array(["head", text, text[1:]], pa.large_string())
    indptr, indices, counts = features.term_frequencies(column, 1000)
    expected = [twins.term_frequencies(row, 1000) for row in column.to_pylist()]
    assert indptr.tolist() == np.cumsum([0, *map(len, expected)]).tolist()
    assert indices.tolist() == [feature for row in expected for feature in row]
    assert counts.tolist() == [count for row in expected for count in row.values()]
    weights = np.arange(1000) ** 3
    sums, squares = features.weighted_sums(column, weights)
    assert sums.tolist() == [sum(int(weights[f]) * n for f, n in row.items()) for row in expected]
    assert squares.tolist() == [sum(n * n for n in row.values()) for row in expected]


def test_nothing_is_read_past_the_columns_last_byte():
    """The buffer ends where a page of memory does, and the page after it may not be read."""
    import ctypes
    import mmap

    page = mmap.PAGESIZE
    memory = mmap.mmap(-1, 2 * page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    assert ctypes.CDLL(None, use_errno=True).mprotect(ctypes.c_void_p(address + page), page, 0) == 0  # PROT_NONE
    for words in ("a bc def ", "é 漢 Ab "):
        content = (words * 20).encode()
        ctypes.memmove(address + page - len(content), content, len(content))
        text = pa.foreign_buffer(address + page - len(content), len(content), memory)
        offsets = pa.py_buffer(np.array([0, len(content) // 2, len(content)], np.int64))
        column = pa.LargeStringArray.from_buffers(2, offsets, text)
        sums, _ = features.weighted_sums(column, np.ones(8, np.int64))
        assert sums.sum() == 20 * len(words.split())


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
