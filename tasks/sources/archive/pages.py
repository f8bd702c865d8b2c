"""Reader of `kind: warc`: the pages, and plain texts, of WARC and WET files.

Where links are given, a page that none names is passed over by its record's header alone: neither its HTTP header nor
its body is looked at. Of a crawl those are nearly all, so a run of them is one Reject, which says how many they are.
"""

from collections.abc import Iterator

from tasks.sources.archive.framing import Record
from tasks.sources.archive.responses import PAGES, page, target
from tasks.sources.archive.warc import records
from tasks.sources.input.raw import Source, size_of
from tasks.sources.ledger import Ledger
from tasks.sources.page.charset import decode, plain_text
from tasks.sources.page.extract import extract
from tasks.sources.parts import Part
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import FAULTS, Bad, Reject
from tasks.sources.tally import Tally
from tasks.sources.webtext.linked import lookup

TYPES = ("warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion", "continuation")


def pages(path: Source, part: Part, reading: Reading, tally: Tally) -> Iterator[Candidate | Reject]:
    """Texts of a WARC file's pages, and a Reject for every record or range of bytes that holds none.

    Raises:
        Failure: the file's bytes do not add up.
    """
    name, limits = part.path, reading.limits
    ledger = Ledger(name)
    known = lookup(reading.links) if reading.links is not None else None
    unlinked: Reject | None = None  # the run of records that goes on
    for record in records(path, name, limits["payload"], limits["header"], window=limits["window"]):
        ledger.add(record.offset, record.length or 0, isinstance(record, Reject) and record.reason in FAULTS)
        if isinstance(record, Reject):
            yield from _ended(unlinked)
            yield record
            unlinked = None
            continue
        kind = record.type if record.type in TYPES else "unknown"
        tally.records[kind] += 1
        meta: dict[str, str | int | None] = {}
        if known is not None and kind in PAGES:
            link = known.find(target(record))
            if link is None:
                unlinked = _going_on(unlinked, record, name)
                continue
            yield from _ended(unlinked)
            unlinked = None
            meta = link._asdict()
        url = ""
        try:
            web_page = page(record, limits["payload"])
            if web_page is None:
                continue
            url = web_page.url
            if kind == "response":
                tally.status["200"] += 1
            title: str | None = None
            preformatted: tuple[tuple[int, int], ...] = ()
            text: str | bytes
            if web_page.html:
                html = decode(web_page.body, web_page.charset, html=True)
                found = extract(
                    html, limits["html"], limits["tags"], limits["nesting"], reading.extractor, limits["seconds"]
                )
                text, title, preformatted = found.text, found.title, found.preformatted
                tally.counts["fell_back"] += found.fell_back
            else:
                text = plain_text(web_page.body, web_page.charset)
            meta = {"title": title, **meta}
            place = record.offset, record.length
            yield Candidate(
                web_page.id, text, url, web_page.date, meta, *place, html=web_page.html, preformatted=preformatted
            )
        except Bad as bad:
            if kind == "response" and not url and bad.reason not in ("http", "header", "too-large"):
                tally.status[bad.detail if bad.reason == "status" else "200"] += 1
            address = url or target(record)
            detail = f"{bad.detail} <{address}>" if address else bad.detail
            yield Reject(name, record.offset, record.length, bad.reason, detail)
    yield from _ended(unlinked)
    ledger.close(size_of(path))
    tally.bytes(ledger.in_records, ledger.damaged)


def _going_on(run: Reject | None, record: Record, name: str) -> Reject:
    """The run of unlinked records with one more, from its first record's first byte to its last one's last."""
    start, count = (record.offset, 1) if run is None else (run.offset, run.records + 1)
    detail = f"{count} records of pages that no link names"
    return Reject(name, start, record.offset + record.length - start, "unlinked", detail, count)


def _ended(run: Reject | None) -> Iterator[Reject]:
    if run is not None:
        yield run
