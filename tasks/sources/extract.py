"""From a page's HTML to its text: main content and title.

Resiliparse parses (lexbor) and extracts. Its extraction takes time with the square of the nesting (10,000 deep: 2 s;
100,000: minutes) and up to 600 bytes of memory a tag, so that both are bounded before it begins.
"""

from typing import Any, NamedTuple

import numpy as np

from tasks.sources.rejects import Bad

UNSEEN, GUESSED = 6_000, 80_000  # so many `<` cannot nest deep enough to cost a second, or minutes
# First two letters of tags that hold nothing, or end by themselves where the next one begins.
FLAT = np.zeros(1 << 16, bool)
FLAT[[int.from_bytes(two) for two in (b"br", b"dd", b"dt", b"hr", b"im", b"li", b"me", b"op", b"td", b"th", b"tr")]] = (
    True
)
FLAT[[int.from_bytes(two) for two in (b"p>", b"p ", b"wb")]] = True


class Extracted(NamedTuple):
    """A page's text (not yet cleaned) and title."""

    text: str
    title: str | None


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
