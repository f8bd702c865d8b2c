"""What decisions have in common: the chain of them, what is kept before, and when a loss is one to look at."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from corpora import decided, document_id, scored, source

from tasks.quality.keep import keep
from tasks.runtime import decisions
from tasks.runtime.decisions import Decided, chain, kept_before, loses_most, means_to, nearest, tell_decision, told
from tasks.runtime.run import Run
from tasks.runtime.stage import Place

PLAIN = {"pareto": None, "threshold": None, "languages": None, "seed": 1}


@pytest.mark.parametrize(
    ("counts", "most"),
    [
        (Decided(documents=10, bytes=100, kept=5, kept_bytes=50), False),  # half of each is not most
        (Decided(documents=10, bytes=100, kept=4, kept_bytes=50), True),
        (Decided(documents=10, bytes=100, kept=5, kept_bytes=49), True),
        (Decided(), False),
    ],
)
def test_more_than_half_of_documents_or_bytes_is_most(counts: Decided, most: bool) -> None:
    assert loses_most(counts) is most


@pytest.mark.parametrize(
    ("kept", "drawn", "other", "expected", "meant"),
    [
        (10, 90, 0, 9.5, True),
        (10, 40, 50, 9.5, True),  # what left for other reasons is half, and no more
        (10, 39, 51, 9.5, False),
        (10, 90, 0, 0, False),  # no odds were known: no draw was made
    ],
)
def test_a_draw_with_known_odds_means_to_lose(kept: int, drawn: int, other: int, expected: float, meant: bool) -> None:
    counted = {"documents": 100, "kept": kept, "reasons": {"quality": drawn, "language": other}, "expected": expected}
    decision: Any = SimpleNamespace(manifest={"statistics": counted}, label="keep/web-0")
    assert means_to(decision, ("quality",)) is meant
    assert not means_to(decision, ())


def test_decisions_name_each_other_and_the_last_one_with_a_column_has_it(run: Run) -> None:
    documents = source(run, "web", ["a", "b", "c", "d"], shards=2)
    first = decided(run, documents, dropped=[document_id("web", 1)])
    second = run(keep, "web", documents=documents, before=first, scores=None, **PLAIN)
    scores = scored(run, documents, [0.1, 0.9])
    how = {**PLAIN, "threshold": 0.5}
    third = run(keep, "web", documents=documents, before=second, scores=scores, **how)
    assert list(chain(third)) == [third, second, first] and list(chain(first)) == [first]
    for shard in documents.shards():
        every = kept_before(None, shard)
        assert every.tolist() == [True, True] and every.dtype == np.bool_
        before, after = kept_before(first, shard), kept_before(third, shard)
        assert (after <= before).all() and kept_before(second, shard).tolist() == before.tolist()
        cuts = nearest(third, shard, "cuts")  # of the first one alone
        assert cuts is not None and cuts.to_pylist() == [[], []]
        reason = nearest(third, shard, "reason")
        assert reason is not None and set(reason.to_pylist()) <= {None, "quality"}
        assert nearest(third, shard, "similarity") is None and nearest(second, shard, "draw") is not None


def test_what_is_told_of_a_row(run: Run) -> None:
    documents = source(run, "web", ["a", "b"])
    first = decided(run, documents, dropped=[document_id("web", 0)])
    second = run(keep, "web", documents=documents, before=first, scores=None, **{**PLAIN, "languages": ["de"]})
    (shard,) = documents.shards()
    lines = [list(tell_decision(second, Place("web", shard, row, "", b""), {})) for row in range(2)]
    assert lines == [["dropped before"], ["dropped: language"]]
    assert told({"a": 0.5, "b": None, "c": [], "d": b"x", "e": 3, "f": "g", "h": [1]}) == "a 0.5000, e 3, f g, h [1]"
    measured: Any = scored(run, documents, [0.25])
    place = Place("web", shard, 0, "", b"")
    assert list(decisions.tell_measure(measured, place, {})) == ["score 0.2500"]
    assert list(decisions.tell_counts(measured, place, {})) == ["score 0.2500"]
    nothing: Any = scored(run, source(run, "none", ["x"]), [0.0])
    (shard,) = source(run, "none", ["x"]).shards()
    assert list(decisions.tell_counts(nothing, Place("none", shard, 0, "", b""), {})) == ["nothing of what it counts"]
