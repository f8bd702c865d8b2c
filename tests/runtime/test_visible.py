"""Hostile text on a terminal: every character that acts is escaped, by Unicode's table; all others stay."""

import re
import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tasks.runtime.visible import HIDDEN, visible

# Of category Cf and yet shown: signs that stand before or over numbers, and what joins Egyptian signs.
SIGNS = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U0001343f]")
JOINERS = "\u200c\u200d"


def acts(character: str) -> bool:
    """By Unicode's table, whether a character is shown by nothing of its own."""
    category = unicodedata.category(character)
    if category == "Cf":
        return character not in JOINERS and not SIGNS.fullmatch(character)
    return category in ("Cc", "Cs", "Zl", "Zp")


def test_every_character_that_acts_is_escaped_and_no_other() -> None:
    """Against Unicode's categories, all 1,114,112 of them. (Shorthand format controls and tags are among them.)"""
    every = map(chr, range(sys.maxunicode + 1))
    assert [
        hex(ord(each)) for each in every if bool(HIDDEN.fullmatch(each)) != acts(each) and not unassigned(each)
    ] == []


def unassigned(character: str) -> bool:
    """Code points of a hidden range that Unicode keeps for later controls."""
    return 0x2060 <= ord(character) < 0x2070 or 0xE0000 <= ord(character) < 0xE0080


def test_escapes_are_readable() -> None:
    assert visible("a\x1b[2Jb\x07") == r"a\x1b[2Jb\x07"
    assert visible("if \u202eadmin\u2066") == r"if \u202eadmin\u2066"
    assert visible("tag\U000e0041\x9b1m\ud800") == r"tag\U000e0041\x9b1m\ud800"
    assert visible("two\nlines\r", kept="\n") == "two\nlines\\x0d"
    assert visible("می\u200cخواهم 👩\u200d🚀 naïve 日本") == "می\u200cخواهم 👩\u200d🚀 naïve 日本"


@given(st.text())
def test_nothing_that_acts_is_left(text: str) -> None:
    shown = visible(text, kept="")
    assert not any(acts(character) for character in shown)
    assert visible(shown, kept="") == shown
