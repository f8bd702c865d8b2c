"""HTML to text: the main content, and limits that hold in time."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import PAGE

from tasks.runtime.errors import Mistake
from tasks.sources.page.extract import EXTRACTORS, extract, require
from tasks.sources.rejects import Bad

LIMITS = {"limit": 8 << 20, "tags": 500_000, "depth": 2000}


def test_main_content_and_title():
    menu = b"<nav><ul>" + b"<li><a href='/x'>Menu entry</a></li>" * 30 + b"</ul></nav>"
    html = (PAGE % (b"The text itself. " * 20)).replace(b"<main>", menu + b"<main>").decode()
    found = extract(html, **LIMITS)
    assert found.title == "A title"
    assert "The text itself." in found.text
    assert "Menu entry" not in found.text


@pytest.mark.parametrize(
    ("name", "html", "reason"),
    [
        ("nested", "<div>" * 100_000 + "x", "markup"),
        ("nested and closed", "<div>" * 100_000 + "x" + "</div>" * 100_000, "markup"),
        ("nested by tables", "<table><tr><td>" * 30_000, "markup"),
        ("one tag 200 MB long", "<a " + "b" * 200_000_000, "too-large"),
        ("one tag again and again, 200 MB", "<br>" * 50_000_000, "too-large"),
        ("many tags", "<p>a" * 600_000, "markup"),
    ],
)
def test_hostile_pages_are_stopped_soon(name, html, reason):
    start = time.monotonic()
    with pytest.raises(Bad) as caught:
        extract(html, **LIMITS, extractor="resiliparse")
    assert caught.value.reason == reason
    assert time.monotonic() - start < 30  # else it hangs: quadratic work would take minutes


@pytest.mark.parametrize(
    "start",
    [
        "<div>" * 100_000,
        "<table><tr><td>" * 30_000,
        "<ul><li>" * 100_000,
        "<p><font size=7>" * 100_000,
        "<a><div>" * 100_000,
        "<p " + " ".join(f"a{number}=1" for number in range(400_000)) + ">",
        "<select>" + "<option>a" * 166_000 + "</select>",
        "<svg><title>" * 80_000 + "<div>",
        "</p></b></div>" * 100_000,
        "<div></table>" * 100_000,
        "<dl><dd><b><dt><li>" * 50_000,
        "<a class=sidebar href=x" + " " * 1_000_000 + ">",
        "&" * 500_000 + "&#" * 100_000,
        "<p>",
    ],
)
def test_our_extractor_reads_what_stands_behind_what_takes_others_minutes(start):
    began = time.process_time()
    found = extract(f"<p>Before.</p>{start}Behind it all.<p>Behind.", **LIMITS, extractor="plain")
    assert found.text.startswith("Before.")
    assert found.text.endswith("Behind it all.\n\nBehind.")
    extract(f"<p>Before.</p>{start}Behind it all.<p>Behind.", **LIMITS)
    assert time.process_time() - began < 30  # else it hangs: quadratic work would take minutes


@pytest.mark.parametrize(
    "html",
    ["<div>" * 1900 + "x", "<p>a" * 100_000, "<b>" * 5000 + "x", "<" * 100_000, "&" * 100_000, "\0" * 100_000, ""],
)
def test_odd_pages_within_the_limits_are_read(html):
    start = time.monotonic()
    extract(html, **LIMITS)
    assert time.monotonic() - start < 30  # else it hangs: quadratic work would take minutes


@pytest.mark.parametrize(
    "html",
    [
        "<p>Before.</p><select>" + "<option>a" * 166_000 + "</select><p>Behind.</p>",  # never ended
        "<p>Before.</p><SELECT>" + "<Option value='1'>a</Option >" * 80_000 + "</SELECT><p>Behind.</p>",
        "<p>Before.</p><datalist>" + "<optgroup label=b><option>a" * 90_000 + "</datalist><p>Behind.</p>",
    ],
)
def test_options_cost_nothing(html):
    for extractor in ("plain", "resiliparse"):
        found = extract(html, **LIMITS, extractor=extractor, seconds=10)
        assert found.text.split() == ["Before.", "Behind."]


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("<p><font size=%d>x", "memory"),  # opened again in each paragraph: 1.2 GB for 2,500
        ("<ul><li>x", "memory"),  # lines indented by their depth: 9 GB for 40,000
        ("<a><div>", "slow"),
    ],
)
def test_small_pages_that_take_gigabytes_or_minutes_are_stopped(html, reason):
    hostile = "".join(html % number if "%" in html else html for number in range(39_000))
    with pytest.raises(Bad) as caught:
        extract(hostile, **{**LIMITS, "depth": 10**9}, extractor="resiliparse", seconds=3)
    assert caught.value.reason in (reason, "slow")
    assert "A neighbour" in extract("<p>A neighbour." * 7000, **LIMITS, extractor="resiliparse").text


def test_attributes_without_end_are_stopped():
    with pytest.raises(Bad, match="CPU") as caught:
        extract(
            "<p " + " ".join(f"a{number}=1" for number in range(400_000)) + ">x",
            **LIMITS,
            extractor="resiliparse",
            seconds=2,
        )
    assert caught.value.reason == "slow"


CODE = "def f(x):\n    if x:\n\n\n        return  1 &amp;lt; 2\n\treturn"


@pytest.mark.parametrize("extractor", ["millrace", "plain", "resiliparse"])
def test_preformatted_text_keeps_its_white_space_and_no_other_does(extractor):
    prose = "<p>   It is said,  in a sentence of some length, that code is not prose. </p>\n" * 4
    found = extract(
        f"<main>{prose}<ul><li>  one</ul><pre>\n{CODE}\n</pre>{prose}</main>", **LIMITS, extractor=extractor
    )
    code = CODE.replace("&amp;", "&")
    assert code in found.text  # `&amp;lt;` was read once
    (span,) = found.preformatted
    assert found.text[slice(*span)] == code
    outside = found.text[: span[0]] + found.text[span[1] :]
    assert not [line for line in outside.split("\n") if line != line.strip()]
    assert "• one" in outside or extractor == "resiliparse"  # whose rules drop the list


@pytest.mark.parametrize("around", ["nav", 'div class="sidebar"', 'div id="related"', "footer", "aside"])
@pytest.mark.parametrize("extractor", ["millrace", "resiliparse", "trafilatura"])
def test_a_page_that_stands_whole_inside_what_is_no_content_is_found(around, extractor):
    if extractor == "trafilatura":
        pytest.importorskip("trafilatura")
    text = "".join(f"<p>Sentence {number} of a text, which is long enough to be seen.</p>" for number in range(60))
    found = extract(f"<{around}>{text}</{around.split()[0]}>", **LIMITS, extractor=extractor)
    assert "Sentence 0 of" in found.text
    assert "Sentence 59 of" in found.text


def test_falling_back_is_told():
    text = "".join(f"<p>Sentence {number} of a text, which is long enough to be seen.</p>" for number in range(60))
    assert extract(f"<nav>{text}</nav>", **LIMITS, extractor="resiliparse").fell_back
    assert not extract(f"<main>{text}</main>", **LIMITS, extractor="resiliparse").fell_back
    assert not extract(f"<main>{text}</main>", **LIMITS).fell_back
    words = "<div>word</div>" * 900  # the trees call this no text; it is all there is
    assert extract(f"<nav>{words}</nav>", **LIMITS).text.count("word") == 900


def test_numbers_of_lists_are_kept():
    items = "<ol><li>First of all, a sentence.<li>And then another, too.<ul><li>Inner, it is.</ul><li>Last one.</ol>"
    assert [line for line in extract(items, **LIMITS, extractor="plain").text.split("\n") if line] == [
        "1. First of all, a sentence.",
        "2. And then another, too.",
        "• Inner, it is.",
        "3. Last one.",
    ]


def test_an_extractor_that_is_not_there_is_named(monkeypatch):
    for name in EXTRACTORS:
        require(name)
    with pytest.raises(Mistake, match="millrace, resiliparse, trafilatura, plain"):
        require("readability")
    monkeypatch.setattr("tasks.sources.page.extract.find_spec", lambda name: None)
    with pytest.raises(Mistake, match=r"pip install 'millrace\[trafilatura\]'"):
        require("trafilatura")


NAMES = (
    "a",
    "b",
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "pre",
    "table",
    "tr",
    "td",
    "select",
    "option",
    "h1",
    "br",
    "svg",
    "math",
)
NAMES += (
    "template",
    "form",
    "nav",
    "article",
    "textarea",
    "script",
    "style",
    "title",
    "font",
    "blockquote",
    "!--",
    "xmp",
)
PIECES = st.one_of(
    st.sampled_from(NAMES).map(lambda name: f"<{name}>"),
    st.sampled_from(NAMES).map(lambda name: f"</{name}>"),
    st.sampled_from(
        ["<", "<a href='", '"', ">", "-->", "&amp;lt;", "&lt;", "&#0;", "&", "]]>", "\n", "\t", "\x01", "\ud800"]
    ),
    st.text(max_size=8),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join), st.sampled_from(["millrace", "resiliparse", "plain"]))
def test_tag_soup_gives_text(html, extractor):
    found = extract(html, **LIMITS, extractor=extractor)
    assert found == extract(html, **LIMITS, extractor=extractor)
    assert isinstance(found.text, str)
    assert found.title is None or isinstance(found.title, str)
    inside = {at for start, end in found.preformatted for at in range(start, end)}
    at = 0
    for line in found.text.split("\n"):
        assert at in inside or not line[:1].isspace()
        at += len(line) + 1
