"""What `survivors` counts and tells: bytes, copies, clusters, similarities, against its own rows."""

import random
from collections import Counter

import numpy as np
import pytest
from corpora import by_id, counts, decided, document_id, source
from dedup.test_near_copies import near_copies, removed, rows_of, words

from tasks.dedup.signatures import signatures
from tasks.dedup.told import tell_survivors
from tasks.runtime.run import Run
from tasks.runtime.stage import Place


def test_counts_are_those_of_the_rows(run: Run) -> None:
    corpus = near_copies(3)
    documents = [source(run, name, texts, shards=2) for name, texts in corpus.items()]
    dropped = [document_id("second", n) for n in range(5)]
    keeps = [decided(run, one, dropped if one.name == "second" else None) for one in documents]
    made = removed(run, documents, keeps)
    for rank, (one, of) in enumerate(zip(documents, made, strict=True)):
        size = {document_id(one.name, n): len(text.encode()) for n, text in enumerate(corpus[one.name])}
        rows = {id: row for id, row in by_id(one, of).items() if id not in dropped}
        told = counts(of)
        assert told["bytes"] == sum(size[id] for id in rows)
        assert told["kept_bytes"] == sum(size[id] for id, row in rows.items() if row["keep"])
        alike = [row["similarity"] for row in rows.values() if not row["keep"]]
        bins = Counter(min(int(np.float32(each) * 20), 19) for each in alike)
        assert told["similarity"] == [bins[n] for n in range(20)]
        left_for = Counter(row["duplicate_of"] for row in rows.values() if not row["keep"])
        for id, row in rows.items():
            assert row["copies"] == left_for[id]
        # a cluster is one that stays, of this source or an earlier one, and those of this source that left for it
        edges = [2, 3, 4, 5, 10, 100]
        sizes = [sum(low <= copies + 1 < high for copies in left_for.values())
                 for low, high in zip(edges, [*edges[1:], 10**9], strict=True)]  # fmt: skip
        assert told["clusters"] == sizes and sum(sizes) > 0
        assert told["verified"] >= told["reasons"]["near"] and told["pairs"] >= told["verified"]
        if rank:
            assert any(not id.startswith(one.name) for id in left_for), "some have their witness in an earlier source"


def test_documents_of_fewer_words_than_a_shingle_are_counted(run: Run) -> None:
    documents = source(run, "web", ["one two three", "one two", "", "a b c d", "--"], shards=2)
    made = run(signatures, "web", documents=documents, shingle=3, permutations=16, seed=1)
    assert counts(made) == {"documents": 5, "short": 3}
    rows = by_id(documents, made)
    assert [rows[document_id("web", n)]["shingles"] for n in range(5)] == [1, 0, 0, 2, 0]


@pytest.mark.parametrize("copies", [1, 2, 3, 4, 9, 10, 99])
def test_clusters_by_size(run: Run, copies: int) -> None:
    """From 2, 3, 4, 5, 10 and 100 on: a document with its copies."""
    documents = source(run, "web", [words(0, 30)] * (copies + 1), shards=3)
    edges = [2, 3, 4, 5, 10, 100]
    place = sum(copies + 1 >= edge for edge in edges) - 1
    assert counts(removed(run, [documents])[0])["clusters"] == [int(n == place) for n in range(6)]


def test_pairs_are_counted_once_however_many_bands_they_share(run: Run) -> None:
    """Three texts, of which two are alike in all but a word, and a third that no band shares with them."""
    texts = [words(0, 60), f"{words(0, 59)} other", words(500, 560)]
    documents = source(run, "web", texts)
    told = counts(removed(run, [documents], bands=16, rows=1, threshold=0.8)[0])
    assert (told["pairs"], told["verified"], told["split"], told["lost"]) == (1, 1, 0, 0.0)
    assert 10 < told["buckets"] <= 16
    told = counts(removed(run, [documents], bands=16, rows=1, threshold=1.0)[0])
    assert (told["pairs"], told["verified"], told["kept"]) == (1, 0, 3)


def test_a_document_like_several_leaves_for_the_first(run: Run) -> None:
    """Of two that stay, both like it, the earlier one is its witness: also by rounds, and over shards."""
    draw = random.Random(1)
    ids = [f"web:{n:032x}" for n in (1, 2, 3)]
    # 2 and 1 share half their words and stay both; 3 has most of each
    texts = [words(0, 100), words(40, 140), words(20, 120)]
    order = list(range(3))
    for memory in (1 << 30, 0):
        draw.shuffle(order)
        documents = source(run, "web", [texts[n] for n in order], shards=3, ids=[ids[n] for n in order])
        how = {"bands": 64, "rows": 1, "threshold": 0.55, "shingle": 1, "permutations": 256, "memory": memory}
        rows = rows_of([documents], removed(run, [documents], **how))
        assert [rows[id]["keep"] for id in ids] == [True, True, False]
        assert rows[ids[2]]["duplicate_of"] == ids[0]


def test_explain_says_what_was_alike_enough(run: Run) -> None:
    ids = [f"web:{n:032x}" for n in (1, 2, 3)]
    documents = source(run, "web", [words(0, 30), words(0, 30), words(0, 29) + " x"], ids=ids)
    made = removed(run, [documents], threshold=0.55)[0]
    rows = by_id(documents, made)
    (shard,) = documents.shards()
    lines = [list(tell_survivors(made, Place("web", shard, row, id, b""), {})) for row, id in enumerate(ids)]
    near = f"{rows[ids[2]]['similarity']:.4f}"
    assert lines == [
        ["kept; copies 2"],
        [f"dropped: exact; duplicate_of {ids[0]}, similarity 1.0000, copies 0, at a threshold of 0.55"],
        [f"dropped: near; duplicate_of {ids[0]}, similarity {near}, copies 0, at a threshold of 0.55"],
    ]
