"""Remote sources whole through `ingest`: a crawl from a server that fails, attempts that race, versions that change."""

import gzip
import hashlib
import threading

import pyarrow.parquet as pq
import pytest
from made import members, page
from server import Says, serve

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.run import Run
from tasks.runtime.shards import make_shard, read_file
from tasks.runtime.store import store_at
from tasks.sources.ingest import ingest, read_shard
from tasks.sources.input.files import draw
from tasks.sources.input.listing import listed
from tasks.sources.parts import plan
from tasks.sources.reading import Reading
from tasks.sources.remote.manners import Manners

CRAWL = "CC-MAIN-2019-35"
PATHS = [f"crawl-data/{CRAWL}/segments/{n}/warc/{n}.warc.gz" for n in range(6)]
PAGES = {f"/{path}": members(*(page(10 * n + k) for k in range(5))) for n, path in enumerate(PATHS)}
HELD = {**PAGES, f"/crawl-data/{CRAWL}/warc.paths.gz": gzip.compress("\n".join(PATHS).encode())}
SETTINGS = {"source": "cc", "kind": "warc", "fields": {}, "reject_share": 0.0}


def read(run: Run, url: str, count: int = 4) -> Artifact:
    how = {"crawl": CRAWL, "form": "warc", "base": url, "seed": 1}
    files = listed(run, "cc", count, crawl=how, manners=Manners("me@example.org", requests=1e9))
    return run(ingest, "cc", **files, **SETTINGS, manners={"contact": "me@example.org", "requests": 1e9})


def contents(artifact: Artifact) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in artifact.folder.iterdir() if not path.name.startswith("run.")}


def test_a_crawl_is_read_whole_from_a_server_that_fails(run, tmp_path):
    with serve(HELD) as server:
        server.faults = ["short", 500, None, "reset", Says(503, {"Retry-After": "3"}), "short", "shifted", None, 429]
        found = read(run, server.url)
        assert all(sent["User-Agent"].endswith("(+me@example.org)") for sent in server.headers)
        whole = [path for path, span in server.asked if span is None]
        assert len(server.heads) == 5, "the listing, and each file once"
        quiet = read(Run(tmp_path / "other", run.engine), server.url)
    assert contents(found) == contents(quiet), "what went wrong on the way shows nowhere"
    assert sum(shard.rows for shard in found.shards()) == 20
    drawn = {f"/{path}" for path in draw(PATHS, 4, 1)}
    assert set(whole) - {f"/crawl-data/{CRAWL}/warc.paths.gz"} == drawn
    inputs = [row for shard in found.shards() for row in read_file(found, f"{shard.key}.inputs.parquet").to_pylist()]
    assert {row["file"].removeprefix(server.url): row["sha256"] for row in inputs} == {
        path: hashlib.sha256(PAGES[path]).hexdigest() for path in drawn
    }
    assert {row["etag"] for row in inputs} == {"v1"}


def test_how_servers_are_asked_is_in_no_fingerprint(run):
    with serve(HELD) as server:
        found = read(run, server.url)
        how = {"crawl": CRAWL, "form": "warc", "base": server.url, "seed": 1}
        files = listed(run, "cc", 4, crawl=how)
        assert run(ingest, "cc", **files, **SETTINGS, manners={"requests": 3.0}).label == found.label


def test_two_attempts_at_one_shard_do_not_meet(tmp_path):
    """As where a scheduler starts a task again that it believes lost: both wrote to one download, and both failed."""
    with serve(HELD) as server:
        path = f"/{PATHS[0]}"
        file = {"path": f"{server.url}{path}", "size": len(PAGES[path]), "etag": "v1"}
        (task,) = plan([file], "warc")
        artifact = Artifact("ingest", "cc", "0" * 16, store_at(str(tmp_path / "store")))
        how = {"kind": "warc", "reading": Reading("cc"), "manners": {"requests": 1e9}}
        together, made = threading.Barrier(2), []

        def meet(*arguments, **more):
            together.wait(30)
            return read_shard(*arguments, **more)

        def attempt() -> None:
            made.append(make_shard(task, function=meet, artifact=artifact, arguments=how))

        server.faults = ["short", "short"]
        threads = [threading.Thread(target=attempt) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    first, second = made
    assert first == second
    assert first.statistics["documents"] == 5
    assert list(tmp_path.rglob("*.download")) == []
    assert pq.read_metadata(artifact.folder / "00000.parquet").num_rows == 5


def test_a_remote_file_that_changed_since_it_was_listed_stops_the_stage_by_name(run):
    with serve(HELD) as server:
        how = {"crawl": CRAWL, "form": "warc", "base": server.url, "seed": 1}
        files = listed(run, "cc", 4, crawl=how, manners=Manners(requests=1e9))
        server.etag = "v2"
        with pytest.raises(Failure, match=r"stage ingest of cc: http://.*gz: the file changed since .*add a source"):
            run(ingest, "cc", **files, **SETTINGS, manners={"requests": 1e9})


@pytest.mark.parametrize("kind", ["jsonl", "text", "parquet"])
def test_other_kinds_are_read_from_servers_too(run, kind, tmp_path):
    import pyarrow as pa

    texts = [f"Text number {n} of a table." for n in range(5)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    files = {
        "/a.jsonl": b"".join(b'{"text": "%s"}\n' % text.encode() for text in texts),
        "/a.text": texts[0].encode(),
        "/a.parquet": (tmp_path / "a.parquet").read_bytes(),
    }
    with serve(files) as server:
        server.faults = ["short"]
        source = listed(run, "t", f"{server.url}/a.{kind}", manners=Manners(requests=1e9))
        found = run(ingest, "t", **source, **{**SETTINGS, "source": "t", "kind": kind})
    assert sum(shard.rows for shard in found.shards()) == (1 if kind == "text" else 5)
