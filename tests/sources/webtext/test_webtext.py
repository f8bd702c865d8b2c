"""`kind: webtext` from submissions to documents: pages that links name, the others counted, and told of."""

import json
from pathlib import Path

import pytest
from corpora import counts, workers
from made import http, members, page, warc
from reddit import linked, post, read_in, write
from test_ingest import FIELDS, documents, rejects

from conf.load import load
from flows.dag.corpus import build_corpus
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.sources.archive import pages as reader
from tasks.sources.ingest import ingest
from tasks.sources.input.files import expand
from tasks.sources.parts import Part
from tasks.sources.reading import Reading
from tasks.sources.tally import Tally
from tasks.sources.told import rejects_naming

LINKED = ["https://www.example.org/3/?utm_source=reddit", "http://example.org/7#top", "http://example.org/9",
          "http://example.org/40", "http://example.org/99"]  # fmt: skip


def crawl(folder: Path) -> bytes:
    """Twelve pages, the eighth preceded by a request, one not found, damage, and one that is linked and too large."""
    folder.mkdir(exist_ok=True, parents=True)
    request = warc(b"GET / HTTP/1.1\r\n\r\n", 901, type="request", url="http://example.org/7")
    lost = warc(http(b"not here", status="HTTP/1.1 404 Not Found"), 40, url="http://example.org/40")
    first = [page(number) for number in range(7)] + [request, page(7)]
    behind = [lost, *(page(number) for number in range(8, 12)), page(99, b"large " * 30_000)]
    data = members(*first) + b"garbage" * 10 + members(*behind)
    (folder / "a.warc.gz").write_bytes(data)
    return data


def joined(run: Run, folder: Path, links: Artifact | None, **more) -> Artifact:
    listed = [file.as_dict() for file in expand({"name": "w", "files": "crawl/*"}, folder)]
    settings = {"fields": FIELDS, "reject_share": 1.0, "limits": {"payload": 100_000}, **more}
    return run(ingest, "w", files=listed, source="w", kind="warc", links=links, **settings)


@pytest.fixture
def made(run, tmp_path) -> tuple[bytes, Artifact, Artifact]:
    data = crawl(tmp_path / "crawl")
    write(tmp_path / "reddit", a=[post(url, 4 + n) for n, url in enumerate([*LINKED, LINKED[1], "http://x.org/"])])
    links = linked(run, read_in(run, tmp_path, "reddit/*"))
    return data, links, joined(run, tmp_path, links)


def test_pages_that_links_name_are_documents_and_the_others_are_counted(made):
    data, _, found = made
    rows = documents(found)
    assert [row["url"] for row in rows] == [f"http://example.org/{n}" for n in (3, 7, 9)]
    assert [json.loads(row["meta"]) for row in rows] == [
        {"title": "A title", "karma": karma, "submissions": number} for karma, number in ((4, 1), (9, 2), (6, 1))
    ]
    statistics = counts(found)
    assert statistics["rejects"] == {"gzip": 1, "status": 1, "too-large": 1, "unlinked": 9}
    assert statistics["records"] == {"request": 1, "response": 14}
    responses = statistics["documents"] + sum(statistics["rejects"].values()) - 1
    assert responses == statistics["records"]["response"], "each record is a document or a reject"
    assert statistics["bytes"] == len(data)
    runs = [row for row in rejects(found) if row["reason"] == "unlinked"]
    assert [row["detail"].split()[0] for row in runs] == ["3", "3", "1", "2"]
    whole = {row["offset"] for row in rejects(found)}
    assert min(whole) == 0
    first = members(*(page(number) for number in range(3)))
    assert (runs[0]["offset"], runs[0]["length"]) == (0, len(first))


def test_documents_and_ids_are_those_of_the_whole_crawl(run, tmp_path, made):
    everything = {row["url"]: row for row in documents(joined(run, tmp_path, None))}
    assert len(everything) == 12
    for row in documents(made[2]):
        whole = everything[row["url"]]
        assert json.loads(row.pop("meta"))["title"] == json.loads(whole.pop("meta"))["title"]
        assert row == whole


def test_unlinked_pages_are_passed_over_by_their_header_alone(tmp_path, made, monkeypatch):
    looked = []
    monkeypatch.setattr(reader, "page", lambda record, limit: looked.append((record.type, reader.target(record))))
    path = tmp_path / "crawl/a.warc.gz"
    list(reader.pages(path, Part(str(path), path.stat().st_size), Reading("w", links=made[1]), Tally()))
    pages_looked_at = [url for kind, url in looked if kind == "response"]
    assert pages_looked_at == [f"http://example.org/{n}" for n in (3, 7, 40, 9, 99)]


def test_explain_says_why_a_page_is_not_there(made):
    _, links, found = made
    (said,) = rejects_naming(found, "https://example.org/5")
    assert said.startswith(f"no link of {links.label} names it (unlinked)")
    assert list(rejects_naming(found, "http://example.org/3")) == []
    (said,) = rejects_naming(found, "http://example.org/40")
    assert said.startswith("rejected (status)")


def test_a_pipeline_says_it(tmp_path, monkeypatch):
    crawl(tmp_path / "crawl")
    write(tmp_path / "reddit", a=[post(url, n) for n, url in enumerate(LINKED)])
    (tmp_path / "p.yaml").write_text(
        "store: ./store\nsources:\n"
        "  webtext2: {kind: webtext, submissions: reddit/*.zst, pages: crawl/*.warc.gz, karma: 1, without: [x.org], "
        "reject_share: 1}\n"
    )
    monkeypatch.chdir(tmp_path)
    pipeline = load(tmp_path / "p.yaml")
    run = Run(tmp_path / "store", workers(1))
    built = build_corpus(run, pipeline)
    assert [row["url"] for row in documents(built.sources["webtext2"].documents)] == [
        "http://example.org/7", "http://example.org/9", "http://example.org/99"]  # fmt: skip
    assert counts(built.links["webtext2"])["reasons"]["karma"] == 1
    (tmp_path / "p.yaml").write_text("sources:\n  w: {kind: webtext, submissions: '{sample}/r', pages: a}\n")
    with pytest.raises(Mistake, match=r"submissions name .sample., but the pipeline has no `sample:`"):
        load(tmp_path / "p.yaml")
