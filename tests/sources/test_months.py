"""A corpus that grows by the month: a crawl on loopback, from which `crawl: latest` takes what is new."""

import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import indexed
import pytest
from made import PAGE, http, members, warc
from server import Flaky, serve

from conf.load import load
from conf.months import ledger_of
from flows import dag
from flows.dag.built import Built
from flows.latest import take
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.run import Run
from tasks.runtime.shards import read, read_column

ROOT = Path(__file__).resolve().parents[2]
FIRST, SECOND, THIRD = MONTHS = ["CC-MAIN-2026-42", "CC-MAIN-2026-46", "CC-MAIN-2026-50"]
PIPELINE = """\
store: {folder}/store
validation: 0.02
sources:
  books: {{kind: text, files: "{folder}/books/*.txt"}}
  cc: {{kind: warc, crawl: latest, since: CC-MAIN-2026-42, files: 2, base: "{url}", crawls: "{url}/collinfo.json"}}
benchmarks:
  quiz: {{files: "{folder}/quiz.jsonl", text: [question]}}
quality: {{good: [books], raw: [cc], keep: {{threshold: 0}}}}
tokenizer: {{vocabulary: 300}}
mixture: {{cc: 3, books: 1}}
models:
  small: {{preset: demo, tokens: 20k}}
"""
# By month the texts of its pages: 7 stands in two months, 107 in the second is of the first in all but a word.
PAGES = {FIRST: [*range(16)], SECOND: [*range(20, 26), 7, 107], THIRD: [*range(40, 46), 7, 24]}
LISTED = f"/crawl-data/{SECOND}/warc.paths.gz"


def text(number: int) -> str:
    """150 words; 100 and more: another page whose text differs from that of `number - 100` by its last word."""
    words = random.Random(number % 100)
    syllables = ["ba", "ko", "li", "mer", "nu", "po", "ras", "ti", "vo", "zen"]
    made = ["".join(words.choices(syllables, k=3)) for _ in range(149)]
    return " ".join([*made, "end" if number < 100 else "close"]) + "."


def publish(server: Flaky, *crawls: str) -> None:
    """These crawls are in the list of all crawls, newest first as there, among one of before 2013."""
    rows = [{"id": crawl, "name": f"{crawl} Index", "cdx-api": ""} for crawl in [*reversed(crawls), "CC-MAIN-2012"]]
    server.files["/collinfo.json"] = json.dumps(rows).encode()


@pytest.fixture
def crawl() -> Iterator[Flaky]:
    """All three months lie there; the first is published."""
    files: dict[str, bytes] = {}
    for month, numbers in PAGES.items():
        names = [f"crawl-data/{month}/segments/1/warc/{part:05}.warc.gz" for part in range(2)]
        for part, name in enumerate(names):
            files[f"/{name}"] = b"".join(
                members(warc(http(PAGE % text(number).encode()), number, url=f"http://example.org/{month}/{number}"))
                for number in numbers[part::2]
            )
        files[f"/crawl-data/{month}/warc.paths.gz"] = gzip.compress("\n".join(names).encode(), mtime=0)
    with serve(files) as server:
        publish(server, FIRST)
        yield server


@pytest.fixture
def conf(tmp_path: Path, crawl: Flaky) -> Path:
    (tmp_path / "books").mkdir()
    for number in range(60, 76):
        (tmp_path / f"books/{number}.txt").write_text(text(number))
    (tmp_path / "quiz.jsonl").write_text(json.dumps({"question": text(41)[300:700]}) + "\n")
    path = tmp_path / "mine.yaml"
    path.write_text(PIPELINE.format(folder=tmp_path, url=crawl.url))
    return path


def build(conf: Path) -> tuple[Run, Built]:
    """Everything up to the tokens."""
    p = load(conf)
    run = Run(p.store_url(), LocalEngine(1))
    return run, dag.train_tokenizer(run, p)


def lies(conf: Path) -> dict[str, tuple[int, str]]:
    """Time of change and checksum of every file in the store, without scratch, remembered checksums of inputs, and what
    a run says of itself (its page, and the plan beside it)."""
    return {
        str(path.relative_to(conf.parent)): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted((conf.parent / "store").rglob("*"))
        if path.is_file() and path.name != "checksums.json" and not {".scratch", "reports"} & {*path.parts}
    }


