"""The store's verbs, as one contract that a folder, memory and s3 keep, within a process and between them."""

import hashlib
import itertools
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import runtime_toys as toys
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.runtime.damage import damage
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Silent
from tasks.runtime.store import Damaged, Store, open_store, store_at, write

DRIVE = "import runtime_toys; runtime_toys.drive()"
number = itertools.count()


class Listener(Silent):
    """Keeps what a run says; `on_log` is called with each line."""

    def __init__(self, on_log=lambda text: None):
        self.lines, self.cached, self.on_log = [], [], on_log

    def log(self, text):
        self.lines.append(text)
        self.on_log(text)

    def finished(self, artifact, cached, seconds):
        self.cached.append(cached)


def folder_of(root: Path) -> Path:
    [folder] = [path for path in (root / "numbers").iterdir() if path.is_dir()]
    return folder


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(params=["folder", "memory", "s3"])
def url(request, tmp_path) -> str:
    """A place of its own for each test."""
    if request.param == "s3":
        return f"{request.getfixturevalue('s3')}/{tmp_path.name}-{next(number)}"
    return str(tmp_path / "store") if request.param == "folder" else f"memory://{tmp_path.name}-{next(number)}"


@pytest.fixture
def store(url) -> Store:
    return open_store(url)


class TestContract:
    """What every store keeps."""

    def test_what_was_published_is_read(self, store, tmp_path):
        path = tmp_path / "file"
        path.write_bytes(b"whole")
        assert store.publish("stage/name/file.txt", path)
        assert store.exists("stage/name/file.txt") and not store.exists("stage/name") and not store.exists("stage/n")
        assert store.read("stage/name/file.txt") == b"whole"
        assert store.sha256("stage/name/file.txt") == sha256(b"whole")
        assert store.local("stage/name/file.txt").read_bytes() == b"whole"
        assert store.local("stage/name/file.txt", sha256(b"whole")).read_bytes() == b"whole"
        assert store.local("stage/name/file.txt", sha256(b"whole"), check=False).read_bytes() == b"whole"

    def test_a_name_is_taken_once_unless_it_is_to_be_replaced(self, store):
        assert write(store, "a/b", b"first")
        stamp = store.stamp("a/b")
        assert not write(store, "a/b", b"second")
        assert store.read("a/b") == b"first" and store.stamp("a/b") == stamp
        assert write(store, "a/b", b"third", replace=True)
        assert store.read("a/b") == b"third" and store.stamp("a/b") != stamp
        assert store.local("a/b", sha256(b"third")).read_bytes() == b"third"

    def test_what_is_not_there_says_so(self, store):
        for verb in (store.read, store.stamp, store.local, store.sha256):
            with pytest.raises(FileNotFoundError):
                verb("a/b")
        with pytest.raises(FileNotFoundError):
            store.local("a/b", sha256(b""))
        store.delete("a/b")
        assert list(store.list("a")) == []

    def test_a_deleted_name_is_free(self, store):
        write(store, "a/b", b"first")
        assert store.local("a/b", sha256(b"first"))
        store.delete("a/b")
        assert not store.exists("a/b")
        with pytest.raises(FileNotFoundError):
            store.local("a/b")
        assert write(store, "a/b", b"other")
        assert store.local("a/b", sha256(b"other")).read_bytes() == b"other"

    def test_a_list_is_of_a_folder_in_the_order_of_names(self, store):
        names = ["a/b.txt", "a/b/c", "a/b/d/e", "a/bc", "a/é ü=%20.txt", "b/x"]
        for name in random.Random(1).sample(names, len(names)):
            write(store, name, name.encode())
        with store.lease("a/b", print):  # neither leases nor what is in the making are listed
            store.workspace("a/b")
            with store.scratch() as scratch:
                (scratch / "x").touch()
                assert [entry.name for entry in store.list("")] == sorted(names)
        assert [(entry.name, entry.bytes) for entry in store.list("a/b")] == [("a/b/c", 5), ("a/b/d/e", 7)]
        assert [entry.name for entry in store.list("a")] == sorted(names)[:-1]
        assert all(abs(entry.modified - time.time()) < 60 for entry in store.list("a"))

    def test_what_differs_from_its_checksum_is_damaged(self, store):
        write(store, "a/b", b"written")
        with pytest.raises(Damaged, match=r"a/b is damaged: its checksum is .* its manifest says"):
            store.local("a/b", sha256(b"wanted"))

    def test_of_8_racing_writers_one_wins_and_all_go_on(self, store, tmp_path):
        def publish(writer):
            with store.scratch() as scratch:
                (scratch / "x").write_bytes(bytes([writer]) * 100_000)
                start.wait()
                return store.publish("a/b", scratch / "x")

        start = threading.Barrier(8)
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(publish, range(8)))
        assert won.count(True) == 1
        assert store.read("a/b") == bytes([won.index(True)]) * 100_000

    def test_a_lease_is_one_holders_at_a_time(self, store):
        said: list[str] = []
        inside = 0

        def work(_):
            nonlocal inside
            with store.lease("a/b", said.append):
                inside += 1
                assert inside == 1
                time.sleep(0.02)
                inside -= 1

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(work, range(3)))
        assert all(text.startswith(f"another run is writing {store.where('a/b')}") for text in said)

    def test_scratch_is_empty_and_goes(self, store):
        with pytest.raises(ZeroDivisionError), store.scratch() as first, store.scratch() as second:
            assert first != second and not list(first.iterdir())
            (first / "x").touch()
            _ = 1 / 0
        assert not first.exists() and not second.exists()

    def test_a_workspace_stays_until_it_is_cleared(self, store):
        (store.workspace("a/b") / "x").touch()
        assert (store.workspace("a/b") / "x").exists()
        store.clear("a/b")
        assert not (store.workspace("a/b") / "x").exists()
        store.clear("a/b")

    def test_it_is_a_small_value(self, store, url):
        assert store == store_at(url) and hash(store) == hash(store_at(url))
        if not url.startswith("memory:"):
            again = pickle.loads(pickle.dumps(store))
            write(store, "a/b", b"here")
            assert again == store and again.read("a/b") == b"here"
        else:
            with pytest.raises(Mistake, match="lives in one process: run with one worker"):
                pickle.dumps(store)

    def test_a_pipeline_has_the_same_bytes_on_it(self, store, url, tmp_path):
        here = toys.build_numbers(url, 1, 3, 100)
        there = toys.build_numbers(tmp_path / "other", 1, 3, 100)
        assert toys.contents(here) == toys.contents(there)
        assert damage([here])[here.label].sentences == []
        assert len(here.shards()) == 3

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_a_reader_sees_a_whole_file_or_none(self, store, data):
        """Whatever is published, replaced and deleted in whatever order, as a dictionary would have it."""
        place, model = f"p{next(number)}", {}
        for _ in range(data.draw(st.integers(1, 12))):
            name = f"{place}/{data.draw(st.sampled_from(['x', 'y', 'z/w']))}"
            content = data.draw(st.binary(max_size=20))
            verb = data.draw(st.sampled_from(["publish", "replace", "delete", "read"]))
            if verb == "publish":
                assert write(store, name, content) == (name not in model)
                model.setdefault(name, content)
            elif verb == "replace":
                assert write(store, name, content, replace=True)
                model[name] = content
            elif verb == "delete":
                store.delete(name)
                model.pop(name, None)
            elif name in model:
                assert store.read(name) == model[name]
                assert store.local(name, sha256(model[name])).read_bytes() == model[name]
            assert {entry.name: entry.bytes for entry in store.list(place)} == {
                name: len(content) for name, content in model.items()
            }


