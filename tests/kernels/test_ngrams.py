"""Benchmark grams, their spans and the index against their plain twin."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.kernels import gram_set, margins, ngrams
from tasks.kernels.buffers import buffers
from tasks.kernels.gram_set import GramSet

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
    index = ngrams.Index([n], half)
    found_there = [hit for hit in expected if hit[1] in sought]
    assert listed(ngrams.find(column(texts), index)) == found_there
    parts = [listed(part) for part in ngrams.places(column(texts), index, room=1)]
    assert [hit for part in parts for hit in part] == found_there and all(parts)


@given(TEXTS, st.sets(st.integers(1, 5), min_size=1, max_size=3))
def test_grams_of_several_lengths_in_one_index(texts, lengths):
    every = [ngrams.grams(column(texts), n) for n in sorted(lengths)]
    index = ngrams.Index(sorted(lengths, reverse=True), np.concatenate([found.gram[::2] for found in every]))
    sought = set(index.set.grams.tolist())
    expected = [hit for found in every for hit in listed(found) if hit[1] in sought]
    found = listed(ngrams.find(column(texts), index))
    assert sorted(found) == sorted(expected)
    assert [hit[:1] + hit[2:] for hit in found] == sorted(hit[:1] + hit[2:] for hit in found)


@given(TEXTS, st.integers(1, 6))
def test_letters_and_digits(texts, n):
    expected = [
        (row, gram, start, end) for row, text in enumerate(texts) for gram, start, end in twins.letters(text or "", n)
    ]
    assert listed(ngrams.grams(column(texts), n, "letters")) == expected


def test_letters_ignore_what_stands_between_them_and_keep_their_case():
    texts = ["Fish & chips, 3.50!", "fish&chips350", "«Fish» chips\u20093-50", "Fish chips 35"]
    found = ngrams.grams(column(texts), 12, "letters")
    assert found.row.tolist() == [0, 1, 2]
    assert found.gram[0] == found.gram[2] != found.gram[1]
    assert texts[2].encode()[found.start[2] : found.end[2]].decode() == "Fish» chips\u20093-50"


def test_a_row_of_many_blocks_is_as_if_it_were_one():
    """A gram across a block's edge, at whatever place, of whatever length of those looked for."""
    words = [f"w{i}" for i in range(3 * ngrams.BLOCK)]
    texts = column([" ".join(words), "", " ".join(words[: ngrams.BLOCK])])
    for n in (1, 2, 13, ngrams.BLOCK, 2 * ngrams.BLOCK + 1):
        found = ngrams.grams(texts, n)
        places = np.bincount(found.row, minlength=3).tolist()
        assert places == [max(0, count - n + 1) for count in (3 * ngrams.BLOCK, 0, ngrams.BLOCK)]
    edges = [at + off for at in (ngrams.BLOCK, 2 * ngrams.BLOCK) for off in range(-14, 2)]
    short, long = (
        np.array([ngrams.grams(column([" ".join(words[at : at + n])]), n).gram[0] for at in edges]) for n in (3, 13)
    )
    found = ngrams.find(texts, ngrams.Index([3, 13], np.concatenate([short, long])))
    assert sorted(found.gram[found.row == 0].tolist()) == sorted([*short.tolist(), *long.tolist()])
    assert (np.diff(found.start[found.row == 0]) >= 0).all()


def test_what_comes_at_once_does_not_grow_with_the_row():
    text = column(["a b " * 200_000])
    index = ngrams.Index([2], ngrams.grams(column(["a b a"]), 2).gram)
    parts = list(ngrams.places(text, index, room=10_000))
    assert max(len(part.row) for part in parts) <= 10_000
    assert sum(len(part.row) for part in parts) == 399_999


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
    index = ngrams.Index([13], ngrams.grams(column([" ".join(planted)]), 13).gram)
    found = ngrams.find(column(["before", text, "after"]), index)
    assert found.row.tolist() == [1]
    assert text[found.start[0] : found.end[0]] == " ".join(planted)
    everything = ngrams.grams(column([text]), 13)
    assert len(everything.row) == 400_000 - 12
    assert text[everything.start[777] : everything.end[777]] == " ".join(words[777:790])


def test_a_set_with_full_buckets():
    source = np.random.default_rng(0)
    # bits 12 to 31 are the same throughout: every key starts at one slot, the last, and the probe goes round the end
    keys = (source.integers(1, 1 << 31, 500, dtype=np.uint64) << np.uint64(33)) | np.uint64((1 << 33) - 1)
    held = GramSet(np.concatenate([keys, keys[:10]]))
    assert len(held) == len(set(keys.tolist()))
    sought = np.concatenate([keys, source.integers(1, 1 << 63, 1500, dtype=np.uint64)])
    assert members(held, sought) == np.flatnonzero(np.isin(sought, keys)).tolist()


@given(st.lists(st.integers(1, (1 << 64) - 1), max_size=300), st.integers(0, 1000))
def test_a_set_holds_what_it_was_given_and_nothing_else(keys, seed):
    keys = np.array(keys, np.uint64)
    sought = np.concatenate([keys, np.random.default_rng(seed).integers(1, 1 << 63, 500, dtype=np.uint64)])
    assert members(GramSet(keys), sought) == np.flatnonzero(np.isin(sought, keys)).tolist()


def members(held: GramSet, sought: np.ndarray) -> list[int]:
    kept = np.zeros(len(sought), np.int64)
    count = gram_set.held(held.table, held.bits, sought, len(sought), kept)
    return kept[:count].tolist()


@given(TEXTS, st.integers(1, 3), st.integers(0, 5), st.data())
def test_margins_are_in_characters(texts, n, margin, data):
    """Whatever rows and places are asked for, in one call or several."""
    found = ngrams.grams(column(texts), n)
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(found.row), max_size=len(found.row))), bool)
    row, start, end = found.row[chosen], found.start[chosen], found.end[chosen]
    state, half, content = margins.state(), len(row) // 2, buffers(column(texts))
    parts = [
        margins.locate(*content, *(np.ascontiguousarray(each[part]) for each in (row, start, end)), margin, state)
        for part in (slice(0, half), slice(half, None))
    ]
    expected = []
    for number, first, last in zip(row.tolist(), start.tolist(), end.tolist(), strict=True):
        text = texts[number] or ""
        begin, stop = (len(text.encode()[:at].decode()) for at in (first, last))
        begin, stop = max(0, begin - margin), min(len(text), stop + margin)
        expected.append([*(len(text[:at].encode()) for at in (begin, stop)), begin, stop, len(text)])
    assert np.concatenate(parts).tolist() == expected


def test_mistakes():
    texts = column(["a b"])
    with pytest.raises(ValueError, match="at least one unit"):
        ngrams.grams(texts, 0)
    with pytest.raises(ValueError, match="at least one unit"):
        ngrams.Index([2, 0], np.zeros(0, np.uint64))
    with pytest.raises(ValueError, match="no length"):
        ngrams.Index([], np.zeros(0, np.uint64))
    with pytest.raises(ValueError, match="uint64"):
        ngrams.Index([2], np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="0 is not"):
        ngrams.Index([2], np.zeros(3, np.uint64))
    assert list(ngrams.places(texts, ngrams.Index([2], np.zeros(0, np.uint64)))) == []
