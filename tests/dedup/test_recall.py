"""Copies planted into a sample: what is found follows the probabilities of banding."""

import random

import numpy as np
import pyarrow.parquet as pq
import pytest
from corpora import decided, document_id, source

from tasks.dedup.chances import shares_a_band
from tasks.dedup.recall import BINS, SIMILARITIES, Recalled, copies, jaccard, recall, sampled
from tasks.kernels.draw import uniform

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


def test_the_counts_are_those_of_the_rows_that_are_kept(run):
    """Pairs by twentieths of exact similarity: those that meet in a band, and of these those that agree enough."""
    documents = source(run, "web", [*texts(30), "two words", ""], shards=2)
    made = run(recall, "web", documents=documents, survivors=decided(run, documents), sample=40, **HOW)
    told = made.counts(Recalled)
    rows = [row for path in sorted(made.folder.glob("*.parquet")) if path.name != "files.parquet"
            for row in pq.read_table(path).to_pylist()]  # fmt: skip
    assert len(rows) == 30 * len(SIMILARITIES), "a text without a shingle asks nothing"
    assert told.documents == 32 and told.apart == 2 * 15 * 14 // 2
    expected = np.zeros((3, BINS), int)
    for row in rows:
        place = min(int(row["jaccard"] * BINS), BINS - 1)
        expected[:, place] += (1, row["meet"], row["meet"] and row["agreement"] >= HOW["threshold"])
    assert [list(told.pairs), list(told.meet), list(told.found)] == expected.tolist()
    near = [(row["jaccard"], row["agreement"]) for row in rows]
    assert np.abs(np.subtract(*np.array(near).T)).mean() < 0.04, "128 permutations estimate the exact similarity"


def test_different_documents_that_agree_in_enough_rows_are_told(run):
    """Three equal texts, a near copy of another, and two alone: all stay here, so their pairs were not met."""
    every = texts(4)
    documents = source(run, "web", [every[0]] * 3 + [every[1], f"{every[1]} more", every[2], every[3]])
    made = run(recall, "web", documents=documents, survivors=decided(run, documents), sample=40, **HOW)
    told = made.counts(Recalled)
    assert (told.documents, told.apart, told.alike) == (7, 21, 3 + 1)


def test_the_sample_is_of_the_least_draws_of_some_shards(run):
    """Of nine shards eight, by a draw of their keys; of each the share of the sample with the least draws."""
    every = [f"text {n} of some words" for n in range(45)]
    documents = source(run, "web", every, shards=9)
    made = run(recall, "web", documents=documents, survivors=decided(run, documents), sample=16, **HOW)
    assert made.counts(Recalled).documents == 8 * 2
    kept = decided(run, documents)
    shards = documents.shards()
    left_out = shards[int(np.argmax(uniform([shard.key for shard in shards], HOW["seed"], "recall")))].key
    assert left_out not in {path.stem for path in made.folder.glob("*.parquet")}
    ids = _rows(documents)
    first = shards[0]
    of = {document_id("web", n): every[n] for n in range(45)}
    mine = [row["id"] for row in ids[: first.rows]]
    draws = uniform(mine, HOW["seed"], "recall")
    least = [of[mine[n]] for n in np.argsort(draws)[:2]]
    assert sampled(first, kept, 2, HOW["seed"]) == least
    dropped = decided(run, documents, dropped=[mine[int(np.argmin(draws))]])
    assert sampled(first, dropped, 2, HOW["seed"]) == [of[mine[n]] for n in np.argsort(draws)[1:3]]


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
