"""A stage's page and its key, from artifacts of the toy DAG."""

from pathlib import Path

import pytest
from flows_toy import ingest, keep
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from flows.stage_page import bar, key_of, stage_page
from flows.state import Past
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run

WORD = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "store", LocalEngine(1))


def test_a_decisions_page_has_its_funnel_and_what_changed(run: Run) -> None:
    documents = run(ingest, "web", source="web")
    run(keep, "web", documents=documents, pareto=9.0)
    again = run(keep, "web", documents=documents, pareto=3.0)
    page = stage_page(again, keep, "fresh, 0.1 s", Past(run.store))
    html = MarkdownIt("commonmark").enable("table").render(page)
    assert "<h2>keep web</h2>" in html
    assert "<strong>fresh, 0.1 s</strong>. The toy keeps every second document." in html
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert "| it met | 24 | 100.0 % | ████████████████████ |  |" in rows
    assert "| stay | 12 | 50.0 % | ██████████ |  |" in rows
    assert "| leave: quality | 12 | 50.0 % | ██████████ | it is of odd number |" in rows
    assert "| kept | 12 | 12 |" in rows, "its figures beside those of the one before"
    assert "- parameter pareto 9.0 -\\> 3.0" in page
    assert f"documents: `{documents.label}`" in page
    assert "pareto: `3`" in page
    assert f"| folder | {again.where()} |" in rows


def test_the_first_of_its_name_says_so(run: Run) -> None:
    page = stage_page(run(ingest, "web", source="web"), ingest, "cached", Past(run.store))
    assert "The first of its name: nothing to compare with." in page
    assert "before" not in page


def test_hostile_names_and_parameters_are_shown_only(run: Run) -> None:
    evil = "<img src=https://evil.example/a.png>|`[x](javascript:alert(1))\x1b[31m"
    documents = run(ingest, "web", source=evil)
    page = stage_page(documents, ingest, evil, Past(run.store))
    assert "\x1b" not in page
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
    assert "<img" not in html and "<a " not in html
    assert "&lt;img src=https://evil.example/a.png&gt;" in html


def test_a_key_says_what_it_is_of() -> None:
    assert key_of("demo", "keep", "web") == "demo--keep--web"
    assert key_of("demo", "corpus", "", "progress").startswith("demo--corpus--progress")


@given(st.lists(st.tuples(WORD, WORD, WORD), min_size=2, max_size=2, unique=True))
def test_no_two_share_a_key(pair: list[tuple[str, str, str]]) -> None:
    first, second = (key_of(*parts) for parts in pair)
    assert first != second
    assert all(letter in "abcdefghijklmnopqrstuvwxyz0123456789-" for letter in first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("demo 1", "keep", "web"), ("demo-1", "keep", "web")),
        (("Demo", "keep", "web"), ("demo", "keep", "web")),
        (("demo", "keep", "small.cloze.0"), ("demo", "keep", "small-cloze-0")),
        (("demo", "file-perplexity", "a"), ("demo-file", "perplexity", "a")),
        (("демо", "keep", "web"), ("проба", "keep", "web")),
        (("x" * 90 + "1", "keep", "web"), ("x" * 90 + "2", "keep", "web")),
    ],
)
def test_nor_do_these(first: tuple[str, str, str], second: tuple[str, str, str]) -> None:
    assert key_of(*first) != key_of(*second)


def test_bars() -> None:
    assert bar(0) == "" and bar(0.001) == "▏" and bar(1) == bar(7.0) == "█" * 20
