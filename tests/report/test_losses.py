"""Losses: which decisions are told of, and which of them without alarm. The whole way: tests/flows/test_rules.py."""

from typing import Any

import pytest
from corpora import scored, source

from tasks.quality.keep import keep
from tasks.report.losses import lines, markdown
from tasks.runtime.decisions import Decided, decided, loses_most, means_to
from tasks.runtime.run import Run

PLAIN: dict[str, Any] = {"before": None, "pareto": None, "threshold": None, "languages": None, "seed": 1}


@pytest.mark.parametrize(
    ("how", "loses", "meant"),
    [
        ({"pareto": 9.0}, True, True),
        ({"pareto": 0.1}, False, True),
        ({"threshold": 0.5}, True, False),
        ({"pareto": 9.0, "languages": ["de"]}, True, True),
        ({"pareto": 0.1, "languages": ["de"]}, True, False),
    ],
)
def test_a_draw_is_meant_to_lose_and_a_threshold_is_not(
    run: Run, how: dict[str, Any], loses: bool, meant: bool
) -> None:
    documents = source(run, "crawl", ["x"] * 400)
    kept = run(keep, "crawl", **{**PLAIN, **how}, documents=documents, scores=scored(run, documents, [0.2]))
    assert loses_most(decided(kept)) == loses
    assert means_to(kept, keep.drawn) == meant
    assert not (loses and means_to(kept, ())), "a stage without a draw means no loss"


@pytest.mark.parametrize(
    ("counts", "loses"),
    [
        (Decided(), False),
        (Decided(documents=4, bytes=40, kept=2, kept_bytes=20), False),
        (Decided(documents=5, bytes=40, kept=2, kept_bytes=40), True),
        (Decided(documents=4, bytes=40, kept=4, kept_bytes=19, cut=1), True),
    ],
)
def test_more_than_half_of_documents_or_bytes(counts: Decided, loses: bool) -> None:
    assert loses_most(counts) == loses


def loss(**more: Any) -> dict[str, Any]:
    counts = {"documents": 1000, "kept": 20, "bytes": 5000, "kept_bytes": 50, "reasons": {"near": 975, "exact": 5}}
    sides = {"left": [{"id": "a:1", "reason": "near", "begins": "<b>*|x|"}], "stayed": []}
    return {"source": "books", "stage": "survivors", **counts, "meant": False, "expected": None, **sides, **more}


def test_a_warning_has_the_shares_and_the_reasons() -> None:
    (told,) = lines({"losses": [loss()]})
    assert told.startswith(
        "WARNING  books: survivors drops 98.0 % of 1,000 documents, 99.0 % of bytes (near 975, exact 5)"
    )
    (told,) = lines({"losses": [loss(kept=1000, reasons={})]})
    assert "drops 0.0 % of 1,000 documents, 99.0 % of bytes (by cuts)" in told
    (told,) = lines({"losses": [loss(meant=True, expected=21.0)]})
    assert told == ("Losses   books: survivors leaves 2.0 % of 1,000 documents, by a draw that was to leave 2.1 %")


def test_no_text_of_a_document_is_markup_in_prefect() -> None:
    table = markdown({"losses": [loss()]})
    assert "| a:1 \\(near\\) \\<b\\>\\*\\|x\\| |  |" in table
