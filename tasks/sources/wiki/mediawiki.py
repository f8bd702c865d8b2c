"""Reader of `kind: mediawiki`: the pages of an XML dump of a wiki, plain or compressed (multistream too).

A candidate a page of the namespaces that are read, redirects aside: its id is the page's, its text what a reader sees
(wikitext.py) of the latest revision, its date that revision's. Offsets are bytes of the (decompressed) content.
"""

import re
from collections.abc import Iterator
from urllib.parse import quote

from tasks.sources.input.content import Content
from tasks.sources.input.raw import Raw, Source
from tasks.sources.parts import Part
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import Bad, Reject
from tasks.sources.rows.record import moment
from tasks.sources.tally import Tally
from tasks.sources.wiki.dump import Page, Site, stretches
from tasks.sources.wiki.wikitext import Forms, plain

REDIRECT = re.compile(r"\s*#\s*([^\W\d_]{4,30})\s*:?\s*\[\[[^\[\]\n]+\]\]")  # dumps without <ns> have no <redirect>
FILES, CATEGORIES, MEDIA = 6, 14, -2  # keys of namespaces, the same on every wiki
FORMER = {  # names of files that links of old pages still have, beside those in the dump's head
    "de": "bild", "es": "imagen", "fr": "image", "it": "immagine", "ja": "画像", "nl": "afbeelding", "pl": "grafika",
    "pt": "imagem", "ru": "изображение", "sv": "bild",
}  # fmt: skip
SAFE = ";@$!*(),/~:"  # what MediaWiki's wfUrlencode leaves as it is, beside letters, digits and -_.


def mediawiki(path: Source, part: Part, reading: Reading, tally: Tally) -> Iterator[Candidate | Reject]:
    """Texts of a dump's pages, or those of the streams in a part of a multistream one (streams.py).

    After a break of the compressed stream the rest is one Reject, in bytes of the file. In a part, offsets count from
    its beginning.
    """
    name = part.path
    raw = Raw(path)
    try:
        last = part.end in (None, raw.size)
        if raw.size == 0:
            yield Reject(name, 0, 0, "empty-file", "the file has 0 bytes")
            return
        site = _head(raw, reading.limits["window"]) if part.start else Site()
        forms = forms_of(site, reading)
        content = Content(raw, offset=part.start, scan=1 << 62, window=reading.limits["window"])
        raw.size = part.end or raw.size  # as if the file ended with the part's last stream
        damaged, broken = 0, False  # bytes of the file; whether it was told that the stream breaks
        rooted = part.start > 0  # inside <mediawiki>
        for start, end, what in stretches(content, reading.limits["payload"]):
            if isinstance(what, Bad):
                place = content.place(start)
                broken = content.broken is not None and end == content.end
                damaged += (raw.size if broken else content.place(end)) - place
                rooted = rooted and end < content.end
                yield _broken(name, raw, content, place) if broken else _reject(name, start, end, what)
            elif isinstance(what, Site):
                rooted = not what.ended
                if rooted:
                    site, forms = what, forms_of(what, reading)
            elif what is not None:
                tally.records["page"] += 1
                yield _candidate(name, what, site, forms, reading, start, end)
        if content.broken and not broken:
            damaged += raw.size - content.place(content.end)
            yield _broken(name, raw, content, content.place(content.end))
        elif rooted and last and not content.broken:
            missing = Bad("truncated", "the dump has no </mediawiki>: pages may be missing behind its last one")
            yield _reject(name, content.end, content.end, missing)
        tally.bytes(raw.size - part.start - damaged, damaged)
    finally:
        raw.close()


def _head(raw: Raw, window: int) -> Site:
    """The head of a dump, from its beginning."""
    first = next(stretches(Content(raw, scan=1 << 62, window=window), 0), None)
    return first.what if first is not None and isinstance(first.what, Site) else Site()


def forms_of(site: Site, reading: Reading) -> Forms:
    """How a site's texts are written out: what the source asks, and the site's names of files and categories."""
    names = Forms()
    media = {name for name, key in site.namespaces.items() if key in (FILES, MEDIA)} | {FORMER.get(site.language, "")}
    categories = {name for name, key in site.namespaces.items() if key == CATEGORIES}
    wiki = reading.wiki
    return Forms(wiki.tables, wiki.math, names.media | media - {""}, names.categories | categories, site.language)


def address(site: Site, title: str) -> str:
    """URL of a page as MediaWiki writes it, beside the main page's; empty where the dump's head names none."""
    before = site.base.rpartition("title=")[0] + "title=" if "title=" in site.base else site.base
    if "/wiki/" in before:
        before = before[: before.index("/wiki/") + 6]
    elif "title=" not in before:
        before = before.rpartition("/")[0] + "/"
    return before + quote(title.replace(" ", "_"), safe=SAFE, errors="replace") if site.base else ""


def _candidate(
    name: str, page: Page, site: Site, forms: Forms, reading: Reading, start: int, end: int
) -> Candidate | Reject:
    """A page's text, or why it is not wanted."""
    revision, length = page.revision, end - start
    title = f"page {page.id} {page.title!r}"
    namespace = _namespace(page, site)
    if namespace not in reading.wiki.namespaces:
        return Reject(name, start, length, "namespace", f"{title}: namespace {namespace}")
    if page.redirect or (page.namespace is None and _redirects(revision.text or "")):
        return Reject(name, start, length, "redirect", title)
    if revision.model != "wikitext":
        return Reject(name, start, length, "type", f"{title}: {revision.model}")
    if revision.size > len(revision.text or ""):
        limit = reading.limits["payload"]
        return Reject(name, start, length, "too-large", f"{title}: {revision.size} characters, the limit is {limit}")
    if not revision.text:
        return Reject(name, start, length, "empty", f"{title}: no text, or it was deleted")
    text, date = plain(revision.text, forms), moment(revision.timestamp)
    return Candidate(page.id, text, address(site, page.title), date, {"title": page.title}, start, length, html=True)


def _namespace(page: Page, site: Site) -> int:
    """The page's namespace; by its title where the dump does not say (before 2012)."""
    if page.namespace is not None:
        return page.namespace
    prefix, colon, _ = page.title.partition(":")
    return site.namespaces.get(prefix.replace("_", " ").strip().lower(), 0) if colon else 0


def _redirects(text: str) -> bool:
    """Whether a text begins as a redirect, in any language: `#WORD [[...]]` in capitals or a script without them."""
    found = REDIRECT.match(text)
    return found is not None and (found.group(1).lower() == "redirect" or found.group(1).upper() == found.group(1))


def _reject(name: str, start: int, end: int, bad: Bad) -> Reject:
    return Reject(name, start, end - start, bad.reason, bad.detail)


def _broken(name: str, raw: Raw, content: Content, place: int) -> Reject:
    assert content.broken is not None
    detail = f"{content.broken.detail}; the rest of the file cannot be read"
    return Reject(name, place, raw.size - place, content.broken.reason, detail)
