"""Bytes of archives to records and bodies, on one core: ours beside bare FastWARC, in the same run, on the same files.

    python bench/framing.py [--repeat 7] [--data ../shared/data]

Ways, each over the same files, timed in CPU seconds of one core, taking turns; the best of `--repeat` turns counts:

    zlib, igzip   the files inflated and nothing else, by Python's zlib and by isal: the limits
    fastwarc      FastWARC's iterator with HTTP headers parsed, payloads read
    framed        our records, every byte accounted for
    pages         and of each its page: headers read, body decoded, what is none sorted out

Files: the WARC files of ../shared/data, and a WET file made of their texts. Writes bench/results/framing.json.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import zlib
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from ingest import make_wet  # noqa: E402
from isal import isal_zlib  # noqa: E402

from tasks.sources.archive.responses import page  # noqa: E402
from tasks.sources.archive.warc import Record, records  # noqa: E402
from tasks.sources.rejects import Bad  # noqa: E402

LIMIT = 32 << 20
Counted = tuple[int, int]  # records, bytes of content


def inflated(paths: list[Path], library: object) -> Counted:
    total = 0
    for path in paths:
        with path.open("rb") as file:
            member, pending = library.decompressobj(wbits=31), b""  # type: ignore[attr-defined]
            while data := pending or file.read(1 << 16):
                total += len(member.decompress(data))
                pending = member.unused_data
                if member.eof:
                    member = library.decompressobj(wbits=31)  # type: ignore[attr-defined]
    return 0, total


def fastwarc(paths: list[Path]) -> Counted:
    from fastwarc.warc import ArchiveIterator

    count = total = 0
    for path in paths:
        for record in ArchiveIterator(str(path)):
            total += len(record.reader.read())
            count += 1
    return count, total


def framed(paths: list[Path], pages: bool = False) -> Counted:
    count = total = 0
    for path in paths:
        for record in records(path):
            if not isinstance(record, Record) or record.block is None:
                continue
            count += 1
            total += len(record.block)
            if pages:
                try:
                    page(record, LIMIT)
                except Bad:
                    continue
    return count, total


WAYS = {
    "zlib": lambda paths: inflated(paths, zlib),
    "igzip": lambda paths: inflated(paths, isal_zlib),
    "fastwarc": fastwarc,
    "framed": framed,
    "pages": lambda paths: framed(paths, pages=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    arguments = parser.parse_args()
    warcs = sorted([*arguments.data.glob("crawl/*.warc.gz"), *arguments.data.glob("crawl-pages/*.warc.gz")])
    if not warcs:
        sys.exit(f"no crawl/*.warc.gz or crawl-pages/*.warc.gz below {arguments.data}")
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        wet = Path(folder) / "bench.warc.wet.gz"
        make_wet(warcs, wet)
        for kind, paths in (("warc", warcs), ("wet", [wet])):
            best: dict[str, tuple[float, Counted]] = {}
            for _ in range(arguments.repeat):
                for name, way in WAYS.items():
                    start = time.process_time()
                    counted = way(paths)
                    best[name] = min(best.get(name, (1e9, (0, 0))), (time.process_time() - start, counted))
            content = best["zlib"][1][1]
            count = best["framed"][1][0]
            for name, (seconds, _) in best.items():
                rows.append(
                    {
                        "files": kind,
                        "way": name,
                        "microseconds_per_record": round(seconds / count * 1e6, 1),
                        "megabytes_per_second": round(content / seconds / 1e6, 1),
                    }
                )
            print(f"{kind}: {count} records, {content / 1e6:.1f} MB of content; best of {arguments.repeat}")
            for row in rows[-len(best) :]:
                per_record, per_second = row["microseconds_per_record"], row["megabytes_per_second"]
                print(f"{row['way']:<10} {per_record:8} us a record {per_second:8} MB/s")
    found = {
        "ways": rows,
        "versions": {name: version(name) for name in ("fastwarc", "isal")},
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
    }
    results = ROOT / "bench" / "results" / "framing.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
