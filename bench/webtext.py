"""WebText and select on one core: submissions and links a second, records passed over, captures of an index a second.

    python bench/webtext.py [--submissions 1000000] [--captures 1000000] [--data ../shared/data]

Submissions and captures are made of real URLs of Reddit's (reddit/*.csv.gz) with a random end each, so that few are the
same; a submission has the keys of a dump of 2017. Records are those of crawl-pages/, of which no link names any. CPU
seconds of one process; prints a table and writes bench/results/webtext.json. Needs ../shared/data.
"""

import argparse
import csv
import gzip
import html
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tasks.runtime.artifact import Artifact  # noqa: E402
from tasks.runtime.engine import LocalEngine  # noqa: E402
from tasks.runtime.run import Run  # noqa: E402
from tasks.sources.archive.pages import pages  # noqa: E402
from tasks.sources.archive.warc import records  # noqa: E402
from tasks.sources.input.files import expand  # noqa: E402
from tasks.sources.parts import Part  # noqa: E402
from tasks.sources.reading import Reading  # noqa: E402
from tasks.sources.remote.bring import Remote  # noqa: E402
from tasks.sources.remote.manners import Manners  # noqa: E402
from tasks.sources.remote.ranges import Ranged  # noqa: E402
from tasks.sources.selection.cc_index import Counts, Wanted, surt, wanted_rows  # noqa: E402
from tasks.sources.tally import Tally  # noqa: E402
from tasks.sources.webtext.linked import lookup  # noqa: E402
from tasks.sources.webtext.links import links  # noqa: E402
from tasks.sources.webtext.submissions import submissions  # noqa: E402
from tasks.sources.webtext.urls import host_of, normalised  # noqa: E402

ABSENT = (  # keys of a submission in a dump of 2017 that are null here
    "approved_at_utc approved_by archived author_flair_css_class author_flair_text banned_at_utc can_gild can_mod_post "
    "contest_mode distinguished domain edited gilded hidden hide_score id is_crosspostable is_reddit_media_domain "
    "is_video likes link_flair_css_class link_flair_text locked media media_embed mod_note mod_reason_by name "
    "num_comments num_crossposts num_reports parent_whitelist_status permalink pinned pwls quarantine removal_reason "
    "report_reasons saved secure_media secure_media_embed selftext_html spoiler stickied subreddit subreddit_id "
    "subreddit_name_prefixed subreddit_type suggested_sort thumbnail thumbnail_height thumbnail_width ups user_reports "
    "view_count visited whitelist_status wls"
)
SELF = 0.35  # share of texts on Reddit itself
KARMA = (0, 1, 1, 1, 1, 2, 3, 5, 10, 100)


def timed(name: str, work: Callable[[], Any], count: Callable[[Any], int], table: dict[str, Any]) -> Any:
    before = time.process_time()
    made = work()
    seconds = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    table[name] = {"count": count(made), "seconds": round(seconds, 3), "per_second": round(count(made) / seconds)}
    print(
        f"{name:<28} {count(made):>10,} {seconds:8.2f} s {count(made) / seconds:12,.0f}/s  peak {peak} MiB", flush=True
    )
    return made


