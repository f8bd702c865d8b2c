"""Pages of the crawl: documentation as HTML, in the styles of four kinds of sites, by pydoc's HTMLDoc.

Around the text stands what stands around text on the web: menus, cookie banners, scripts, side bars,
comments, footers. The text itself is in <article>, <main> or a div of that name.
"""

import html
import pydoc
import random
import re
from dataclasses import dataclass, replace
from urllib.parse import quote

from tasks.demo.chance import dice, number, uniform
from tasks.demo.library import Unit, blocks
from tasks.demo.words import MENU, OTHER_WORDS

STYLES = ("pydoc", "manual", "blog", "old")
CHARSETS = ("utf-8",) * 16 + ("iso-8859-1", "windows-1252")
Blocks = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A good page before it is HTML. `url` says in its path what was planted (good, copy/..., leak/...)."""

    url: str
    title: str
    blocks: Blocks
    style: str
    charset: str = "utf-8"


def page_of(unit: Unit, seed: int) -> Page:
    """The page that documents a unit; site, style and charset come from hashes of its name."""
    host = f"docs-{number(seed, 'host', unit.package) % 40:02}.example"
    style = STYLES[number(seed, "style", unit.package, unit.kind) % len(STYLES)]
    charset = CHARSETS[number(seed, "charset", unit.name) % len(CHARSETS)]
    return Page(
        f"https://{host}/good/{quote(unit.package.replace(' ', '-'))}/{quote(unit.name)}.html",
        unit.name,
        content(unit),
        style,
        charset,
    )


def content(unit: Unit) -> Blocks:
    head = [("pre", f"{unit.name}{unit.signature}")] if unit.signature else []
    return tuple(head + blocks(unit))


def words(page: Page) -> int:
    return sum(len(text.split()) for _, text in page.blocks)


def render(page: Page, seed: int) -> bytes:
    """The page's HTML. What surrounds the text depends on the URL, the text on the blocks alone."""
    draw = dice(seed, "around", page.url)
    doc = Writer()
    name = html.escape(page.title)
    if page.style == "pydoc":
        parts: list[str] = []
        title = "Description"
        body = doc.heading(f"<strong>{name}</strong>", '<a href=".">index</a><br><a href="source">source</a>')
        for tag, text in page.blocks:
            if tag == "h":
                body += doc.bigsection(title, "decor", "\n".join(parts)) if parts else ""
                parts, title = [], html.escape(text)
            else:
                parts.append(f"<p>{doc.native(text)}</p>")
        body += doc.bigsection(title, "decor", "\n".join(parts))
        main = f'<main class="content">{body}</main>'
    else:
        parts = [f"<h1>{name}</h1>"]
        for tag, text in page.blocks:
            if tag == "h":
                parts.append(f"<h2>{html.escape(text)}</h2>")
            elif tag == "pre":
                parts.append(f"<pre>{doc.markup(text, html.escape)}</pre>")
            else:
                parts.append(f"<p>{doc.markup(text, html.escape)}</p>")
        body = "\n".join(parts)
        main = {
            "manual": '<main id="main"><article>{}</article></main>',
            "blog": '<article class="post"><div class="entry-content">{}</div></article>',
            "old": '<div id="content" class="content">{}</div>',
        }[page.style].format(body)
    around = surround(draw, page.style)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="{page.charset}">'
        f"<title>{name}</title>{around['head']}</head>\n<body>{around['before']}\n{main}\n{around['after']}"
        "</body></html>\n"
    ).encode(page.charset, "xmlcharrefreplace")


class Writer(pydoc.HTMLDoc):
    """pydoc's own HTML, except that paragraphs arrive one by one, on one line."""

    def native(self, text: str) -> str:
        """As pydoc sets docstrings: spaces that do not break, <br> at line ends, links to RFCs and PEPs."""
        return f'<span class="code">{self.markup(text, self.preformat)}</span>'


COOKIES = (
    "We use cookies to give you the best experience on our site.",
    "This website uses cookies. By continuing to browse you agree to our use of cookies.",
    "We and our 842 partners store and access information on your device.",
)
STYLE_SHEET = "".join(
    f".c{i},.c{i}:hover{{margin:{i % 7}px {i % 5}em;color:#{i * 4219 % 4096:03x};display:{d}}}\n"
    for i, d in enumerate(("block", "inline", "flex", "grid", "none") * 12)
)


