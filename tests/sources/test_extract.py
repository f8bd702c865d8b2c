"""HTML to text: the main content, and limits that hold in time."""

import time

import pytest
from made import PAGE

from tasks.sources.extract import extract
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
        extract(html, **LIMITS)
    assert caught.value.reason == reason
    assert time.monotonic() - start < 30  # else it hangs: quadratic work would take minutes


@pytest.mark.parametrize(
    "html",
    ["<div>" * 1900 + "x", "<p>a" * 100_000, "<b>" * 5000 + "x", "<" * 100_000, "&" * 100_000, "\0" * 100_000, ""],
)
def test_odd_pages_within_the_limits_are_read(html):
    start = time.monotonic()
    extract(html, **LIMITS)
    assert time.monotonic() - start < 30  # else it hangs: quadratic work would take minutes
