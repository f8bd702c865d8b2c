"""From a page's bytes to its text: character set, main content, title, language.

Resiliparse parses (lexbor) and extracts. Its extraction takes time with the square of the nesting (10,000 deep: 2 s;
100,000: minutes) and up to 600 bytes of memory a tag, so that both are bounded before it begins.
"""

import re
from typing import Any, NamedTuple

import numpy as np

from tasks.sources.rejects import Bad

SEVEN_BIT = re.compile(
    r"^(iso-?2022|hz|utf-?7)", re.IGNORECASE
)  # these look like ASCII, so that only their label tells
UNSEEN, GUESSED = 6_000, 80_000  # so many `<` cannot nest deep enough to cost a second, or minutes
# First two letters of tags that hold nothing, or end by themselves where the next one begins.
FLAT = np.zeros(1 << 16, bool)
FLAT[[int.from_bytes(two) for two in (b"br", b"dd", b"dt", b"hr", b"im", b"li", b"me", b"op", b"td", b"th", b"tr")]] = (
    True
)
FLAT[[int.from_bytes(two) for two in (b"p>", b"p ", b"wb")]] = True
LETTERS = re.compile(r"(?:[^\W\d_][\W\d_]*){12}")  # fewer letters than 12, in 400 characters, have no language
LANGUAGE_CHARACTERS = 2048  # enough for the language; the identifier reads all that it is given


class Extracted(NamedTuple):
    """A page's text (not yet cleaned) and title."""

    text: str
    title: str | None


def decode(body: bytes, charset: str | None, html: bool) -> str:
    """Bytes to characters: byte order mark, valid UTF-8, the HTTP header, `<meta>`, detection, in this order.

    Valid UTF-8 comes before what the header says, because long text that is valid UTF-8 by chance does not occur,
    and headers that lie do.

    Raises:
        Bad: `charset` if more than one character in ten could not be decoded.
    """
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _checked(body.decode("utf-16", errors="replace"), "utf-16")
    if not (charset and SEVEN_BIT.match(charset)):
        if b"\0" in body[:4096] and (wide := _wide(body)):
            return _checked(body.decode(wide, errors="replace"), wide)
        try:
            return body.decode("utf-8-sig")
        except UnicodeDecodeError:
            pass
    named = _known(charset) or (_known(detect_encoding(body, from_html_meta=True)) if html else None)
    if named is None or named == "utf-8":  # `utf-8` was not true
        named = _known(detect_encoding(body)) or "cp1252"
    return _checked(bytes_to_str(body, named, errors="replace", fallback_encodings=()), named)


def extract(html: str, limit: int, tags: int, depth: int) -> Extracted:
    """Main content and title.

    Args:
        limit: characters of HTML. tags: `<` characters. depth: nested elements.

    Raises:
        Bad: `too-large`, `markup` past a limit.
    """
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    if len(html) > limit:
        raise Bad("too-large", f"the page has {len(html)} characters, the limit is {limit}")
    count = html.count("<")
    if count > tags:
        raise Bad("markup", f"the page has {count} tags, the limit is {tags}")
    tree = HTMLTree.parse(html)
    # Measuring takes as long as a third of the extraction, so that pages of middling size are judged by their tags.
    if count > GUESSED or (count > UNSEEN and _guess_depth(html) > depth):
        _check_depth(tree, depth)
    text = extract_plain_text(tree, main_content=True)
    return Extracted(text, (tree.title or "").strip() or None)


def language(text: str) -> str | None:
    """The language's two-letter code; None where the identifier cannot tell."""
    from resiliparse.parse.lang import detect_fast

    if LETTERS.search(text, 0, 400) is None:
        return None  # of `12 34` it says Punjabi
    code = detect_fast(text[:LANGUAGE_CHARACTERS])[0]
    return None if code == "unknown" else code


def _guess_depth(html: str) -> int:
    """Most elements open at once, by tags alone: too few only where end tags stand in comments or match nothing."""
    data = np.frombuffer(html.encode("utf-8", "replace") + b"   ", np.uint8)
    at = np.flatnonzero(data == ord("<"))
    at = at[at < len(data) - 3]
    end = data[at + 1] == ord("/")
    first, second = data[at + 1 + end] | 0x20, data[at + 2 + end] | 0x20
    counts = (first >= ord("a")) & (first <= ord("z")) & ~FLAT[first.astype(np.uint16) << 8 | second]
    level = np.cumsum(np.where(counts, np.where(end, -1, 1), 0))
    return int((level - np.minimum.accumulate(np.minimum(level, 0))).max(initial=0))


def _check_depth(tree: Any, depth: int) -> None:
    """Raises Bad where elements are nested deeper than the limit."""
    from resiliparse.parse.html import traverse_dom

    def enter(context: Any) -> None:
        if context.depth > depth:
            raise Bad("markup", f"elements are nested more than {depth} deep")

    if tree.body is not None:
        traverse_dom(tree.body, enter, elements_only=True)


def _known(name: str | None) -> str | None:
    """Python's name for a character set that a browser knows, or None."""
    from resiliparse.parse.encoding import map_encoding_to_html5

    return map_encoding_to_html5(name, fallback_utf8=False) if name else None


def _wide(body: bytes) -> str | None:
    """UTF-16 without a byte order mark: ASCII characters have their zero byte always on the same side."""
    sample = body[: 1 << 12]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 2 * 10 > len(sample) * 4 and min(even, odd) * 10 < max(even, odd):
        return "utf-16-be" if even > odd else "utf-16-le"
    return None


def _checked(text: str, charset: str | None) -> str:
    lost = text.count("\ufffd")
    if lost * 10 > len(text):
        raise Bad("charset", f"{lost} of {len(text)} characters do not decode as {charset}")
    return text


def serialised(tree):
    from resiliparse.extract.html2text import extract_plain_text

    page = extract_plain_text(tree, "minimal_html", alt_texts=False, links=True)
    rules = extract_plain_text(
        tree, "minimal_html", main_content=True, alt_texts=False, links=True, comments=False, post_meta=False
    )
    return page, rules