def posted(data: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for path in sorted((data / "reddit").glob("*.csv.gz")):
        with gzip.open(path, "rt", newline="") as file:
            rows += list(csv.DictReader(file))
    return rows


def write_dumps(folder: Path, rows: list[dict[str, str]], count: int, chance: random.Random) -> None:
    folder.mkdir()
    nulls = dict.fromkeys(ABSENT.split())
    for name in ("RS_1.zst", "RS_2.zst"):
        with (folder / name).open("wb") as file, zstandard.ZstdCompressor().stream_writer(file) as packed:
            for number in range(count // 2):
                row = chance.choice(rows)
                own = chance.random() < SELF
                url = f"{row['url']}{'&' if '?' in row['url'] else '?'}n={chance.randrange(count * 2)}"
                made = {"title": row["title"], "selftext": row["selftext"][:400], "score": chance.choice(KARMA)}
                made |= {"url": url, "is_self": own, "over_18": False, "created_utc": 1_400_000_000 + number}
                packed.write((json.dumps({**nulls, **made}) + "\n").encode())


def write_index(path: Path, rows: list[dict[str, str]], count: int, chance: random.Random) -> None:
    urls = [url for row in rows if (url := normalised(html.unescape(row["url"])))]
    captures = []
    for _ in range(count):
        url = chance.choice(urls)
        url += f"{'&' if '?' in url else '?'}n={chance.randrange(10**7)}"
        host, warc = (
            host_of(url),
            f"segments/1566027313501.0/warc/CC-MAIN-20190817222907-{chance.randrange(560):05}.warc.gz",
        )
        captures.append({
            "url_surtkey": f"{surt(host)})/{url.split('/', 3)[3].lower()}", "url": url, "url_host_name": host,
            "fetch_status": 200, "content_mime_type": "text/html", "content_mime_detected": "text/html",
            "content_languages": chance.choice(["eng", "eng,deu", "fra", "deu", None]), "warc_filename": warc,
            "warc_record_offset": chance.randrange(10**9), "warc_record_length": chance.randrange(5000, 40_000),
        })  # fmt: skip
    captures.sort(key=lambda row: row["url_surtkey"].encode())
    pq.write_table(pa.Table.from_pylist(captures), path, row_group_size=50_000, compression="gzip")


def passed_over(files: list[Path], known: Artifact | None) -> int:
    count = 0
    for path in files:
        tally = Tally()
        tally.file(str(path))
        for _ in pages(path, Part(str(path), path.stat().st_size), Reading("bench", links=known), tally):
            pass
        count += tally.records["response"]
    return count


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--submissions", type=int, default=1_000_000)
    asked.add_argument("--captures", type=int, default=1_000_000)
    asked.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    given = asked.parse_args()
    chance, table = random.Random(1), dict[str, Any]()
    rows = posted(given.data)
    warcs = sorted((given.data / "crawl-pages").glob("*.warc.gz"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run = Run(folder / "store", LocalEngine(1))
        write_dumps(folder / "dumps", rows, given.submissions, chance)
        files = [file.as_dict() for file in expand({"name": "bench", "files": "dumps/*"}, folder)]

        def number(artifact: Artifact) -> int:
            return int(artifact.manifest["statistics"]["submissions"])

        read = timed("submissions", lambda: run(submissions, "bench", files=files, source="bench", reject_share=0.0),
                     number, table)  # fmt: skip
        made = timed("links", lambda: run(links, "bench", submissions=read, karma=3, without=["wikipedia.org"]),
                     number, table)  # fmt: skip
        held, distinct = made.files().values(), made.manifest["statistics"]["links"]
        table["bytes_a_link"] = round(sum(file.bytes for file in held) / distinct, 1)
        print(f"{distinct:,} links of {table['bytes_a_link']} bytes")
        known = lookup(made)
        timed("look-ups", lambda: [known.find(row["url"]) for row in rows], len, table)
        timed("records: framing", lambda: sum(1 for path in warcs for _ in records(path)), int, table)
        timed("records: unlinked", lambda: passed_over(warcs, made), int, table)
        timed("records: all read", lambda: passed_over(warcs, None), int, table)
        path = folder / "index.parquet"
        write_index(path, rows, given.captures, chance)
        html_only = {"mime": ("text/html",), "status": (200,)}
        for name, wanted, linked in (
            ("select: a domain", Wanted(domains=("nytimes.com",), **html_only), None),
            ("select: a language", Wanted(languages=("de",), **html_only), None),
            ("select: links", Wanted(**html_only), lambda url: known.find(url) is not None),
        ):
            counts, file = Counts(), Ranged(Remote(str(path), path.stat().st_size, ""), Manners())
            work = lambda: sum(len(rows) for rows in wanted_rows(file, wanted, linked, counts))  # noqa: B023, E731
            timed(name, work, lambda _: counts.rows, table)  # noqa: B023
            share = file.asked / file.there.size
            table[name] |= {"groups": counts.groups, "groups_read": counts.groups_read, "share_asked": round(share, 3)}
            print(f"    {counts.groups_read} of {counts.groups} row groups, {share:.0%} of the index")
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    (results / "webtext.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
