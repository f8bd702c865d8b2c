"""A small crawl with its columnar index, as Common Crawl lays them out, for a loopback server."""

import gzip
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from made import PAGE, WORDS, http, members, warc

from tasks.sources.selection.cc_index import surt
from tasks.sources.webtext.urls import host_of

CRAWL = "CC-MAIN-2019-35"
HOSTS = ["example.org", "www.example.org", "blog.example.org", "example-shop.org", "news.co.uk", "en.wikipedia.org",
         "zeitung.de"]  # fmt: skip
LANGUAGES = {"zeitung.de": "deu,eng", "news.co.uk": "eng", "en.wikipedia.org": "eng,deu"}
FILES, PAGES = 3, 40  # WARC files, and pages in each
NAMES = [f"crawl-data/{CRAWL}/segments/1/warc/{number:05}.warc.gz" for number in range(FILES)]
SCHEMA = pa.schema(
    [
        ("url_surtkey", pa.string()), ("url", pa.string()), ("url_host_name", pa.string()),
        ("fetch_status", pa.int16()), ("content_mime_type", pa.string()), ("content_mime_detected", pa.string()),
        ("content_languages", pa.string()), ("warc_filename", pa.string()), ("warc_record_offset", pa.int32()),
        ("warc_record_length", pa.int32()),
    ]
)  # fmt: skip


def url_of(number: int) -> str:
    host = HOSTS[number % len(HOSTS)]
    return f"{'https' if number % 2 else 'http'}://{host}/{'blog' if number % 3 else 'shop'}/{number}"


def crawl(padding: int = 300) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """The WARC files by name, with a request before each page, and the captures that the index lists.

    Each page has `padding` characters that do not compress in a comment, so that gaps have a size.
    """
    import random

    noise = random.Random(1)
    files: dict[str, bytes] = {}
    rows: list[dict[str, Any]] = []
    for file, name in enumerate(NAMES):
        data = b""
        for number in range(file * PAGES, (file + 1) * PAGES):
            url = url_of(number)
            data += members(warc(b"GET / HTTP/1.1\r\n\r\n", 10_000 + number, type="request", url=url))
            comment = b"<!-- %s -->" % noise.randbytes(padding // 2).hex().encode()
            mime = "application/pdf" if number % 11 == 10 else "text/html"
            body = b"%PDF" if number % 11 == 10 else PAGE % (b"Page %d. " % number + WORDS) + comment
            record = members(warc(http(body, kind=mime), number, url=url))
            host = host_of(url)
            rows.append({
                "url_surtkey": f"{surt(host)})/{url.split('/', 3)[3]}", "url": url,
                "url_host_name": host, "fetch_status": 200, "content_mime_type": mime, "content_mime_detected": mime,
                "content_languages": LANGUAGES.get(host), "warc_filename": name,
                "warc_record_offset": len(data), "warc_record_length": len(record),
            })  # fmt: skip
            data += record
        files[name] = data
    return files, rows


def index(rows: list[dict[str, Any]], parts: int = 2, group: int = 10) -> dict[str, bytes]:
    """The index's files by name, sorted by key; besides, one of redirects, which nobody reads."""
    ordered = sorted(rows, key=lambda row: row["url_surtkey"].encode())
    size = -(-len(ordered) // parts)
    found = {}
    for part in range(parts):
        sink = io.BytesIO()
        table = pa.Table.from_pylist(ordered[part * size : (part + 1) * size], schema=SCHEMA)
        pq.write_table(table, sink, row_group_size=group, compression="gzip")
        found[f"cc-index/table/cc-main/warc/crawl={CRAWL}/subset=warc/part-{part:05}.gz.parquet"] = sink.getvalue()
    found[f"cc-index/table/cc-main/warc/crawl={CRAWL}/subset=crawldiagnostics/part-00000.gz.parquet"] = b"never read"
    return found


def served(padding: int = 300, **more: int) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """All files of a server of the crawl, by path, and the captures."""
    warcs, rows = crawl(padding)
    tables = index(rows, **more)
    lists = {f"crawl-data/{CRAWL}/cc-index-table.paths.gz": gzip.compress("\n".join(tables).encode(), mtime=0),
             f"crawl-data/{CRAWL}/warc.paths.gz": gzip.compress("\n".join(warcs).encode(), mtime=0)}  # fmt: skip
    return {f"/{name}": data for name, data in {**warcs, **tables, **lists}.items()}, rows
