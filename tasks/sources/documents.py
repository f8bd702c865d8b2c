"""From an input file to documents: what a reader of its kind finds is cleaned, identified, told apart and counted."""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import numpy as np

from tasks.sources.archive.pages import pages
from tasks.sources.input.raw import Source
from tasks.sources.origins import Origin
from tasks.sources.parts import Part
from tasks.sources.reading import Candidate, Reader, Reading
from tasks.sources.rejects import Reject, storable
from tasks.sources.rows.jsonl import jsonl
from tasks.sources.rows.parquet import parquet
from tasks.sources.tally import Tally
from tasks.sources.text import text_file
from tasks.sources.texts.clean import clean, clean_utf8
from tasks.sources.texts.language import language
from tasks.sources.wiki.mediawiki import mediawiki

READERS: dict[str, Reader] = {
    "warc": pages,
    "jsonl": jsonl,
    "parquet": parquet,
    "text": text_file,
    "mediawiki": mediawiki,
}
to_json = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps makes an encoder a call


class Document(NamedTuple):
    """A document; `key` is 128 bits, see `key_of`."""

    key: bytes
    utf8: bytes  # its text
    url: str
    date: datetime | None
    language: str | None
    language_score: float | None
    meta: str | None
    origin: Origin

    @property
    def text(self) -> str:
        return self.utf8.decode()


# Of each key: the text's hash, and the file and offset where it was first met.
Met = dict[bytes, tuple[bytes, str, int]]


def documents(
    path: Source, part: Part, kind: str, reading: Reading, tally: Tally, met: Met | None = None
) -> Iterator[Document | Reject]:
    """Documents and rejects of a local file, or of a part of it, in its order; counted in `tally` as they come.

    `met` is shared by the files that are read into one shard.

    Raises:
        Failure: the file's bytes do not add up.
    """
    met = {} if met is None else met
    tally.file(part.path)
    tally.counts["files"] += part.start == 0
    for item in READERS[kind](path, part, reading, tally):
        if part.places:
            item = item._replace(offset=part.place_of(item.offset))
        found = item if isinstance(item, Reject) else _document(item, part, reading, tally, met)
        if isinstance(found, Reject):
            tally.reject(found)
        yield found


def _document(found: Candidate, part: Part, reading: Reading, tally: Tally, met: Met) -> Document | Reject:
    utf8 = _clean(found, reading)
    url = storable(found.url)
    if not utf8:
        reason = "no-content" if found.text.strip() or found.html else "empty"
        return Reject(part.path, found.offset, found.length, reason, f"no text is left <{url or found.id or ''}>")
    content = hashlib.sha256(utf8).digest()
    name = part.name or part.path
    key = key_of(reading, name, found.id, url, content)
    first, file, offset = met.setdefault(key, (content, part.path, found.offset))
    if (file, offset) != (part.path, found.offset):
        reason, what = ("repeated", "this text") if first == content else ("id", "another text")
        detail = f"id {found.id or key.hex()!r} stands with {what} in {file} at {offset} <{url}>"
        return Reject(part.path, found.offset, found.length, reason, detail)
    count = _characters(utf8)
    spoken = language(utf8, count)
    tally.document(part.path, count, len(utf8), spoken.code)
    meta = {name: value for name, value in found.meta.items() if value}
    sure = None if spoken.code is None else spoken.score
    told = storable(to_json(meta)) if meta else None
    origin = Origin(name, found.offset, found.length, found.id)
    return Document(key, utf8, url, found.date, spoken.code, sure, told, origin)


def _clean(found: Candidate, reading: Reading) -> bytes:
    if found.preformatted and isinstance(found.text, str):
        return clean(found.text, reading.whitespace, entities=False, preformatted=found.preformatted).encode()
    utf8 = found.text if isinstance(found.text, bytes) else found.text.encode("utf-8", "surrogatepass")
    return clean_utf8(utf8, reading.whitespace, entities=not found.html)


def _characters(utf8: bytes) -> int:
    from tasks.kernels.utf8 import characters

    return characters(np.frombuffer(utf8, np.uint8))


def key_of(reading: Reading, file: str, identity: str | None, url: str, content: bytes) -> bytes:
    """16 bytes: of the record's own id and, unless ids are global, its file; else of source, URL and text's hash."""
    if identity is None:
        named = f"{reading.source}\0{url}\0".encode("utf-8", "surrogatepass") + content
    else:
        where = [file] if reading.ids == "file" else []
        named = "\0".join([*where, identity]).encode("utf-8", "surrogatepass")
    return hashlib.sha256(named).digest()[:16]
