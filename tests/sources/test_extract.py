"""Bytes to text: character sets that are true, lie or are missing; limits that hold in time."""

import time

import pytest
from made import PAGE

from tasks.sources.extract import decode, extract, language
from tasks.sources.rejects import Bad

LIMITS = {"limit": 8 << 20, "tags": 500_000, "depth": 2000}
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 5
FRENCH = "Le chat est assis sur la chaise près de la fenêtre, où il dort depuis ce matin avec sa sœur aînée. " * 5


@pytest.mark.parametrize(
    ("text", "encoding", "header", "meta"),
    [
        (RUSSIAN, "utf-8", "utf-8", None),
        (RUSSIAN, "utf-8", "iso-8859-1", "windows-1251"),  # both lie
        (RUSSIAN, "utf-8", None, None),
        (RUSSIAN, "windows-1251", "windows-1251", None),
        (RUSSIAN, "windows-1251", None, "windows-1251"),
        (RUSSIAN, "windows-1251", None, None),
        (RUSSIAN, "koi8-r", "koi8-r", "utf-8"),
        (RUSSIAN, "utf-16", None, None),
        (RUSSIAN, "utf-16", "utf-8", "utf-8"),
        (FRENCH, "utf-16-le", None, None),
        (FRENCH, "utf-16-be", "utf-8", None),
        (FRENCH, "cp1252", "utf-8", None),  # lies
        (FRENCH, "cp1252", "no-such-charset", None),
        (FRENCH, "utf-8-sig", None, None),
        ("日本語の文章です。吾輩は猫である。" * 9, "iso2022_jp", "iso-2022-jp", None),
        ("日本語の文章です。吾輩は猫である。" * 9, "shift_jis", None, "shift_jis"),
    ],
)
def test_character_sets(text, encoding, header, meta):
    declared = f'<meta charset="{meta}">' if meta else ""
    body = f"<html><head>{declared}</head><body><p>{text}</p></body></html>".encode(encoding)
    assert text in decode(body, header, html=True)


def test_bytes_that_are_no_text_are_told():
    with pytest.raises(Bad, match="characters do not decode") as caught:
        decode(b"\xff\xfe" + bytes([0x00, 0xD8]) * 500, None, html=True)
    assert caught.value.reason == "charset"
    assert "mostly good" in decode(b"mostly good \xff but one byte is not " * 3, "utf-8", html=False)


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


def test_languages():
    assert language(RUSSIAN) == "ru"
    assert language(FRENCH) == "fr"
    assert language("12 34") is None
