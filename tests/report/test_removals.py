"""Removals: of each source, decision and reason some documents that left, bounded over all; paged without a script."""

from pathlib import Path
from typing import Any

import pytest
import report_rows as rows_of
from opened import browser, opened

from tasks.report import removals
from tasks.report.page import render
from tasks.runtime.engine import LocalEngine


def test_who_left_and_why(made: Any) -> None:
    rows = {(row["source"], row["stage"], row["reason"]): row for row in made.sections["removals"]["rows"]}
    assert {key: row["left"] for key, row in rows.items()} == {
        ("crawl", "keep", "quality"): 7,
        ("crawl", "survivors", "exact"): 1,
        ("crawl", "survivors", "near"): 1,
        ("crawl", "cuts", "contaminated"): 1,
    }
    dropped = [n for n, row in enumerate(rows_of.ROWS["crawl"]) if "dropped" in row]
    shown = rows["crawl", "keep", "quality"]["documents"]
    assert sorted(row["id"] for row in shown) == [rows_of.id_of("crawl", n) for n in dropped]
    (near,) = rows["crawl", "survivors", "near"]["documents"]
    assert near["begins"] == rows_of.ROWS["crawl"][3]["text"][:80]
    assert near["url"] == rows_of.ROWS["crawl"][3]["url"]
    assert near["said"].startswith(f"duplicate_of {rows_of.id_of('crawl', 2)}, similarity 0.9")


def test_few_are_shown_where_reasons_are_many(made: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(removals, "DOCUMENTS", 6)
    monkeypatch.setattr(removals, "REASONS", 3)
    content = removed(made)
    assert [len(row["documents"]) for row in content["rows"]] == [2, 1, 1] and content["others"] == 1
    whole = {row["id"] for row in made.sections["removals"]["rows"][0]["documents"]}
    assert {row["id"] for row in content["rows"][0]["documents"]} < whole


def removed(made: Any) -> dict[str, Any]:
    """The section's content as it is with the bounds of now."""
    from dataclasses import dataclass

    from tasks.report.given import Declaration, Given
    from tasks.report.section import Counted

    declared = {name: Declaration.from_json(value) for name, value in made.arguments["declarations"].items()}
    decisions = {source: tuple(of) for source, of in made.arguments["decisions"].items()}
    given = Given(made.arguments["documents"], {}, decisions, {}, declared, {}, frozenset())

    @dataclass
    class Job:
        engine: LocalEngine

    parts = [Counted(shard, removals.count(shard)) for shard in given.shards()]
    return removals.gather(Job(LocalEngine(1)), given, parts)  # type: ignore[arg-type,return-value]


@browser
@pytest.mark.browser
def test_one_pages_through_them_by_keyboard(made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {**made.report, "overview": [], "sections": {**made.sections}}
    row = content["sections"]["removals"]["rows"][0]
    many = [{**row["documents"][0], "id": f"crawl:{n:032x}", "begins": f"document {n}"} for n in range(25)]
    content["sections"]["removals"] = {"rows": [{**row, "documents": many}], "others": 2}
    monkeypatch.setattr("tasks.report.page.figures_in", lambda _: (content, {}))
    path = tmp_path / "page.html"
    path.write_text(render(made.artifact, []))
    with opened(path) as (page, errors):
        page.locator("#removals summary").first.click()
        leaves = page.locator("#removals .leaf")
        assert [leaves.nth(n).is_visible() for n in range(3)] == [True, False, False]
        page.locator("#removals-1-1 a").last.focus()
        page.keyboard.press("Enter")
        assert [leaves.nth(n).is_visible() for n in range(3)] == [False, True, False]
        assert "document 10" in leaves.nth(1).inner_text() and "page 2 of 3" in leaves.nth(1).inner_text()
        page.emulate_media(media="print")
        assert all(leaves.nth(n).is_visible() for n in range(3)) and not errors
