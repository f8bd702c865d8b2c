"""Select before download, end to end against a loopback server: which records, how many bytes, the same documents."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from corpora import contents, counts, workers
from hypothesis import given
from hypothesis import strategies as st
from indexed import CRAWL, FILES, NAMES, PAGES, served, url_of
from reddit import linked, post, read_in, write
from server import Flaky, serve
from test_ingest import FIELDS, check_sums, documents, rejects

from conf.load import load
from flows import budget
from flows.dag.built import Built
from flows.dag.corpus import build_corpus
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.run import Run
from tasks.runtime.shards import read, read_file
from tasks.sources.ingest import ingest
from tasks.sources.input.files import expand
from tasks.sources.remote.bring import Remote
from tasks.sources.remote.manners import Manners
from tasks.sources.remote.ranges import Ranged, fetch_range
from tasks.sources.selection import selected
from tasks.sources.selection.cc_index import Wanted, surt
from tasks.sources.selection.select import select
from tasks.sources.selection.selected import lists as lists_of
from tasks.sources.selection.selected import merged
from tasks.sources.webtext.urls import host_of

EVERY = [url_of(number) for number in range(FILES * PAGES) if number % 11 != 10]
NOTHING = {"domains": [], "prefixes": [], "languages": [], "mime": ["text/html"], "status": [200]}


@pytest.fixture
def there():
    """A server of the crawl, and the captures that its index lists."""
    files, rows = served()
    with serve(files) as server:
        server.rows = rows
        yield server


def chosen(run: Run, server: Flaky, shard: int = 10_000, links: Artifact | None = None, **wanted) -> Artifact:
    listed = expand({"name": "c", "crawl": CRAWL, "form": "index", "base": server.url}, Path("/"))
    files = [file.as_dict() for file in listed]
    return run(select, "c", files=files, source="c", base=server.url, shard=shard, links=links, **{**NOTHING, **wanted})


def captures(selection: Artifact) -> list[dict]:
    return [row for shard in selection.shards() for row in read(shard).to_pylist()]


def on(*hosts: str) -> list[str]:
    return [url for url in EVERY if host_of(url) in hosts]


@pytest.mark.parametrize(
    ("wanted", "urls"),
    [
        ({"domains": ["example.org"]}, on("example.org", "www.example.org", "blog.example.org")),
        ({"domains": ["WWW.example.org"]}, on("www.example.org")),
        ({"domains": ["co.uk", "wikipedia.org"]}, on("news.co.uk", "en.wikipedia.org")),
        ({"prefixes": ["http://example.org/blog/"]},
         [url for url in on("example.org", "www.example.org") if "/blog/" in url]),
        ({"prefixes": ["example.org/shop"], "domains": ["zeitung.de"]},
         [url for url in on("example.org", "www.example.org") if "/shop/" in url] + on("zeitung.de")),
        ({"languages": ["de"]}, on("zeitung.de")),
        ({"languages": ["eng"]}, on("news.co.uk", "en.wikipedia.org")),
        ({"languages": ["en", "de"], "domains": ["uk"]}, on("news.co.uk")),
        ({"domains": ["example.org"], "mime": ["application/pdf"]},
         [url_of(n) for n in range(120) if n % 11 == 10 and "example.org" in url_of(n)]),
        ({"domains": ["example.org"], "mime": []}, [u for u in map(url_of, range(120)) if "example.org" in u]),
    ],
)  # fmt: skip
def test_each_key_selects_what_it_says(run, there, wanted, urls):
    selection = chosen(run, there, **wanted)
    found = captures(selection)
    assert sorted(row["url"] for row in found) == sorted(urls)
    by_url = {row["url"]: row for row in there.rows}
    for row in found:
        capture = by_url[row["url"]]
        assert (row["file"], row["offset"], row["length"]) == (
            capture["warc_filename"], capture["warc_record_offset"], capture["warc_record_length"])  # fmt: skip
    statistics = counts(selection)
    assert statistics["records"] == len(urls)
    assert statistics["bytes"] == sum(row["length"] for row in found)
    assert statistics["rows"] == statistics["records"] + sum(statistics["reasons"].values())


def test_row_groups_that_hold_no_key_are_not_read(run, there):
    statistics = counts(chosen(run, there, domains=["zeitung.de"]))
    assert statistics["row_groups"] == 12 and statistics["row_groups_read"] <= 3
    tables = {path: len(data) for path, data in there.files.items() if path.endswith(".parquet")}
    assert statistics["index_asked"] < sum(tables.values()) * 1.2  # footers of files so small are most of them
    assert not [path for path, _ in there.asked if "crawldiagnostics" in path]
    assert statistics["index_asked"] == sum(spanned(span) for path, span in there.asked if path.endswith(".parquet"))


def spanned(span: str | None) -> int:
    assert span is not None
    low, _, high = span.removeprefix("bytes=").partition("-")
    return int(high) - int(low) + 1


def whole(run: Run, server: Flaky) -> dict[str, dict]:
    """Documents of the whole crawl, by URL."""
    files = [
        file.as_dict() for file in expand({"name": "w", "crawl": CRAWL, "files": FILES, "base": server.url}, Path())
    ]
    made = run(ingest, "c", files=files, source="c", kind="warc", fields=FIELDS, reject_share=1.0)
    return {row["url"]: row for row in documents(made)}


def read_chosen(run: Run, selection: Artifact, **more) -> Artifact:
    return run(
        ingest, "c", files=[], source="c", kind="warc", fields=FIELDS, reject_share=1.0, selected=selection, **more
    )


@pytest.mark.parametrize("gap", [0, 700, 1 << 18])
def test_documents_are_those_of_the_whole_files_and_bytes_are_few(run, there, monkeypatch, gap):
    monkeypatch.setattr(selected, "GAP", gap)
    selection = chosen(run, there, domains=["news.co.uk", "zeitung.de"])
    there.asked.clear()
    found = read_chosen(run, selection)
    fetched = sum(spanned(span) for path, span in there.asked if path.endswith(".warc.gz"))
    statistics = counts(selection)
    assert fetched == statistics["asked"] and len(there.asked) == statistics["requests"]
    assert statistics["bytes"] <= fetched
    assert statistics["warc_bytes"] == sum(len(there.files[f"/{name}"]) for name in NAMES)
    if gap == 0:
        assert fetched == statistics["bytes"] < statistics["warc_bytes"] / 3
    everything = whole(run, there)
    rows = documents(found)
    assert {row["url"] for row in rows} == set(on("news.co.uk", "zeitung.de"))
    assert all(row == everything[row["url"]] for row in rows)
    assert check_sums(found)["bytes"] == statistics["bytes"]


def test_a_plan_counts_the_bytes_that_will_be_read_not_those_of_the_list(run, there):
    statistics = counts(selection := chosen(run, there, domains=["news.co.uk"]))
    followed = Run(run.store, None)
    followed.artifacts.append(selection)
    read_chosen(followed, selection)
    reads = {row.artifact.stage: row.reads for row in budget.make(followed, load("demo")).rows}
    assert reads["ingest"] == statistics["asked"] > 0


def test_places_of_rejects_are_those_in_the_whole_file(run, there):
    selection = chosen(run, there, domains=["example.org"], mime=["text/html", "application/pdf"])
    listed = rejects(read_chosen(run, selection))
    by_url = {row["url"]: row for row in there.rows}
    assert {row["reason"] for row in listed} == {"type"} and listed
    for row in listed:
        capture = by_url[row["detail"].partition("<")[2].rstrip(">")]
        assert row["file"] == f"{there.url}/{capture['warc_filename']}"
        assert (row["offset"], row["length"]) == (capture["warc_record_offset"], capture["warc_record_length"])


def test_links_select_and_join(run, there, tmp_path):
    write(tmp_path / "reddit", a=[post(url.replace("http:", "https:") + "?utm_source=x", 9) for url in EVERY[::5]])
    links = linked(run, read_in(run, tmp_path / "reddit"), without=[])
    selection = chosen(run, there, links=links)
    assert sorted(row["url"] for row in captures(selection)) == sorted(EVERY[::5])
    assert counts(selection)["reasons"]["unlinked"] == len(EVERY) - len(EVERY[::5])
    found = read_chosen(run, selection, links=links)
    assert {row["url"] for row in documents(found)} == set(EVERY[::5])
    assert all(json.loads(row["meta"])["karma"] == 9 for row in documents(found))


def test_what_servers_do_is_survived_and_a_second_run_asks_nothing(run, there):
    expected = contents(read_chosen(run, chosen(run, there, domains=["example.org"])))
    again = Run(run.store.root.parent / "again", run.engine)
    there.faults = [503, None, "short", None, None, "reset", None, None, "whole"] * 3
    selection = chosen(again, there, domains=["example.org"])
    there.faults = ["short", 503, None, "whole", "reset", None]
    assert contents(read_chosen(again, selection)) == expected
    there.asked.clear()
    files = selection.recipe["parameters"]["files"]
    made = again(select, "c", files=files, source="c", base=there.url, shard=10_000, links=None,
                 **{**NOTHING, "domains": ["example.org"]})  # fmt: skip
    assert made == selection
    read_chosen(again, made)
    assert there.asked == []


def test_a_warc_file_that_changed_is_told(run, there):
    selection = chosen(run, there, domains=["example.org"])
    there.etag = "v2"
    with pytest.raises(Failure, match=r"00000\.warc\.gz: the file changed since .*add a source for the new file"):
        read_chosen(run, selection)
    there.etag = "v1"
    del there.files[f"/{NAMES[1]}"]
    with pytest.raises(Mistake, match="no such file"):
        read_chosen(run, selection)


def test_the_same_bytes_for_1_and_2_workers_and_shards_by_bytes(tmp_path, there):
    made = []
    for count in (1, 2):
        run = Run(tmp_path / f"store{count}", workers(count))
        selection = chosen(run, there, shard=5_000, domains=["example.org"])
        made.append((contents(selection), contents(read_chosen(run, selection))))
    assert made[0] == made[1]
    lists = [read_file(selection, part.path) for _, (part,) in lists_of(selection)]
    sizes = [sum(table.column("length").to_pylist()) for table in lists]
    assert len(sizes) > 3 and max(sizes) <= 5_000 and sum(sizes) == counts(selection)["bytes"]
    places = [(row["file"], row["offset"]) for table in lists for row in table.to_pylist()]
    assert places == sorted(set(places))


def test_nothing_selected_and_what_is_no_index(run, there, tmp_path):
    with pytest.raises(Failure, match=r"source c: none of 0 captures in 0 row groups .*no row group may hold one"):
        chosen(run, there, domains=["example.com"])
    with pytest.raises(Failure, match=r"none of \d+ captures .* \(\d+ elsewhere"):
        chosen(run, there, domains=["shop.org"], prefixes=["http://example.org/nowhere"])
    for wrong in ({"domains": ["http://example.org"]}, {"languages": ["english"]}, {"prefixes": ["ftp://x"]}):
        with pytest.raises(Mistake, match="is no domain, URL prefix, or language"):
            chosen(run, there, **wrong)
    path = next(path for path in there.files if path.endswith("00000.gz.parquet") and "subset=warc" in path)
    there.files[path] = b"PAR1 no more"
    with pytest.raises(Failure, match=r"part-00000\.gz\.parquet cannot be read as Parquet"):
        chosen(run, there, domains=["example.org"])


def pipeline(folder: Path, text: str) -> Built:
    (folder / "p.yaml").write_text(text)
    return build_corpus(Run(folder / "store", workers(1)), load(folder / "p.yaml"))


def test_a_pipeline_says_it(tmp_path, there, monkeypatch):
    write(tmp_path / "reddit", a=[post(url, 9) for url in EVERY[::7]])
    crawl = f"crawl: {CRAWL}, base: '{there.url}'"
    text = (
        f"store: {tmp_path}/store\nsources:\n"
        f"  webtext: {{kind: webtext, submissions: reddit/*.zst, without: [], {crawl}, select: {{}}}}\n"
        f"  web: {{kind: warc, {crawl}, select: {{links: webtext, domains: [example.org]}}}}\n"
    )
    monkeypatch.chdir(tmp_path)
    built = pipeline(tmp_path, text)
    found = {name: {row["url"] for row in documents(one.documents)} for name, one in built.sources.items()}
    assert found["webtext"] == set(EVERY[::7])
    assert found["web"] == {url for url in EVERY[::7] if "example.org" in url}
    there.asked.clear()
    heads = len(there.asked)
    pipeline(tmp_path, text)
    assert len(there.asked) == heads == 0
    with pytest.raises(Mistake, match=r"p\.yaml:4: .*select\.links names nobody, no webtext source"):
        pipeline(tmp_path, text.replace("links: webtext", "links: nobody"))


def test_a_crawl_in_a_folder(tmp_path, monkeypatch):
    files, _ = served()
    for name, data in files.items():
        path = tmp_path / name.strip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.chdir(tmp_path)
    built = pipeline(tmp_path, (
        f"store: {tmp_path}/store\nsources:\n"
        f"  web: {{kind: warc, base: '{tmp_path}', select: {{domains: [de], index: '**/subset=warc/*.parquet'}}}}\n"
    ))  # fmt: skip
    assert {row["url"] for row in documents(built.sources["web"].documents)} == set(on("zeitung.de"))


# ---- ranges


PLACES = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 100)), max_size=30)


@given(PLACES, st.integers(0, 200), st.integers(1, 500))
def test_near_ranges_are_one_request(steps, gap, largest):
    places, at = [], 0
    for step, length in steps:
        at += step
        places.append((at, length))
        at += length
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selected, "GAP", gap)
        patch.setattr(selected, "LARGEST", largest)
        groups = list(merged(places))
    assert [place for group in groups for place in group] == places
    for group in groups:
        size = group[-1][0] + group[-1][1] - group[0][0]
        assert size <= largest or len(group) == 1
        assert all(b[0] - a[0] - a[1] < gap for a, b in pairwise(group))


def test_a_file_by_ranges_is_the_file(tmp_path):
    (tmp_path / "a").write_bytes(bytes(range(200)))
    there = Remote(str(tmp_path / "a"), 200, "")
    file = Ranged(there, Manners())
    assert (file.read(10), file.seek(-5, 2), file.read()) == (bytes(range(10)), 195, bytes(range(195, 200)))
    assert (file.seek(10, 1), file.read(5), file.tell()) == (210, b"", 210)
    assert (file.asked, file.requests) == (15, 2)
    (tmp_path / "a").write_bytes(b"shorter")
    with pytest.raises(Failure, match="has 7 bytes, and had 200 when it was looked at"):
        fetch_range(there, 100, 200, Manners())


@pytest.mark.parametrize("fault", ["short", "reset", "whole", "shifted", "bare", 503])
def test_a_range_that_comes_otherwise_is_asked_for_again(fault):
    with serve({"/a": bytes(range(200))}) as server:
        there = Remote(f"{server.url}/a", 200, "v1")
        server.faults = [fault, fault]
        assert fetch_range(there, 10, 20, Manners()) == bytes(range(10, 20))
        assert [span for _, span in server.asked] == ["bytes=10-19"] * 3


@pytest.mark.parametrize("looks", [True, False])
def test_a_range_of_another_version_is_told_also_by_servers_that_know_no_if_match(looks):
    with serve({"/a": bytes(200)}) as server:
        server.etag, server.looks_at_if_match = "v2", looks
        with pytest.raises(Failure, match="/a: the file changed since"):
            fetch_range(Remote(f"{server.url}/a", 200, "v1"), 10, 20, Manners())
        server.etag = None
        with pytest.raises(Failure, match="/a: the file changed since"):
            fetch_range(Remote(f"{server.url}/a", 300, ""), 10, 20, Manners())


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("www.example.com", "com,example"),
        ("www3.a.b.co.uk", "uk,co,b,a"),
        ("1.2.3.4", "1.2.3.4"),
        ("wwwx.de", "de,wwwx"),
    ],
)
def test_keys_of_hosts(host, key):
    assert surt(host) == key


def test_keys_of_a_domain_hold_all_of_it_and_little_else():
    keys = Wanted(domains=("example.com",)).keys()

    def held(key: str) -> bool:
        return any(low <= key <= high for low, high in keys)

    assert all(map(held, ("com,example)/", "com,example,blog)/x", "com,example:8080)/", "com,example,www2)/")))
    assert not any(map(held, ("com,example-shop)/", "com,examplee)/", "com,exampl)/", "org,example)/")))
    assert Wanted(languages=("de",)).keys() is None