def labels(run: Run) -> set[str]:
    return {f"{artifact.label}-{artifact.fingerprint}" for artifact in run.artifacts}


def by_url(built: Built, source: str) -> dict[str, dict[str, Any]]:
    """What the decision on duplicates says of each page, by its month and number."""
    found: dict[str, dict[str, Any]] = {}
    columns = built.sources[source]
    survivors = next(decision for decision in columns.decisions if decision.stage == "survivors")
    for shard in columns.documents.shards():
        documents = read(shard)
        decided = read_column(survivors, shard, ["keep", "reason", "duplicate_of"]).to_pylist()
        for id, url, row in zip(documents["id"].to_pylist(), documents["url"].to_pylist(), decided, strict=True):
            found[url.removeprefix("http://example.org/")] = {"id": id, **row}
    return found


@pytest.mark.slow
def test_three_months(conf: Path, crawl: Flaky) -> None:
    said: list[str] = []
    assert take(conf, said.append) == {"cc": []}, "`since` has it already"
    assert said == [f"source cc: no crawl to take that is newer than {FIRST}"]
    assert not ledger_of(conf).exists()
    one, first = build(conf)
    before, asked = lies(conf), len(crawl.asked)

    # A month without a crawl: all is there, and nobody is asked but for the list.
    take(conf, said.append)
    again, _ = build(conf)
    assert labels(again) == labels(one) and lies(conf) == before
    assert [path for path, _ in crawl.asked[asked:]] == ["/collinfo.json"]

    publish(crawl, FIRST, SECOND)
    asked = len(crawl.asked)
    assert "cc-2026-46" not in load(conf).sources, "who does not ask stays with what was taken"
    build(conf)
    assert lies(conf) == before and crawl.asked[asked:] == []
    assert take(conf, said.append) == {"cc": [SECOND]}
    assert said[-1] == f"source cc takes {SECOND}, as cc-2026-46; so says {ledger_of(conf)} from now on"
    two, second = build(conf)
    after = lies(conf)
    assert {path: after[path] for path in before} == before, "no byte and no time of what was there changes"
    assert labels(one) < labels(two), "what was decided in the first month holds in the second"
    new = {label.split("-")[0] for label in labels(two) - labels(one)}
    assert {"ingest", "survivors", "tokens"} <= {label.split("/")[0] for label in new}
    assert not {label for label in labels(two) - labels(one) if "cc-2026-46" not in label} - {
        label for label in labels(two) if label.startswith("buckets/cc-2026-42")
    }, "beside the new month's own, only what it asks of the month before it"

    # A document of the first month that comes again is a duplicate of it, as is one that is like it in all but a word.
    pages, came = by_url(first, "cc-2026-42"), by_url(second, "cc-2026-46")
    assert all(row["keep"] for row in pages.values()) and len(pages) == 16
    gone = {url: row for url, row in came.items() if not row["keep"]}
    assert set(gone) == {f"{SECOND}/7", f"{SECOND}/107"}
    assert {row["duplicate_of"] for row in gone.values()} == {pages[f"{FIRST}/7"]["id"]}

    publish(crawl, *MONTHS)
    take(conf, said.append)
    three, third = build(conf)
    now = lies(conf)
    assert {path: now[path] for path in after} == after and labels(two) < labels(three)
    last = by_url(third, "cc-2026-50")
    witness = {url: row["duplicate_of"] for url, row in last.items() if not row["keep"]}
    assert witness == {f"{THIRD}/7": pages[f"{FIRST}/7"]["id"], f"{THIRD}/24": came[f"{SECOND}/24"]["id"]}


def test_mixture_and_model_grow(conf: Path, crawl: Flaky) -> None:
    """Which are made anew: from the tokens of every month."""
    handles = []
    for months in ([FIRST], [FIRST, SECOND]):
        publish(crawl, *months)
        take(conf, lambda _: None)
        run = Run(load(conf).store_url(), None)
        built = dag.pretrain(run, load(conf))
        handles.append((built.mixtures["small"], built.models["small"], built.tokens))
    (mixture, model, tokens), (mixture_then, model_then, tokens_then) = handles
    assert mixture.fingerprint != mixture_then.fingerprint and model.fingerprint != model_then.fingerprint
    assert set(tokens_then) - set(tokens) == {"cc-2026-46"}
    assert all(tokens_then[name].fingerprint == made.fingerprint for name, made in tokens.items())
    assert "cc-2026-46" in json.dumps(mixture_then.recipe["inputs"])


