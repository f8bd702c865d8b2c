"""A filter of which only what is asked is held: it answers as a whole one, has no false negative, and its rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation.rules.bloom import LEAST_BITS, Asked, Bloom

HASHES = st.integers(0, 2**64 - 1)


def drawn(count: int, seed: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(seed)).integers(0, 2**64, count, np.uint64)


class Whole:
    """The filter as the paper has it: all of its bits. The twin."""

    def __init__(self, bloom: Bloom):
        self.bloom, self.bits = bloom, np.zeros(1 << bloom.bits, bool)

    def add(self, gram: int) -> None:
        self.bits[self.places(gram)] = True

    def has(self, gram: int) -> bool:
        return bool(self.bits[self.places(gram)].all())

    def places(self, gram: int) -> list[int]:
        """Integers of any size, taken modulo 2^64 where the fast one wraps round."""
        most = (1 << 64) - 1
        step = gram * 0xD6E8FEB86659FD93 & most
        step = (step ^ (step >> 32)) * 0xD6E8FEB86659FD93 & most
        found = []
        for number in range(self.bloom.hashes):
            found.append(gram >> (64 - self.bloom.bits))
            gram, step = (gram + step) & most, (step + number) & most
        return found


@given(st.lists(HASHES, max_size=40), st.lists(HASHES, max_size=40), st.integers(4, 9), st.integers(1, 6))
def test_what_is_held_answers_as_the_whole_filter(text, asked, bits, hashes):
    """Small filters, so that there are false positives; they are the same."""
    bloom = Bloom(bits, hashes)
    whole = Whole(bloom)
    for gram in text:
        whole.add(gram)
    held = Asked.by(bloom, np.array(asked, np.uint64))
    found = np.zeros(len(held.held), bool)
    if asked:
        held.add(np.array(text, np.uint64), found)
    assert held.has(found).tolist() == [whole.has(gram) for gram in asked]


@given(st.lists(HASHES, min_size=1, max_size=60), st.data())
def test_no_false_negative_and_parts_merge_by_or(text, data):
    asked = data.draw(st.lists(st.sampled_from(text), min_size=1))
    held = Asked.by(Bloom.of(len(text), 1e-8), np.array(asked, np.uint64))
    cut = data.draw(st.integers(0, len(text)))
    first, second, whole = (np.zeros(len(held.held), bool) for _ in range(3))
    held.add(np.array(text[:cut], np.uint64), first)
    held.add(np.array(text[cut:], np.uint64), second)
    held.add(np.array(text, np.uint64), whole)
    assert (first | second).tolist() == whole.tolist()
    assert held.has(whole).all()


@pytest.mark.parametrize(("bits", "hashes", "grams"), [(17, 7, 12_500), (17, 4, 25_000), (18, 10, 25_000)])
def test_the_false_positive_rate_is_what_is_expected(bits, hashes, grams):
    """The share of strangers lies within 5 standard errors of the formula's, and 2 % for the formula, which takes the
    share of bits that are set for what it is on average."""
    bloom = Bloom(bits, hashes)
    strangers = drawn(200_000, 2)
    held = Asked.by(bloom, strangers)
    found = np.zeros(len(held.held), bool)
    held.add(drawn(grams, 1), found)
    expected, share = bloom.rate(grams), held.has(found).mean()
    assert expected > 1e-4
    assert abs(share - expected) < 5 * (expected / len(strangers)) ** 0.5 + 0.02 * expected


def test_at_one_in_10_to_the_8_no_stranger_is_met():
    """The paper's own check (GPT-2, section 4), of 50,000 strings rather than a million."""
    text, strangers = drawn(100_000, 3), drawn(50_000, 4)
    bloom = Bloom.of(len(text), 1e-8)
    held = Asked.by(bloom, np.concatenate([strangers, text[:1000]]))
    found = np.zeros(len(held.held), bool)
    held.add(text, found)
    assert held.has(found).tolist() == [False] * 50_000 + [True] * 1000
    assert bloom.rate(len(text)) <= 1e-8


@pytest.mark.parametrize("grams", [0, 1, 10**6, 431_000_000, 10**12])
def test_a_filter_is_large_enough_and_less_than_twice_as_large(grams):
    bloom = Bloom.of(grams, 1e-8)
    assert bloom.hashes == 27 and bloom.rate(grams) <= 1e-8
    assert bloom.bits == LEAST_BITS or bloom.bytes < 2 * grams * 27 / np.log(2) / 8
