"""The page while a run is going: written by the reporter that stands before the watcher, with toys for stages."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import flows_toy
import pytest

from flows import live as live_of
from flows.live import Live, page_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure
from tasks.runtime.job import Silent
from tasks.runtime.run import Run

ROOT = Path(__file__).parents[2]


class Watcher(Silent):
    def __init__(self) -> None:
        self.told: list[str] = []

    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
        self.told.append(f"{artifact.stage} {artifact.name} {cached}")

    def log(self, text: str) -> None:
        self.told.append(text)


def run_toys(store: Path, watcher: Watcher, sources: tuple[str, ...] = ("a", "b"), wait_for: str = "") -> list[str]:
    """The toy DAG; what the page said when the stages were all asked for and `wait_for` stood in it."""
    live, seen = Live(watcher), []
    run = Run(store, LocalEngine(1), live, side_by_side=2)
    try:
        with live.of(run, "toys"):
            for source in sources:
                documents = run(flows_toy.ingest, source, source=source)
                run(flows_toy.keep, source, documents=documents, pareto=9.0)
            end = time.monotonic() + 60
            page = store / page_of("toys")
            while wait_for and time.monotonic() < end and (not page.exists() or wait_for not in page.read_text()):
                time.sleep(0.05)
            if wait_for:
                seen.append(page.read_text())
            run.wait()
    finally:
        run.close()
    return seen


def test_it_shows_what_is_there_at_work_and_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_SLEEP", "0.4")
    monkeypatch.setattr(live_of, "EVERY", 0.05)
    watcher = Watcher()
    (page,) = run_toys(tmp_path, watcher, wait_for="of 6</td>")
    assert "A run that is going" in page and '<meta http-equiv="refresh" content="10">' in page
    assert "of 4 stages are there" in page and "As of 20" in page and "killed then" in page
    assert '<td>ingest</td><td class="l">a</td>' in page and "<script" not in page
    assert '<rect class="box running"' in page and '<rect class="box todo"' in page
    assert sorted(watcher.told) == ["ingest a False", "ingest b False", "keep a False", "keep b False"]


def test_what_the_decisions_left_is_shown_as_far_as_it_is_known(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(live_of, "EVERY", 0.05)
    run_toys(tmp_path, Watcher(), ("a",))
    monkeypatch.setenv("TOY_SLEEP", "0.3")
    (page,) = run_toys(tmp_path, Watcher(), ("a", "b"), wait_for="as far as it is known")
    assert "2 of them from earlier runs" in page
    assert "<td>24</td>" in page and "<td>12</td>" in page  # of a: documents met, and kept
    assert '<section id="funnel">' in page and "<h3>b" not in page


def test_a_run_of_which_all_is_there_writes_nothing(tmp_path: Path) -> None:
    run_toys(tmp_path, Watcher())
    page = tmp_path / page_of("toys")
    page.write_text("the report")
    run_toys(tmp_path, watcher := Watcher())
    assert page.read_text() == "the report" and all(told.endswith("True") for told in watcher.told)


def test_what_stopped_it_is_on_the_page(tmp_path: Path) -> None:
    live = Live(Watcher())
    run = Run(tmp_path, LocalEngine(1), live)
    with pytest.raises(Failure), live.of(run, "toys"):
        run(flows_toy.ingest, "a", source="a")
        live.started(run.artifacts[0])
        raise Failure("no <b>disk</b> \x1b[31m\u202e")
    page = (tmp_path / page_of("toys")).read_text()
    assert "A run that was stopped" in page and "refresh" not in page
    assert "no &lt;b&gt;disk&lt;/b&gt; \\x1b[31m\\u202e" in page


def test_a_page_that_cannot_be_written_stops_no_run(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "reports").write_text("a file where the folder would be")
    monkeypatch.setattr(live_of, "EVERY", 0.01)
    monkeypatch.setenv("TOY_SLEEP", "0.02")
    run_toys(tmp_path, watcher := Watcher())
    said = [told for told in watcher.told if "page" in told]
    assert len(said) == 1 and "could not be written" in said[0] and "the run goes on" in said[0]
    assert sum("False" in told for told in watcher.told) == 4


def test_the_page_of_a_killed_run_says_since_when(tmp_path: Path) -> None:
    conf = tmp_path / "toy.yaml"
    conf.write_text(
        f"title: toys\nstore: {tmp_path / 'store'}\nsources:\n  a: {{kind: text, files: x/*.txt}}\n"
        f"mixture: {{a: 1}}\nmodels: {{}}\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests/flows'}", "TOY_SLEEP": "1"}
    command = [sys.executable, str(ROOT / "tests/flows/flows_drive.py"), "run", str(conf), "--workers", "2"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    page = tmp_path / "store/reports/toys.html"
    end = time.monotonic() + 120
    while not page.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    out, _ = process.communicate()
    assert page.exists(), out
    text = page.read_text()
    assert "A run that is going" in text and "where that time is further back, the run was killed then" in text
