"""The stage: documents, ids, rejects, statistics and their sums; the same bytes for any workers; sentences."""

import gzip
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import Counted, counts, harm
from made import PAGE, WORDS, http, members, page, warc
from server import serve

from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import DOCUMENTS, read, read_file
from tasks.runtime.stage import stage
from tasks.sources.ingest import ingest
from tasks.sources.input.files import expand
from tasks.sources.parts import plan
from tasks.sources.rejects import REASONS, REJECTS, rejects_of

FIELDS = {"text": "text", "id": None, "url": None}


def build(run: Run, folder: Path, files: str | list[str], kind: str = "warc", source: str = "s", **more) -> Artifact:
    listed = [file.as_dict() for file in expand({"name": source, "files": files}, folder)]
    settings = {"fields": FIELDS, "reject_share": 1.0, **more}
    return run(ingest, source, files=listed, source=source, kind=kind, **settings)


def documents(artifact: Artifact) -> list[dict]:
    tables = [read(shard) for shard in artifact.shards()]
    assert all(table.schema.names == DOCUMENTS.names for table in tables)  # Parquet keeps dates in ms
    return [row for table in tables for row in table.to_pylist()]


def rejects(artifact: Artifact) -> list[dict]:
    tables = [rejects_of(artifact, shard) for shard in artifact.shards()]
    assert all(table.schema.equals(REJECTS) for table in tables)
    return [row for table in tables for row in table.to_pylist()]


def contents(artifact: Artifact) -> dict[str, bytes]:
    """Every file, manifest and listing too."""
    return {
        path.name: path.read_bytes() for path in artifact.folder.iterdir() if not path.name.startswith(("run.", "."))
    }


def check_sums(artifact: Artifact) -> dict:
    """The statistics agree with the files and with each other."""
    found, rows, refused = counts(artifact), documents(artifact), rejects(artifact)
    assert found["documents"] == len(rows) == len({row["id"] for row in rows})
    assert found["characters"] == sum(len(row["text"]) for row in rows)
    assert found["text_bytes"] == sum(len(row["text"].encode()) for row in rows) == sum(row["bytes"] for row in rows)
    assert found["bytes"] == found["bytes_in_records"] + found["bytes_damaged"]
    assert sum(found["rejects"].values()) == len(refused)
    assert {row["reason"] for row in refused} == set(found["rejects"]) <= set(REASONS)
    assert sum(found["languages"].values()) == len(rows)
    assert all(row["text"].strip("\n") == row["text"] and row["text"].strip() for row in rows)
    assert harm(artifact) == []
    return found


def test_a_crawl_with_everything_in_it(run, tmp_path):
    records = [
        warc(b"software: made\r\n", 900, type="warcinfo", content_type="application/warc-fields"),
        *(page(number) for number in range(20)),
        warc(b"GET / HTTP/1.1\r\n\r\n", 901, type="request"),
        warc(http(b"not here", status="HTTP/1.1 404 Not Found"), 30),
        warc(http(b"%PDF-1.5", kind="application/pdf"), 31),
        warc(http(b"<html><body></body></html>"), 32),
        warc(http(gzip.compress(b"x" * 999, mtime=0)[:-9], "Content-Encoding: gzip"), 33),
        page(3),  # the id of a record before
        warc(http(b"<div>" * 9000), 34),
        warc(http("Привет, мир! Это страница на русском языке.".encode("cp1251"), kind="text/plain"), 35),
    ]
    data = members(*records[:10]) + b"garbage between members" + members(*records[10:])
    (tmp_path / "a.warc.gz").write_bytes(data)
    found = build(run, tmp_path, "*.warc.gz")
    statistics = check_sums(found)
    assert statistics["documents"] == 21
    assert statistics["bytes"] == len(data)
    assert statistics["bytes_damaged"] == len(b"garbage between members")
    assert statistics["records"] == {"request": 1, "response": 27, "warcinfo": 1}
    assert statistics["status"] == {"200": 26, "404": 1}
    assert statistics["rejects"] == {
        "encoding": 1,
        "gzip": 1,
        "no-content": 2,
        "repeated": 1,
        "status": 1,
        "type": 1,
    }
    assert statistics["worst_files"] == [{"file": "a.warc.gz", "damaged": 4, "records": 28}]
    rows = documents(found)
    assert re.fullmatch("s:[0-9a-f]{32}", rows[0]["id"])
    assert rows[0]["url"] == "http://example.org/0"
    assert rows[0]["date"].isoformat() == "2020-02-03T04:05:06+00:00"
    assert rows[0]["language"] == "en"
    assert json.loads(rows[0]["meta"]) == {"title": "A title"}
    assert rows[0]["text"].startswith("Page 0. The quick brown fox")
    assert "Привет" in rows[-1]["text"]
    for row in rejects(found):
        if row["reason"] != "gzip":  # what is rejected can be found by its URL
            assert "<http://example.org/" in row["detail"]
            assert data[row["offset"] :].startswith(b"\x1f\x8b\x08")


