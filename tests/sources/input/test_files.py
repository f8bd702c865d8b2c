"""Which files a source has: patterns, names, checksums that are remembered, crawls; and what its list says later."""

import gzip
import hashlib
import json
import os

import pytest
from server import serve

from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.job import Silent
from tasks.runtime.run import Run
from tasks.runtime.store import store_at, write
from tasks.sources.input import files as files_module
from tasks.sources.input.files import MEMO, changes, draw, expand
from tasks.sources.input.listing import listed
from tasks.sources.remote.manners import Manners

QUIET = Manners(requests=1e9)
CRAWL = "CC-MAIN-2019-35"
PATHS = [f"crawl-data/{CRAWL}/segments/{n}/warc/{n}.warc.gz" for n in range(20)]
LISTING = f"/crawl-data/{CRAWL}/warc.paths.gz"
HELD = {**{f"/{path}": path.encode() for path in PATHS}, LISTING: gzip.compress("\n".join(PATHS).encode())}


def test_patterns_folders_and_names(tmp_path):
    for name in ("b/2.txt", "b/1.txt", "b/c/3.txt", "x[1].txt", "b/other.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)

    def names(files):
        return [file.name for file in expand({"files": files}, tmp_path)]

    assert names("b/*.txt") == ["1.txt", "2.txt"]
    assert names("b/**/*.txt") == ["1.txt", "2.txt", "c/3.txt"]
    assert names(["b/2.txt", "b/*.txt"]) == ["2.txt", "1.txt"]
    assert names("x[1].txt") == ["x[1].txt"]
    assert names("b") == ["1.txt", "2.txt", "c/3.txt", "other.md"]
    assert names(["b/*.txt", "x*"]) == ["b/1.txt", "b/2.txt", "x[1].txt"], "below the folder that they share"
    assert names(str(tmp_path / "b/*.txt")) == ["1.txt", "2.txt"], "however it is written"
    (file,) = expand({"files": str(tmp_path / "b/1.txt")}, tmp_path / "elsewhere")
    assert file.as_dict() == {
        "path": str(tmp_path / "b/1.txt"),
        "size": 7,
        "sha256": hashlib.sha256(b"b/1.txt").hexdigest(),
        "name": "1.txt",
    }


def test_a_file_met_by_several_names_is_one(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.txt").write_text("1")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "a/here").symlink_to(".")
    assert [file.name for file in expand({"files": ["b/*.txt", "a/1.txt", "."]}, tmp_path)] == ["1.txt"]


def test_what_matches_nothing_is_a_mistake_that_names_it(tmp_path):
    with pytest.raises(Mistake, match=r"source books: 'b/\*\.txt' matches no file below"):
        expand({"name": "books", "files": ["b/*.txt"]}, tmp_path)
    with pytest.raises(Mistake, match="source books: `files` names no file"):
        expand({"name": "books", "files": []}, tmp_path)


def test_checksums_are_remembered_until_a_file_changes(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("one")
    hashed, memo = [], store_at(str(tmp_path / "store"))
    monkeypatch.setattr(files_module, "file_sha256", lambda path: hashed.append(path) or f"sum {len(hashed)}")
    for _ in range(3):
        (found,) = expand({"files": "a.txt"}, tmp_path, memo=memo)
        assert found.sha256 == "sum 1"
    path.write_text("two")
    os.utime(path, ns=(1, 1))
    assert expand({"files": "a.txt"}, tmp_path, memo=memo)[0].sha256 == "sum 2"
    write(memo, MEMO, b"no JSON", replace=True)
    assert expand({"files": "a.txt"}, tmp_path, memo=memo)[0].sha256 == "sum 3"


def crawl_at(url: str, count: int = 4, **more) -> dict:
    return {"name": "cc", "crawl": CRAWL, "files": count, "seed": 1, "base": url, **more}


def test_a_crawl_is_expanded_and_drawn_by_seed(tmp_path):
    with serve(HELD) as server:
        found = expand(crawl_at(server.url), tmp_path, manners=QUIET)
        assert [file.path for file in found] == [f"{server.url}/{path}" for path in sorted(draw(PATHS, 4, 1))]
        assert [file.name for file in found] == [file.path for file in found]
        assert {file.etag for file in found} == {"v1"}
        assert [file.size for file in found] == [len(file.path) - len(server.url) - 1 for file in found]
        with pytest.raises(Mistake, match="has 20 files, not 21"):
            expand(crawl_at(server.url, 21), tmp_path, manners=QUIET)
        with pytest.raises(Mistake, match="there is no such file"):
            expand(crawl_at(server.url, crawl="CC-MAIN-1999-01"), tmp_path, manners=QUIET)
    assert set(draw(PATHS, 4, 1)) < set(draw(PATHS, 9, 1))
    assert draw(PATHS, 4, 1) == draw(PATHS[::-1], 4, 1) != draw(PATHS, 4, 2)


def test_what_was_learnt_before_a_fault_is_not_asked_again(tmp_path, monkeypatch):
    memo = store_at(str(tmp_path / "store"))
    gone = dict(HELD)
    lost = "/" + sorted(PATHS)[-1]
    del gone[lost]
    monkeypatch.setattr(files_module, "LOOKED", 7)
    with serve(gone) as server:
        with pytest.raises(Mistake, match=f"{lost}: there is no such file"):
            expand(crawl_at(server.url, 20), tmp_path, memo=memo, manners=QUIET)
        assert len(server.heads) == 21, "and the listing's"
        server.files, server.heads = HELD, []
        assert len(expand(crawl_at(server.url, 20), tmp_path, memo=memo, manners=QUIET)) == 20
        assert server.heads == [LISTING, lost]
        server.heads = []
        expand(crawl_at(server.url, 20), tmp_path, memo=memo, manners=QUIET)
        assert len(server.heads) == 21, "what was learnt ends with the list that it was for"
    assert list(memo.list("files")) == []


class Told(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)


def test_plan_asks_nobody_which_files_a_crawl_has(tmp_path):
    told = Told()
    with serve(HELD) as server:
        how = {"crawl": CRAWL, "form": "warc", "base": server.url, "seed": 1}
        planned = listed(Run(tmp_path / "store", None, told), "cc", 20, crawl=how, manners=QUIET)["files"]
        assert planned == [{"missing": 20, "crawl": CRAWL, "size": 0}]
        assert (server.heads, server.asked) == ([], []), "a plan asks nobody which files a crawl has"
        assert listed(Run(tmp_path / "store", None, told), "x", f"{server.url}/gone", manners=QUIET)["files"] == [
            {"path": f"{server.url}/gone", "name": f"{server.url}/gone"}
        ]
        assert (told.lines, server.heads, server.asked) == ([], [], [])
        built = listed(Run(tmp_path / "store", LocalEngine(1)), "cc", 20, crawl=how, manners=QUIET)["files"]
        assert [file["size"] for file in built] == [len(path) for path in sorted(PATHS)]
        asked = len(server.heads)
        assert listed(Run(tmp_path / "store", None), "cc", 20, crawl=how)["files"] == built
        assert len(server.heads) == asked, "a frozen list asks for nothing"


def test_status_tells_what_changed_and_what_is_new(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text(name)
    frozen = listed(Run(tmp_path / "store", LocalEngine(1)), "s", "*.txt")
    told = Told()
    look = Run(tmp_path / "store", None, told)
    assert listed(look, "s", "*.txt") == frozen
    assert told.lines == []
    (tmp_path / "a.txt").write_text("another")
    (tmp_path / "b.txt").unlink()
    for number in range(5):
        (tmp_path / f"new{number}.txt").write_text("new")
    (tmp_path / "new4.txt").rename(tmp_path / "renamed.text")
    assert listed(look, "s", "*.txt") == frozen
    assert told.lines == [
        f"source s: {tmp_path}/a.txt changed since the list was frozen; what was read stays as it was. Put the file "
        "back as it was, or add a source for the new one",
        f"source s: new since the list was frozen, and not read: {tmp_path}/new0.txt, {tmp_path}/new1.txt, "
        f"{tmp_path}/new2.txt and 1 more; to read more, add a source",
    ]
    for path in tmp_path.glob("*.txt"):
        path.unlink()
    told.lines.clear()
    assert listed(look, "s", "*.txt") == frozen
    assert told.lines == []


def test_changes_ask_no_server(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    mixed = {"name": "s", "files": ["a.txt", "http://127.0.0.1:1/b"]}
    (local,) = expand({"name": "s", "files": "a.txt"}, tmp_path)
    remote = {"path": "http://127.0.0.1:1/b", "size": 1, "etag": "v1"}
    assert list(changes([local.as_dict(), remote], mixed, tmp_path)) == []


def test_a_frozen_list_of_earlier_versions_still_holds(tmp_path, monkeypatch):
    """It names no `name`: the path is it."""
    from tasks.sources.parts import plan

    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    run = Run(tmp_path / "store", LocalEngine(1))
    listed(run, "s", "a.txt")
    (place,) = (tmp_path / "store/files").glob("s-*.json")
    old = [{key: value for key, value in file.items() if key != "name"} for file in json.loads(place.read_text())]
    place.write_text(json.dumps(old))
    assert listed(run, "s", "a.txt")["files"] == old
    assert plan(old, "text")[0][1][0].name == str(tmp_path / "a.txt")


def test_a_server_in_trouble_stops_a_run_and_is_not_asked_by_plan(tmp_path):
    told = Told()
    with serve({}) as server:
        server.faults, server.head_faults = [500] * 99, [500] * 99
        how = {"crawl": CRAWL, "form": "warc", "base": server.url, "seed": 1}
        assert "missing" in listed(Run(tmp_path / "store", None, told), "cc", 1, crawl=how, manners=QUIET)["files"][0]
        assert (told.lines, server.heads, server.asked) == ([], [], [])
        with pytest.raises(Failure, match="the server has an error of its own"):
            listed(Run(tmp_path / "store", LocalEngine(1)), "cc", 1, crawl=how, manners=QUIET)
