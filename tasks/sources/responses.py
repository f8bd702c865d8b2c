"""From a WARC record to a page: the headers read (by FastWARC), the body decoded, what is not a page sorted out."""

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tasks.sources.body import decode
from tasks.sources.rejects import Bad
from tasks.sources.warc import Record

PAGES = ("response", "resource", "conversion")  # the types whose payload can be a page or its text
HTML = ("text/html", "application/xhtml+xml")
BINARY = (b"%PDF", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x1f\x8b\x08", b"OggS", b"Rar!", b"\x7fELF")
TAG = re.compile(rb"<(!doctype\s+html|html|head|title|body)\b", re.IGNORECASE)
NEWLINE = re.compile(rb"\r*\n")


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
    if record.data is None:
        raise Bad("too-large", f"the record has {record.size} bytes")
    parsed = _parse(record)
    headers = parsed.headers
    url = (headers.get("WARC-Target-URI") or "").strip().strip("<>")
    identity = (headers.get("WARC-Record-ID") or "").strip() or None
    date = _date(headers.get("WARC-Date"))
    if record.type == "conversion":
        text = parsed.reader.read()
        return Page(identity, url, date, _not_empty(text), False, "utf-8")
    if not url.lower().startswith(("http:", "https:")):
        if record.type == "resource":
            return None
        if url.lower().startswith(("dns:", "ftp:", "whois:")):
            raise Bad("type", headers.get("Content-Type") or url.split(":")[0])
    http = None
    if record.type == "response":
        http = _http(parsed, record)
    content_type = (http if http is not None else headers).get("Content-Type")
    body = parsed.reader.read()
    if http is not None:
        partial = headers.get("WARC-Truncated") is not None
        codings = ",".join(http.get_multiple("Content-Encoding"))
        body = decode(body, http.get("Transfer-Encoding") or "", codings, limit, partial)
    elif len(body) > limit:
        raise Bad("too-large", f"the body has {len(body)} bytes, the limit is {limit}")
    mime, charset = split_type(content_type)
    if not mime or mime in ("unknown", "application/octet-stream"):
        mime = split_type(headers.get("WARC-Identified-Payload-Type"))[0] or _sniff(body)
    if mime not in HTML and mime != "text/plain":
        raise Bad("type", mime[:80] or "unknown")
    if body.startswith(BINARY):
        raise Bad("type", f"{mime} by its header, but the body begins with {body[:4]!r}")
    return Page(identity, url, date, _not_empty(body), mime in HTML, charset)


def split_type(value: str | None) -> tuple[str, str | None]:
    """A Content-Type's media type (lower case) and charset."""
    if not value:
        return "", None
    mime, _, rest = value.partition(";")
    match = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9_:.\-]+)", rest, re.IGNORECASE)
    return mime.strip().lower(), match[1] if match else None


def _parse(record: Record) -> Any:
    from fastwarc.warc import WarcRecord

    data = record.data or b""
    if not record.crlf:  # FastWARC reads headers as the standard writes them
        head, block = data[: len(data) - record.size], data[len(data) - record.size :]
        data = NEWLINE.sub(b"\r\n", head) + block
    try:
        return WarcRecord.from_bytes(data.lstrip(b"\r\n"))
    except OSError as error:
        raise Bad("header", f"FastWARC: {str(error)[:120]}") from None


def _http(parsed: Any, record: Record) -> Any:
    """The HTTP header of a response. Raises Bad unless its status is 200."""
    if not parsed.is_http:
        parsed.is_http = True  # a Content-Type other than application/http: the block decides
    try:
        parsed.parse_http(strict_mode=False)
    except OSError as error:
        raise Bad("http", f"FastWARC: {str(error)[:120]}") from None
    http = parsed.http_headers
    if http is None or not (http.status_line or "").startswith("HTTP/"):
        raise Bad("http", "the block does not begin with an HTTP status line")
    if http.status_code is None:
        raise Bad("http", f"no status in {(http.status_line or '')[:60]!r}")
    if http.status_code != 200:
        raise Bad("status", str(http.status_code))
    return http


def _not_empty(body: bytes) -> bytes:
    if not body.strip():
        raise Bad("empty", "the body is empty")
    return body


def _sniff(body: bytes) -> str:
    """The type of a body that has no type: HTML where a tag says so, else as Resiliparse detects it."""
    from resiliparse.parse.encoding import detect_mime

    start = body[:4096]
    return "text/html" if TAG.search(start) else detect_mime(start)


def _date(value: str | None) -> datetime | None:
    try:
        date = datetime.fromisoformat((value or "").strip())
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
