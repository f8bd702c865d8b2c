"""Writes one file of the crawl: WARC 1.1 by FastWARC's own writer, a gzip member per record, as
Common Crawl does (request, response, metadata), and its damaged records.

Identifiers, dates and digests come from the content and the place, so the bytes are the same every time.
"""

import datetime
import io
import re
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path

from tasks.demo import junk
from tasks.demo.chance import dice, number
from tasks.demo.pages import Page, render
from tasks.demo.sources import write
from tasks.demo.words import LATIN

FIRST_DATE = datetime.datetime(2019, 8, 17, tzinfo=datetime.UTC)
LEVEL = 6


@dataclass(frozen=True, slots=True)
class CrawlFile:
    """What a worker writes: `name` ends in .warc.gz or .warc; `entries` are pages or junk (kind, number) in
    file order; `damage` lists the kinds of damage; images fill the file up to `bytes`."""

    name: str
    entries: tuple[Page | tuple[str, int], ...]
    damage: tuple[str, ...]
    bytes: int
    first_image: int


class Warc:
    """Records appended to a buffer, with offsets; each its own gzip member where `gzip`."""

    def __init__(self, gzip: bool, seed: int, name: str) -> None:
        self.gzip, self.seed, self.name = gzip, seed, name
        self.buffer = io.BytesIO()
        self.records = 0

    def identifier(self, *names: object) -> str:
        high, low = number(self.seed, "uuid", *names), number(self.seed, "diuu", *names)
        return f"uuid:{uuid.UUID(int=high << 64 | low, version=4)}"

    def record(self, kind: str, url: str, block: bytes, content_type: str, **headers: str) -> bytes:
        """The record's bytes, not compressed."""
        from fastwarc.warc import WarcRecord, WarcRecordType

        record = WarcRecord()
        record.init_headers(getattr(WarcRecordType, kind), self.identifier(kind, self.name, url).encode())
        record.record_date = FIRST_DATE + datetime.timedelta(seconds=number(self.seed, "date", url) % 10**6)
        record.headers["Content-Type"] = content_type
        if url:
            record.headers["WARC-Target-URI"] = url
        for key, value in headers.items():
            record.headers[key.replace("_", "-")] = value
        record.set_bytes_content(block)
        out = io.BytesIO()
        record.write(out, checksum_data=True)
        return out.getvalue()

    def add(self, data: bytes) -> tuple[int, int]:
        """Appends a record (or what should be one); its offset and stored length."""
        start = self.buffer.tell()
        self.buffer.write(member(data) if self.gzip else data)
        self.records += 1
        return start, self.buffer.tell() - start

    def add_response(self, response: junk.Response, *, all_three: bool = True) -> tuple[int, int]:
        host, _, path = response.url.removeprefix("https://").partition("/")
        response_id = f"<urn:{self.identifier('response', self.name, response.url)}>"
        if all_three:
            request = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: CCBot/2.0\r\nAccept: text/html\r\n\r\n"
            self.add(
                self.record(
                    "request",
                    response.url,
                    request.encode(),
                    "application/http; msgtype=request",
                    WARC_Concurrent_To=response_id,
                )
            )
        place = self.add(self.record("response", response.url, http(response), "application/http; msgtype=response"))
        if all_three:
            fields = f"fetchTimeMs: {number(self.seed, 'ms', response.url) % 900}\r\ncharset-detected: UTF-8\r\n\r\n"
            self.add(
                self.record(
                    "metadata", response.url, fields.encode(), "application/warc-fields", WARC_Concurrent_To=response_id
                )
            )
        return place


def member(data: bytes) -> bytes:
    """One gzip member, without a time in its header."""
    from fastwarc.stream_io import GzipWriter

    out = io.BytesIO()
    writer = GzipWriter(out, LEVEL)
    writer.write(data)
    writer.finish()
    return out.getvalue()


def http(response: junk.Response) -> bytes:
    head = (
        f"HTTP/1.1 {response.status} {junk.REASONS[response.status]}\r\nContent-Type: {response.type}\r\n"
        f"Server: nginx\r\nX-Crawler-Content-Encoding: gzip\r\nContent-Length: {len(response.body)}\r\n\r\n"
    )
    return head.encode() + response.body


