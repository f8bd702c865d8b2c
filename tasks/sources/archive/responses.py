"""From a WARC record to a page: the headers read, the body decoded, what is not a page sorted out."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from tasks.sources.archive.body import decode
from tasks.sources.archive.framing import Record
from tasks.sources.archive.headers import END, STATUS, fields, split_type
from tasks.sources.input.binary import binary_kind
from tasks.sources.rejects import Bad

PAGES = ("response", "resource", "conversion")  # the types whose payload can be a page or its text
HTML = ("text/html", "application/xhtml+xml")
PLAIN = ("text/plain",)
UNKNOWN = ("", "*/*", "unknown", "unknown/unknown", "application/unknown", "application/octet-stream")
POSSIBLE = frozenset({*HTML, *PLAIN, *UNKNOWN})
TAG = re.compile(rb"<(!doctype\s+html|html|head|title|body)\b", re.IGNORECASE)


class Page(NamedTuple):
    """What a record holds. `html` is False for plain text; `charset` is what the HTTP header says, or None."""

    id: str | None
    url: str
    date: datetime | None
    body: bytes
    html: bool
    charset: str | None


def page(record: Record, limit: int) -> Page | None:
    """The page in a response, resource (http and https) or conversion record; None for records of other types.

    Raises:
        Bad: reasons `http`, `status`, `type`, `encoding`, `too-large`, `empty`.
    """
    if record.type not in PAGES:
        return None
    if record.block is None:
        raise Bad("too-large", f"the record has {record.size} bytes")
    headers = record.fields
    url = target(record)
    converted = record.type == "conversion"
    if not converted and not url.lower().startswith(("http:", "https:")):
        if record.type == "resource":
            return None
        if url.lower().startswith(("dns:", "ftp:", "whois:")):
            raise Bad("type", headers.get("content-type") or url.split(":")[0])
    http, behind = None, 0
    if record.type == "response":
        http, behind = _http(record.block)
    mime, charset = split_type((headers if http is None else http).get("content-type"))
    if converted:  # WET: text in UTF-8, whatever the page was
        mime, charset = mime or "text/plain", charset or "utf-8"
    if mime not in POSSIBLE:  # before the body is decoded: nobody asks whether an image's coding holds
        raise Bad("type", mime[:80])
    body = record.block[behind:] if http is not None else record.block
    if http is not None:
        transfer, codings = http.get("transfer-encoding", ""), http.get("content-encoding", "")
        body = decode(body, transfer, codings, limit, partial="warc-truncated" in headers)
    elif len(body) > limit:
        raise Bad("too-large", f"the body has {len(body)} bytes, the limit is {limit}")
    if mime in UNKNOWN:
        mime = split_type(headers.get("warc-identified-payload-type"))[0] or _sniff(body)
        if mime not in (*HTML, *PLAIN):
            raise Bad("type", mime[:80] or "unknown")
    if kind := binary_kind(body):
        raise Bad("type", f"{mime} by its header, but the body is {kind}")
    if not body.strip():
        raise Bad("empty", "the body is empty")
    identity = headers.get("warc-record-id") or None
    return Page(identity, url, _date(headers.get("warc-date")), body, mime in HTML, charset)


def target(record: Record) -> str:
    """The URL in a record's header."""
    return record.fields.get("warc-target-uri", "").strip("<> ")


def _http(block: bytes) -> tuple[dict[str, str], int]:
    """Header fields of an HTTP response, and where its body begins. Raises Bad unless its status is 200."""
    start = len(block[:64]) - len(block[:64].lstrip(b"\r\n"))
    status = STATUS.match(block, start)
    if status is None:
        line = block[start : start + 60].splitlines()
        raise Bad("http", f"no HTTP status line but {(line[0] if line else b'nothing').decode('latin-1')!r}")
    if status[1] != b"200":
        raise Bad("status", status[1].decode())
    end = END.search(block, start)
    if end is None:
        raise Bad("http", "no empty line ends the HTTP header")
    return fields(block[start : end.start() + 1], joined=True), end.end()


def _sniff(body: bytes) -> str:
    """The type of a body that has no type: HTML where a tag says so, else as Resiliparse detects it."""
    from resiliparse.parse.encoding import detect_mime

    start = body[:4096]
    return "text/html" if TAG.search(start) else detect_mime(start)


def _date(value: str | None) -> datetime | None:
    try:
        date = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
