"""`millrace` as a process: the real one, and one whose DAG is the toy of flows_toy.py."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TOY = """\
store: ./store
seed: 1
sources:
  web:   {kind: text, files: "web/*.txt"}
  books: {kind: text, files: "books/*.txt"}
quality: {good: [books], raw: [web], keep: {pareto: 9}}
"""


class Cli:
    """Runs `millrace` in a folder that holds toy.yaml."""

    def __init__(self, folder: Path, home: Path, program: list[str]):
        self.folder, self.home, self.program = folder, home, program
        self.started: list[subprocess.Popen[str]] = []

    def environment(self, **more: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "TOY_"))}
        # Runs in tests are found by this variable when it is asked whether one left a process behind.
        path = f"{ROOT}{os.pathsep}{HERE}"
        return {**kept, "PYTHONPATH": path, "MILLRACE_HOME": str(self.home), "MILLRACE_TEST": str(self.folder), **more}

    def start(self, *arguments: object, out: IO[str] | None = None, **more: str) -> subprocess.Popen[str]:
        """`out`: a file for all that it says, else two pipes."""
        process = subprocess.Popen(
            [sys.executable, *self.program, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment(**more),
            stdout=out or subprocess.PIPE,
            stderr=out or subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # CI may have it ignored
        )
        self.started.append(process)
        return process

    def __call__(self, *arguments: object, timeout: float = 120, **more: str) -> "Answer":
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=timeout)
        return Answer(process.returncode, out, err)

    def left_behind(self) -> list[str]:
        """Command lines of processes that a run of this folder left."""
        mark = f"MILLRACE_TEST={self.folder}".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                environment, state = (process / "environ").read_bytes(), (process / "stat").read_text()
                if mark in environment.split(b"\0") and state.rpartition(")")[2].split()[0] != "Z":
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue  # it ended as we looked
        return found


class Answer:
    """What a command said."""

    def __init__(self, status: int, out: str, err: str):
        self.status, self.out, self.err = status, out, err

    def __repr__(self) -> str:
        return f"exit {self.status}\n{self.out}\n{self.err}"


def wait_for(happened: Callable[[], object], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.05)
