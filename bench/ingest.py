"""Pages a second on one core: ours beside bare FastWARC + Resiliparse, in the same run, on the same real files.

    python bench/ingest.py [--repeat 5] [--data ../shared/data]

Ways, each over the same files, timed in CPU seconds of one core (so that neighbours show little), taking turns; the
best of `--repeat` turns counts:

    read        FastWARC's iterator alone, payloads read: the limit
    bare        and of each HTML response with status 200: character set detected, decoded, main content extracted,
                both by Resiliparse: what a script of ten lines does; nothing is cleaned, counted, or accounted for
    rules       ours with `extractor: resiliparse`, its rules over our blocks
    documents   ours: every byte accounted for, codings undone, limits, cleaning (ftfy), language, ids
    shard       and written as Parquet, with rejects, inputs and checksums, and published
    wet         ours on WET text (a file made of the extracted texts of the others)

Prints a table and writes bench/results/ingest.json. Needs the files of ../shared/data (crawl/, crawl-pages/).
"""

import argparse
import gzip
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tasks.runtime.artifact import Artifact  # noqa: E402
from tasks.runtime.shards import make_shard  # noqa: E402
from tasks.runtime.store import store_at  # noqa: E402
from tasks.sources.documents import Document, documents  # noqa: E402
from tasks.sources.ingest import read_shard  # noqa: E402
from tasks.sources.parts import Part  # noqa: E402
from tasks.sources.reading import Reading  # noqa: E402
from tasks.sources.tally import Tally  # noqa: E402

READING = Reading("bench")


def read(paths: list[Path]) -> int:
    from fastwarc.warc import ArchiveIterator

    count = 0
    for path in paths:
        for record in ArchiveIterator(str(path), parse_http=False):
            record.reader.read()
            count += 1
    return count


def bare(paths: list[Path]) -> int:
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    count = 0
    for path in paths:
        for record in ArchiveIterator(str(path), record_types=WarcRecordType.response):
            if record.http_headers is None or record.http_headers.status_code != 200:
                continue
            if not (record.http_content_type or "").startswith(("text/html", "application/xhtml")):
                continue
            body = record.reader.read()
            html = bytes_to_str(body, detect_encoding(body, from_html_meta=True) or "utf-8")
            count += bool(extract_plain_text(html, main_content=True).strip())
    return count


def rules(paths: list[Path]) -> int:
    return ours(paths, Reading("bench", extractor="resiliparse"))


def ours(paths: list[Path], reading: Reading = READING) -> int:
    count = 0
    for path in paths:
        part = Part(str(path), path.stat().st_size)
        for item in documents(path, part, "warc", reading, Tally()):
            count += isinstance(item, Document)
    return count


def shard(paths: list[Path]) -> int:
    count = 0
    how = {"kind": "warc", "reading": READING}
    with tempfile.TemporaryDirectory() as folder:
        artifact = Artifact("ingest", "bench", "0" * 16, store_at(folder))
        for number, path in enumerate(paths):
            task = (f"{number:05}", [Part(str(path), path.stat().st_size)])
            made = make_shard(task, function=read_shard, artifact=artifact, arguments=how)
            count += made.statistics["documents"]
    return count


def make_wet(paths: list[Path], to: Path, times: int = 4) -> int:
    """A WET file of the paths' texts; gives its bytes of text."""
    total = 0
    with to.open("wb") as file:
        for turn in range(times):
            for path in paths:
                part = Part(str(path), path.stat().st_size)
                for item in documents(path, part, "warc", READING, Tally()):
                    if isinstance(item, Document):
                        text = item.text.encode()
                        total += len(text)
                        head = (
                            f"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: {item.url}\r\n"
                            f"WARC-Record-ID: <urn:x:{turn}-{item.key.hex()}>\r\nWARC-Date: 2020-01-01T00:00:00Z\r\n"
                            f"Content-Type: text/plain\r\nContent-Length: {len(text)}\r\n\r\n"
                        )
                        file.write(gzip.compress(head.encode() + text + b"\r\n\r\n", 6, mtime=0))
    return total


def clock(way: Callable[[list[Path]], int], paths: list[Path]) -> tuple[float, int]:
    start = time.process_time()
    count = way(paths)
    return time.process_time() - start, count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    arguments = parser.parse_args()
    paths = sorted([*arguments.data.glob("crawl/*.warc.gz"), *arguments.data.glob("crawl-pages/*.warc.gz")])
    if not paths:
        sys.exit(f"no crawl/*.warc.gz or crawl-pages/*.warc.gz below {arguments.data}")
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
    ways = {"read": read, "bare": bare, "rules": rules, "documents": ours, "shard": shard}
    for way in ways.values():
        way(paths[:1])  # libraries load
    best: dict[str, tuple[float, int]] = {}
    for _ in range(arguments.repeat):
        for name, way in ways.items():
            best[name] = min(best.get(name, (1e9, 0)), clock(way, paths))
    with tempfile.TemporaryDirectory() as folder:
        wet = Path(folder) / "bench.warc.wet.gz"
        text = make_wet(paths, wet)
        best["wet"] = min(clock(ours, [wet]) for _ in range(arguments.repeat))
    pages = best["bare"][1]
    rows = []
    for name, (seconds, count) in best.items():
        rate = text / seconds / 1e6 if name == "wet" else None
        rows.append({"way": name, "seconds": round(seconds, 3), "count": count, "per_second": round(count / seconds)})
        if rate:
            rows[-1]["text_megabytes_per_second"] = round(rate, 1)
    # Ours reads more pages (404s of `bare` aside: plain text, resources), so that the ratio is of time a page.
    page_time = {name: best[name][0] / best[name][1] for name in ("bare", "rules", "documents", "shard")}
    found = {
        "files": len(paths),
        "megabytes": round(sum(path.stat().st_size for path in paths) / 1e6, 1),
        "pages": pages,
        "ways": rows,
        "overhead_rules": round(page_time["rules"] / page_time["bare"] - 1, 3),
        "overhead_documents": round(page_time["documents"] / page_time["bare"] - 1, 3),
        "overhead_shard": round(page_time["shard"] / page_time["bare"] - 1, 3),
        "versions": {name: version(name) for name in ("fastwarc", "resiliparse", "ftfy", "pyarrow")},
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
    }
    print(
        f"{len(paths)} files, {found['megabytes']} MB compressed, CPU seconds of one core, best of {arguments.repeat}"
    )
    for row in rows:
        more = f"   {row['text_megabytes_per_second']} MB of text/s" if "text_megabytes_per_second" in row else ""
        print(f"{row['way']:<10} {row['seconds']:8.3f} s {row['count']:7} {row['per_second']:8}/s{more}")
    over = ", ".join(f"{name} {found[f'overhead_{name}']:+.1%}" for name in ("rules", "documents", "shard"))
    print(f"over bare, a page: {over}")
    results = ROOT / "bench" / "results" / "ingest.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
