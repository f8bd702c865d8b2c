"""From a page's HTML to its text: main content and title.

Of our extractor, kernels.markup reads the page in one pass, whose time and memory grow with the page's length and no
more, and main_content.py says which of its blocks are main content.

The others parse a tree (parse.py). Some constructs take them time with the square of their size (elements inside one
another, options, attributes of one tag, formatting that is never closed) or up to 9 GB of memory (lists inside lists,
whose lines are indented): options are cut out before, and what is large enough for any of them to cost a second is
parsed in a process that can be killed.
"""

import re
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from tasks.runtime.errors import Mistake
from tasks.sources.page.main_content import blocks, main_content, render
from tasks.sources.page.parse import Parsed, Refused, parse
from tasks.sources.page.worker import WORKER
from tasks.sources.rejects import Bad

EXTRACTORS = ("millrace", "resiliparse", "trafilatura", "plain")
# More `<` or characters than these are parsed in a process of its own. What takes time with the square of its size
# (10,000 nested elements 1.4 s, 40,000 attributes of one tag in 340 kB 4.8 s) costs less than a second up to there.
APART_TAGS, APART_CHARACTERS = 6_000, 200_000
APART_OPEN = 250  # elements; 2,500 times `<p><font size=N>`, which HTML opens again in each paragraph, take 1.2 GB
OPTIONS = 500  # with fewer `<` than this no option costs anything
SECONDS = 60  # of CPU, for a page that is parsed apart
INDENT = re.compile(r"(?m)^[^\S\n]+")
GUESSED = 80_000  # with so many `<` depth is always measured
OPTION = re.compile(r"<opt(?:ion|group)\b[^<>]*>[^<]*|</opt(?:ion|group)\s*>", re.IGNORECASE)
# First two letters of tags that hold nothing, or end by themselves where the next one begins.
FLAT = np.zeros(1 << 16, bool)
FLAT[[int.from_bytes(two) for two in (b"br", b"dd", b"dt", b"hr", b"im", b"li", b"me", b"op", b"td", b"th", b"tr")]] = (
    True
)
FLAT[[int.from_bytes(two) for two in (b"p>", b"p ", b"wb")]] = True


class Extracted(NamedTuple):
    """A page's text (not yet cleaned) and title.

    Lines have no leading blanks but in `preformatted`, half-open ranges of characters of `text`, where white space is
    as in the page's `<pre>`. Entities have been read, once: nothing behind this may read them again. `fell_back`: the
    main content was next to nothing, and was sought in a wider way.
    """

    text: str
    title: str | None
    fell_back: bool = False
    preformatted: tuple[tuple[int, int], ...] = ()


def extract(
    html: str, limit: int, tags: int, depth: int, extractor: str = "millrace", seconds: int = SECONDS
) -> Extracted:
    """Main content and title.

    Args:
        limit: characters of HTML. tags: `<` characters.
        depth: elements nested in one another, where a tree is parsed.
        extractor: `millrace` (blocks chosen by trees), `resiliparse` (its rules), `trafilatura`, `plain` (all text).
        seconds: of CPU for a page that is parsed apart.

    Raises:
        Bad: `too-large`, `markup` past a limit; `slow`, `memory`, `crash` of a page that is parsed apart.
    """
    if len(html) > limit:
        raise Bad("too-large", f"the page has {len(html)} characters, the limit is {limit}")
    count = html.count("<")
    if count > tags:
        raise Bad("markup", f"the page has {count} tags, the limit is {tags}")
    if extractor in ("millrace", "plain"):
        page = blocks(html)
        kept, fell_back = main_content(page) if extractor == "millrace" else (None, False)
        rendered = render(page, kept)
        return Extracted(rendered.text, page.title, fell_back, rendered.preformatted)
    parsed = _parsed(html, count, depth, extractor, seconds)
    if parsed.plain:
        return Extracted(INDENT.sub("", parsed.page), parsed.title, parsed.fell_back)
    rendered = render(blocks(parsed.page))
    return Extracted(rendered.text, parsed.title, parsed.fell_back, rendered.preformatted)


def _parsed(html: str, count: int, depth: int, extractor: str, seconds: int) -> Parsed:
    """By a tree, here or apart. count: of `<`."""
    if count > OPTIONS:
        html = OPTION.sub("", html)  # an option is never main content, and lexbor takes time with their square
        count = html.count("<")
    open_at_once = _guess_depth(html) if count > APART_OPEN else 0
    if count > APART_TAGS or open_at_once > APART_OPEN or len(html) > APART_CHARACTERS:
        measure = count > GUESSED or (count > APART_TAGS and open_at_once > depth)
        return WORKER.parse(html, seconds, depth=depth, measure=measure, extractor=extractor)
    try:
        return parse(html, depth, extractor)
    except Refused as refused:
        raise Bad(refused.reason, refused.detail) from None


def versioned(extractor: str) -> str:
    """The extractor with the version of its package, where that is no dependency of ours: a part of the fingerprint."""
    if extractor != "trafilatura":
        return extractor
    try:
        return f"{extractor} {version(extractor)}"
    except PackageNotFoundError:
        return f"{extractor} (not installed)"


def require(extractor: str) -> None:
    """See, before anything is read, that an extractor can be used.

    Raises:
        Mistake: it is unknown, or not installed.
    """
    if extractor not in EXTRACTORS:
        raise Mistake(f"extractor {extractor!r} is unknown; it is one of {', '.join(EXTRACTORS)}")
    if extractor == "trafilatura" and find_spec("trafilatura") is None:
        raise Mistake("extractor trafilatura is not installed; run `pip install 'millrace[trafilatura]'`")


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