def test_global_ids_are_the_records_own_and_do_not_depend_on_the_files(run, tmp_path):
    pages = [page(number) for number in range(9)]
    (tmp_path / "one").mkdir()
    (tmp_path / "many").mkdir()
    (tmp_path / "one/a.warc").write_bytes(b"".join(pages))
    for number in range(9):
        (tmp_path / f"many/{8 - number}.warc.gz").write_bytes(members(pages[number]))
    one, many = (
        {row["id"]: row["text"] for row in documents(build(run, tmp_path / folder, "*", ids="global"))}
        for folder in ("one", "many")
    )
    assert one == many
    assert len(one) == 9


def numbered(folder: Path) -> None:
    """Two files whose records are both numbered 0..59, all texts different; and in a third one number stands twice."""
    for name in ("a", "b"):
        lines = [json.dumps({"id": number, "text": f"File {name} says {number}."}) for number in range(60)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines))
    twice = [{"id": 7, "text": "One text."}, {"id": 7, "text": "Another text."}, {"id": 7, "text": "One text."}]
    (folder / "c.jsonl").write_text("\n".join(map(json.dumps, twice)))


def test_an_id_is_the_records_own_within_its_file(run, tmp_path):
    numbered(tmp_path)
    fields = {**FIELDS, "id": "id"}
    found = build(run, tmp_path, "[ab].jsonl", "jsonl", fields=fields)
    assert check_sums(found)["documents"] == 120
    found = build(run, tmp_path, "*.jsonl", "jsonl", source="t", fields=fields)
    assert check_sums(found)["rejects"] == {"id": 1, "repeated": 1}
    other, same = rejects(found)
    assert (other["reason"], same["reason"]) == ("id", "repeated")
    for row in (other, same):  # both places are named
        assert row["file"] == "c.jsonl"  # by its name: nothing of this machine is in an artifact
        assert "in c.jsonl at 0" in row["detail"]


def test_a_global_id_with_another_text_is_told_with_both_places(run, tmp_path):
    numbered(tmp_path)
    found = build(run, tmp_path, "[ab].jsonl", "jsonl", fields={**FIELDS, "id": "id"}, ids="global")
    assert check_sums(found)["rejects"] == {"id": 60}
    rows = rejects(found)
    assert all(row["file"] == "b.jsonl" and "in a.jsonl at " in row["detail"] for row in rows)


def test_a_repeated_warc_record_id_with_another_page_is_told(run, tmp_path):
    identity = "<urn:uuid:00000000-0000-0000-0000-000000000001>"
    (tmp_path / "a.warc").write_bytes(page(1, identity=identity) + page(2, identity=identity))
    found = build(run, tmp_path, "a.warc")
    assert check_sums(found)["rejects"] == {"id": 1}
    (row,) = rejects(found)
    assert "at 0 <http://example.org/2>" in row["detail"]


def test_without_an_id_source_url_and_text_make_one(run, tmp_path):
    body = http(PAGE % WORDS)
    same = [warc(body, number, url="http://x.org/", identity=None) for number in (1, 2)]
    other = warc(body, 3, url="http://y.org/", identity=None)
    (tmp_path / "a.warc").write_bytes(b"".join([*same, other]))
    found = build(run, tmp_path, "a.warc")
    assert check_sums(found)["rejects"] == {"repeated": 1}
    again = build(run, tmp_path, "a.warc", source="t")
    assert {row["id"].split(":")[1] for row in documents(found)}.isdisjoint(
        row["id"].split(":")[1] for row in documents(again)
    )


