"""The audit's reading of words: the definition of docs/words.md, by other means than the filter's kernel.

Python's `unicodedata` (of its own version), bytes methods, regular expressions and numpy, no table of ours. A text is
rewritten into a small alphabet (what is not ASCII by a function a run, remembered), then joined and split as bytes.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache

import numpy as np

# Beginnings of the names of letters that are words by themselves, of scripts without spaces
ALONE = (
    "CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH", "IDEOGRAPHIC ITERATION", "IDEOGRAPHIC NUMBER",
    "IDEOGRAPHIC CLOSING", "VERTICAL IDEOGRAPHIC", "VERTICAL KANA", "HANGZHOU", "MASU MARK", "HIRAGANA", "HENTAIGANA",
    "KATAKANA", "BOPOMOFO", "YI SYLLABLE", "TANGUT", "NUSHU", "KHITAN SMALL SCRIPT", "THAI", "LAO", "KHMER", "MYANMAR",
    "TAI LE", "NEW TAI LUE", "TAI THAM", "TAI VIET", "AHOM", "TIBETAN",
)  # fmt: skip
TANGUT = {*range(0x17000, 0x18AFF), *range(0x18D00, 0x18D09)}  # Python does not know their names
APOSTROPHES = "'`´ʹʻʼʽʾʿ՚׳\u1ffd‘’‛′ꞌ"
HYPHENS = "-‐"
SIGNS = "℠™🅪🅫🅬"  # letters in NFKD, of no meaning in the text
LINES = "\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"
# Without a glyph, though of no category that says so: Default_Ignorable_Code_Point; and the Arabic line stretcher
IGNORED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\ufdd0-\ufdef\u0640"
    "\U000e0000-\U000e0fff]"
)
SOFT = "\x1f"  # stands for the soft hyphen; controls of the text are gone before

CONTROLS = bytes({*range(9), *range(0x0E, 0x1C), 0x1F, 0x7F})
LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ`\t\r\v\f\x1c\x1d\x1e", b"abcdefghijklmnopqrstuvwxyz'  \n\n\n\n\n")
NO_LETTER = bytes(n for n in range(128) if not chr(n).isalnum())
APART = bytes(n if n >= 128 or chr(n).isalnum() else 32 for n in range(256))
# A letter (what is not ASCII is one here, or of no consequence), a hyphen, a line's end, a letter
HYPHENED = re.compile(rb"-(?<=[a-z\x80-\xff]-) *\n *(?=[a-z\x80-\xff])")
SOFTENED = re.compile(rb"(?<=[a-z\x80-\xff])(?:\x1f*-|\x1f+)[ \x1f]*\n[ \x1f]*(?=[a-z\x80-\xff])")
QUOTED = re.compile(rb"'(?<=[0-9a-z\x80-\xff]')(?=[a-z\x80-\xff])")


def words(text: str) -> list[str]:
    """The words of a text, folded, in its order."""
    return [word.decode() for word in apart(text.encode("utf-8", "replace")).split()]


def apart(text: bytes) -> bytes:
    """The words of UTF-8, folded, blanks between them; bytes that are no UTF-8 count as U+FFFD."""
    text = text.translate(None, CONTROLS)
    if not text.isascii():
        text = _ascii_apart(text)
    text = text.translate(LOWER)
    if b"\x1f" in text:
        text = SOFTENED.sub(b"", text).replace(b"\x1f", b"")
    text = HYPHENED.sub(b"", text)
    return QUOTED.sub(b"", text).translate(APART)


def letters(text: bytes) -> bytes:
    """The letters and digits of UTF-8, as they stand, with the marks on them; nothing between (GPT-4, appendix C)."""
    if text.isascii():
        return text.translate(None, NO_LETTER)
    return b"".join(
        _letters(run) if wide else run.translate(None, NO_LETTER) for run, wide in _runs(text)
    )  # fmt: skip


def _runs(text: bytes) -> Iterator[tuple[bytes, bool]]:
    """The text in runs of ASCII, and of what is not ASCII (True), in turn."""
    wide = np.frombuffer(text, np.uint8) >= 0x80
    edges = np.flatnonzero(np.diff(wide, prepend=False, append=False)).tolist()
    done = 0
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield text[done:start], False
        yield text[start:end], True
        done = end
    yield text[done:], False


@lru_cache(1 << 17)
def _letters(run: bytes) -> bytes:
    """Of a run of what is not ASCII; a character that folds to several is what the first of them is."""
    return "".join(
        character
        for character in run.decode("utf-8", "replace")
        if _fold(character) and _fold(character)[0][1] in ("letter", "digit", "mark", "alone")
    ).encode()


def _ascii_apart(text: bytes) -> bytes:
    """What is not ASCII rewritten."""
    parts = [b""]
    for run, wide in _runs(text):
        parts.append(_rewritten(run, parts[-1][-1:].isalnum()) if wide else run)
    return b"".join(parts)


@lru_cache(1 << 17)
def _rewritten(run: bytes, inside: bool) -> bytes:
    """A run of what is not ASCII in the small alphabet. `inside`: a letter or digit stands before."""
    out: list[str] = []
    alone = False  # behind a letter that is a word, which only marks may join
    for character in run.decode("utf-8", "replace"):
        for part, kind in _fold(character):
            if kind == "gone" or (kind == "soft" and alone):
                continue
            if kind == "mark" and not (inside or alone):
                kind, part = "other", "."  # a mark on nothing
            if alone and kind != "mark":
                out.append(".")
                alone = False
            if kind == "alone" or (kind == "digit" and not inside):
                out.append(".")
            out.append(part)
            inside = kind in ("letter", "digit") or (inside and kind in ("mark", "soft"))
            alone = alone or kind == "alone"
    return ("".join(out) + "." * alone).encode()


@cache
def _fold(character: str) -> list[tuple[str, str]]:
    """(code point of the small alphabet, what it is) of all that a character folds to."""
    kind = _kind(character)
    if kind != "letter":
        return [(_SAID.get(kind, character), kind)]
    folded = unicodedata.normalize("NFKD", character)
    while folded != (again := _folded_once(folded)):
        folded = again
    if folded[0] == " ":  # a free accent
        return [(".", "other")]
    kinds = [kind if (kind := _kind(part)) != "letter" else _category_kind(part) for part in folded]
    return [(_SAID.get(kind, part), kind) for part, kind in zip(folded, kinds, strict=True)]


_SAID = {"apostrophe": "'", "hyphen": "-", "soft": SOFT, "blank": " ", "line": "\n", "other": "."}


def _folded_once(text: str) -> str:
    parts = (lower for character in text for lower in "".join(c.lower() for c in character.upper()))
    return unicodedata.normalize("NFKD", "".join(parts))


def _kind(character: str) -> str:
    """What is said of a character by name, before it is folded; "letter" of all others."""
    category = unicodedata.category(character)
    if character in APOSTROPHES:
        return "apostrophe"
    if character in HYPHENS:
        return "hyphen"
    if character == "\xad":
        return "soft"
    if character in LINES:
        return "line"
    if character.isspace():
        return "blank"
    if category in ("Cf", "Cc", "Me") or IGNORED.match(character) or ord(character) & 0xFFFE == 0xFFFE:
        return "gone"
    return "other" if character in SIGNS else "letter"


def _category_kind(character: str) -> str:
    """By general category, of what folds to itself."""
    category = unicodedata.category(character)
    if category[0] in "PS" or (category == "Cn" and 0x1F000 <= ord(character) < 0x1FB00):
        return "other"
    if category in ("Mn", "Mc"):
        return "mark"
    code = ord(character)
    ideograph = code in TANGUT or (category == "Cn" and 0x20000 <= code < 0x3FFFE)
    if ideograph or unicodedata.name(character, "").startswith(ALONE):
        return "alone"
    return "digit" if category in ("Nd", "No") else "letter"
