"""Cleaning: what it changes, that it changes nothing twice, and that its short cuts agree with ftfy itself."""

import unicodedata

import pytest
from ftfy.badness import BADNESS_RE, MOJIBAKE_CATEGORIES
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.sources.clean import FTFY, clean, pairs, slow

MOJIBAKE = [
    "Ã©",
    "Ã ",
    "â€™",
    "Ð¿Ñ€Ð¸",
    "Â ",
    "ä½ å¥½",
    "Œ",
    "œ",
    "Ã",
    "Â",
    "„Ü",
    "ß",
    "£",
    "«",
    "»",
    "слово",
    "中文，。",
]
MARKUP = ["&amp;", "&lt;b&gt;", "<i>", "&nbsp;", "&", ";", "#", "39", "<", ">", "\x1b[31m"]
SPACES = ["\r\n", "\r", "\n", " ", "\t", "\xa0", "\u3000", "\u202f", "\u2028", "\x85"]
ODDITIES = ["ﬁne", "e\u0301", "\u0301", "\u200b", "\xad", "\x00", "\ufeff", "\ufffd", "\u200d", "\ud83d", "\ude00"]
PIECES = MOJIBAKE + MARKUP + SPACES + ODDITIES + list("aZé")
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(
    st.characters(codec=None, exclude_categories=()), max_size=40
)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("sÃ© quÃ© â€œniÃ±oâ€\x9d", "sé qué “niño”"),
        ("a\x00b\x07c\ufeffd\u200be\xadf", "abcdef"),
        ("  two  words\t\tand\xa0\u3000more \u2009 ", "two words and more"),
        ("one \r\n two\r\n\r\n\r\n\r\nthree\rfour\u2028five\x0csix", "one\ntwo\n\nthree\nfour\nfive\nsix"),
        ("e\u0301", "é"),
        ("ﬁne", "fine"),
        ("“curly” ‘quotes’ stay, ，too", "“curly” ‘quotes’ stay, ，too"),
        ("P&amp;O", "P&O"),
        ("<b> P&amp;O", "<b> P&amp;O"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\ud800 alone", "\ufffd alone"),
        ("\n\n \t\n", ""),
    ],
)
def test_what_cleaning_does(given_, expected):
    assert clean(given_) == expected


@settings(max_examples=1500, deadline=None)
@given(TEXTS)
@example("a\tÃ\tb")
@example("Ã \nÂ  x")
@example("&am\u200bp;")
@example("ãÃŒ\n.")
def test_the_short_cuts_agree_with_ftfy_and_cleaning_is_idempotent(text):
    cleaned = clean(text)
    assert cleaned == slow(text)
    assert clean(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    cleaned.encode()


ODD = [chr(code) for code in range(0x80, 0x3000) if any(BADNESS_RE.search(f"a{chr(code)}{other}b") for other in "é€ ©")]
ALPHABET = (
    "".join(MOJIBAKE_CATEGORIES.values()).replace("-", "")
    + "aZ0 .,?!—–ÂÃÎÐ€œŠš¢£Ÿž\xa0\xad®©°·»ØÙà√≈‚âóÄвЂВГРСўβΒΓΞΟā∂±\n"
)


@settings(max_examples=3000, deadline=None)
@given(st.text(st.sampled_from(sorted({*ALPHABET, *ODD})), min_size=1, max_size=5))
def test_the_pairs_miss_no_badness(text):
    if BADNESS_RE.search(text):
        assert FTFY.search(text) or pairs(text)


def test_a_megabyte_in_one_line_and_a_million_lines_take_no_time():
    import time

    start = time.monotonic()
    assert clean("é word " * 200_000) == ("é word " * 200_000).strip()
    assert clean("\n" * 1_000_000 + "x" + " " * 1_000_000 + "y") == "x y"
    assert clean("a\n \t" * 500_000) == ("a\n" * 500_000).strip()
    assert time.monotonic() - start < 30  # else it hangs: quadratic work would take minutes
