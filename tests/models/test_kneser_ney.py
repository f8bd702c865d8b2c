"""Kneser-Ney: the arrays agree with a twin that counts in dictionaries, and probabilities add up to one."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.models.kneser_ney import KneserNey


class Twin:
    """The formula of the module's head, over dictionaries of tuples."""

    def __init__(self, windows, vocabulary, order):
        self.vocabulary, self.order = vocabulary, order
        met = {
            n: Counter(tuple(w[i : i + n]) for w in windows for i in range(len(w) - n + 1)) for n in range(1, order + 1)
        }
        self.c = {n: Counter(gram[1:] for gram in met[n + 1]) for n in range(1, order)} | {order: met[order]}

    def p(self, history, token):
        c = self.c[len(history) + 1]
        below = self.p(history[1:], token) if history else 1 / self.vocabulary
        after = {gram[-1]: count for gram, count in c.items() if gram[:-1] == history}
        if not after:
            return below
        once, twice = (sum(count == k for count in c.values()) for k in (1, 2))
        discount = once / (once + 2 * twice) if once else 0.0
        total = sum(after.values())
        return max(after.get(token, 0) - discount, 0) / total + discount * len(after) / total * below

    def of(self, line):
        return [self.p(tuple(line[max(0, i - self.order + 1) : i]), line[i]) for i in range(1, len(line))]


WINDOWS = st.integers(5, 9).flatmap(
    lambda size: st.lists(st.lists(st.integers(0, 3), min_size=size, max_size=size), min_size=1, max_size=6)
)


@settings(max_examples=60, deadline=None)
@given(WINDOWS, st.lists(st.integers(0, 5), min_size=2, max_size=12), st.integers(1, 5))
def test_the_arrays_agree_with_the_twin(windows, line, order):
    model = KneserNey(np.array(windows), 6, order)
    assert model.probabilities(np.array(line)) == pytest.approx(Twin(windows, 6, order).of(line), rel=1e-12)


def test_probabilities_add_up_to_one():
    draw = np.random.default_rng(1)
    model = KneserNey(draw.integers(0, 9, (20, 30)), 12)
    for _ in range(20):
        history = draw.integers(0, 12, 6)
        total = sum(model.probabilities(np.array([*history, token]))[-1] for token in range(12))
        assert total == pytest.approx(1.0, abs=1e-12)


def test_it_remembers_what_repeats_and_nothing_else():
    """In a cycle of 7 tokens the fifth is certain; tokens by chance cost ln V at the least."""
    cycle = np.arange(700) % 7
    assert (KneserNey(cycle.reshape(70, 10), 64).probabilities(cycle[:50])[3:] > 0.99).all()
    draw = np.random.default_rng(1)
    nats, count = KneserNey(draw.integers(0, 64, (400, 50)), 64).loss(draw.integers(0, 64, (20, 50)))
    assert np.log(64) < nats / count < np.log(64) + 0.25


def test_ids_past_two_to_the_sixteenth():
    """A number is a pair of numbers, not a packed gram: no width of a token matters."""
    line = np.array([[70_000, 99_999, 70_000, 99_999, 70_000, 99_999]] * 3)
    model = KneserNey(line, 100_000)
    assert model.probabilities(line[0])[-1] > 0.5


@pytest.mark.parametrize("windows", [np.zeros((0, 8), int), np.zeros((3, 4), int), np.full((3, 8), 9)])
def test_what_cannot_be_counted_is_refused(windows):
    with pytest.raises(ValueError, match=r"hold no 5-gram|are not those of a vocabulary of 9"):
        KneserNey(windows, 9)
