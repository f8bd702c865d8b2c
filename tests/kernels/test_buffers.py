"""Arrow columns of every shape enter the kernels as the same rows."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from tasks.kernels import draw, features, minhash, ngrams
from tasks.kernels.buffers import buffers

ROWS = ["a b c d", None, "", "Éa ß", "x" * 30, None, "漢 字 Σ"]


def rows(text) -> list[str]:
    data, starts, ends = buffers(text)
    assert (data.dtype, starts.dtype, ends.dtype) == (np.uint8, np.int64, np.int64)
    return [bytes(data[start:end]).decode() for start, end in zip(starts, ends, strict=True)]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string(), pa.string_view()])
def test_slices_chunks_nulls(kind):
    column = pa.array(ROWS, kind)
    expected = [row or "" for row in ROWS]
    for start in range(len(ROWS) + 1):
        for stop in range(start, len(ROWS) + 1):
            part = column.slice(start, stop - start)
            assert rows(part) == expected[start:stop]
            mine = expected[start:stop]
            assert rows(pa.chunked_array([part, column, part])) == mine + expected + mine
    assert rows(pa.chunked_array([], kind)) == []
    assert rows(pa.array([None, None], kind)) == ["", ""]


def test_bytes_under_a_null_are_nobodys():
    offsets, data = pa.py_buffer(np.array([0, 1, 3, 4], np.int64)), pa.py_buffer(b"abcd")
    column = pa.LargeStringArray.from_buffers(3, offsets, data, pa.py_buffer(b"\x05"))
    assert column.null_count == 1
    assert rows(column) == ["a", "", "d"]


def test_no_copy():
    column = pa.array(ROWS, pa.large_string())
    assert buffers(column.slice(2))[0].ctypes.data == column.buffers()[2].address


def test_other_types_are_refused():
    for wrong in (pa.array([1]), pa.array([b"a"]), pa.chunked_array([pa.array([1.5])]), ["a"]):
        with pytest.raises(ValueError, match="text column"):
            buffers(wrong)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_empty_and_null_columns(n):
    column = pa.nulls(n, pa.large_string())
    signatures, shingles, exact = minhash.signatures(column)
    assert signatures.shape == (n, 128)
    assert (signatures == minhash.NONE).all()
    assert shingles.tolist() == [0] * n
    assert exact.shape == (n, 2)
    assert minhash.bands(signatures, 16, 8).shape == (n, 16)
    indptr, indices, counts = features.term_frequencies(column)
    assert indptr.tolist() == list(range(n + 1))  # the empty text has one empty word
    assert counts.tolist() == [1] * n == np.ones_like(indices).tolist()
    assert features.weighted_sums(column, np.zeros(8, np.int64))[0].tolist() == [0] * n
    assert len(ngrams.grams(column, 2).row) == 0
    assert ngrams.words(column).tolist() == [0] * n
    assert len(ngrams.find(column, ngrams.Index([2], np.array([3], np.uint64))).row) == 0
    assert len(draw.uniform(pa.array([], pa.string()), 1, "x")) == 0


def test_broken_utf8_is_not_read_past_its_row():
    # Arrow does not validate: each row ends in the middle of a code point, the next begins with its rest
    data = b"caf\xc3" + b"\xa9 a\xf0\x9f" + b"\x98\x80 b\xe2" + b"\xff\xfe\xc0"
    offsets = np.array([0, 4, 9, 14, 17], np.int64)
    column = pa.LargeStringArray.from_buffers(4, pa.py_buffer(offsets), pa.py_buffer(data))
    alone = [
        pa.LargeStringArray.from_buffers(1, pa.py_buffer(np.array([0, b - a], np.int64)), pa.py_buffer(data[a:b]))
        for a, b in pairwise(offsets)
    ]
    signatures, _, exact = minhash.signatures(column, shingle=1)
    for i, one in enumerate(alone):
        single, _, single_exact = minhash.signatures(one, shingle=1)
        assert (signatures[i] == single[0]).all()
        assert (exact[i] == single_exact[0]).all()
        here = ngrams.grams(column, 1)
        assert here.gram[here.row == i].tolist() == ngrams.grams(one, 1).gram.tolist()
    weights = np.arange(1 << 10, dtype=np.int64)
    sums = [features.weighted_sums(one, weights)[0][0] for one in alone]
    assert features.weighted_sums(column, weights)[0].tolist() == sums
