"""An XML dump of MediaWiki as its pages, one after the other, each with its place in the content.

A dump has no `<` in a text, so `<page>` and `</page>` are looked for as bytes, and each page is parsed by itself
(expat, piece by piece): a broken page is told with its exact place and the next one is read, and the pages of one
stream of a multistream dump, which have no root element around them, read like the whole.

Nothing is fetched and nothing is expanded: a document type declaration, without which XML has no entities but its own
five, is refused. Memory is bounded: of a page's revisions the text of one is held, up to a limit.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple
from xml.parsers import expat

from tasks.sources.input.content import Content
from tasks.sources.rejects import Bad

EDGE = re.compile(rb"<page[\s>]|</page\s*>")
EDGE_BYTES = 32  # no edge is longer, or it is none (white space before `>` that nobody writes)
STEP = 1 << 18
BETWEEN = 1 << 20  # bytes between two pages that are held; a head with its list of namespaces has 20,000


class Site(NamedTuple):
    """What a dump's head says: the address of its main page, its language, names of namespaces (lower case) by key.

    `ended`: the dump's last tag stands there too, or alone.
    """

    base: str = ""
    language: str = ""
    namespaces: Mapping[str, int] = MappingProxyType({})
    ended: bool = False


class Revision(NamedTuple):
    """A page's latest revision; `text` is None where it has none (deleted, or a dump without texts)."""

    timestamp: str = ""
    model: str = "wikitext"
    text: str | None = None
    size: int = 0  # characters; more than `text` has where that was too long


class Page(NamedTuple):
    """A page as its dump has it; `namespace` is None where the dump does not say."""

    id: str
    title: str
    namespace: int | None
    redirect: bool
    revision: Revision


class Stretch(NamedTuple):
    """Bytes start..end of the content and what they are: a page, a site's head, nothing (None), or what is wrong."""

    start: int
    end: int
    what: Page | Site | Bad | None


def stretches(content: Content, limit: int) -> Iterator[Stretch]:
    """The content from its beginning to its end (or to where it breaks), without a gap.

    Args:
        content: from a file's beginning, or that of one of its streams.
        limit: characters of a text that are held.
    """
    position = 0
    while True:
        start, edge = _edge(content, position, BETWEEN)
        if edge is None and not content.ended:  # more than any head: passed over, not held
            begin = position
            while edge is None and not content.ended:
                content.drop(start)
                start, edge = _edge(content, start, BETWEEN)
            yield Stretch(begin, start, Bad("xml", f"{start - begin} bytes that are no page"))
        elif start > position:
            yield Stretch(position, start, _between(content.slice(position, start)))
        content.drop(start, kept=edge is not None)
        if edge is None:
            return
        if edge.startswith(b"</"):
            position = start + len(edge)
            yield Stretch(start, position, Bad("xml", "a page ends that did not begin"))
        else:
            position, page = _page(content, start, len(edge), limit)
            yield Stretch(start, position, page)
        content.drop(position, kept=True)


def _edge(content: Content, position: int, hold: int) -> tuple[int, bytes | None]:
    """Where the next edge of a page begins, and the edge; without one, how far was looked: `hold` bytes or the end."""
    looked = position
    while True:
        if found := EDGE.search(content.window, looked - content.base):
            return content.base + found.start(), found.group()
        looked = max(position, content.end - EDGE_BYTES)
        if looked - position >= hold:
            return looked, None
        if not content.fill(content.end + 1):
            return content.end, None


def _between(data: bytes) -> Site | Bad | None:
    """What stands between pages."""
    rest = data.removeprefix(b"\xef\xbb\xbf").strip()
    ended = rest.startswith(b"</mediawiki>")
    while rest.startswith(b"</mediawiki>"):
        rest = rest.removeprefix(b"</mediawiki>").strip()
    if not rest:
        return Site(ended=True) if ended else None
    if not rest.startswith((b"<?xml", b"<mediawiki", b"<!--", b"<!DOCTYPE")):
        return Bad("xml", f"{len(data)} bytes that are no page")
    return _site(rest)