def test_wet_text_is_taken_as_it_is(run, tmp_path):
    text = "Первая строка\n\nA second line <b> & more"
    record = warc(text.encode(), type="conversion", content_type="text/plain")
    (tmp_path / "a.warc.wet.gz").write_bytes(members(record))
    (row,) = documents(build(run, tmp_path, "*"))
    assert row["text"] == text


def jsonl(folder: Path, count: int = 3000) -> None:
    lines = [json.dumps({"text": f"Document number {n}, {'word ' * (n % 50)}", "key": n}) for n in range(count)]
    lines[100] = "broken"
    lines[200] = json.dumps({"key": 5, "text": " "})
    (folder / "a.jsonl").write_text("\n".join(lines) + "\n")


def test_a_large_jsonl_is_split_and_small_files_are_packed(run, tmp_path):
    jsonl(tmp_path)
    for number in range(5):
        (tmp_path / f"small{number}.jsonl").write_text(json.dumps({"text": f"small {number}", "key": f"s{number}"}))
    fields = {"text": "text", "id": "key", "url": None}
    split = build(run, tmp_path, "*.jsonl", "jsonl", fields=fields, shard=50_000)
    whole = build(run, tmp_path, "*.jsonl", "jsonl", fields=fields, shard=10**9)
    assert len(split.shards()) > 4
    assert len(whole.shards()) == 1
    statistics = check_sums(split)
    assert statistics == {**check_sums(whole), "worst_files": statistics["worst_files"]}
    assert statistics["documents"] == 3003
    assert statistics["rejects"] == {"empty": 1, "json": 1}
    assert statistics["files"] == 6
    assert statistics["bytes"] == sum(path.stat().st_size for path in tmp_path.glob("*.jsonl"))
    assert statistics["bytes_damaged"] == len("broken\n")
    assert {row["id"]: row["text"] for row in documents(split)} == {row["id"]: row["text"] for row in documents(whole)}


def test_text_files_and_parquet(run, tmp_path):
    (tmp_path / "a.txt").write_bytes("Ein Satz,\r\nder über  zwei Zeilen geht.\r\n".encode())
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"Another text, that is packed.", mtime=0))
    (tmp_path / "c.txt").write_bytes(b"")
    found = build(run, tmp_path, "*.txt*", "text")
    assert [row["text"] for row in documents(found)] == [
        "Ein Satz,\nder über zwei Zeilen geht.",
        "Another text, that is packed.",
    ]
    assert check_sums(found)["rejects"] == {"empty-file": 1}
    assert json.loads(documents(found)[0]["meta"]) == {"file": "a.txt"}
    pq.write_table(
        pa.table({"body": ["one text", "two text"], "u": ["http://x/1", "http://x/2"]}), tmp_path / "p.parquet"
    )
    found = build(run, tmp_path, "p.parquet", "parquet", fields={"text": "body", "id": None, "url": "u"})
    assert [(row["text"], row["url"]) for row in documents(found)] == [
        ("one text", "http://x/1"),
        ("two text", "http://x/2"),
    ]
    check_sums(found)


def test_surrogates_reach_no_file(run, tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"text": "a \\ud800 b", "title": "\\udc00", "url": "http://\\ud801"}\n{"text": "", "url": "\\ud800"}\n'
    )
    found = build(run, tmp_path, "a.jsonl", "jsonl", fields={"text": "text", "id": None, "url": "url"})
    assert documents(found)[0]["text"] == "a \ufffd b"
    check_sums(found)


def crawl(folder: Path) -> None:
    for number in range(5):
        first = number * 100
        records = [page(n, WORDS * (n % 7 + 1)) for n in range(first, first + 30)]
        data = bytearray(members(*records))
        data[3000:3010] = bytes(10)
        (folder / f"{number}.warc.gz").write_bytes(data)


