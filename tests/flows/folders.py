"""Folders of text of every kind, made for tests of `millrace init`."""

import bz2
import gzip
import io
import json
import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from commands import ROOT

sys.path.insert(0, str(ROOT / "tests/sources"))

import made
import wikis

NOUNS = ["ship", "sea", "captain", "whale", "harbour", "rope", "sail", "storm", "night", "island", "crew", "anchor"]


def prose(number: int, sentences: int = 30) -> str:
    """Sentences that are other ones for each number."""
    draw = random.Random(number)
    words = [draw.choices(NOUNS, k=3) for _ in range(sentences)]
    return " ".join(f"The {a} of number {number} met the old {b} near the {c}." for a, b, c in words)


def texts(folder: Path, count: int = 60) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        data = prose(number).encode()
        if number % 2:
            (folder / f"{number:03}.txt").write_bytes(data)
        else:
            (folder / f"{number:03}.txt.gz").write_bytes(gzip.compress(data))


def json_lines(folder: Path, count: int = 60) -> None:
    folder.mkdir(parents=True)
    rows = [
        {"doc_id": f"n{number}", "headline": "News of the day, number one", "body": prose(100 + number),
         "meta": {"link": f"https://news.example/{number}"}, "published": "2020-01-02", "views": number}
        for number in range(count)
    ]  # fmt: skip
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    (folder / "news.jsonl.zst").write_bytes(zstandard.compress(lines))


def parquet(folder: Path, count: int = 60) -> None:
    folder.mkdir(parents=True)
    table = pa.table(
        {
            "id": list(range(count)),
            "content": [prose(200 + number) for number in range(count)],
            "url": [f"https://p.example/{number}" for number in range(count)],
        }
    )
    pq.write_table(table, folder / "part-0.parquet")


def warc(folder: Path, count: int = 60) -> None:
    folder.mkdir(parents=True)
    pages = [made.page(number, prose(300 + number).encode()) for number in range(count)]
    (folder / "crawl.warc.gz").write_bytes(made.members(*pages))


def mediawiki(folder: Path, count: int = 60) -> None:
    folder.mkdir(parents=True)
    pages = [wikis.page(number + 1, prose(400 + number)) for number in range(count)]
    (folder / "wiki.xml.bz2").write_bytes(bz2.compress(wikis.dump(*pages)))


KINDS = {"text": texts, "jsonl": json_lines, "parquet": parquet, "warc": warc, "mediawiki": mediawiki}


def strange(folder: Path) -> dict[str, str]:
    """Files that no source reads, and a word of why."""
    folder.mkdir(parents=True, exist_ok=True)
    cut = gzip.compress(prose(1).encode())[:20]
    archive = io.BytesIO(b"PK\x03\x04" + bytes(100))
    files = {
        "paper.pdf": (b"%PDF-1.7\n" + bytes(200), "a PDF file"),
        "book.epub": (archive.getvalue(), "a zip archive"),
        "empty.txt": (b"", "it is empty"),
        "page.html": (b"<!DOCTYPE html>\n<html><body>Hello</body></html>", "an HTML page"),
        "feed.xml": (b'<?xml version="1.0"?><rss></rss>', "XML of a kind that is not read"),
        "table.csv": (b"a,b\n1,2\n", "comma- or tab-separated"),
        "numbers.jsonl": (b'{"a": 1}\n{"a": 2}\n', "no field of text"),
        "cut.txt.gz": (cut, "compression is damaged"),
        "noise.bin": (bytes(range(32)) * 40, "binary data"),
        "bad.parquet": (b"PAR1" + bytes(100) + b"PAR1", "as parquet it cannot be read"),
    }
    for name, (data, _) in files.items():
        (folder / name).write_bytes(data)
    return {name: why for name, (_, why) in files.items()}