def _site(data: bytes) -> Site | Bad:
    found: dict[str, str] = {}
    names: dict[str, int] = {}
    texts: list[str] = []
    parser = _parser()

    def started(name: str, attributes: dict[str, str]) -> None:
        texts.clear()
        if name == "mediawiki":
            found["language"] = attributes.get("xml:lang", "")
        elif name == "namespace":
            found["key"] = attributes.get("key", "")

    def ended(name: str) -> None:
        if name == "base":
            found["base"] = "".join(texts).strip()
        elif name == "namespace" and re.fullmatch("-?[0-9]{1,9}", found.get("key", "")):
            names["".join(texts).strip().lower()] = int(found["key"])

    parser.StartElementHandler, parser.EndElementHandler = started, ended
    parser.CharacterDataHandler = texts.append
    try:
        parser.Parse(data, False)
    except (expat.ExpatError, Bad) as error:
        return Bad("xml", f"the head of the dump: {error}")
    return Site(found.get("base", ""), found.get("language", ""), names, data.endswith(b"</mediawiki>"))


def _page(content: Content, start: int, edge: int, limit: int) -> tuple[int, Page | Bad]:
    """The page that begins at `start`, and where it ends."""
    reader = _Reader(limit)
    position = start
    parsed = start + edge  # the next edge is looked for behind the first
    while True:
        end, found = _edge(content, parsed, STEP)
        if found is not None and found.startswith(b"</"):
            end += len(found)
        reader.feed(content.slice(position, end))
        position = parsed = end
        if found is None and content.ended and end >= content.end:
            return end, Bad("truncated", "the file ends inside the page")
        if found is not None:
            break
        content.drop(position, kept=True)
    if not found.startswith(b"</"):
        return end, Bad("xml", "the page has no end before the next one begins")
    return end, reader.page()


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _refuse(*_: object) -> None:
    raise Bad("xml", "a document type declaration, which dumps do not have")


class _Reader:
    """Events of one page's XML, to the page."""

    def __init__(self, limit: int):
        self.limit = limit
        self.bad: Bad | None = None
        self.path: list[str] = []
        self.values: dict[str, str] = {}  # of the page, and of the revision at hand as `revision/...`
        self.pieces: list[str] = []
        self.size = 0
        self.redirect = False
        self.text: str | None = None
        self.latest: Revision | None = None
        self.parser = _parser()
        self.parser.StartElementHandler = self.started
        self.parser.EndElementHandler = self.ended
        self.parser.CharacterDataHandler = self.characters

    def feed(self, data: bytes) -> None:
        if self.bad is None:
            try:
                self.parser.Parse(data, False)
            except expat.ExpatError as error:
                self.bad = Bad(
                    "xml", f"{expat.errors.messages[error.code]} at byte {self.parser.ErrorByteIndex} of the page"
                )
                self.pieces.clear()
            except Bad as bad:
                self.bad = bad

    def page(self) -> Page | Bad:
        if self.bad is not None:
            return self.bad
        if self.path:
            return Bad("xml", f"<{self.path[-1]}> has no end in the page")
        identity, namespace = self.values.get("id", ""), self.values.get("ns", "")
        if not identity.isascii() or not identity.isdecimal():
            return Bad("xml", "the page has no <id>")
        number = int(namespace) if re.fullmatch("-?[0-9]{1,9}", namespace) else None
        return Page(identity, self.values.get("title", ""), number, self.redirect, self.latest or Revision())

    def started(self, name: str, attributes: dict[str, str]) -> None:
        self.path.append(name)
        self.pieces.clear()
        self.size = 0
        if self.path == ["page", "revision"]:
            self.values = {key: value for key, value in self.values.items() if not key.startswith("revision/")}
            self.text = None
        elif self.path == ["page", "redirect"]:
            self.redirect = True

    def characters(self, data: str) -> None:
        self.size += len(data)
        if self.size <= self.limit:
            self.pieces.append(data)

    def ended(self, name: str) -> None:
        where = "/".join(self.path[1:])
        self.path.pop()
        if where == "revision/text":
            self.text = "".join(self.pieces)
            self.values["revision/size"] = str(self.size)
        elif where == "revision":
            self.revised()
        elif where in ("id", "ns", "title", "revision/timestamp", "revision/model"):
            self.values[where] = "".join(self.pieces).strip()
        self.pieces.clear()

    def revised(self) -> None:
        """Keep the revision at hand if it is the latest: by time; of one second, the one that stands last."""
        time = self.values.get("revision/timestamp", "")
        if self.latest is None or time >= self.latest.timestamp:
            model = self.values.get("revision/model", "wikitext")
            self.latest = Revision(time, model, self.text or None, int(self.values.get("revision/size", "0")))
        self.text = None