def test_the_same_bytes_for_1_and_2_workers_and_after_a_kill(tmp_path):
    crawl(tmp_path)
    jsonl(tmp_path)
    made = []
    for workers in (1, 2):
        engine = LocalEngine(workers)
        run = Run(tmp_path / f"store{workers}", engine)
        pages = build(run, tmp_path, "*.warc.gz", shard=1000)
        rows = build(run, tmp_path, "a.jsonl", "jsonl", "t", shard=30_000)
        assert check_sums(pages)["rejects"] == {"gzip": 5}  # one may be of two members
        assert check_sums(pages)["documents"] >= 5 * 28
        made.append((contents(pages), contents(rows)))
        engine.close()
    assert made[0] == made[1]
    code = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[1:4]; import test_ingest as t\n"
        "from tasks.runtime.engine import LocalEngine; from tasks.runtime.run import Run\n"
        "t.build(Run(Path(sys.argv[4]) / 'killed', LocalEngine(1)), Path(sys.argv[4]), '*.warc.gz', shard=1000)"
    )
    here = Path(__file__).parent
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(here), str(here.parent), str(here.parents[1]), str(tmp_path)]
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("killed/ingest/s-*/0000[12].parquet")):
        assert time.monotonic() < deadline
        assert process.poll() in (None, 0)
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    again = build(Run(tmp_path / "killed", LocalEngine(1)), tmp_path, "*.warc.gz", shard=1000)
    assert contents(again) == made[0][0]


def test_too_much_damage_stops_with_the_worst_file(run, tmp_path):
    (tmp_path / "good.warc").write_bytes(b"".join(page(number) for number in range(10)))
    (tmp_path / "bad.warc").write_bytes(b"".join(page(number)[:-40] for number in range(10, 15)))
    with pytest.raises(Failure, match=r"5 of 15 records are damaged.*bad\.warc with 5 of 5 \(length"):
        build(run, tmp_path, "*.warc", reject_share=0.3)
    assert counts(build(run, tmp_path, "*.warc", reject_share=0.34))["documents"] == 10


def test_what_is_not_wanted_is_no_damage(run, tmp_path):
    gone = [warc(http(b"gone", status="HTTP/1.1 404 Not Found"), number) for number in range(50)]
    (tmp_path / "a.warc").write_bytes(b"".join([page(100), *gone]))
    assert counts(build(run, tmp_path, "*.warc", reject_share=0.0))["documents"] == 1


def test_sentences(run, tmp_path):
    (tmp_path / "a.warc").write_bytes(b"".join(warc(http(b"x", status="HTTP/1.1 404 No"), n) for n in range(3)))
    with pytest.raises(Failure, match=r"source s: none of its 1 files gave a document \(3 status\)"):
        build(run, tmp_path, "a.warc")
    with pytest.raises(Mistake, match="kind 'pdf' is unknown"):
        build(run, tmp_path, "a.warc", "pdf")
    listed = [file.as_dict() for file in expand({"files": "a.warc"}, tmp_path)]
    settings = {"source": "t", "kind": "warc", "fields": FIELDS, "reject_share": 1.0}
    (tmp_path / "a.warc").write_bytes(page(1))
    with pytest.raises(Failure, match=r"a\.warc is not the file that was listed"):
        run(ingest, "t", files=listed, **settings)
    (tmp_path / "a.warc").unlink()
    with pytest.raises(Failure, match=r"a\.warc was listed and cannot be read now"):
        run(ingest, "t", files=listed, **settings)


