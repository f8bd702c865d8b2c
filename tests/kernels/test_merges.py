"""BPE's merges: the plain definition by examples, and the kernel against it."""

import numpy as np
import pytest

from tasks.kernels import merges

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
