"""Real pages with gold for main content, in two halves by site.

bench/train_blocks.py learns on one half, bench/extraction.py reports on the other. Gold: trafilatura's evaluation
(phrases `with` that belong to the main text, `without` that do not) for 344 pages of ../shared/data/crawl-pages,
matched by URL, else by the file's name; readability's expected articles for 109 more. Halves: the last bit of the first
byte of sha256 of the site; the site is the host without `www.`, of an archived page that of the original, of a
readability page its folder without number (nytimes-1 and nytimes-2 are one site).
"""

import gzip
import hashlib
import json
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from resiliparse.extract.html2text import extract_plain_text

from tasks.sources.archive.framing import Record
from tasks.sources.archive.responses import page
from tasks.sources.archive.warc import records
from tasks.sources.page.charset import decode
from tasks.sources.rejects import Bad

ARCHIVED = re.compile(r"web\.archive\.org/web/[^/]*/(.*)")
ORIGIN = "x-repackaged-from"  # a WARC header of these files
TRAIN, TEST = 0, 1
TRAFILATURA, READABILITY = "trafilatura-evaldata.json.gz", "readability-expected.tar.gz"


class Gold(NamedTuple):
    """A page. `wanted` and `unwanted`: phrases, white space as single blanks; `article`: its whole text, or None."""

    url: str
    site: str
    half: int
    html: str
    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]
    article: str | None


def plain(text: str) -> str:
    return " ".join(text.split())


def site_of(url: str, origin: str) -> str:
    archived = ARCHIVED.search(url)
    if archived:
        url = archived[1] if "//" in archived[1] else f"http://{archived[1]}"
    host = urlsplit(url).hostname or ""
    if host == "unknown.invalid":
        return re.sub(r"-\d+$", "", origin.split("/")[-2] if origin.endswith("source.html") else origin)
    return host.removeprefix("www.")


def half_of(site: str) -> int:
    return hashlib.sha256(site.encode()).digest()[0] & 1


def unlabelled(data: Path, half: int) -> list[tuple[str, str]]:
    """Site and HTML of all other pages below `crawl-pages` and `crawl`, of the sites of a half."""
    seen = {one.html for one in pages(data)}
    found = []
    for folder in ("crawl-pages", "crawl"):
        for path in sorted((data / folder).glob("*.warc.gz")):
            for site, html in _html(path):
                if half_of(site) == half and html not in seen:
                    seen.add(html)
                    found.append((site, html))
    return found


def _html(path: Path) -> Iterator[tuple[str, str]]:
    for record in records(path):
        if not isinstance(record, Record) or record.type != "response" or record.block is None:
            continue
        try:
            web_page = page(record, 32 << 20)
            if web_page is not None and web_page.html:
                site = site_of(web_page.url, record.fields.get(ORIGIN, ""))
                yield site, decode(web_page.body, web_page.charset, html=True)
        except Bad:
            continue


def pages(data: Path) -> list[Gold]:
    """Pages with gold, in the files' order, each once."""
    folder = data / "crawl-pages"
    phrases = json.loads(gzip.decompress((folder / TRAFILATURA).read_bytes()))
    by_name = {entry["file"]: url for url, entry in reversed(phrases.items())}
    articles = {}
    with tarfile.open(folder / READABILITY) as archive:
        for member in archive:
            if member.name.endswith("expected.html"):
                file = archive.extractfile(member)
                assert file is not None
                articles[member.name.split("/")[-2]] = plain(extract_plain_text(file.read().decode()))
    found: dict[str, Gold] = {}
    for path in sorted(folder.glob("*.warc.gz")):
        for record in records(path):
            if not isinstance(record, Record) or record.type != "response" or record.block is None:
                continue
            web_page = page(record, 32 << 20)
            origin = record.fields.get(ORIGIN, "")
            if web_page is None or not origin:
                continue
            url = web_page.url if web_page.url in phrases else by_name.get(origin.rsplit("/", 1)[-1])
            article = articles.get(origin.split("/")[-2]) if origin.endswith("source.html") else None
            key = url or origin
            if (url is None and article is None) or key in found:
                continue
            site = site_of(url or web_page.url, origin)
            entry = phrases[url] if url else {}
            found[key] = Gold(
                key,
                site,
                half_of(site),
                decode(web_page.body, web_page.charset, html=True),
                tuple(plain(phrase) for phrase in entry.get("with") or [] if phrase.strip()),
                tuple(plain(phrase) for phrase in entry.get("without") or [] if phrase.strip()),
                article,
            )
    return list(found.values())


class Counts(NamedTuple):
    """Phrases of all pages: wanted and found, wanted and missed, unwanted and found."""

    hit: int
    missed: int
    wrong: int

    @property
    def precision(self) -> float:
        return self.hit / max(1, self.hit + self.wrong)

    @property
    def recall(self) -> float:
        return self.hit / max(1, self.hit + self.missed)

    @property
    def f1(self) -> float:
        return 2 * self.hit / max(1, 2 * self.hit + self.missed + self.wrong)


def count(gold: list[Gold], text_of: Callable[[Gold], str]) -> Counts:
    """As trafilatura's tests/evaluate.py counts, all phrases in one sum, but any white space is one blank."""
    hit = missed = wrong = 0
    for one in gold:
        text = plain(text_of(one))
        here = sum(phrase in text for phrase in one.wanted)
        hit, missed = hit + here, missed + len(one.wanted) - here
        wrong += sum(phrase in text for phrase in one.unwanted)
    return Counts(hit, missed, wrong)
