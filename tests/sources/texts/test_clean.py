"""Cleaning: what it changes, that it changes nothing twice, and that its short cuts agree with ftfy itself."""

import sys
import unicodedata

import pytest
from ftfy.badness import BADNESS_RE, MOJIBAKE_CATEGORIES
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.kernels import kinds
from tasks.kernels.clean import tidy
from tasks.sources.texts.characters import table
from tasks.sources.texts.clean import clean, slow

MOJIBAKE = [
    "Ã©",
    "Ã ",
    "â€™",
    "Ð¿Ñ€Ð¸",
    "Â ",
    "ä½ å¥½",
    "Ã˜Â§Ã™â€ž",
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
    "»о",
    "中文，。",
    "漢字かな",
    "한국어",
    "العربية",
    "שָׁלוֹם",
    "हिन्दी",
    "কোন",
    "ที่นี่",
    "😀",
]
MARKUP = [
    "&amp;",
    "&lt;b&gt;",
    "&amp;lt;",
    "<i>",
    "&nbsp;",
    "&#13;",
    "&#8232;",
    "&",
    ";",
    "#",
    "39",
    "<",
    ">",
    "\x1b[31m",
]
SPACES = ["\r\n", "\r", "\n", "\n\n", " ", "    ", "\t", "\xa0", "\u3000", "\u202f", "\u2003", "\u2028", "\x85", "\x0c"]
ODDITIES = [
    *[
        "ﬁne",
        "e\u0301",
        "\u0301",
        "\u0323\u0301",
        "\u0301\u0323",
        "\u09c7\u09be",
        "\u1100\u1161",
        "가\u11a8",
        "\u0915\u093c",
    ],
    *[
        "\u200b",
        "\xad",
        "\x00",
        "\ufeff",
        "\ufffd",
        "\u200d",
        "\ud83d",
        "\ude00",
        "\u212b",
        "\uf900",
        "\u09df",
        "\u037e",
    ],
]
LONG = [
    "an English line of some length, as most lines are; ",
    "длинная строка из русских слов, ",
    "中文字符在这里继续写下去的文字",
]
PIECES = MOJIBAKE + MARKUP + SPACES + ODDITIES + LONG + list("aZé")
TEXTS = (
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
    | st.lists(st.sampled_from([*SPACES, "a", "é", "中", "\xad"]), max_size=14).map("".join)
    | st.lists(st.sampled_from([*MOJIBAKE, *LONG, "\n"]), max_size=40).map("".join)
    | st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
)
WAYS = [("standard", True), ("standard", False), ("keep", True), ("keep", False)]


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("sÃ© quÃ© â€œniÃ±oâ€\x9d", "sé qué “niño”"),
        ("a\x00b\x07c\ufeffd\u200be\xadf", "abcdef"),
        ("two  words\t\tand\xa0\u3000more \u2009 ", "two words and more"),
        ("one \r\ntwo\r\n\r\n\r\n\r\nthree\rfour\u2028five\x0csix", "one\ntwo\n\nthree\nfour\nfive\nsix"),
        ("e\u0301", "é"),
        ("ﬁne", "fine"),
        ("“curly” ‘quotes’ stay, ，too", "“curly” ‘quotes’ stay, ，too"),
        ("P&amp;O", "P&O"),
        ("<b> P&amp;O", "<b> P&amp;O"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\ud800 alone", "\ufffd alone"),
        ("\ud83d\ude00", "😀"),
        ("\n\n \t\n", ""),
        ("", ""),
        # indentation stays: tabs as tabs, other blanks as one space each
        ("def f(x):\n    if x:\n\t\treturn  1 \n", "def f(x):\n    if x:\n\t\treturn 1"),
        ("\n \n  first\n \t \n\n\n  \xa0\u3000\u2003second\n", "  first\n\n     second"),
        ("\ufeff\u200b  x\n\xad \t\u200b\u2009y", "  x\n \t y"),
    ],
)
def test_what_cleaning_does(given_, expected):
    assert clean(given_) == expected


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (
            "\n \t\n\tdef f(x):\r\n\r\n\r\n\r\n    if  x: \u2028\xa0\u3000y\t\n \n\n",
            "\tdef f(x):\n\n\n\n    if  x: \n\xa0\u3000y\t",
        ),
        ("a\x00 \x07 b\xad\x0cc &amp; Ã©", "a  b\nc & é"),
        (" \n\t\n", ""),
    ],
)
def test_what_keep_does(given_, expected):
    assert clean(given_, "keep") == expected


def test_entities_of_a_page_s_text_stay():
    assert clean("write &lt;b&gt; as &amp;lt;b&amp;gt;  Ã©", entities=False) == "write &lt;b&gt; as &amp;lt;b&amp;gt; é"


