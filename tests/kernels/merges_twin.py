"""`merge` as one would define it: count every pair anew before each merge (Sennrich, Haddow, Birch 2016, algorithm 1).

The signature is the kernel's own (tasks/kernels/merges.py), so that either may stand for the other.
"""

from collections import Counter
from itertools import pairwise

import numpy as np


def merge(symbols: np.ndarray, starts: np.ndarray, counts: np.ndarray, first: int, merges: int) -> np.ndarray:
    """int32 (made, 2): the pairs merged, in order; the k-th makes the symbol `first + k`.

    A pair's count is the number of places where its two symbols stand side by side, each as often as its word: three
    of (a, a) in `aaaa`. The pair of the highest count is merged, among equals the smallest (left, right), in each word
    from left to right: `aaa` becomes `A a`. Made are at most `merges`, fewer where no pair is left of count 2 or more:
    a token for what was met once saves nothing anywhere else.

    Args:
        symbols: int32 (n,), of all words one after another, from 0 up to `first`.
        starts: int64 (words + 1,): word w is symbols[starts[w] : starts[w + 1]].
        counts: int64 (words,): how often each word was met.
    """
    bounds = starts.tolist()
    words = [symbols[start:end].tolist() for start, end in pairwise(bounds)]
    often = counts.tolist()
    made: list[tuple[int, int]] = []
    while len(made) < merges:
        pairs: Counter[tuple[int, int]] = Counter()
        for word, count in zip(words, often, strict=True):
            for pair in pairwise(word):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        if pairs[best] < 2:
            break
        words = [merged(word, best, first + len(made)) for word in words]
        made.append(best)
    return np.array(made, np.int32).reshape(-1, 2)


def merged(word: list[int], pair: tuple[int, int], into: int) -> list[int]:
    """The word with `pair` replaced from left to right."""
    answer: list[int] = []
    at = 0
    while at < len(word):
        if tuple(word[at : at + 2]) == pair:
            answer.append(into)
            at += 2
        else:
            answer.append(word[at])
            at += 1
    return answer
