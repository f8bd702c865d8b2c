"""Planted and found: counted by hand from report_rows, where copies, leaks and damage are caught, missed or not met."""

from typing import Any

import pytest
import report_rows as rows_of

from tasks.report.planted import damaged
from tasks.report.planted_rows import Damage, kind_of
from tasks.report.planted_rules import Looked, told


def test_damage_is_found_where_a_reject_for_damage_overlaps_it(made: Any) -> None:
    damage = made.sections["planted"]["damaged"]
    assert (damage["planted"], damage["found"], damage["others"]) == (2, 1, 1)
    # The second lies under a reject for its status: not wanted, but not recognised as damaged.
    assert damage["kinds"] == {
        "corrupt-member": {"planted": 1, "found": 1, "reasons": {"gzip": 1}},
        "http-header": {"planted": 1, "found": 0, "reasons": {}},
    }


@pytest.mark.parametrize(
    ("file", "offset", "length", "found"),
    [
        ("crawl/1.warc", 90, 10, 0),  # ends where the damage begins
        ("crawl/1.warc", 90, 11, 1),
        ("1.warc", 129, None, 1),
        ("1.warc", 130, 5, 0),
        ("/x/crawl/1.warc", 0, 1000, 1),
        ("other/1.warc", 100, 30, 0),
        ("/x/crawl/11.warc", 100, 30, 0),
    ],
)
def test_files_are_matched_by_their_ends_and_ranges_by_overlap(
    file: str, offset: int, length: int | None, found: int
) -> None:
    planted = [{"file": "crawl/1.warc", "offset": 100, "length": 30, "kind": "k"}]
    assert damaged(planted, [Damage(file, offset, length, "gzip")])["found"] == found


def test_exact_copies(made: Any) -> None:
    expected = {"planted": 1, "extracted": 1, "reached": 1, "resolved": 1, "by_each_other": 1, "signatures": 1}
    assert made.sections["planted"]["exact"] == expected


def test_near_copies_by_similarity(made: Any) -> None:
    low, high = made.sections["planted"]["near"]
    assert (low["from"], high["from"], high["to"]) == (0.6, 0.9, 1.0)
    # One copy was never extracted, the other stays beside its original.
    assert [low[key] for key in ("planted", "extracted", "reached", "resolved", "signatures")] == [2, 1, 1, 0, 0]
    # One resolved, one missed (its signature agrees in .6 only), one whose original quality dropped.
    assert [high[key] for key in ("planted", "extracted", "reached", "resolved", "signatures")] == [3, 3, 2, 1, 2]
    assert low["expected"] < 0.01 < 0.99 < high["expected"]


def test_pages_by_kind(made: Any) -> None:
    rows = {row["kind"]: row for row in made.sections["planted"]["pages"]}
    assert [row["good"] for row in rows.values()] == [True] * 7 + [False] * 3
    assert rows["good"] == {
        "kind": "good",
        "good": True,
        "responses": 5,
        "documents": 5,
        "after": {"keep": 4, "survivors": 4, "cuts": 3},
    }
    assert rows["spam"] == {
        "kind": "spam",
        "good": False,
        "responses": 4,
        "documents": 4,
        "after": {"keep": 1, "survivors": 1, "cuts": 1},
    }
    assert (rows["menus"]["responses"], rows["menus"]["documents"], rows["menus"]["after"]["keep"]) == (3, 2, 0)
    assert rows["image"] == {"kind": "image", "good": False, "responses": 2, "documents": 0, "after": {}}