def menu(draw: random.Random, entries: int) -> str:
    names = draw.choices(MENU, k=entries)
    return (
        "<ul>"
        + "".join(f'<li class="c{i % 9}"><a href="/{n.lower()}/{i}">{n}</a></li>' for i, n in enumerate(names))
        + "</ul>"
    )


def script(draw: random.Random, length: int) -> str:
    """A tracker's state: hexadecimal that does not compress much, as such states do not."""
    return f'<script>window.__STATE__={{"session":"{draw.randbytes(length).hex()}","v":{draw.randrange(99)}}};</script>'


def surround(draw: random.Random, style: str) -> dict[str, str]:
    """What stands in the head, before the text and after it."""
    before = (
        f'<header class="site-header"><div class="logo">Site {draw.randrange(1000)}</div>'
        f'<nav class="navbar">{menu(draw, draw.randrange(8, 25))}</nav></header>'
    )
    if draw.random() < 0.5:
        before += (
            f'<div id="cookie-banner" class="cookie-consent" role="dialog">{draw.choice(COOKIES)} '
            "<button>Accept all</button><button>Reject</button></div>"
        )
    if style == "old":
        before += f'<table class="nav"><tr><td>{menu(draw, 12)}</td></tr></table>'
    after = ""
    if style == "blog":
        after += (
            f'<aside class="sidebar"><h3>Recent posts</h3>{menu(draw, 10)}</aside>'
            f'<div class="share-buttons">{menu(draw, 4)}</div>'
        )
    after += (
        f'<footer class="footer"><p>Copyright 2019 Site {draw.randrange(1000)}. All rights reserved.</p>'
        f"<nav>{menu(draw, draw.randrange(4, 12))}</nav></footer>{script(draw, draw.randrange(60, 300))}"
    )
    return {
        "head": f'<style>{STYLE_SHEET}</style><meta name="generator" content="site {draw.randrange(99)}">',
        "before": before,
        "after": after,
    }


def extracted(page: bytes, charset: str) -> str:
    """The main text as ingest reads it: resiliparse's main content."""
    from resiliparse.extract.html2text import extract_plain_text

    return extract_plain_text(page.decode(charset), main_content=True)


def moved(page: Page, seed: int, folder: str, **changes: object) -> Page:
    """The page at another site's URL, under a folder that says why it is there."""
    host = f"mirror-{number(seed, 'mirror', folder, page.url) % 60:02}.example"
    name = page.url.rpartition("/")[2]
    return replace(page, url=f"https://{host}/{folder}/{name}", **changes)  # type: ignore[arg-type]


def substituted(page: Page, jaccard: float, seed: int) -> Page:
    """The page with single words replaced, far enough apart that each breaks its own five shingles: of N
    shingles k replacements leave (N - 5k) / (N + 5k) in common, which is `jaccard`."""
    total = words(page)
    step = total / max(1.0, total / 5 * (1 - jaccard) / (1 + jaccard))
    changed, at, due = [], 0, step / 2
    for tag, text in page.blocks:
        tokens = text.split(" ")
        for i, token in enumerate(tokens):
            if tag != "h" and token.isalpha() and token.islower() and len(token) > 2 and at >= due:
                tokens[i] = OTHER_WORDS[number(seed, "word", page.url, at) % len(OTHER_WORDS)]
                due += step
            at += len(token.split())
        changed.append((tag, " ".join(tokens)))
    return replace(page, blocks=tuple(changed))


def shortened(page: Page, jaccard: float) -> Page:
    """The page's first part: `jaccard` of its words, cut at a word."""
    left, kept = round(words(page) * jaccard), []
    for tag, text in page.blocks:
        size = len(text.split())
        if left > 0:
            ends = [match.end() for match in re.finditer(r"\S+", text)]
            kept.append((tag, text if left >= size else text[: ends[left - 1]]))
        left -= size
    return replace(page, blocks=tuple(kept))


def altered(page: Page, jaccard: float, seed: int) -> tuple[Page, str]:
    """A near copy at about that Jaccard similarity, and how it was made."""
    if uniform(seed, "how", page.url) < 0.3:
        return shortened(page, jaccard), "shortened"
    return substituted(page, jaccard, seed), "words"


def with_item(page: Page, said: str, form: str) -> Page:
    """The page with a benchmark's item in it, as it is said there; `deep` near the end, else in the middle."""
    blocks = list(page.blocks)
    place = len(blocks) * 9 // 10 if form == "deep" else len(blocks) // 2
    blocks.insert(place, ("pre" if "\n" in said else "p", said))
    return replace(page, blocks=tuple(blocks))