def test_two_crawls_at_once_are_as_one_after_the_other(conf: Path, crawl: Flaky) -> None:
    publish(crawl, *MONTHS)
    assert take(conf, lambda _: None) == {"cc": [SECOND, THIRD]}
    together, _ = build(conf)
    made = lies(conf)
    # Elsewhere: the same file and ledger, month by month, give the same bytes, whatever was published since.
    elsewhere = conf.parent / "elsewhere"
    elsewhere.mkdir()
    there = elsewhere / conf.name
    there.write_text(conf.read_text().replace(f"store: {conf.parent}", f"store: {elsewhere}"))
    build(there)
    ledger_of(there).write_bytes(ledger_of(conf).read_bytes())
    publish(crawl, *MONTHS, "CC-MAIN-2027-05")
    alike, _ = build(there)
    assert labels(alike) == labels(together)
    sums = {path: checksum for path, (_, checksum) in made.items() if "/run." not in path}
    assert {path: checksum for path, (_, checksum) in lies(there).items() if "/run." not in path} == sums


@pytest.mark.slow
def test_killed_in_a_new_month(conf: Path, crawl: Flaky) -> None:
    """The month was taken: the next run goes on with it, whether it asks for the latest or not."""
    command = [sys.executable, "-m", "flows.cli", "run", str(conf), "--latest", "--workers", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MILLRACE_HOME": str(conf.parent / "home")}
    environment.pop("PREFECT_API_URL", None)
    conf.write_text(conf.read_text().partition("models:")[0])
    build(conf)
    before = lies(conf)
    publish(crawl, FIRST, SECOND)
    crawl.faults += [None, None, "slow", "slow"]  # the lists, then the files
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    limit = time.monotonic() + 120
    while not list(conf.parent.glob("store/ingest/cc-2026-46-*")):
        assert process.poll() is None and time.monotonic() < limit, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not list(conf.parent.glob("store/ingest/cc-2026-46-*/manifest.json")), "it was killed too late"
    assert ledger_of(conf).read_text().endswith(f"cc {SECOND}\n")
    asked = len(crawl.asked)
    killed, _ = build(conf)
    assert "/collinfo.json" not in {path for path, _ in crawl.asked[asked:]}
    after = lies(conf)
    assert {path: after[path] for path in before} == before
    (conf.parent / "store").rename(conf.parent / "killed")
    whole, _ = build(conf)
    assert labels(whole) == labels(killed)
    sums = {path: checksum for path, (_, checksum) in after.items() if "/run." not in path}
    now = lies(conf)
    assert {path: now[path][1] for path in sums} == sums


FLOW = """\
import os, sys
from flows import home, server
os.environ.update(home.settings())
port = server.free_port()
with server.server(port, server.TEMPORARY) as (url, process):
    os.environ["PREFECT_API_URL"] = url
    server.wait_until_up(url, process)
    from flows.build_corpus import build_corpus
    build_corpus(sys.argv[1], workers=1, latest=True)
"""


@pytest.mark.long
@pytest.mark.served
def test_the_flow_takes_the_latest_as_a_schedule_starts_it(conf: Path, crawl: Flaky) -> None:
    publish(crawl, FIRST, SECOND)
    conf.write_text(conf.read_text().partition("models:")[0])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MILLRACE_HOME": str(conf.parent / "home")}
    command = [sys.executable, "-c", FLOW, str(conf)]
    done = subprocess.run(command, env=environment, cwd=conf.parent, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"source cc takes {SECOND}, as cc-2026-46" in done.stdout + done.stderr
    assert len(list(conf.parent.glob("store/cuts/cc-2026-4?-*/manifest.json"))) == 2
    del crawl.files["/collinfo.json"]
    failed = subprocess.run(command, env=environment, cwd=conf.parent, capture_output=True, text=True, timeout=600)
    assert failed.returncode != 0 and "which crawls there are cannot be asked" in failed.stderr


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, r"which crawls there are cannot be asked: .*/collinfo.json: there is no such file"),
        (b"<html>down for maintenance</html>", "is no list of crawls as Common Crawl publishes it"),
        (b'{"id": "CC-MAIN-2026-46"}', "is no list of crawls"),
        (b"[]", "names no crawl of the form"),
        (b" " * (5 << 20), "has more than 4,194,304 bytes"),
    ],
)
def test_a_list_that_cannot_be_had_stops_the_run_that_asks(
    conf: Path, crawl: Flaky, answer: bytes | None, said: str
) -> None:
    if answer is None:
        del crawl.files["/collinfo.json"]
    else:
        crawl.files["/collinfo.json"] = answer
    with pytest.raises(Failure, match=f"{said}.*Nothing was taken; without --latest"):
        take(conf, lambda _: None)
    assert not ledger_of(conf).exists()
    assert list(load(conf).sources) == ["books", "cc-2026-42"], "a run that does not ask goes on"


