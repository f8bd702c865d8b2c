"""Stage `index`, and who reads it: ids, URLs and phrases are found where they stand, as by a look at every row."""

import string
from pathlib import Path

import pyarrow as pa
import pytest
from corpora import Counted, document_id, source, workers
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import DOCUMENTS, Output, read, read_rows
from tasks.runtime.stage import stage
from tasks.sources.found import _finds, holding, places
from tasks.sources.index import Indexed, index, keys_of, places_of

TEXTS = [f"text {n} says lantern {n * 7}" for n in range(40)] + ["", "näht über", "lantern", "lan", "tern"]


@stage("located", kind="input", version="1")
def located(job: Job, *, rows: list[tuple[str, str | None]], shards: int) -> Counted:
    return job.total(located_shard, [(f"{n:05}", rows[n::shards]) for n in range(shards)])


def located_shard(out: Output, rows: list[tuple[str, str | None]]) -> Counted:
    """Ids and URLs, each row a row group of its own."""
    out.write(DOCUMENTS.empty_table())
    for id, url in rows:
        out.write(pa.Table.from_pylist([{"id": id, "url": url, "text": f"of {url}"}], schema=DOCUMENTS))
    return Counted(len(rows))


URLS = [f"http://a.example/{n % 13}" if n % 3 else None for n in range(50)]


def documents_of(run: Run, shards: int) -> Artifact:
    return run(located, "web", rows=[(document_id("web", n), url) for n, url in enumerate(URLS)], shards=shards)


def test_every_id_and_url_is_found_where_it_stands(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.sources.index.FILE", 8)  # several files
    documents = documents_of(run, 3)
    made = run(index, "web", documents=documents)
    assert made.counts(Indexed) == Indexed(ids=50, urls=33)
    assert len(made.shards()) == 7 + 5
    rows = [(shard, n, row) for shard in documents.shards() for n, row in enumerate(read(shard).to_pylist())]
    for shard, n, row in rows:
        (found,) = places(documents, made, "ids", row["id"])
        assert (found.shard, found.row, found.id, found.text.decode()) == (shard, n, row["id"], row["text"])
        assert read_rows(shard, [n], ["url"]).to_pylist() == [{"url": row["url"]}]
    for url in set(URLS) - {None}:
        plain = [(shard, n) for shard, n, row in rows if row["url"] == url]
        for by in (made, None):
            assert [(place.shard, place.row) for place in places(documents, by, "urls", url)] == plain
    for kind, none in (("urls", "http://a.example/"), ("ids", document_id("web", 99))):
        assert list(places(documents, made, kind, none)) == list(places(documents, None, kind, none)) == []


def test_a_key_that_two_urls_share_finds_each_its_own(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are 53 bits of a hash; here all are alike."""
    monkeypatch.setattr("tasks.sources.index.uniform", lambda values, *_: pa.array([0.5] * len(values)).to_numpy())
    documents = documents_of(run, 2)
    made = run(index, "web", documents=documents)
    assert len(places_of(made, "urls", "http://a.example/1", "web")) == 33
    found = [
        read_rows(place.shard, [place.row], ["url"]).column("url")[0].as_py()
        for place in places(documents, made, "urls", "http://a.example/1")
    ]
    assert found == ["http://a.example/1"] * URLS.count("http://a.example/1")


def test_the_index_has_the_same_bytes_whatever_the_workers(tmp_path: Path) -> None:
    files = []
    for count in (1, 2):
        run = Run(tmp_path / str(count), workers(count))
        made = run(index, "web", documents=documents_of(run, 4))
        files.append({name: file.sha256 for name, file in made.files().items()})
    assert files[0] == files[1] and len(files[0]) == 2


def test_a_source_without_urls_has_an_index_of_ids(run: Run) -> None:
    documents = source(run, "plain", TEXTS)
    made = run(index, "plain", documents=documents)
    assert made.counts(Indexed).urls == 0
    assert list(places(documents, made, "urls", "http://a.example/1")) == []
    assert [place.text.decode() for place in places(documents, made, "ids", document_id("plain", 5))] == [TEXTS[5]]


@pytest.mark.parametrize("phrase", ["lantern 7", "lantern", "text 3", "h ü", "terntern", "nothing of it"])
def test_a_phrase_is_found_in_each_text_that_holds_it(run: Run, phrase: str) -> None:
    sources = [source(run, name, TEXTS, shards=3) for name in ("one", "two")]
    found = holding(sources, phrase, 2)
    wanted = [text for text in TEXTS if phrase in text]
    assert found.counts == {"one": len(wanted), "two": len(wanted)}
    texts = [(met.source, met.place().text) for met in found.met]
    assert sorted(texts) == sorted((name, text.encode()) for name in ("one", "two") for text in wanted)
    assert all(text[met.at :].startswith(phrase.encode()) for met, (_, text) in zip(found.met, texts, strict=True))
    assert found.bytes == 2 * sum(len(text.encode()) for text in TEXTS)


@settings(deadline=None)
@given(st.lists(st.text("ab ", max_size=12), max_size=8), st.text("ab ", min_size=1, max_size=4), st.integers(0, 3))
def test_the_scan_agrees_with_python(texts: list[str], phrase: str, skipped: int) -> None:
    """Over one run of bytes, a phrase that reaches over the end of a row is in neither; slices begin anywhere."""
    from tasks.kernels.buffers import buffers

    array = pa.array(texts, pa.large_string())[skipped:]
    found = dict(_finds(*buffers(array), phrase.encode()))
    assert found == {row: text.find(phrase) for row, text in enumerate(texts[skipped:]) if phrase in text}


@given(st.lists(st.text(string.printable), min_size=1))
def test_keys_are_the_same_alone_and_together(urls: list[str]) -> None:
    together = keys_of(pa.chunked_array([urls], pa.string()), "urls", "web").tolist()
    alone = [int(keys_of(pa.chunked_array([[url]], pa.string()), "urls", "web")[0]) for url in urls]
    assert together == alone and min(together) >= 0
