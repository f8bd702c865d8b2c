"""Clean text: mojibake mended (ftfy), NFC, no control or invisible characters, white space made uniform.

ftfy alone takes longer than the extraction. It looks at a text line by line, and leaves a line as it is unless it
holds one of a few characters or a sequence that its `badness` expression knows; so those are looked for in the whole
text first, and only the lines that hold one are given to ftfy. tests/sources holds this against `slow`, which gives
it everything.

Typography is kept (curly quotes, full-width forms, which are ordinary punctuation in Chinese); ligatures such as
U+FB01 are spelt out. Line breaks are kept, except that of more than two one blank line remains.
"""

import re
import unicodedata
from functools import cache
from typing import Any

ROUNDS = 4  # until nothing changes; a text that still does then (none is known) is left as it is
# Soft hyphen, zero-width space, marks of direction, word joiner, byte order mark, annotation marks; not the zero-width
# (non-)joiners, which spell words in Persian and Hindi, nor variation selectors.
INVISIBLE = "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffc"
CONTROLS = "\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff"
BREAKS = "\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
THIN = "\u1680\u2000-\u200a\u202f\u205f"  # spaces other than the frequent ones: tab, U+00A0, U+3000
# What makes ftfy's steps do something, beside mojibake and entities: ligatures, surrogates, and controls and breaks.
LIGATURES = "\u0132\u0133\u0149\u01f1-\u01f3\u01c4-\u01cc\ufb00-\ufb06\ud800-\udfff"

RARE = re.compile(f"[{INVISIBLE}{CONTROLS}{BREAKS}{THIN}{LIGATURES}]")
FTFY = re.compile(f"[{CONTROLS}{BREAKS}{LIGATURES}\u206a-\u206f\ufeff\ufff9-\ufffc]")
RARE_ASCII = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
BREAK = re.compile(f"\r\n|[{BREAKS}]")
GONE = re.compile(f"[{INVISIBLE}{CONTROLS}]")
SPACE = re.compile(f"[{THIN}]")
CAPITALS = "ÂÃÎÐØÙ√Œœ"
ENTITY = re.compile("&#?[0-9A-Za-z]{1,24};")


def clean(text: str) -> str:
    """Clean a text; clean(clean(text)) == clean(text)."""
    text = lines_ended(text)
    for _ in range(ROUNDS):
        before = text
        rare = (RARE_ASCII if text.isascii() else RARE).search(text) is not None
        spots = suspects(text, rare)
        text = tidy(mend(text, spots) if spots else text, rare)
        # Where nothing was suspicious, changes of white space alone have made nothing so.
        if text == before or not (spots or rare):
            break
    return text


def slow(text: str) -> str:
    """What `clean` gives, by handing everything to ftfy (the tests' twin)."""
    text = lines_ended(text)
    for _ in range(ROUNDS):
        before = text
        text = tidy(_ftfy().fix_text(text, _settings()), rare=True)
        if text == before:
            break
    return text


def lines_ended(text: str) -> str:
    """Line ends of Windows and old Macs made plain, first, or every line of such a text would go to ftfy."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def suspects(text: str, rare: bool) -> list[int]:
    """Positions in the text for whose lines ftfy may do something, in order. `rare`: whether RARE is in the text."""
    spots = [match.start() for match in ENTITY.finditer(text)] if "&" in text else []
    if rare:
        spots += [match.start() for match in FTFY.finditer(text)]
    if not text.isascii():
        spots += pairs(text)
        if not unicodedata.is_normalized("NFC", text):
            at = 0
            for line in text.split("\n"):
                if not unicodedata.is_normalized("NFC", line):
                    spots.append(at)
                at += len(line) + 1
    return sorted(spots)


def pairs(text: str) -> list[int]:
    """Where `badness`, which is slow, may find something: pairs of odd characters, and capitals that begin mojibake."""
    coarse, exact, capitals = _pairs()
    spots = [at for at in (match.start() for match in coarse.finditer(text)) if any(p.match(text, at) for p in exact)]
    if any(capital in text for capital in CAPITALS):
        spots += [match.start() for match in capitals.finditer(text)]
    return spots


def mend(text: str, spots: list[int]) -> str:
    """ftfy.fix_text, given only the lines that hold one of the positions."""
    angle = text.find("<")  # ftfy stops resolving entities at the first line that has one
    fix = _ftfy().fix_text
    parts: list[str] = []
    done = 0
    for spot in spots:
        if spot < done:
            continue
        start = text.rfind("\n", 0, spot) + 1
        end = text.find("\n", spot) + 1 or len(text)  # the line break belongs to the line, as in ftfy
        line = text[start:end]
        entities = angle < 0 or angle >= end
        parts.append(text[done:start])
        parts.append(fix(line, _settings(entities)) if _suspicious(line, entities) else line)
        done = end
    return "".join(parts) + text[done:]


def tidy(text: str, rare: bool) -> str:
    """Control and invisible characters out, white space uniform. `rare`: whether RARE is or was in the text."""
    if "\t" in text:
        text = text.replace("\t", " ")
    if not text.isascii():
        text = text.replace("\u00a0", " ").replace("\u3000", " ")
    if rare:
        text = GONE.sub("", SPACE.sub(" ", BREAK.sub("\n", text)))
    for run, single in (("  ", " "), (" \n", "\n"), ("\n ", "\n"), ("\n\n\n", "\n\n")):
        while run in text:  # a few passes over the text are faster than one with a regular expression
            text = text.replace(run, single)
    return text.strip(" \n")


def _suspicious(line: str, entities: bool) -> bool:
    """Whether ftfy may change anything in a line."""
    return (
        (entities and "&" in line and ENTITY.search(line) is not None)
        or FTFY.search(line) is not None
        or (not line.isascii() and _badness().search(line) is not None)
        or not unicodedata.is_normalized("NFC", line)
    )


@cache
def _ftfy() -> Any:
    import ftfy

    return ftfy


@cache
def _settings(entities: bool = True) -> Any:
    unescape = "auto" if entities else False
    return _ftfy().TextFixerConfig(
        unescape_html=unescape, uncurl_quotes=False, fix_character_width=False, explain=False
    )


@cache
def _badness() -> re.Pattern[str]:
    from ftfy.badness import BADNESS_RE

    return BADNESS_RE


@cache
def _pairs() -> tuple[re.Pattern[str], list[re.Pattern[str]], re.Pattern[str]]:
    """Expressions for the pairs: coarse, exact, and of capitals before anything but a letter.

    Read off the alternatives of `badness` (ftfy 6.3), but for the C1 controls, which are in FTFY.
    """
    from ftfy.badness import MOJIBAKE_CATEGORIES

    kinds = {name: characters for name, characters in MOJIBAKE_CATEGORIES.items() if name not in ("c1", "common")}
    letters = kinds.pop("lower_common") + kinds.pop("upper_common")
    odd = "".join(kinds.values())
    first = "".join(kinds[name] for name in ("bad", "box", "end_punctuation", "currency", "numeric"))
    second = "".join(kinds[name] for name in kinds if name not in ("lower_accented", "kaomoji"))
    exact = f"[{odd}{letters}][{second}°Ђ]", f"[{first}‚][{odd}]"
    coarse = f"[{odd}{letters}](?=[{odd}°Ђ])"
    return re.compile(coarse), [re.compile(pair) for pair in exact], re.compile(f"[{CAPITALS}][^A-Za-z]")
