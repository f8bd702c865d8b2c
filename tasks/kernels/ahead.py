"""Kernels compiled before a stage needs them: module beside module, each in a process, with word of how far it is.

A signature makes numba compile a kernel when its module is imported, under one lock a process, so only processes
compile side by side. A module comes after those of ours that it imports, whose kernels it then finds in the cache. What
is compiled is marked by an empty file beside the cache (`marks`), named by all that numba would compile anew for: the
versions, the processor, and the module's place, size and time; a missing mark costs a reading of the cache, no more.

    python -m tasks.kernels.ahead       # a process of those: names come on stdin, one a line, answers go to stdout
"""

import ast
import ctypes
import hashlib
import importlib
import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from tasks.kernels import __path__ as package_path
from tasks.kernels.cache import sources

SHAPES_NO_BYTES = True
PACKAGE = "tasks.kernels"
COMPILES = re.compile(r"^@(kernel|njit)\(", re.MULTILINE)  # a module without such a line is imported in no time
LIBRARIES = ("llvmlite", "numba", "numpy")
PROCESSOR = ("model name", "cpu family", "model", "flags", "Features", "CPU implementer", "CPU part")
IDLE = 30.0  # seconds without work after which a process ends: a run may ask stage by stage
PR_SET_PDEATHSIG = 1

Told = Callable[[int, int, float], None]  # modules compiled, of those wanted, seconds since the first was


class Ahead:
    """Compiles in at most `workers` processes what is wanted; safe to call from several threads.

    `told` is called in threads of ours: with (0, modules, 0) as compiling begins, and after each module.
    """

    def __init__(self, workers: int, told: Told):
        self.workers, self.told = max(1, workers), told
        self.failed: dict[str, str] = {}  # what a module that could not be compiled ahead said
        self._changed = threading.Condition()
        self._wanted: dict[str, None] = {}  # lacking, in the order of their turn
        self._at_work: set[str] = set()
        self._done: set[str] = set()
        self._of = 0  # modules that were ever wanted
        self._began = 0.0
        self._threads = 0
        self._processes: set[subprocess.Popen[str]] = set()
        self._closed = False

    def want(self, names: Iterable[str], first: bool = False) -> None:
        """Have modules compiled that lack it, with what they import; `first`: before what was wanted earlier."""
        with self._changed:
            theirs = [name for name in lacking(set(names)) if name not in self._at_work | self._done]
            fresh = [name for name in theirs if name not in self._wanted]
            if self._closed or not theirs:
                return
            idle = not (self._wanted or self._at_work)
            self._wanted = dict.fromkeys([*theirs, *self._wanted] if first else [*self._wanted, *theirs])
            if not self._of:
                self._began = time.monotonic()
            self._of += len(fresh)
            if fresh and idle:
                self.told(len(self._done), self._of, time.monotonic() - self._began)
            while self._threads < min(self.workers, len(self._wanted) + len(self._at_work)):
                self._threads += 1
                threading.Thread(target=self._work, name="kernels", daemon=True).start()
            self._changed.notify_all()

    def wait(self, names: Iterable[str]) -> None:
        """Until those of the modules that are wanted are compiled, or `close` is called."""
        mine = closure(set(names))
        with self._changed:
            while not self._closed and mine & (self._wanted.keys() | self._at_work):
                self._changed.wait()

    def close(self) -> None:
        """End what is at work; nothing half done is kept."""
        with self._changed:
            self._closed = True
            for process in self._processes:
                process.kill()
            self._changed.notify_all()

    def _work(self) -> None:
        """One thread with its process: what can be compiled next, until nothing comes for a while."""
        process: subprocess.Popen[str] | None = None
        try:
            while (name := self._next()) is not None:
                process = process if process is not None and process.poll() is None else self._start()
                said = _asked(process, name)
                with self._changed:
                    self._at_work.discard(name)
                    self._done.add(name)
                    if said and not self._closed:
                        self.failed[name] = said
                    if not self._closed:
                        self.told(len(self._done), self._of, time.monotonic() - self._began)
                    self._changed.notify_all()
        finally:
            with self._changed:
                self._threads -= 1
                if process is not None:
                    self._processes.discard(process)
            if process is not None:
                assert process.stdin is not None and process.stdout is not None
                process.kill() if self._closed else process.stdin.close()
                process.wait()
                process.stdout.close()

    def _next(self) -> str | None:
        """A module all of whose imports are compiled; None when there was nothing to do for a while."""
        with self._changed:
            while True:
                if self._closed:
                    return None
                undone = self._wanted.keys() | self._at_work
                for name in self._wanted:
                    if not (closure({name}) - {name}) & undone:
                        del self._wanted[name]
                        self._at_work.add(name)
                        return name
                if not self._changed.wait(IDLE) and not self._wanted:
                    return None

    def _start(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", f"{PACKAGE}.ahead", str(os.getpid())]
        path = os.pathsep.join(dict.fromkeys(str(Path(entry).resolve()) for entry in sys.path if Path(entry).exists()))
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": path},
        )
        with self._changed:
            self._processes.add(process)
            if self._closed:
                process.kill()
        return process