@pytest.fixture(params=["folder", "s3"])
def shared(request, tmp_path) -> str:
    """A place that several processes see."""
    if request.param == "s3":
        return f"{request.getfixturevalue('s3')}/{tmp_path.name}-{next(number)}"
    return str(tmp_path / "store")


def begun(url: str) -> Callable[[], object]:
    return lambda: [entry for entry in open_store(url).list("numbers") if entry.name.endswith(".parquet")]


class TestBetweenProcesses:
    def test_a_second_run_waits_and_finds_it_built(self, start, until, shared):
        first = start(DRIVE, shared, 1, 4, 100, TOY_PAUSE="0.3")
        until(begun(shared))
        ear = Listener()
        artifact = toys.build_numbers(shared, 1, 4, 100, reporter=ear)
        [said] = ear.lines
        assert said.startswith(f"another run is writing {artifact.where()}") and said.endswith("; waiting for it")
        assert ear.cached == [True]
        assert first.wait(60) == 0

    def test_a_killed_runs_lease_is_taken_over(self, start, until, shared):
        first = start(DRIVE, shared, 1, 4, 100, TOY_PAUSE="3")
        until(begun(shared))

        def kill(text: str) -> None:  # while we wait for it
            first.kill()
            first.wait()

        ear = Listener(on_log=kill)
        artifact = toys.build_numbers(shared, 1, 4, 100, reporter=ear)
        assert len(ear.lines) == 1 and ear.cached == [False]
        assert damage([artifact])[artifact.label].sentences == []

    def test_what_a_killed_writer_left_is_swept_by_the_next_run(self, start, shared):
        code = (
            "import os, sys; from tasks.runtime.store import open_store; store = open_store(sys.argv[1])\n"
            "with store.lease('a/b', print), store.scratch() as folder:\n"
            "    (folder / 'half').write_bytes(b'half'); print(folder, flush=True); os.kill(os.getpid(), 9)"
        )
        process = start(code, shared)
        folder = Path(process.stdout.readline().strip())
        assert process.wait(60) == -signal.SIGKILL
        assert folder.exists()
        store = open_store(shared)
        assert not folder.exists() and not folder.with_suffix(".lock").exists()
        assert list(store.list("")) == []
        with store.lease("a/b", lambda text: pytest.fail("the lease of a dead process is there")):
            pass

    def test_scratch_in_use_is_not_swept(self, shared):
        with open_store(shared).scratch() as folder:
            subprocess.run(
                [sys.executable, "-c", f"from tasks.runtime.store import open_store; open_store({shared!r})"],
                check=True,
            )
            assert folder.exists()


def test_an_unknown_scheme_is_a_mistake():
    with pytest.raises(Mistake, match=r"ftp:// is no store that is known; give a folder, or one of s3, "):
        store_at("ftp://host/x")
