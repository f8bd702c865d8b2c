"""Articles: which are asked, what stands before a title, and where a text is cut."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_news import articles, write

from tasks.evaluation.news.articles import STOP, Article, articles_in, drawn, fitted, prompt
from tasks.runtime.errors import Mistake


def test_the_prompt_is_the_papers(tmp_path: Path) -> None:
    asked = Article("a", "United Methodists Agree to Historic Split", "Those who oppose will go", "x")
    before = [Article("b", "Earlier", "Under it", "One two. Three four five.")]
    assert prompt(asked, before, 3) == (
        "Title: Earlier\nSubtitle: Under it\nArticle: One two.\n\n"
        "Title: United Methodists Agree to Historic Split\nSubtitle: Those who oppose will go\nArticle:"
    )
    assert prompt(asked, before, 3).count(STOP) == 1, "where a model goes on to another article it is stopped"


def test_draws_are_by_hash(tmp_path: Path) -> None:
    rows = articles(12)
    write(tmp_path / "a.jsonl", rows)
    write(tmp_path / "b.jsonl", [*reversed(rows), rows[0]])  # in another order, one of them twice
    asked, before = drawn(tmp_path / "a.jsonl", 9, seed=1)
    assert len(asked) == 9 and len(before) == 3 and not set(asked) & set(before)
    assert drawn(tmp_path / "b.jsonl", 9, seed=1) == (asked, before)
    assert drawn(tmp_path / "a.jsonl", 9, seed=2) != (asked, before)
    assert drawn(tmp_path / "a.jsonl", 5, seed=1)[0] == asked[:5]
    with pytest.raises(Mistake, match=r"12 articles; 10 titles and 3 articles before them need 13.*to 9 or fewer"):
        drawn(tmp_path / "a.jsonl", 10, seed=1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"title": "a", "text": "b"}', "a.jsonl:1: no field 'subtitle'"),
        ('{"title": " ", "subtitle": "", "text": "b"}', "a.jsonl:1: title is ' '"),
        ('{"title": "a", "subtitle": "", "text": 3}', "a.jsonl:1: text is 3"),
        ("[1]", "a JSON object is expected"),
        ("{", "a.jsonl:1: is not JSON"),
    ],
)
def test_what_is_no_article(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "a.jsonl").write_text(line + "\n")
    with pytest.raises(Mistake, match=said):
        articles_in(tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    ("text", "words", "kept"),
    [
        ("One two three. Four five six.", 5, "One two three."),
        ("One two three. Four five six.", 6, "One two three. Four five six."),
        ('One "two three." Four five', 5, 'One "two three."'),
        ("One. Two three four five six", 6, "One. Two three four five six"),  # a sixth alone would be left
        ("At 3.5 per cent of it all", 4, "At 3.5 per cent"),
        ("One\n\ntwo.  Three", 9, "One\n\ntwo."),
        ("", 5, ""),
        (" \n", 5, ""),
    ],
)
def test_where_a_text_is_cut(text: str, words: int, kept: str) -> None:
    assert fitted(text, words) == kept


@given(st.text(alphabet="ab .!\n\"'", max_size=60), st.integers(1, 9))
def test_a_cut_text_begins_as_it_did_and_is_cut_no_further(text: str, words: int) -> None:
    kept = fitted(text, words)
    assert text.strip().startswith(kept) and fitted(kept, words) == kept
    assert min(words, len(text.split())) / 2 <= len(kept.split()) <= words