def _asked(process: "subprocess.Popen[str]", name: str) -> str:
    """Have it compile a module: "" or what went wrong."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(f"{name}\n")
        process.stdin.flush()
        said = process.stdout.readline()
    except OSError:
        said = ""
    if not said:
        return f"its process ended with {process.wait()}"
    return said.strip().removeprefix("compiled")


@cache
def graph() -> dict[str, frozenset[str]]:
    """Of each module those of the package that it imports anywhere in its text."""
    texts = {name.removesuffix(".py"): text for name, text in sources(PACKAGE).items()}
    found = {}
    for name, text in texts.items():
        named: set[str] = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{PACKAGE}."):
                named.add(node.module.removeprefix(f"{PACKAGE}."))
        found[name] = frozenset(named & texts.keys())
    return found


def closure(names: set[str]) -> set[str]:
    """The modules and all that they import, directly or not; unknown names are left out."""
    seen: set[str] = set()
    waiting = [name for name in names if name in graph()]
    while waiting:
        if (name := waiting.pop()) not in seen:
            seen.add(name)
            waiting += graph()[name]
    return seen


def lacking(names: set[str]) -> list[str]:
    """Those of the modules and of what they import that are to be compiled, in the order of their turn.

    First what most others wait for, then the largest: what takes long is not to be the last.
    """
    compiled = [name for name in closure(names) if _size(name) and not mark(name).exists()]
    return sorted(compiled, key=lambda name: (-len(_readers(name)), -_size(name), name))


@cache
def _readers(name: str) -> frozenset[str]:
    return frozenset(other for other in graph() if other != name and name in closure({other}))


@cache
def _size(name: str) -> int:
    """Characters of a module that has kernels; 0 for others."""
    text = sources(PACKAGE)[f"{name}.py"].decode()
    return len(text) if COMPILES.search(text) else 0


def mark(name: str) -> Path:
    """The file that says that a module's kernels are in the cache."""
    file = Path(next(iter(package_path))) / f"{name}.py"
    stamp = file.stat()
    about = f"{_machine()} {file} {stamp.st_mtime_ns} {stamp.st_size}"
    return Path(os.environ["NUMBA_CACHE_DIR"]) / "marks" / f"{name}-{hashlib.sha256(about.encode()).hexdigest()[:16]}"


@cache
def _machine() -> str:
    """Versions and processor: for others numba compiles anew."""
    try:
        block = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        block = ""
    lines = [line for line in block.splitlines() if line.split("\t")[0].strip() in PROCESSOR]
    versions = [importlib.metadata.version(library) for library in LIBRARIES]
    return " ".join([sys.version, *versions, *lines])


def main(parent: int) -> None:
    """Compile what is named on stdin; answer `compiled`, or what went wrong in one line."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # the thread that made us lives as long as we do
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to the whole group: whoever asked ends us
        signal.signal(number, signal.SIG_IGN)
    if os.getppid() != parent:
        return
    for line in sys.stdin:
        name = line.strip()
        try:
            place = mark(name)
            importlib.import_module(f"{PACKAGE}.{name}")
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.touch()
            print("compiled", flush=True)
        except Exception as error:  # noqa: BLE001 - whatever it is: the stage meets it itself, and says so
            print(f"{type(error).__name__}: {' '.join(str(error).split())}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
