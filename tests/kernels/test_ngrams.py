"""Benchmark grams, their spans and the index against their plain twin."""

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.kernels import ngrams

from . import twins
from .strategies import TEXTS


def column(texts) -> pa.Array:
    return pa.array(texts, pa.large_string())


def listed(found: ngrams.Grams) -> list[tuple[int, int, int, int]]:
    assert (found.row.dtype, found.gram.dtype, found.start.dtype) == (np.int64, np.uint64, np.int64)
    return list(zip(*(part.tolist() for part in found), strict=True))


@given(TEXTS, st.integers(1, 4))
def test_grams_and_find(texts, n):
    expected = [
        (row, gram, start, end) for row, text in enumerate(texts) for gram, start, end in twins.grams(text or "", n)
    ]
    found = ngrams.grams(column(texts), n)
    assert listed(found) == expected
    assert ngrams.words(column(texts)).tolist() == [len(list(twins.words(text or ""))) for text in texts]
    half = found.gram[::2]
    sought = set(half.tolist())
    assert listed(ngrams.find(column(texts), n, ngrams.Index(n, half))) == [hit for hit in expected if hit[1] in sought]


def test_a_hash_is_of_the_words_alone():
    texts = ["The quick, brown fox", "“the” QUICK\u2003brown-- $fox$!", "x THE qu\u00adick\n\nbro'wn (fox)"]
    found = ngrams.grams(column(texts), 4)
    assert found.gram[0] == found.gram[1] == found.gram[3]
    assert [texts[1].encode()[found.start[1] : found.end[1]].decode()] == ["the” QUICK\u2003brown-- $fox"]
    assert len(set(ngrams.grams(column(["a b c", "a c b", "ab c", "a bc"]), 2).gram.tolist())) == 6
    assert len(set(ngrams.grams(column(["a b", "b a"]), 2).gram.tolist())) == 2


def test_words_of_punctuation_vanish():
    assert len(ngrams.grams(column(["a - b … c"]), 3).row) == 1
    assert len(ngrams.grams(column(["- … $ ^"]), 1).row) == 0


def test_a_long_row_is_like_any_other():
    words = [f"w{i % 977}" for i in range(400_000)]
    planted = [f"planted{i}" for i in range(13)]
    words[123_456:123_469] = planted
    text = " ".join(words)
    index = ngrams.Index(13, ngrams.grams(column([" ".join(planted)]), 13).gram)
    found = ngrams.find(column(["before", text, "after"]), 13, index)
    assert found.row.tolist() == [1]
    assert text[found.start[0] : found.end[0]] == " ".join(planted)
    everything = ngrams.grams(column([text]), 13)
    assert len(everything.row) == 400_000 - 12
    assert text[everything.start[777] : everything.end[777]] == " ".join(words[777:790])


def test_index_with_full_buckets():
    source = np.random.default_rng(0)
    # the same low bits throughout: every key starts at one slot, and the probe goes round the table's end
    keys = (source.integers(1, 1 << 40, 500, dtype=np.uint64) << np.uint64(20)) | np.uint64((1 << 20) - 1)
    index = ngrams.Index(3, np.concatenate([keys, keys[:10]]))
    assert len(index) == len(set(keys.tolist()))
    kept = np.zeros(2000, np.int64)
    sought = np.concatenate([keys, source.integers(1, 1 << 63, 1500, dtype=np.uint64)])
    count = ngrams._held(index._table, index._bloom, sought, len(sought), kept)
    assert kept[:count].tolist() == np.flatnonzero(np.isin(sought, keys)).tolist()


def test_index_saves_and_loads():
    texts = column(["one two three four five six"])
    index = ngrams.Index(2, ngrams.grams(texts, 2).gram[::-1])
    files = []
    for made in (index, ngrams.Index(2, np.repeat(index.grams, 3))):
        file = io.BytesIO()
        made.save(file)
        files.append(file.getvalue())
    assert files[0] == files[1]
    again = ngrams.Index.load(io.BytesIO(files[0]))
    assert (again.n, len(again)) == (2, 5)
    assert listed(ngrams.find(texts, 2, again)) == listed(ngrams.grams(texts, 2))
    assert len(ngrams.find(texts, 2, ngrams.Index(2, np.zeros(0, np.uint64))).row) == 0


def test_mistakes():
    texts = column(["a b"])
    with pytest.raises(ValueError, match="at least one word"):
        ngrams.grams(texts, 0)
    with pytest.raises(ValueError, match="at least one word"):
        ngrams.Index(0, np.zeros(0, np.uint64))
    with pytest.raises(ValueError, match="uint64"):
        ngrams.Index(2, np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="0 is not"):
        ngrams.Index(2, np.zeros(3, np.uint64))
    with pytest.raises(ValueError, match="index holds grams of 2"):
        ngrams.find(texts, 3, ngrams.Index(2, np.zeros(0, np.uint64)))
