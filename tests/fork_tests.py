"""Runs of tests in one tree, each a fork of this process, which has imported the libraries already.

    python fork_tests.py TREE [tasks/kernels]   # packages of ours to import also: those that have no fault

Asked on standard input, a line each, {"tests": [...], "seconds": 60, "trace": ""}, it answers with pytest's exit
status, or null where it took longer. Else nothing of Millrace is imported before the fork: what is tested is the tree's
as it stands then; a run that got a module of ours from elsewhere answers 99.
With `trace`, a folder, each process of the run writes what lines of the tree it went through in which test
(`tree/sitecustomize.py` is this file), and `seconds.json` says what each test took.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any

SKIPPED = "not long and not slow and not spark and not real and not browser and not served"
LIBRARIES = (
    "numpy", "pyarrow.parquet", "pyarrow.compute", "pyarrow.dataset", "numba", "scipy.sparse", "scipy.optimize",
    "scipy.stats", "sklearn.linear_model", "torch", "torch.distributed.checkpoint", "safetensors.torch", "tokenizers",
    "hypothesis.strategies", "hypothesis.extra.numpy", "pytest", "yaml", "pydantic", "transformers",
)  # fmt: skip
OURS = ("conf", "flows", "model", "tasks")
ELSEWHERE = 99  # no status of pytest's


class Trace:
    """Lines of our rooms as they are first gone through in a test, written at once: a worker may be killed."""

    def __init__(self, tree: str, folder: str, test: str):
        self.test, self.seen = test, set[tuple[str, int]]()
        self.within = tuple(f"{tree}/{room}/" for room in OURS)
        self.skip = len(tree) + 1
        self.file = os.open(f"{folder}/{os.getpid()}-{time.monotonic_ns()}", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
        threading.settrace(self.called)
        sys.settrace(self.called)

    def turn(self, test: str) -> None:
        self.test = test
        self.seen.clear()

    def called(self, frame: types.FrameType, event: str, argument: Any) -> Any:
        return self.line if frame.f_code.co_filename.startswith(self.within) else None

    def line(self, frame: types.FrameType, event: str, argument: Any) -> Any:
        place = frame.f_code.co_filename, frame.f_lineno
        if event == "line" and place not in self.seen and self.test:
            self.seen.add(place)
            os.write(self.file, f"{place[0][self.skip :]}\t{place[1]}\t{self.test}\n".encode())
        return self.line


class Told:
    """A plugin of pytest: which test is at work, and what each took."""

    def __init__(self, trace: Trace):
        self.trace, self.seconds = trace, dict[str, float]()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.trace.turn(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration


def within(tree: str, tests: list[str], folder: str) -> int:
    """pytest in this process, a fork."""
    import pytest

    os.setsid()
    os.chdir(tree)
    nothing, log = os.open(os.devnull, os.O_RDONLY), os.open(f"{tree}.log", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    for file, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(file, number)
    sys.modules["__main__"] = types.ModuleType("__main__")  # else a spawned worker would import this file
    sys.path[0] = tree
    arguments = ["-x", "-q", "-p", "no:cacheprovider", "-m", SKIPPED, "--hypothesis-seed=0", *tests]
    plugins = []
    if folder:
        os.environ["TRACED_INTO"] = folder
        plugins.append(Told(Trace(tree, folder, "")))
    status = int(pytest.main(arguments, plugins=plugins))
    sys.settrace(None)
    for plugin in plugins:
        Path(folder, "seconds.json").write_text(json.dumps(plugin.seconds))
    for name, module in sys.modules.items():
        file = getattr(module, "__file__", None)
        if name.partition(".")[0] in OURS and file and not file.startswith(f"{tree}/"):
            print(f"{name} comes from {file}")
            return ELSEWHERE
    return status


def forked(tree: str, asked: dict[str, Any]) -> int | None:
    if not (child := os.fork()):
        status = 1
        try:
            status = within(tree, asked["tests"], asked["trace"])
        finally:
            sys.stdout.flush()
            os._exit(status)
    end, status = time.monotonic() + asked["seconds"], None
    while status is None and time.monotonic() < end:
        done, how = os.waitpid(child, os.WNOHANG)
        status = (os.waitstatus_to_exitcode(how) if done else None) if done else None
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # also what an ended run left behind
    if status is None:
        os.waitpid(child, 0)
    return status


def main() -> None:
    tree = sys.argv[1]
    for name in LIBRARIES:
        importlib.import_module(name)
    sys.path[0] = tree
    for package in sys.argv[2:]:
        for path in sorted(Path(tree, package).glob("[!_]*.py")):
            importlib.import_module(f"{package.replace('/', '.')}.{path.stem}")
    for line in sys.stdin:
        print(json.dumps(forked(tree, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
elif __name__ == "sitecustomize" and os.environ.get("TRACED_INTO"):  # a process that a test started
    Trace(
        str(Path(__file__).parent),
        os.environ["TRACED_INTO"],
        os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0],
    )
