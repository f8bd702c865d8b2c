"""A run's kernels are compiled before its stages begin, told of on the terminal, and never told of twice."""

import io
import os
import threading
from pathlib import Path

import pytest
from rich.console import Console

from flows.terminal import Bars, Watcher
from tasks.quality.pii import pii
from tasks.runtime import compiling
from tasks.runtime.compiling import Compiling
from tasks.runtime.errors import Failure
from tasks.runtime.fingerprint import kernels_of
from tasks.runtime.job import Silent
from tasks.sources.ingest import ingest

WARC = {"kind": "warc"}


class Ear(Silent):
    def __init__(self):
        self.heard, self.logged = [], []

    def compiling(self, done, total, seconds):
        self.heard.append((done, total))

    def log(self, text):
        self.logged.append(text)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """An empty cache, and two stages whose kernels are small."""
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / Path(os.environ["NUMBA_CACHE_DIR"]).name))
    those = {pii.function.__module__: frozenset({"utf8"}), ingest.function.__module__: frozenset({"witnesses"})}
    monkeypatch.setattr(compiling, "kernels_of", those.__getitem__)


def test_a_stage_names_its_kernels_however_deep_they_are():
    assert kernels_of(ingest.function.__module__) >= {"markup", "blocks", "clean", "language"}
    assert "pii" in kernels_of(pii.function.__module__) and "blocks" not in kernels_of(pii.function.__module__)
    assert (
        not ingest.idle(WARC) and kernels_of(ingest.function.__module__) > set(ingest.idle({"kind": "jsonl"})) > set()
    )


def test_a_stage_waits_for_its_own_and_the_rest_is_compiled_too(small):
    ear = Ear()
    one = Compiling(ear, 2)
    one.ready([(pii, {})], [(ingest, WARC)])
    one.ready([(ingest, WARC)], [])
    assert ear.heard[0] == (0, 1) and ear.heard[-1] == (2, 2)
    again = Compiling(other := Ear(), 2)
    again.ready([(pii, {})], [(ingest, WARC)])
    assert other.heard == [] == ear.logged
    one.close()
    again.close()


def test_a_run_that_is_given_up_does_not_wait(small):
    one = Compiling(Ear(), 1)
    one.close()
    with pytest.raises(Failure, match="was ended while its kernels were compiled"):
        one.ready([(pii, {})], [])


def test_what_cannot_be_compiled_beforehand_is_told_once(small, monkeypatch):
    from tasks.kernels import ahead

    monkeypatch.setattr(ahead, "_asked", lambda process, name: "no room")
    one = Compiling(ear := Ear(), 1)
    one.ready([(pii, {})], [])
    one.ready([(pii, {})], [])
    one.close()
    assert ear.logged == ["kernels of utf8 could not be compiled beforehand (no room): stages do it themselves"]


def test_where_nothing_can_be_kept_each_process_compiles_for_itself(small, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/tmp/millrace-kernels-abc/numba-1")
    one = Compiling(ear := Ear(), 1)
    one.ready([(pii, {})], [])
    assert ear.heard == [] and threading.active_count() < 50


def test_lines_and_a_bar_on_the_terminal():
    plain = io.StringIO()
    watcher = Watcher(Console(file=plain, width=200), 2)
    for done in range(4):
        watcher.compiling(done, 3, 1.25 * done)
    lines = [line.strip() for line in plain.getvalue().splitlines()]
    assert lines == [
        "compiling kernels, once on this machine: 3 modules; a stage waits for its own",
        "kernels compiled: 3 modules, 3.8 s",
    ]
    shown = io.StringIO()
    with Bars(Console(file=shown, width=120, force_terminal=True), 2) as bars:
        bars.compiling(0, 2, 0.0)
        bars.compiling(1, 2, 3.0)
        bars.bars.refresh()
        assert (
            "compiling kernels" in shown.getvalue() and "1/2" in shown.getvalue() and "3 s so far" in shown.getvalue()
        )
        bars.compiling(2, 2, 5.0)
        assert bars.bars.tasks == []