def replace(path: Path, old: bytes, new: bytes) -> None:
    """Other content under the same size and time of change, as a tool that restores times leaves it."""
    before, content = path.stat(), path.read_bytes()
    assert content.count(old) == 1 and len(old) == len(new)
    path.write_bytes(content.replace(old, new))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_file_that_was_replaced_stops_the_stage_by_name(run, tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.warc").write_bytes(page(number))
    listed = [file.as_dict() for file in expand({"name": "s", "files": "*.warc"}, tmp_path, memo=run.store)]
    replace(tmp_path / "1.warc", b"Page 1.", b"Page 7.")
    again = [file.as_dict() for file in expand({"name": "s", "files": "*.warc"}, tmp_path, memo=run.store)]
    assert [old == new for old, new in zip(listed, again, strict=True)] == [True, False, True]
    settings = {"source": "s", "kind": "warc", "fields": FIELDS, "reject_share": 1.0}
    with pytest.raises(Failure, match=r"stage ingest of s: .*/1\.warc is not the file that was listed"):
        run(ingest, "s", files=listed, **settings)
    replace(tmp_path / "1.warc", b"Page 7.", b"Page 1.")
    assert counts(run(ingest, "s", files=listed, **settings))["documents"] == 3


def rows_as(kind: str, path: Path) -> dict[str, bytes]:
    """Texts in a file of several parts, and what is there once in its last one, with other content of its size."""
    texts = [f"number {n:05} {hashlib.sha256(str(n).encode()).hexdigest()}" for n in range(2000)]
    if kind == "jsonl":
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    else:
        table = pa.table({"text": texts})
        pq.write_table(
            table, path, row_group_size=500, compression="none", use_dictionary=False, write_statistics=False
        )
    return {"old": b"number 01990 ", "new": b"number 09999 "}


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_replaced_file_that_is_read_in_parts_stops_the_stage_by_name(run, tmp_path, kind):
    path = tmp_path / f"rows.{kind}"
    other = rows_as(kind, path)
    listed = [file.as_dict() for file in expand({"name": "s", "files": path.name}, tmp_path)]
    assert len(plan(listed, kind, 40_000)) >= 3
    replace(path, **other)
    settings = {"source": "s", "kind": kind, "fields": FIELDS, "reject_share": 1.0, "shard": 40_000}
    with pytest.raises(Failure, match=rf"stage ingest of s: .*/rows\.{kind} is not the file that was listed"):
        run(ingest, "s", files=listed, **settings)


def test_what_was_read_is_kept_by_checksum(run, tmp_path):
    for number in range(2):
        (tmp_path / f"{number}.warc").write_bytes(page(number))
    jsonl(tmp_path)
    pages = build(run, tmp_path, "*.warc")
    (shard,) = pages.shards()
    assert read_file(pages, f"{shard.key}.inputs.parquet").to_pylist() == [
        {
            "file": path.name,
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "etag": None,
        }
        for path in sorted(tmp_path.glob("*.warc"))
    ]
    rows = build(run, tmp_path, "a.jsonl", "jsonl", "t", shard=30_000)
    inputs = [row for shard in rows.shards() for row in read_file(rows, f"{shard.key}.inputs.parquet").to_pylist()]
    content, at = (tmp_path / "a.jsonl").read_bytes(), 0
    assert len(inputs) > 2
    for row in inputs:
        assert row["sha256"] == hashlib.sha256(content[at : at + row["bytes"]]).hexdigest()
        at += row["bytes"]
    assert at == len(content)


@stage("sample", kind="input", version="1")
def crawled(job: Job) -> Counted:
    with job.publish("crawl/a.warc") as file:
        file.write(page(1) + b"junk")
    return Counted(1)


def test_files_inside_of_an_artifact(run, tmp_path):
    inside = run(crawled, "demo")
    settings = {"source": "s", "kind": "warc", "fields": FIELDS, "reject_share": 1.0, "inside": inside}
    found = run(ingest, "s", files=[{"path": "crawl/*"}], **settings)
    assert [row["file"] for row in rejects(found)] == ["crawl/a.warc"]
    with pytest.raises(Mistake, match=r"source s: 'books/\*' matches no file in"):
        run(ingest, "s", files=[{"path": "books/*"}], **settings)


@stage("sample", kind="input", version="2")
def tables(job: Job) -> Counted:
    with job.publish("rows.jsonl") as file:
        file.write(b"".join(b'{"text": "Row number %d of a table."}\n' % number for number in range(1000)))
    return Counted(1)


def test_a_large_file_of_an_artifact_is_read_in_parts(run, tmp_path):
    inside = run(tables, "demo")
    settings = {"source": "s", "kind": "jsonl", "fields": FIELDS, "reject_share": 0.0, "inside": inside}
    found = run(ingest, "s", files=[{"path": "*.jsonl"}], shard=10_000, **settings)
    assert len(found.shards()) > 2
    assert counts(found)["documents"] == 1000


def test_remote_files_are_read_and_leave_nothing(run, tmp_path):
    data = members(*(page(number) for number in range(10)))
    with serve({"/a.warc.gz": data}) as server:
        server.faults = [503, "short"]
        found = build(run, tmp_path, f"{server.url}/a.warc.gz")
    assert check_sums(found)["documents"] == 10
    assert check_sums(found)["bytes"] == len(data)
    assert [path.name for path in found.folder.iterdir() if "download" in path.name] == []
