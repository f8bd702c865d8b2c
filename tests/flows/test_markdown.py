"""Others' text in Markdown and on a terminal: shown, never obeyed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from flows.markdown import code, plain
from tasks.runtime.visible import visible

HOSTILE = {
    "<img src=x onerror=alert(1)>": r"\<img src=x onerror=alert(1)\>",
    "<script>alert(1)</script>": r"\<script\>alert(1)\</script\>",
    "[click](javascript:alert(1))": r"\[click\](javascript:alert(1))",
    "![](https://evil.example/a.png)": r"!\[\](https:\//evil.example/a.png)",
    "see https://evil.example": r"see https:\//evil.example",
    "see www.evil.example": r"see www\.evil.example",
    "me@evil.example": r"me\@evil.example",
    "a | b": r"a \| b",
    "*a* _b_ `c` ~~d~~": r"\*a\* \_b\_ \`c\` \~\~d\~\~",
    "&lt;b&gt;": r"\&lt;b\&gt;",
    "# title": r"\# title",
    "1. first": r"1\. first",
    "two\nlines": "two lines",
    "a_name-of.ours": "a_name-of.ours",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_what_would_be_obeyed_is_shown(text: str) -> None:
    assert plain(text) == HOSTILE[text]


@given(st.text())
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    """By another renderer of CommonMark with tables, links by themselves and HTML: one paragraph, of text alone."""
    renderer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    shown = " ".join(visible(text).split())
    tokens = renderer.parse(plain(text))
    if not shown:
        return
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"], tokens
    children = tokens[1].children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    assert "".join(child.content for child in children) == shown


@given(st.text(min_size=1))
def test_code_is_one_span(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(code(text))
    (span,) = tokens[1].children or []
    assert span.type == "code_inline"
    assert span.content.strip() == " ".join(visible(text).split())


@given(st.text())
def test_no_control_character_reaches_a_terminal(text: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", visible(text))


def test_they_are_told_as_escapes() -> None:
    assert visible("a\x1b[31mred\x07\u202etxt.exe\tb\n") == r"a\x1b[31mred\x07\u202etxt.exe" + "\tb\n"