def write_crawl_file(work: tuple[CrawlFile, Path, int]) -> dict[str, object]:
    """Writes the file; its counts and where its damages stand. For a pool's worker."""
    file, folder, seed = work
    warc = Warc(file.name.endswith(".gz"), seed, file.name)
    fields = f"software: Millrace sample\r\nformat: WARC File Format 1.1\r\nisPartOf: sample-{seed}\r\n\r\n"
    warc.add(warc.record("warcinfo", "", fields.encode(), "application/warc-fields", WARC_Filename=file.name))
    half, counts, html = len(file.entries) // 2, dict[str, int](), 0
    damaged: list[dict[str, object]] = []
    for i, entry in enumerate(file.entries):
        if i == half:
            damaged += [damage(warc, kind) for kind in file.damage if kind != "truncated"]
        if isinstance(entry, Page):
            response = junk.Response(entry.url, 200, f"text/html; charset={entry.charset}", render(entry, seed))
            kind = entry.url.split("/", 3)[3].rpartition("/")[0]
            kind = "good" if kind.startswith("good/") else kind
        else:
            response, kind = junk.response(*entry, seed), entry[0]
        warc.add_response(response)
        counts[kind] = counts.get(kind, 0) + 1
        html += len(response.body) if response.type.startswith("text/html") else 0
    image = file.first_image
    while (room := file.bytes - warc.buffer.tell()) > 6_000:
        warc.add_response(junk.response("image", image, seed, weight=min(room - 3_000, 60_000)), all_three=False)
        counts["image"] = counts.get("image", 0) + 1
        image += 1
    if "truncated" in file.damage:
        damaged.append(damage(warc, "truncated"))
    path = folder / "crawl" / file.name
    write(path, warc.buffer.getvalue())
    for row in damaged:
        row["file"] = f"crawl/{file.name}"
    return {
        "file": file.name,
        "records": warc.records,
        "pages": counts,
        "damaged": damaged,
        "html_bytes": html,
        "bytes": path.stat().st_size,
    }


DAMAGES = ("corrupt-member", "truncated", "warc-header", "endless-line", "http-header", "warc-header")


def damage(warc: Warc, kind: str) -> dict[str, object]:
    """Appends a record with a fault. `length` bytes at `offset` are lost; what follows them is whole."""
    url = f"https://damaged.example/damaged/{kind}/{warc.name}"
    text = " ".join(dice(warc.seed, url).choices(LATIN, k=900))
    page = f"<html><body><main><p>{text}</p></main></body></html>"
    response = junk.Response(url, 200, "text/html", page.encode())
    record = warc.record("response", url, http(response), "application/http; msgtype=response")
    if kind in ("corrupt-member", "truncated"):
        start = warc.buffer.tell()
        data = bytearray(member(record))
        if kind == "truncated":
            data = data[: len(data) // 2]
        else:
            middle = len(data) // 2
            data[middle : middle + 64] = bytes(byte ^ 0xA5 for byte in data[middle : middle + 64])
            if readable(bytes(data)):
                raise RuntimeError(f"{warc.name}: the member at {start} still reads after its damage")
        warc.buffer.write(data)
        warc.records += 1
        offset, length = start, len(data)
    elif kind == "warc-header":
        offset, length = warc.add(re.sub(rb"Content-Length: \d+", b"Content-Length: twelve", record, count=1))
    elif kind == "endless-line":
        offset, length = warc.add(b"WARC/1.1\r\nWARC-Type: response\r\nX-Filler: " + b"endless " * 60_000)
    elif kind == "http-header":
        block = b"HTTP/1.1 \x00\xff?? no status\r\nthis line holds no colon\r\nnor this one\r\n" + page.encode()
        offset, length = warc.add(warc.record("response", url, block, "application/http; msgtype=response"))
    else:
        raise ValueError(f"no damage is called {kind}")
    return {"kind": kind, "offset": offset, "length": length, "url": url}


def readable(data: bytes) -> bool:
    try:
        zlib.decompress(data, wbits=31)
    except zlib.error:
        return False
    return True
