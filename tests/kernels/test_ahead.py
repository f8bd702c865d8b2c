"""Kernels are compiled before they are needed, side by side, each module once, and what cannot be is said."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import tasks.kernels
from tasks.kernels import ahead
from tasks.kernels.ahead import Ahead, closure, graph, lacking, mark

ROOT = Path(__file__).parents[2]
SMALL = ("utf8", "witnesses")  # compile in a fraction of a second


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """A cache with nothing in it, for the processes that are started."""
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path))
    name = Path(os.environ["NUMBA_CACHE_DIR"]).name
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / name))
    return tmp_path / name


def made(workers):
    told = []
    return Ahead(workers, lambda *word: told.append(word[:2])), told


def test_a_module_comes_after_what_it_imports():
    assert {"words", "folds"} <= closure({"minhash"}) and "ngrams" not in closure({"minhash"})
    assert closure({"scan"}) >= closure({"minhash"}) | closure({"ngrams"})
    assert "kernel" in graph()["words"] and closure({"no such module"}) == set()


def test_what_has_no_kernels_lacks_nothing(empty):
    assert lacking({"draw", "buffers", "kinds"}) == []
    assert lacking({"minhash"})[-1] == "minhash" and "words" in lacking({"minhash"})


def test_compiled_once_and_found_by_the_next_process(empty):
    one, told = made(2)
    one.want(SMALL)
    one.wait(SMALL)
    one.close()
    assert told == [(0, 2), (1, 2), (2, 2)] and not one.failed
    assert lacking(set(SMALL)) == []
    stamps = {path: path.stat().st_mtime_ns for path in empty.rglob("*.nbi")}
    assert {path.name.partition(".")[0] for path in stamps} == set(SMALL)
    command = [sys.executable, "-c", "import tasks.kernels.utf8, tasks.kernels.witnesses"]
    subprocess.run(command, cwd=ROOT, check=True)
    assert {path: path.stat().st_mtime_ns for path in empty.rglob("*.nbi")} == stamps
    again, told = made(2)
    again.want(SMALL)
    again.wait(SMALL)
    assert told == []


def test_what_is_wanted_later_counts_and_what_is_wanted_first_is_next(empty, monkeypatch):
    order, gate = [], threading.Event()

    def asked(process, name):
        gate.wait(10)
        order.append(name)
        return ""

    monkeypatch.setattr(ahead, "_asked", asked)
    one, told = made(1)
    one.want({"utf8"})
    time.sleep(0.2)  # it is at work
    one.want({"margins"})
    one.want({"witnesses"}, first=True)
    gate.set()
    one.wait({"margins"})
    one.close()
    assert order[:2] == ["utf8", "witnesses"] and order[-1] == "margins"
    assert told[-1] == (len(order), len(order))


def test_a_process_that_dies_is_told_of_and_the_rest_goes_on(empty, monkeypatch):
    asked = ahead._asked

    def killed(process, name):
        if name == "utf8":
            process.kill()
        return asked(process, name)

    monkeypatch.setattr(ahead, "_asked", killed)
    one, told = made(1)
    one.want(SMALL)
    one.wait(SMALL)
    one.close()
    assert one.failed == {"utf8": "its process ended with -9"} and told[-1] == (2, 2)
    assert mark("witnesses").exists() and not mark("utf8").exists()


def test_a_module_that_does_not_compile_says_why(empty, monkeypatch):
    process = subprocess.Popen([sys.executable, "-m", "tasks.kernels.ahead", str(os.getpid())],
                               cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
    out, _ = process.communicate("kernel\ntags_of_nobody\n")
    assert out.splitlines()[0] == "compiled" and "tags_of_nobody" in out.splitlines()[1]


def test_close_ends_what_waits_and_what_works(empty):
    one, _ = made(1)
    one.want({"blocks"})
    waiting = threading.Thread(target=one.wait, args=({"blocks"},))
    waiting.start()
    while not one._processes:
        time.sleep(0.01)
    (process,) = one._processes
    one.close()
    waiting.join(10)
    assert not waiting.is_alive() and process.wait(10) == -9
    assert not list(empty.rglob("blocks*.nbi")) and not mark("blocks").exists()


def test_the_mark_follows_place_and_time_of_the_file(empty, tmp_path, monkeypatch):
    here = mark("utf8")
    copy = tmp_path / "kernels"
    copy.mkdir()
    (copy / "utf8.py").write_bytes((Path(tasks.kernels.__path__[0]) / "utf8.py").read_bytes())
    monkeypatch.setattr(ahead, "package_path", [str(copy)])
    there = mark("utf8")
    os.utime(copy / "utf8.py", ns=(1, 1))
    assert len({here, there, mark("utf8")}) == 3