def test_a_server_that_is_down_is_asked_again_and_told(conf: Path, crawl: Flaky) -> None:
    crawl.faults += [503, "reset", None]
    assert take(conf, lambda _: None) == {"cc": []}
    conf.write_text(conf.read_text().replace(crawl.url, "http://127.0.0.1:9"))
    with pytest.raises(Failure, match=r"cannot be asked: .*the server refuses connections .*after 7 attempts"):
        take(conf, lambda _: None)


def test_a_crawl_whose_files_are_not_listed_yet_waits(conf: Path, crawl: Flaky) -> None:
    publish(crawl, *MONTHS)
    listing = crawl.files.pop(LISTED)
    said: list[str] = []
    assert take(conf, said.append) == {"cc": []}, "nor is the one behind it taken: crawls go by age"
    assert f"{SECOND} is published and cannot be read yet, and waits for the next time" in said[0]
    crawl.files[LISTED] = listing
    assert take(conf, said.append) == {"cc": [SECOND, THIRD]}


def test_without_since_the_newest_is_the_first(conf: Path, crawl: Flaky) -> None:
    conf.write_text(conf.read_text().replace(f" since: {FIRST},", ""))
    publish(crawl, FIRST, SECOND)
    with pytest.raises(Mistake, match=r"sources.cc has taken no crawl yet"):
        load(conf)
    assert take(conf, lambda _: None) == {"cc": [SECOND]}
    assert load(conf).months == {"cc": ["cc-2026-46"]}


def test_records_are_selected_of_the_latest_crawl(conf: Path, crawl: Flaky) -> None:
    """It waits for its index, which is published last, and is read by it."""
    files, rows = indexed.served()
    table = f"/crawl-data/{indexed.CRAWL}/cc-index-table.paths.gz"
    late = files.pop(table)
    crawl.files |= files
    publish(crawl, indexed.CRAWL)
    sources = f'  cc: {{kind: warc, crawl: latest, select: {{domains: [news.co.uk]}}, base: "{crawl.url}", crawls: '
    conf.write_text(f'store: {conf.parent}/store\nsources:\n{sources}"{crawl.url}/collinfo.json"}}\n')
    said: list[str] = []
    assert take(conf, said.append) == {"cc": []} and "cannot be read yet" in said[0]
    crawl.files[table] = late
    assert take(conf, said.append) == {"cc": [indexed.CRAWL]}
    p = load(conf)
    built = dag.build_corpus(Run(p.store_url(), LocalEngine(1)), p)
    urls = {url for shard in built.documents["cc-2019-35"].shards() for url in read(shard)["url"].to_pylist()}
    assert urls and urls <= {row["url"] for row in rows if row["url_host_name"] == "news.co.uk"}


def test_who_has_no_such_source_cannot_ask(conf: Path) -> None:
    conf.write_text("store: s\nsources:\n  books: {kind: text, files: a.txt}\n")
    with pytest.raises(Mistake, match="no source has `crawl: latest`: leave --latest out"):
        take(conf, lambda _: None)
