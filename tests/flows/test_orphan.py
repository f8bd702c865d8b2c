"""A run whose worker is killed: it gets a SIGTERM, has the time that its work takes, and then not much more."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from commands import ROOT, wait_for

RUN = """\
import pathlib, signal, sys, time
from flows import orphan

folder = pathlib.Path(sys.argv[1])
orphan.LOOK, orphan.REPORT = 0.05, 0.2

def asked(*_):
    (folder / "asked").touch()

signal.signal(signal.SIGTERM, asked)  # as one that writes a checkpoint, and does not end by itself
orphan.end_with_worker()
orphan.end_with_worker()
(folder / "up").touch()
while not (folder / "over").exists():
    time.sleep(0.02)
orphan.work_is_over()
time.sleep(600)
"""
WORKER = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"


def started(folder: Path, **environment: str) -> tuple[subprocess.Popen[bytes], int]:
    """A worker with a run; the run's process."""
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, RUN, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    wait_for((folder / "up").exists, 30)
    run = int(Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text())
    return worker, run


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_run_ends_with_its_worker(tmp_path: Path) -> None:
    worker, run = started(tmp_path, PREFECT__FLOW_RUN_ID="some")
    worker.kill()
    worker.wait()
    wait_for((tmp_path / "asked").exists, 30)
    assert alive(run), "its work takes as long as it takes"
    (tmp_path / "over").touch()
    wait_for(lambda: not alive(run), 30)


def test_a_run_of_the_command_line_belongs_to_no_worker(tmp_path: Path) -> None:
    """`millrace run` from a shell that is closed goes on."""
    worker, run = started(tmp_path)
    try:
        worker.kill()
        worker.wait()
        (tmp_path / "over").touch()
        time.sleep(1)  # twenty looks of a watch, if there were one
        assert alive(run) and not (tmp_path / "asked").exists()
    finally:
        os.kill(run, signal.SIGKILL)
