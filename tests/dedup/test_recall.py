"""Copies planted into a sample: what is found follows the probabilities of banding."""

import random

import numpy as np
import pytest
from corpora import decided, source

from tasks.dedup.chances import shares_a_band
from tasks.dedup.recall import BINS, SIMILARITIES, Recalled, copies, jaccard, recall

HOW = {"shingle": 3, "permutations": 128, "bands": 14, "rows": 8, "threshold": 0.75, "seed": 1}


def texts(count: int) -> list[str]:
    draw = random.Random(1)
    return [" ".join(f"w{draw.randrange(5000)}" for _ in range(150)) for _ in range(count)]


def shingles(text: str, size: int) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[n : n + size]) for n in range(len(words) - size + 1)}


def test_copies_are_on_average_as_similar_as_they_were_aimed_to_be():
    every = texts(80)
    for size in (1, 3, 5):
        found = np.zeros(len(SIMILARITIES))
        for n, text in enumerate(every):
            mine = shingles(text, size)
            theirs = [shingles(copy, size) for copy in copies(text, every[n - 1], size, n)]
            found += [len(mine & one) / len(mine | one) / len(every) for one in theirs]
        assert found.tolist() == pytest.approx(SIMILARITIES, abs=0.04)
    assert copies("", "", 1, 1) == [""] * len(SIMILARITIES)
    assert jaccard({1, 2, 3}, np.array([2, 3, 4, 4])) == 0.5


def test_what_is_found_of_planted_copies(run):
    documents = source(run, "web", texts(60), shards=3)
    made = run(recall, "web", documents=documents, survivors=decided(run, documents), sample=60, **HOW)
    told = made.counts(Recalled)
    assert told.documents == 60 and sum(told.pairs) == 60 * len(SIMILARITIES)
    assert (told.apart, told.alike) == (3 * 20 * 19 // 2, 0)
    for place in range(BINS):
        pairs, meet, found = told.pairs[place], told.meet[place], told.found[place]
        assert found <= meet <= pairs
        low, high = (shares_a_band(edge / BINS, 14, 8) * pairs for edge in (place, place + 1))
        slack = 4 * (pairs * 0.25) ** 0.5  # four standard deviations of a binomial at most
        assert low - slack <= meet <= high + slack
    assert sum(told.found[19:]) == sum(told.pairs[19:]) > 0, "copies of .95 and more are all found"
    assert sum(told.found[: int(0.6 * BINS)]) == 0


def test_a_sample_is_of_what_stays(run):
    every = texts(40)
    documents = source(run, "web", every, shards=1)
    ids = [f"web:{row['id'].partition(':')[2]}" for row in _rows(documents)]
    dropped = decided(run, documents, dropped=ids[10:])
    made = run(recall, "web", documents=documents, survivors=dropped, sample=60, **HOW)
    assert made.counts(Recalled).documents == 10


def _rows(documents):
    from tasks.runtime.shards import read

    return [row for shard in documents.shards() for row in read(shard, ["id"]).to_pylist()]
