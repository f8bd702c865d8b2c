"""Reader of `kind: warc`: the pages, and plain texts, of WARC and WET files."""

from collections.abc import Iterator

from tasks.sources.charset import decode
from tasks.sources.extract import extract
from tasks.sources.framing import Record
from tasks.sources.ledger import Ledger
from tasks.sources.parts import Part
from tasks.sources.raw import Source, size_of
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import FAULTS, Bad, Reject
from tasks.sources.responses import page
from tasks.sources.tally import Tally
from tasks.sources.warc import records

TYPES = ("warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion", "continuation")


def pages(path: Source, part: Part, reading: Reading, tally: Tally) -> Iterator[Candidate | Reject]:
    """Texts of a WARC file's pages, and a Reject for every record or range of bytes that holds none.

    Raises:
        Failure: the file's bytes do not add up.
    """
    name, limits = part.path, reading.limits
    ledger = Ledger(name)
    for record in records(path, name, limits["payload"], limits["header"], window=limits["window"]):
        ledger.add(record.offset, record.length or 0, isinstance(record, Reject) and record.reason in FAULTS)
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
                text, title = extract(text, limits["html"], limits["tags"], limits["nesting"])
            place = record.offset, record.length
            yield Candidate(web_page.id, text, url, web_page.date, {"title": title}, *place, html=web_page.html)
        except Bad as bad:
            if kind == "response" and not url and bad.reason not in ("http", "header", "too-large"):
                tally.status[bad.detail if bad.reason == "status" else "200"] += 1
            address = url or target(record)
            detail = f"{bad.detail} <{address}>" if address else bad.detail
            yield Reject(name, record.offset, record.length, bad.reason, detail)
    ledger.close(size_of(path))
    tally.bytes(ledger.in_records, ledger.damaged)


def target(record: Record) -> str:
    """The URL in a record's header."""
    return record.fields.get("warc-target-uri", "").strip("<> ")
