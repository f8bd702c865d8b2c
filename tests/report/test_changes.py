"""Since the run before: numbers that are not the same, by their names, and nothing of examples and curves."""

import json
from typing import Any

from tasks.report.changes import SHOWN, Before, Change, changes
from tasks.report.page import render


def test_of_the_same_report_nothing_changed(made: Any) -> None:
    assert changes(made.report, made.report) == []
    page = render(made.artifact, [], (), Before(made.report, "b" * 16, "2026-11-01"))
    assert "No figure changed." in page and "b" * 16 in page and "2026-11-01" in page


def test_a_change_is_told_by_its_names_and_by_how_much(made: Any) -> None:
    before = json.loads(json.dumps(made.report))
    (step,) = [row for row in before["sections"]["funnel"]["sources"][2]["steps"] if row["step"] == "keep"]
    step["documents"] = 10
    step["reasons"]["harm"] = 3
    del before["sections"]["scores"]
    funnel, scores = changes(before, made.report)
    assert (funnel.name, funnel.more) == ("funnel", 0)
    assert funnel.shown == [
        Change("crawl, keep, documents", 10, 12),
        Change("crawl, keep, reasons, harm", 3, None),
    ]
    assert [row.by for row in funnel.shown] == ["+20.0 %", "gone"]
    assert scores.name == "scores" and len(scores.shown) == SHOWN and scores.more > 0
    assert {row.by for row in scores.shown} == {"new"}


def test_an_older_report_of_another_shape_is_compared_all_the_same(made: Any) -> None:
    old = {"title": "x", "sections": {"funnel": [1, 2], "mixture": None, "gone": {"a": 1}}}
    assert {row.name for row in changes(old, made.report)} <= set(made.sections)