@settings(max_examples=1500, deadline=None)
@given(TEXTS, st.sampled_from(WAYS))
@example("a\tÃ\tb", WAYS[0])
@example("Ã \nÂ  x", WAYS[0])
@example("&am\u200bp;", WAYS[0])
@example("ãÃŒ\n.", WAYS[0])
@example("x \u2009\nÃ\u2009a", WAYS[2])
@example("e\u0327\u0301", WAYS[0])
@example("&amp\u037e", WAYS[0])
@example("\u09af\u09bc \u09df Ã\u0303", WAYS[0])
@example("e\xad\u0301", WAYS[0])
@example("\u05b8\u200b\u05b0", WAYS[0])
def test_the_short_cuts_agree_with_ftfy_and_cleaning_is_idempotent(text, way):
    cleaned = clean(text, *way)
    assert cleaned == slow(text, *way)
    assert clean(cleaned, *way) is cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    cleaned.encode()


ODD = [chr(code) for code in range(0x80, 0x3000) if any(BADNESS_RE.search(f"a{chr(code)}{other}b") for other in "é€ ©")]
ALPHABET = (
    "".join(MOJIBAKE_CATEGORIES.values()).replace("-", "")
    + "aZ0 .,?!—–ÂÃÎÐ€œŠš¢£Ÿž\xa0\xad®©°·»ÙØà√≈‚âóÄвЂВГРСўβΒΓΞΟā∂±\n"
)


def spots(text: str) -> list[int]:
    data = text.encode("utf-8", "surrogatepass")
    return tidy(data, table(), False, len(data)).spots.tolist()


@settings(max_examples=3000, deadline=None)
@given(st.text(st.sampled_from(sorted({*ALPHABET, *ODD})), min_size=1, max_size=5))
def test_the_pairs_miss_no_badness(text):
    if BADNESS_RE.search(text):
        assert spots(text)


def test_each_character_s_kind_agrees_with_unicodedata():
    known = table()
    codes = range(sys.maxunicode + 1)
    of = known.kinds.reshape(-1, 128)[known.blocks].reshape(-1).tolist()
    assert [of[code] >> kinds.CLASS for code in codes] == [unicodedata.combining(chr(code)) for code in codes]
    changed = [code for code in codes if not unicodedata.is_normalized("NFC", chr(code))]
    assert [code for code in changed if not of[code] & kinds.SUSPECT] == []
    pairs = [unicodedata.decomposition(chr(code)).split() for code in codes]
    composed = [pair for pair in pairs if len(pair) == 2 and len(pair[0]) > 1 and pair[0][0] != "<"]
    assert len(composed) > 900
    for pair in composed:
        text = "".join(chr(int(code, 16)) for code in pair)
        assert unicodedata.is_normalized("NFC", text) or spots(text), text
    assert all(spots(unicodedata.normalize("NFD", chr(code))) for code in range(0xAC00, 0xD7A4, 7))


# Mojibake that is mended whatever stands beside it: `Œ` would be at a line's end, and not at a text's.
PLAIN = [
    "sÃ© ",
    "donâ€™t",
    "é",
    "слово",
    "中文",
    "a",
    "z",
    "  ",
    "\t",
    " ",
    "\n",
    "\n\n\n",
    "\r\n",
    "\xa0",
    "&amp;",
    "e\u0301",
]
BLOCKS = st.lists(st.sampled_from(PLAIN), max_size=12).map("".join)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(BLOCKS, st.booleans()), max_size=5))
def test_preformatted_lines_keep_their_white_space_and_mending_is_the_same(blocks):
    text, spans = "", []
    for block, preformatted in blocks:
        if preformatted:
            spans.append((len(text), len(text) + len(block)))
        text += block + "\n"
    kept = clean(text, preformatted=spans)
    assert kept.split() == clean(text).split() == clean(text, "keep").split()
    assert all(clean(block, "keep") in kept for block, preformatted in blocks if preformatted)
    if not spans:
        assert kept == clean(text)


@pytest.mark.parametrize(
    ("text", "block", "expected"),
    [
        ("Look:\n\n\n  a  b\n\n\n\n  c\n\n\n\nThe  end", "  a  b\n\n\n\n  c", "Look:\n\n  a  b\n\n\n\n  c\n\nThe end"),
        ("Look:\nx  =  1 \nThe  end", "  =  ", "Look:\nx  =  1 \nThe end"),  # a span inside a line takes all of it
        ("a  b\n \n\nz", "\n \n\n", "a  b\n\nz"),
        ("x  y", "", "x y"),
        ("\n\n  x  y\n\n", "  x  y\n", "  x  y"),
    ],
)
def test_a_preformatted_block(text, block, expected):
    start = text.index(block)
    assert clean(text, preformatted=[(start, start + len(block))]) == expected


def test_a_megabyte_in_one_line_and_a_million_lines_take_no_time():
    import time

    start = time.monotonic()
    assert clean("é word " * 200_000) == ("é word " * 200_000).strip()
    assert clean("\n" * 1_000_000 + "x" + " " * 1_000_000 + "y") == "x y"
    assert clean("a\n \t" * 500_000) == ("a\n \t" * 500_000).rstrip()
    assert clean("x" + "\n \n" * 500_000, "keep") == "x"
    assert clean("й» » " * 200_000) == ("й» » " * 200_000).strip()
    assert clean("&a;" * 200_000, entities=False) == "&a;" * 200_000
    assert clean(" \n" * 300_000 + "y", preformatted=[(0, 600_001)]) == "y"
    assert time.monotonic() - start < 60  # else it hangs: quadratic work would take minutes
