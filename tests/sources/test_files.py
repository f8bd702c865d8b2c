"""Which files a source has: patterns, checksums that are remembered, crawls; and remote files that fail on the way."""

import gzip
import hashlib
import os
import random

import pytest
from server import serve

from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.store import store_at, write
from tasks.sources import remote
from tasks.sources.files import MEMO, draw, expand
from tasks.sources.parts import Part, plan
from tasks.sources.remote import download, look


def test_patterns_folders_and_names_that_look_like_patterns(tmp_path):
    for name in ("b/2.txt", "b/1.txt", "b/c/3.txt", "x[1].txt", "b/other.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)

    def names(files):
        return [os.path.relpath(file.path, tmp_path) for file in expand({"files": files}, tmp_path)]

    assert names("b/*.txt") == ["b/1.txt", "b/2.txt"]
    assert names("b/**/*.txt") == ["b/1.txt", "b/2.txt", "b/c/3.txt"]
    assert names(["b/2.txt", "b/*.txt"]) == ["b/2.txt", "b/1.txt"]
    assert names("x[1].txt") == ["x[1].txt"]
    assert names("b") == ["b/1.txt", "b/2.txt", "b/c/3.txt", "b/other.md"]
    (file,) = expand({"files": str(tmp_path / "b/1.txt")}, tmp_path / "elsewhere")
    assert file.as_dict() == {
        "path": str(tmp_path / "b/1.txt"),
        "size": 7,
        "sha256": hashlib.sha256(b"b/1.txt").hexdigest(),
    }


def test_what_matches_nothing_is_a_mistake_that_names_it(tmp_path):
    with pytest.raises(Mistake, match=r"source books: 'b/\*\.txt' matches no file below"):
        expand({"name": "books", "files": ["b/*.txt"]}, tmp_path)
    with pytest.raises(Mistake, match="source books: `files` names no file"):
        expand({"name": "books", "files": []}, tmp_path)


def test_checksums_are_remembered_until_a_file_changes(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("one")
    hashed, memo = [], store_at(str(tmp_path / "store"))
    from tasks.sources import files

    monkeypatch.setattr(files, "file_sha256", lambda path: hashed.append(path) or f"sum {len(hashed)}")
    for _ in range(3):
        (found,) = expand({"files": "a.txt"}, tmp_path, memo=memo)
        assert found.sha256 == "sum 1"
    path.write_text("two")
    os.utime(path, ns=(1, 1))
    assert expand({"files": "a.txt"}, tmp_path, memo=memo)[0].sha256 == "sum 2"
    write(memo, MEMO, b"no JSON", replace=True)
    assert expand({"files": "a.txt"}, tmp_path, memo=memo)[0].sha256 == "sum 3"


def test_a_crawl_is_expanded_and_drawn_by_seed(tmp_path):
    paths = [f"crawl-data/CC-MAIN-2019-35/segments/{n}/warc/{n}.warc.gz" for n in range(20)]
    listing = gzip.compress("\n".join(paths).encode())
    files = {f"/{path}": f"{path}".encode() for path in paths}
    with serve({**files, "/crawl-data/CC-MAIN-2019-35/warc.paths.gz": listing}) as server:
        source = {"name": "cc", "crawl": "CC-MAIN-2019-35", "files": 4, "seed": 1, "base": server.url}
        found = expand(source, tmp_path)
        assert [file.path for file in found] == [f"{server.url}/{path}" for path in sorted(draw(paths, 4, 1))]
        assert {file.etag for file in found} == {"v1"}
        assert [file.size for file in found] == [len(file.path) - len(server.url) - 1 for file in found]
        with pytest.raises(Mistake, match="has 20 files, not 21"):
            expand({**source, "files": 21}, tmp_path)
        with pytest.raises(Mistake, match="no such file"):
            expand({**source, "crawl": "CC-MAIN-1999-01"}, tmp_path)
    assert set(draw(paths, 4, 1)) < set(draw(paths, 9, 1))
    assert draw(paths, 4, 1) == draw(paths[::-1], 4, 1) != draw(paths, 4, 2)


@pytest.fixture
def content(monkeypatch):
    monkeypatch.setattr(remote, "RANGE", 1000)
    monkeypatch.setattr(remote, "PAUSE", 0.0001)
    return random.Random(1).randbytes(4567)


def test_a_download_survives_what_servers_do(tmp_path, content):
    with serve({"/a": content}) as server:
        there = look(f"{server.url}/a")
        assert (there.size, there.etag) == (4567, "v1")
        server.faults = [503, 503, None, "short", None, "reset", None, 500, "whole", None]
        download(there, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == content
    spans = [span for path, span in server.asked]
    assert spans.count("bytes=0-999") == 3, "two 503s, and then well"
    assert spans[-1] == "bytes=4000-4566"


def test_a_download_goes_on_where_it_was(tmp_path, content):
    with serve({"/a": content}) as server:
        there = look(f"{server.url}/a")
        server.faults = [None, None, *[503] * 100]
        with pytest.raises(Failure, match="bytes 2000 to 3000: 7 attempts failed"):
            download(there, tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == content[:2000]
        server.faults, server.asked = [], []
        download(there, tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == content
        assert server.asked[0] == ("/a", "bytes=2000-2999")


def test_a_file_that_changed_or_went_is_told(tmp_path, content):
    with serve({"/a": content}) as server:
        there = look(f"{server.url}/a")
        server.etag = "v2"
        with pytest.raises(Failure, match="changed since"):
            download(there, tmp_path / "a")
        del server.files["/a"]
        with pytest.raises(Mistake, match="no such file"):
            download(there, tmp_path / "a")


def test_s3_without_its_library_is_one_sentence(monkeypatch):
    import builtins

    real = builtins.__import__

    def without(name, *arguments, **more):
        if name.split(".")[0] == "s3fs":
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Mistake, match=r"pip install 'millrace\[s3\]'"):
        look("s3://bucket/key")


def test_shards_are_planned_by_size(tmp_path):
    big = tmp_path / "big.jsonl"
    big.write_bytes(b"{}\n" * 100_000)
    packed = tmp_path / "big.jsonl.gz"
    packed.write_bytes(gzip.compress(b"{}\n" * 100_000, compresslevel=0))
    small = [{"path": f"s{number}", "size": size} for number, size in enumerate([900, 5000, 4000, 3000, 20_000])]
    files = [*small, {"path": str(big), "size": 300_000}, {"path": str(packed), "size": packed.stat().st_size}]
    made = plan(files, "jsonl", shard_bytes=80_000)
    assert [key for key, parts in made] == [f"{number:05}" for number in range(len(made))]
    shapes = [[(part.path, part.start, part.end) for part in parts] for key, parts in made]
    assert [("s0", 0, None), ("s1", 0, None), ("s2", 0, None)] in shapes
    assert [("s3", 0, None)] in shapes
    assert [("s4", 0, None)] in shapes
    assert [(str(packed), 0, None)] in shapes
    assert [shape[0][1:] for shape in shapes if shape[0][0] == str(big)] == [
        (0, 75_000),
        (75_000, 150_000),
        (150_000, 225_000),
        (225_000, 300_000),
    ]
    assert plan([{"path": "a.warc.gz", "size": 10**9}], "warc") == [("00000", [Part("a.warc.gz", 10**9)])]
