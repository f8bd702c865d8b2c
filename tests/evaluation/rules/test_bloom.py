"""A filter of which only what is asked is held: it answers as a whole one, has no false negative, and its rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation.rules import bloom as bloom_of
from tasks.evaluation.rules.bloom import Asked, Bloom, _factors

HASHES = st.integers(0, 2**64 - 1)


def drawn(count: int, seed: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(seed)).integers(0, 2**64, count, np.uint64)


class Whole:
    """The filter with all of its bits, as integers of any size: the twin."""

    def __init__(self, bloom: Bloom):
        self.bloom = bloom
        self.words = [[0] * bloom.hashes for _ in range(bloom.blocks)]

    def add(self, gram: int) -> None:
        words, bits = self.of(gram)
        for number, bit in enumerate(bits):
            words[number] |= bit

    def has(self, gram: int) -> bool:
        words, bits = self.of(gram)
        return all(word & bit for word, bit in zip(words, bits, strict=True))

    def of(self, gram: int) -> tuple[list[int], list[int]]:
        """The words of a gram's block, and its bit in each."""
        bits = [1 << (gram * factor % 2**64 >> 58) for factor in _factors(self.bloom.hashes)]
        return self.words[(gram >> 32) * self.bloom.blocks >> 32], bits


@given(st.lists(HASHES, max_size=60), st.lists(HASHES, max_size=40), st.integers(1, 9), st.integers(1, 4))
def test_what_is_held_answers_as_the_whole_filter(text, asked, blocks, hashes):
    """Small filters, so that there are false positives; they are the same."""
    bloom = Bloom(blocks, hashes)
    whole = Whole(bloom)
    for gram in text:
        whole.add(gram)
    held = Asked.by(bloom, np.array(asked, np.uint64))
    found = held.nothing()
    held.add(np.array(text, np.uint64), found)
    assert held.has(found).tolist() == [whole.has(gram) for gram in asked]


@given(st.lists(HASHES, min_size=1, max_size=60), st.data())
def test_no_false_negative_and_parts_merge_by_or(text, data):
    asked = data.draw(st.lists(st.sampled_from(text), min_size=1))
    held = Asked.by(Bloom.of(len(text), 1e-8), np.array(asked, np.uint64))
    cut = data.draw(st.integers(0, len(text)))
    first, second, whole = (held.nothing() for _ in range(3))
    held.add(np.array(text[:cut], np.uint64), first)
    held.add(np.array(text[cut:], np.uint64), second)
    held.add(np.array(text, np.uint64), whole)
    assert (first | second).tolist() == whole.tolist()
    assert held.has(whole).all()


@pytest.mark.parametrize(("blocks", "hashes", "grams"), [(400, 7, 12_500), (400, 4, 25_000), (400, 10, 30_000)])
def test_the_false_positive_rate_is_what_is_expected(blocks, hashes, grams):
    """The share of strangers lies within 5 standard errors of the formula's, and 5 % for the blocks, which are few."""
    bloom = Bloom(blocks, hashes)
    strangers = drawn(200_000, 2)
    held = Asked.by(bloom, strangers)
    found = held.nothing()
    held.add(drawn(grams, 1), found)
    expected, share = bloom.rate(grams), held.has(found).mean()
    assert expected > 1e-4
    assert abs(share - expected) < 5 * (expected / len(strangers)) ** 0.5 + 0.05 * expected


def test_at_one_in_10_to_the_8_no_stranger_is_met():
    """The paper's own check (GPT-2, section 4), of 50,000 strings rather than a million."""
    text, strangers = drawn(100_000, 3), drawn(50_000, 4)
    bloom = Bloom.of(len(text), 1e-8)
    held = Asked.by(bloom, np.concatenate([strangers, text[:1000]]))
    found = held.nothing()
    held.add(text, found)
    assert held.has(found).tolist() == [False] * 50_000 + [True] * 1000
    assert bloom.rate(len(text)) <= 1e-8


@pytest.mark.parametrize("grams", [0, 1, 10**6, 431_000_000, 10**12])
def test_a_filter_is_large_enough_and_no_larger(grams):
    bloom = Bloom.of(grams, 1e-8)
    assert bloom.hashes == 27 and bloom.rate(grams) <= 1e-8
    assert bloom.blocks == 1 or bloom.blocks > 2**31 or Bloom(bloom.blocks - 1, 27).rate(grams) > 1e-8
    # 1 / ln 2 bits a hash function are the least that a filter needs; blocks cost a fifth
    assert grams < 10**6 or 1.18 < bloom.bytes / (grams * 27 / np.log(2) / 8) < 1.2


def test_blocks_of_a_large_filter_are_all_asked_alike():
    """Of 10^12 grams, which no machine holds: 2.7 * 10^10 blocks, past what half a hash tells apart."""
    bloom = Bloom.of(10**12, 1e-8)
    blocks = bloom.block(drawn(100_000, 7))
    assert bloom.blocks > 2**34 and blocks.min() >= 0 and blocks.max() < bloom.blocks
    for of in (blocks * 16 // bloom.blocks, blocks % 16):  # the binomial's standard deviation is 77
        assert np.abs(np.bincount(of, minlength=16) - 6250).max() < 5 * 77


def test_many_grams_that_ask_for_one_block_are_compared_in_pieces(monkeypatch):
    text, asked = drawn(60, 5), drawn(50, 6)
    found = []
    for size in (1, 100, 1 << 16):
        monkeypatch.setattr(bloom_of, "AT_ONCE", size)
        held = Asked.by(Bloom(1, 3), asked)
        bits = held.nothing()
        held.add(text, bits)
        found.append(bits.tolist())
    assert found[0] == found[1] == found[2] and any(found[0]) and not all(found[0])
