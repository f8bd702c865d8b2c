"""From an input file to documents: each kind of source read, cleaned, identified and counted."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tasks.sources import text as texts
from tasks.sources.clean import clean
from tasks.sources.extract import decode, extract, language
from tasks.sources.parts import Part
from tasks.sources.rejects import Bad, Reject
from tasks.sources.responses import page
from tasks.sources.warc import Ledger, Record, records

LIMITS = {
    "payload": 32 << 20,  # bytes of a WARC record's block, of its decoded body, of a line of JSONL
    "header": 64 << 10,  # bytes of a WARC record's header
    "file": 64 << 20,  # bytes of a text file, decompressed: it is one document
    "html": 8 << 20,  # characters of a page
    "tags": 500_000,  # `<` characters of a page
    "nesting": 2_000,  # elements inside one another
}
FIELDS = {"text": "text", "id": None, "url": None, "date": "date", "title": "title"}
TYPES = ("warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion", "continuation")


class Document(NamedTuple):
    """A document; `key` is 128 bits of the record's own id, else of source, URL and text."""

    key: bytes
    text: str
    url: str
    date: datetime | None
    language: str | None
    meta: str | None


class Tally:
    """What a shard's statistics count; nested dictionaries of numbers that sum over shards."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.records: Counter[str] = Counter()  # by type
        self.status: Counter[str] = Counter()  # of HTTP responses
        self.rejects: Counter[str] = Counter()  # by reason
        self.languages: Counter[str] = Counter()
        self.files: dict[str, Counter[str]] = {}  # documents, rejects by reason

    def file(self, name: str) -> None:
        self.files.setdefault(name, Counter())

    def document(self, name: str, document: Document, size: int) -> None:
        self.counts["documents"] += 1
        self.counts["characters"] += len(document.text)
        self.counts["text_bytes"] += size
        self.languages[document.language or "unknown"] += 1
        self.files[name]["documents"] += 1

    def reject(self, reject: Reject) -> None:
        self.rejects[reject.reason] += 1
        self.files[reject.file][reject.reason] += 1

    def bytes(self, in_records: int, damaged: int) -> None:
        self.counts.update(bytes=in_records + damaged, bytes_in_records=in_records, bytes_damaged=damaged)

    def statistics(self) -> dict[str, Any]:
        keys = ("files", "bytes", "bytes_in_records", "bytes_damaged", "documents", "characters", "text_bytes")
        return {
            **{key: self.counts[key] for key in keys},
            "records": dict(sorted(self.records.items())),
            "status": dict(sorted(self.status.items())),
            "rejects": dict(sorted(self.rejects.items())),
            "languages": dict(sorted(self.languages.items())),
            "by_file": {name: dict(sorted(counts.items())) for name, counts in sorted(self.files.items())},
        }


def documents(
    path: Path,
    name: str,
    part: Part,
    source: str,
    kind: str,
    fields: dict[str, Any],
    limits: dict[str, int],
    tally: Tally,
) -> Iterator[Document | Reject]:
    """Documents and rejects of a local file, or of a part of it, in its order; counted in `tally` as they come.

    Raises:
        Failure: the file's bytes do not add up.
    """
    tally.file(name)
    tally.counts["files"] += part.start == 0
    seen: set[bytes] = set()
    for item in READERS[kind](path, name, part, source, {**FIELDS, **fields}, {**LIMITS, **limits}, tally):
        if isinstance(item, Reject):
            tally.reject(item)
            yield item
            continue
        document, offset, length = item
        if document.key in seen:
            repeated = Reject(name, offset, length, "id", f"{document.key.hex()} is met again <{document.url}>")
            tally.reject(repeated)
            yield repeated
            continue
        seen.add(document.key)
        tally.document(name, document, len(document.text.encode()))
        yield document


Placed = tuple[Document, int, int]  # with its record's offset and length
Keys = dict[str, Any]


def _warc(
    path: Path, name: str, part: Part, source: str, fields: Keys, limits: Keys, tally: Tally
) -> Iterator[Placed | Reject]:
    ledger = Ledger(name)
    for record in records(path, name, limits["payload"], limits["header"]):
        ledger.add(record.offset, record.length or 0, isinstance(record, Reject))
        if isinstance(record, Reject):
            yield record
            continue
        kind = record.type if record.type in TYPES else "unknown"
        tally.records[kind] += 1
        url = ""
        try:
            web_page = page(record, limits["payload"])
            if web_page is None:
                continue
            url = web_page.url
            if kind == "response":
                tally.status["200"] += 1
            title = None
            text = decode(web_page.body, web_page.charset, web_page.html)
            if web_page.html:
                text, title, *_ = extract(text, limits["html"], limits["tags"], limits["nesting"])
            document = _document(source, web_page.id, text, url, web_page.date, {"title": title})
            yield document, record.offset, record.length
        except Bad as bad:
            if kind == "response" and not url and bad.reason not in ("http", "header", "too-large"):
                tally.status[bad.detail if bad.reason == "status" else "200"] += 1
            address = url or target(record)
            detail = f"{bad.detail} <{address}>" if address else bad.detail
            yield Reject(name, record.offset, record.length, bad.reason, detail)
    ledger.close(path.stat().st_size)
    tally.bytes(ledger.in_records, ledger.damaged)


def _jsonl(
    path: Path, name: str, part: Part, source: str, fields: Keys, limits: Keys, tally: Tally
) -> Iterator[Placed | Reject]:
    damaged = 0

    def lost(stored: int) -> None:
        nonlocal damaged
        damaged += stored

    if path.stat().st_size == 0:
        yield Reject(name, 0, 0, "empty-file", "the file has 0 bytes")
    yield from _rows(texts.jsonl(path, name, fields, part.start, part.end, limits["payload"], lost), source, name)
    size = path.stat().st_size if part.end is None else part.end - part.start
    # A part's last line may reach into the next part, where none of its bytes are counted again.
    tally.bytes(max(0, size - damaged), min(size, damaged))


def _parquet(
    path: Path, name: str, part: Part, source: str, fields: Keys, limits: Keys, tally: Tally
) -> Iterator[Placed | Reject]:
    groups = None if part.end is None else list(range(part.start, part.end))
    readable = True
    for item in _rows(texts.parquet(path, name, fields, groups), source, name):
        readable = readable and not (isinstance(item, Reject) and item.length is None)
        yield item
    tally.bytes(part.size if readable else 0, 0 if readable else part.size)


def _text(
    path: Path, name: str, part: Part, source: str, fields: Keys, limits: Keys, tally: Tally
) -> Iterator[Placed | Reject]:
    for item in texts.whole(path, name, limits["file"]):
        if isinstance(item, Reject):
            tally.bytes(0, item.length or 0)
            yield item
            continue
        data, size = item
        tally.bytes(size, 0)
        try:
            text = decode(data, None, html=False)
            yield _document(source, None, text, "", None, {"file": Path(name).name}), 0, size
        except Bad as bad:
            yield Reject(name, 0, size, bad.reason, bad.detail)


def _rows(rows: Iterator[texts.Row | Reject], source: str, name: str) -> Iterator[Placed | Reject]:
    for row in rows:
        if isinstance(row, Reject):
            yield row
            continue
        try:
            yield _document(source, row.id, row.text, row.url, row.date, {"title": row.title}), row.offset, row.length
        except Bad as bad:
            yield Reject(name, row.offset, row.length, bad.reason, f"{bad.detail} <{row.id or row.url}>")


READERS: dict[str, Any] = {"warc": _warc, "jsonl": _jsonl, "parquet": _parquet, "text": _text}


def _document(
    source: str, identity: str | None, text: str, url: str, date: datetime | None, meta: dict[str, str | None]
) -> Document:
    text = clean(text)
    if not text:
        raise Bad("empty", "no text is left")
    url = storable(url)
    filled = {key: value for key, value in meta.items() if value}
    return Document(
        key_of(source, identity, url, text),
        text,
        url,
        date,
        language(text),
        storable(json.dumps(filled, ensure_ascii=False)) if filled else None,
    )


def key_of(source: str, identity: str | None, url: str, text: str) -> bytes:
    """16 bytes: of the record's own id, else of source, URL and text."""
    identifier = identity if identity is not None else f"{source}\0{url}\0{text}"
    return hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).digest()[:16]


def storable(text: str) -> str:
    """Text without lone surrogates, which UTF-8 cannot hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def target(record: Record) -> str:
    """The URL in a record's header, as far as it can be seen."""
    head = (record.data or b"")[:8192]
    at = head.lower().find(b"warc-target-uri:")
    return head[at + 16 : head.find(b"\n", at)].strip().strip(b"<>").decode("utf-8", "replace") if at >= 0 else ""
