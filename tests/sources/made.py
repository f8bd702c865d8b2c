"""WARC records and files made for tests."""

import gzip

PAGE = b"<html><head><title>A title</title></head><body><main><p>%s</p></main></body></html>"
WORDS = b"The quick brown fox jumps over the lazy dog and goes home to its den in the wood, where it sleeps. "


def http(body: bytes, *headers: str, status: str = "HTTP/1.1 200 OK", kind: str | None = "text/html") -> bytes:
    lines = [status, *([f"Content-Type: {kind}"] if kind else []), *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def warc(
    block: bytes,
    number: int = 1,
    type: str = "response",
    url: str | None = None,
    length: int | None = None,
    headers: tuple[str, ...] = (),
    content_type: str = "application/http; msgtype=response",
    identity: str | None = "",
) -> bytes:
    """A WARC record; `length` overrides its Content-Length; identity None leaves out the record's id."""
    lines = [
        "WARC/1.0",
        f"WARC-Type: {type}",
        *([] if identity is None else [f"WARC-Record-ID: {identity or f'<urn:uuid:{number:032x}>'}"]),
        "WARC-Date: 2020-02-03T04:05:06Z",
        f"WARC-Target-URI: {url or f'http://example.org/{number}'}",
        f"Content-Type: {content_type}",
        *headers,
        f"Content-Length: {len(block) if length is None else length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + block + b"\r\n\r\n"


def page(number: int, text: bytes = WORDS, **more: object) -> bytes:
    """A good record of a good page, whose text names its number."""
    return warc(http(PAGE % (b"Page %d. " % number + text)), number, **more)  # type: ignore[arg-type]


def members(*records: bytes) -> bytes:
    """A gzip member a record; the same bytes at any time of day."""
    return b"".join(gzip.compress(record, mtime=0) for record in records)


def arc(block: bytes, url: str, content_type: str = "text/html", version: int = 1, length: int | None = None) -> bytes:
    """An ARC record of version 1 or 2; `length` overrides that of its header."""
    more = "" if version == 1 else " 200 3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ - 1024 made.arc.gz"
    size = len(block) if length is None else length
    return f"{url} 192.0.2.7 20080509190241 {content_type}{more} {size}\n".encode() + block + b"\n"
