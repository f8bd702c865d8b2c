"""BPE's merges: the plain definition by examples, and the kernel against it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.kernels import merge_pairs, merges

from . import merges_twin


def given_words(words: dict[str, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What `merge` takes, of words of ASCII letters: a is 0, b is 1."""
    symbols = np.array([ord(letter) - ord("a") for word in words for letter in word], np.int32)
    starts = np.cumsum([0, *(len(word) for word in words)], dtype=np.int64)
    return symbols, starts, np.array(list(words.values()), np.int64)


@pytest.mark.parametrize("merge", [merges_twin.merge, merges.merge])
@pytest.mark.parametrize(
    ("words", "made"),
    [
        ({"ab": 2}, [(0, 1)]),
        ({"ab": 1}, []),  # met once
        ({"a": 9}, []),
        ({"aaaa": 1}, [(0, 0)]),  # three places; then (A, A) stands once
        ({"aaa": 2}, [(0, 0), (26, 0)]),  # left to right: A a
        ({"bc": 2, "ab": 2}, [(0, 1), (1, 2)]),  # equal counts: the smallest pair first
        ({"ac": 3, "ab": 2}, [(0, 2), (0, 1)]),
        ({"abab": 2}, [(0, 1), (26, 26)]),
        ({"ab": 2**40, "bc": 2**40 + 1}, [(1, 2), (0, 1)]),
    ],
)
def test_examples(merge, words, made):
    answer = merge(*given_words(words), 26, 100)
    assert answer.dtype == np.int32 and answer.shape == (len(made), 2)
    assert [tuple(pair) for pair in answer.tolist()] == made


LETTERS = st.integers(0, 2) | st.integers(0, 5)
# Words with runs, and with pieces that come again
WORD = st.lists(
    st.one_of(
        LETTERS.map(lambda letter: [letter]),
        st.tuples(LETTERS, st.integers(2, 9)).map(lambda run: [run[0]] * run[1]),
        st.sampled_from([[0, 1, 2], [1, 2], [0, 1, 0, 1], [3, 3, 4, 3, 3]]),
    ),
    max_size=8,
).map(lambda parts: [letter for part in parts for letter in part])
COUNT = st.one_of(st.integers(0, 4), st.sampled_from([2**29 - 1, 2**29, 2**31 - 1, 2**31, 2**32 + 1, 2**40]))


def arrays(words: list[tuple[list[int], int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    symbols = np.array([letter for word, _ in words for letter in word], np.int32)
    starts = np.cumsum([0, *(len(word) for word, _ in words)], dtype=np.int64)
    return symbols, starts, np.array([count for _, count in words], np.int64)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(WORD, COUNT), max_size=12), st.sampled_from([0, 1, 3, 200]))
def test_the_kernel_is_its_twin(words, most):
    given_arrays = arrays(words)
    copies = [array.copy() for array in given_arrays]
    answer = merges.merge(*given_arrays, 6, most)
    assert answer.tolist() == merges_twin.merge(*given_arrays, 6, most).tolist()
    assert all((array == copy).all() for array, copy in zip(given_arrays, copies, strict=True))


def zipf(number: int, seed: int) -> list[tuple[list[int], int]]:
    """Words over 20 letters, put together of syllables; counts fall as the rank's power."""
    draw = np.random.Generator(np.random.Philox(seed))
    syllables = [draw.integers(0, 20, draw.integers(1, 5)).tolist() for _ in range(60)]
    chosen = [draw.zipf(1.5, draw.integers(1, 6)) % 60 for _ in range(number)]
    words = [[letter for i in one for letter in syllables[i]] for one in chosen]
    return [(word, int(2**33 / (rank + 1) ** 2)) for rank, word in enumerate(words)]


@pytest.mark.parametrize("room", [None, 1, 40])
def test_many_merges_in_many_stages(monkeypatch, room):
    """Counts that fall over many orders; and the same where a stage has little room for the pairs that it makes."""
    if room is not None:
        monkeypatch.setattr(merge_pairs, "ROOM", room)
    given_arrays = arrays(zipf(400, 1))
    answer = merges.merge(*given_arrays, 20, 900)
    assert len(answer) > 300
    assert answer.tolist() == merges_twin.merge(*given_arrays, 20, 900).tolist()


def test_no_string_is_made_twice():
    made: list[tuple[int, ...]] = [(letter,) for letter in range(20)]
    for left, right in merges.merge(*arrays(zipf(2000, 2)), 20, 5000).tolist():
        made.append(made[left] + made[right])
    assert len(set(made)) == len(made) > 1500


def test_the_order_of_words_and_words_given_twice_change_nothing():
    words = zipf(300, 3)
    answer = merges.merge(*arrays(words), 20, 500)
    turned = [(word, count // 2) for word, count in words[::-1]] + [(word, count - count // 2) for word, count in words]
    assert merges.merge(*arrays(turned), 20, 500).tolist() == answer.tolist()


def test_more_words_of_the_same_counts_than_a_stage_sets_out_with(monkeypatch):
    monkeypatch.setattr(merges, "_ENTERED", 4)
    words = [([a, b, a], 2) for a, b in pairwise(range(40))]
    given_arrays = arrays(words)
    assert merges.merge(*given_arrays, 40, 99).tolist() == merges_twin.merge(*given_arrays, 40, 99).tolist()


def test_pairs_of_one_bucket(monkeypatch):
    """Buckets' sums are bounds: a stage may find none of the pairs that they promise."""
    monkeypatch.setattr(merges, "_BUCKETS", 2)
    given_arrays = arrays(zipf(60, 4))
    assert merges.merge(*given_arrays, 20, 300).tolist() == merges_twin.merge(*given_arrays, 20, 300).tolist()


def test_a_word_of_a_million_equal_symbols():
    """Its 19 merges double a run each: 2^19 < 10^6, and a pair met once is none."""
    given_arrays = np.zeros(10**6, np.int32), np.array([0, 10**6]), np.array([1])
    answer = merges.merge(*given_arrays, 1, 100)
    assert answer[:3].tolist() == [[0, 0], [1, 1], [2, 2]] and 18 <= len(answer) < 40


@pytest.mark.parametrize(
    ("symbols", "starts", "counts", "message"),
    [
        ([0, 6], [0, 2], [1], "from 0 to 5"),
        ([0, -1], [0, 2], [1], "from 0 to 5"),
        ([0, 1], [0, 1], [1], "starts"),
        ([0, 1], [0, 2], [1, 1], "starts"),
        ([0, 1], [0, 2, 1, 2], [1, 1, 1], "starts"),
        ([0, 1], [0, 2], [-1], "count"),
        ([0, 1], [0, 2], [2**62], "count"),
    ],
)
def test_what_is_no_words_is_refused(symbols, starts, counts, message):
    with pytest.raises(ValueError, match=message):
        merges.merge(np.array(symbols, np.int32), np.array(starts), np.array(counts), 6, 10)
