"""Clean text: mojibake mended (ftfy), NFC, no control or invisible characters, white space made uniform.

ftfy alone takes longer than the extraction. It looks at a text line by line, and leaves a line as it is unless it
holds one of a few characters or a sequence that its `badness` expression knows; so one compiled scan
(kernels/clean.py) tidies the text and finds the lines where such may be, and only those are given to ftfy.
tests/sources holds this against `slow`, which gives it everything.

Typography is kept (curly quotes, full-width forms, which are ordinary punctuation in Chinese); ligatures such as
U+FB01 are spelt out. Line breaks are kept.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from conf.sources import Whitespace
from tasks.sources.texts.characters import BREAKS, CONTROLS, FTFY, INVISIBLE, SPACES, THIN, codes, table

NEAR = 64  # bytes around a spot that show what ftfy would see there: 26 of an entity, 6 characters of mojibake
ROUNDS = 4  # until nothing changes; a text that still does then (none is known) is left as it is
UTF8 = "utf-8", "surrogatepass"  # a lone surrogate is mended by ftfy
SUSPECT = re.compile(f"[{FTFY}]")
BREAK = re.compile(f"[{BREAKS}]")
GONE = re.compile(f"[{INVISIBLE}{CONTROLS}]")
BLANK = re.compile(f"[{SPACES}{THIN}]")
BLANKS = "".join(map(chr, codes(SPACES + THIN)))
ENTITY = re.compile("&#?[0-9A-Za-z]{1,24};")


def clean(
    text: str,
    whitespace: Whitespace = "standard",
    entities: bool = True,
    preformatted: Sequence[tuple[int, int]] = (),
) -> str:
    """Clean a text; clean(clean(text)) == clean(text), of the same arguments but `preformatted`.

    Args:
        whitespace: `standard`: blanks at a line's beginning stay, a tab as a tab and any other (U+00A0, U+3000 and
            thinner ones) as one plain space; a run inside a line becomes one space; at a line's end they go. Of several
            empty lines one remains. `keep`: all blanks and empty lines stay as they are. In both, every line end
            (also U+2028 and the like) becomes a line feed, and empty lines at the text's beginning and end go.
        entities: whether HTML entities are resolved, where no `<` shows that they are meant. Not for text that was
            extracted from HTML: there `&lt;` is what the page shows.
        preformatted: half-open ranges of code points, in order: the lines that they touch are cleaned as with
            `keep`, without empty lines at their beginning and end, and stand apart from other lines as in the text.
    """
    if preformatted and whitespace != "keep":
        return _in_pieces(text, entities, preformatted)
    encoded = text.encode(*UTF8)
    cleaned = clean_utf8(encoded, whitespace, entities)
    return text if cleaned is encoded else cleaned.decode(*UTF8)


def clean_utf8(data: bytes, whitespace: Whitespace = "standard", entities: bool = True) -> bytes:
    """`clean` of a text as UTF-8, lone surrogates as `surrogatepass` writes them. A clean text is given back itself."""
    data = lines_ended(data)
    keep, tidy, known = whitespace == "keep", _tidy(), table()
    for _ in range(ROUNDS):
        before = data
        data, spots, rare = tidy(before, known, keep, _resolved(before, entities))
        if len(spots) and (mended := mend(before, spots.tolist(), entities)) != before:
            data = tidy(mended, known, keep, 0).data
        # Where nothing was suspicious, changes of white space alone have made nothing so.
        if data == before or not (len(spots) or rare):
            break
    return data


def slow(text: str, whitespace: Whitespace = "standard", entities: bool = True) -> str:
    """What `clean` gives, by handing everything to ftfy and with nothing compiled (the tests' twin)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for _ in range(ROUNDS):
        before = text
        text = _tidied(_ftfy().fix_text(text, _settings(entities)), whitespace == "keep")
        if text == before:
            break
    return text


def lines_ended(data: bytes) -> bytes:
    """Line ends of Windows and old Macs made plain, first, or every line of such a text would go to ftfy."""
    if b"\r" not in data:
        return data
    without = data.replace(b"\r", b"")  # ten times as fast as the other way
    if len(data) - len(without) == data.count(b"\r\n"):
        return without
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def mend(data: bytes, spots: list[int], entities: bool) -> bytes:
    """ftfy.fix_text, given only the lines that hold one of the bytes, and are suspicious indeed."""
    resolved = _resolved(data, entities)
    fix = _ftfy().fix_text
    parts: list[bytes] = []
    done = end = number = 0
    while number < len(spots):
        start = data.rfind(b"\n", end, spots[number]) + 1 or end
        end = data.find(b"\n", spots[number]) + 1 or len(data)  # the line break belongs to the line, as in ftfy
        behind = bisect_left(spots, end, number)
        line = data[start:end].decode(*UTF8)
        near = (_part(data, low, high) for low, high in _near(spots[number:behind], start, end))
        mended = data[start:end]
        fixed = any(_suspicious(text, end <= resolved) for text in near)
        if not fixed and not unicodedata.is_normalized("NFC", line):
            # ftfy composes last and begins anew, which is for nothing where the composed line gives it no reason.
            mended = unicodedata.normalize("NFC", line).encode(*UTF8)
            fixed = len(_tidy()(mended, table(), True, len(mended) if end <= resolved else 0).spots) > 0
        if fixed:
            mended = fix(line, _settings(end <= resolved)).encode(*UTF8)
        parts += data[done:start], mended
        done = end
        number = behind
    return b"".join((*parts, data[done:]))


def _near(spots: list[int], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Ranges of a line's bytes around its spots, joined where they meet: a long line is not searched for one spot."""
    low = high = max(start, spots[0] - NEAR)
    for spot in spots:
        if spot - NEAR > high:
            yield low, high
            low = spot - NEAR
        high = min(end, spot + NEAR)
    yield low, high


def _part(data: bytes, low: int, high: int) -> str:
    """The characters that begin in a range of bytes."""
    while low < high and data[low] & 0xC0 == 0x80:
        low += 1
    while high < len(data) and data[high] & 0xC0 == 0x80:
        high += 1
    return data[low:high].decode(*UTF8)


def _resolved(data: bytes, entities: bool) -> int:
    """Entities are resolved in lines that end before this byte: ftfy stops at the first line that has a `<`."""
    angle = data.find(b"<") if entities else 0
    return len(data) if angle < 0 else angle


def _in_pieces(text: str, entities: bool, preformatted: Sequence[tuple[int, int]]) -> str:
    parts: list[str] = []
    ends = 0  # line ends since the last piece that holds something
    for piece, whitespace in _pieces(text, preformatted):
        cleaned = clean(piece, whitespace, entities)
        if not cleaned:
            ends += piece.count("\n")
            continue
        if parts:
            ends += piece.count("\n", 0, len(piece) - len(piece.lstrip()))
            parts.append("\n\n" if ends > 1 else "\n")
        parts.append(cleaned)
        ends = piece.count("\n", len(piece.rstrip()))
    return "".join(parts)


def _pieces(text: str, preformatted: Sequence[tuple[int, int]]) -> Iterator[tuple[str, Whitespace]]:
    """The text in whole lines, so that ftfy sees none in two."""
    at = 0
    for start, end in preformatted:
        if end > max(start, at):
            first = max(at, text.rfind("\n", 0, start) + 1)
            last = text.find("\n", end - 1) + 1 or len(text)
            yield text[at:first], "standard"
            yield text[first:last], "keep"
            at = last
    yield text[at:], "standard"


def _suspicious(text: str, entities: bool) -> bool:
    """Whether ftfy may change anything in a line, by a part of it."""
    return (
        (entities and "&" in text and ENTITY.search(text) is not None)
        or SUSPECT.search(text) is not None
        or (not text.isascii() and _badness().search(text) is not None)
    )


def _tidied(text: str, keep: bool) -> str:
    """What the scan does, plainly."""
    lines = GONE.sub("", BREAK.sub("\n", text)).split("\n")
    if not keep:
        for number, line in enumerate(lines):
            words = [word for word in BLANK.split(line) if word]
            lead = line[: len(line) - len(line.lstrip(BLANKS))]
            lines[number] = "".join("\t" if c == "\t" else " " for c in lead) + " ".join(words) if words else ""
    while lines and not lines[0].strip(BLANKS):
        del lines[0]
    while lines and not lines[-1].strip(BLANKS):
        del lines[-1]
    return "\n".join(lines) if keep else re.sub("\n{3,}", "\n\n", "\n".join(lines))


@cache
def _tidy() -> Any:
    from tasks.kernels.clean import tidy

    return tidy


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