def test_leaks_are_searched_in_the_text_that_is_trained_on(made: Any) -> None:
    leaks = made.sections["planted"]["leaks"]
    rows = {(row["form"], row["source"]): row for row in leaks["forms"]}
    keys = ("planted", "extracted", "hit", "dropped", "met", "removed", "left", "clean", "dirty")

    def row(form: str, source: str) -> list[int]:
        return [rows[form, source][key] for key in keys]

    assert row("whole", "crawl") == [2, 1, 1, 0, 1, 1, 0, 2, 0]
    assert row("rewrapped", "crawl") == [1, 1, 0, 1, 0, 0, 0, 1, 0]
    assert row("deep", "crawl") == [1, 1, 0, 0, 1, 0, 1, 0, 1]  # no hit was recorded, and still it is seen
    assert row("whole", "webtext") == [1, 1, 1, 0, 1, 1, 0, 1, 0]  # joined by URL, whatever conf calls the source
    assert row("whole", "books2") == [1, 1, 1, 0, 1, 1, 0, 1, 0]  # a file without URLs: every document of the source
    assert [leaks["total"][key] for key in keys] == [6, 5, 3, 1, 4, 3, 1, 5, 1]


def test_what_each_rule_finds_in_the_documents_as_ingested(made: Any) -> None:
    """Leak 6 was never extracted; the others stand in a document each, with none of the other items."""
    rules = {row["rule"]: row for row in made.sections["planted"]["leaks"]["rules"]}
    found = {
        rule: {form: (of["found"], of["looked"]) for form, of in row["forms"].items()} for rule, row in rules.items()
    }
    words = {"whole": (3, 3), "rewrapped": (1, 1), "deep": (1, 1)}
    assert found["gpt3"] == found["gpt2"] == words
    assert found["gpt4"] == {**words, "rewrapped": (0, 1)}  # it is in capitals
    assert all((row["absent"], row["alarms"]) == (5 * 5, 0) for row in rules.values())
    # The audit asked one rule: leak 3 is left, and item 3 is what it calls dirty
    assert rules["gpt3"]["trained"] == {"left": 1, "dirty": 1, "alarms": 0}
    assert rules["gpt2"]["trained"] is rules["gpt4"]["trained"] is None


def test_false_alarms_are_items_that_are_not_in_the_document() -> None:
    planted = [{"form": "whole"}, {"form": "changed"}]
    items: list[tuple[str, str] | None] = [("quiz", "a"), ("quiz", "b")]
    documents = [
        (frozenset({0}), (Looked("gpt3", frozenset({("quiz", "a")}), 9, 2), Looked("gpt2", frozenset(), 8, 0))),
        (frozenset({0, 1}), (Looked("gpt3", frozenset(), 7, 1), Looked("gpt2", frozenset({("quiz", "b")}), 8, 0))),
    ]
    trained = {"gpt2": {("quiz", "b"): "dirty", ("quiz", "c"): "dirty", ("quiz", "a"): "clean"}}
    gpt3, gpt2, gpt4 = told(planted, items, documents, trained, [1])
    assert gpt3["forms"] == {"whole": {"looked": 1, "found": 1}, "changed": {"looked": 1, "found": 0}}
    assert (gpt3["absent"], gpt3["alarms"], gpt3["trained"]) == (16, 3, None)
    assert gpt2["forms"] == {"whole": {"looked": 1, "found": 0}, "changed": {"looked": 1, "found": 1}}
    assert gpt2["trained"] == {"left": 1, "dirty": 1, "alarms": 1}
    assert (gpt4["forms"], gpt4["absent"]) == ({}, 0)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://a.example/good/p/x.html", "good"),
        ("https://a.example/copy/within/x.html", "copy/within"),
        ("https://a.example/junk/spam/7", "spam"),
        ("https://a.example/blog/junk/spam/7", None),
        ("https://a.example/good", None),
        (None, None),
    ],
)
def test_kinds_are_read_from_the_path(url: str | None, kind: str | None) -> None:
    assert kind_of(url) == kind


def test_a_rewrapped_leak_is_the_same_words() -> None:
    from tasks.evaluation.plain import words

    assert words(rows_of.wrapped(rows_of.LEAKS[2])) == words(rows_of.LEAKS[2])
