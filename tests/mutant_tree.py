"""A copy of the working tree in which one fault at a time is tried, and which tests are asked about it.

Each test is traced once without a fault; so a fault is first shown to those that go through its statement.
"""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from equivalent_faults import EQUIVALENT
from fork_tests import ELSEWHERE, OURS
from single_faults import ROOT, Fault, changed, is_python

from tasks.kernels import cache

# The rooms whose faults tests must notice, and where their tests stand.
ROOMS = {
    "tasks/kernels": "tests/kernels",
    "tasks/dedup": "tests/dedup",
    "tasks/decontaminate": "tests/decontaminate",
    "tasks/quality": "tests/quality",
    "tasks/runtime": "tests/runtime",
    "model": "tests/model",
}
MORE = {"tasks/sources": "tests/sources", "tasks/report": "tests/report"}  # of named faults
ALSO = {  # what another room tests
    "tasks/quality/remaining.py": "tests/retraction/test_learned_from.py",
    "tasks/kernels/language.py": "tests/sources/texts/test_language.py",
}
PATIENCE = 3.0  # times as long as the tests take without a fault, and
LEAST_SECONDS = 60.0  # more: a fault may make kernels compile anew, and neighbours may be at work
DECLARED = ["tests/test_sections.py", "tests/test_declarations.py"]  # what stages of all rooms declare
KERNELS = "tasks/kernels"
OF_THIS = (
    "mutants.py", "mutant_tree.py", "single_faults.py", "named_faults.py", "equivalent_faults.py", "fork_tests.py",
)  # no test imports them  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What became of a fault: killed, survived, or no test ran."""

    fault: Fault
    outcome: str
    change: str
    seconds: float
    by: str = ""  # the test that failed


def copied(to: Path) -> None:
    """The tracked files and those that git does not ignore, without .git; one that is there is left as it is."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in names:
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            if not (to / name).is_file() or (to / name).read_bytes() != (ROOT / name).read_bytes():
                shutil.copyfile(ROOT / name, to / name)
    for path in to.rglob("*.py"):
        if path.relative_to(to).as_posix() not in names:
            path.unlink()


def imports(content: bytes) -> list[str]:
    return [line for line in content.decode().splitlines() if line.startswith(("from tasks", "import tasks"))]


def around(text: str, line: int) -> tuple[set[int], set[int]]:
    """Lines of the innermost statement that holds a line, and of its function (none outside of one)."""
    statement, function, nodes = range(line, line + 1), range(0), [cast("ast.AST", ast.parse(text))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0):
            body = getattr(node, "body", None)
            inner = body[0].lineno if body else (node.end_lineno or 0) + 1
            statement = range(node.lineno, max(inner, node.lineno + 1))
            if isinstance(node, ast.FunctionDef) and line >= inner:
                function = range(inner, (node.end_lineno or 0) + 1)
        nodes = [*ast.iter_child_nodes(node), *nodes]  # outer before inner, as they stand
    return set(statement), set(function)


class Tree:
    """A copy of ours, in which one fault at a time is tried."""

    def __init__(self, folder: Path, with_kernels: bool, near_alone: bool):
        """`with_kernels`: faults are in kernels too, so that each run imports them anew. `near_alone`: only the test
        files that bear a file's name or import it are asked."""
        self.folder, self.near_alone = folder, near_alone
        copied(folder)
        shutil.copyfile(ROOT / "tests" / "fork_tests.py", folder / "sitecustomize.py")
        self.kernels = folder.with_name(f"{folder.name}-cache")  # compiled ones
        self.kernels.mkdir(mode=0o700, exist_ok=True)
        self.runner = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "fork_tests.py"), str(folder), *([] if with_kernels else [KERNELS])],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(folder), "MILLRACE_CACHE": str(self.kernels)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.seconds: dict[str, float] = {}  # of each test, without a fault
        self.through: dict[str, dict[int, set[str]]] = {}  # file -> line -> tests that go through it
        self.rooms: set[str] = set()
        self.number = 0

    def close(self) -> None:
        assert self.runner.stdin
        self.runner.stdin.close()
        self.runner.wait()

    def ran(self, tests: list[str], seconds: float, trace: str = "") -> int | None:
        """pytest's exit status; None if it took longer."""
        assert self.runner.stdin and self.runner.stdout
        self.runner.stdin.write(json.dumps({"tests": tests, "seconds": seconds, "trace": trace}) + "\n")
        self.runner.stdin.flush()
        status: int | None = json.loads(self.runner.stdout.readline())
        if status == ELSEWHERE or (status == 4 and "not found" in self.log()):
            raise SystemExit(f"these tests do not run as they should:\n{self.log()[-2000:]}")
        return status

    def learned(self, tests: str) -> None:
        """Once a folder or file of tests: what each takes, and what lines it goes through. SystemExit if one fails.

        What was learned of a test file stands beside the tree, and serves while neither it nor the code changes.
        """
        if tests in self.rooms:
            return
        self.rooms.add(tests)
        kept = Path(f"{self.folder}-learned.json")
        known = json.loads(kept.read_text()) if kept.exists() else {}
        code = [
            path
            for top in (*OURS, "tests")
            for path in sorted((self.folder / top).rglob("*.py"))
            if not path.name.startswith("test_") and path.name not in OF_THIS
        ]
        common = hashlib.sha256(b"".join(path.read_bytes() for path in code)).hexdigest()
        top = self.folder / tests
        paths = {
            path.relative_to(self.folder).as_posix(): path
            for path in ([top] if top.is_file() else top.rglob("test_*.py"))
        }
        marks = {name: f"{common} {hashlib.sha256(path.read_bytes()).hexdigest()}" for name, path in paths.items()}
        if new := sorted(name for name, mark in marks.items() if known.get(name, {}).get("mark") != mark):
            known |= {name: {"mark": marks[name], "seconds": {}, "through": []} for name in new}
            with tempfile.TemporaryDirectory() as trace:
                for folder in ("", trace):  # the first compiles kernels, and shows that the tests pass untraced
                    if (status := self.ran(new, 1800, folder)) not in (0, 5):
                        raise SystemExit(
                            f"{new} fail without a fault ({status}): mend them first\n{self.log()[-3000:]}"
                        )
                for test, took in json.loads(Path(trace, "seconds.json").read_text()).items():
                    known[test.partition("::")[0]]["seconds"][test] = took
                for part in Path(trace).glob("*-*"):
                    for file, line, test in (row.split("\t") for row in part.read_text().splitlines()):
                        known[test.partition("::")[0]]["through"].append([file, int(line), test])
            kept.write_text(json.dumps(known))
        for name in paths:
            self.seconds |= known[name]["seconds"]
            for file, line, test in known[name]["through"]:
                self.through.setdefault(file, {}).setdefault(line, set()).add(test)

    def near(self, file: str, room: str) -> set[str]:
        """The test files that bear a file's name or import it."""
        stem = Path(file).stem
        package, name = re.escape(Path(file).parent.as_posix().replace("/", ".")), re.escape(stem)
        imported = re.compile(rf"^(from|import) {package}(\.{name}\b| import .*\b{name}\b)", re.MULTILINE)
        paths = sorted((self.folder / room).rglob("test_*.py"))
        return {
            path.relative_to(self.folder).as_posix()
            for path in paths
            if stem in path.stem or imported.search(path.read_text(encoding="utf-8"))
        }

    def rounds(self, file: str, line: int) -> Iterator[list[str]]:
        """The tests that are to notice, the quickest of each round first: of the test files that bear the file's name
        or import it those that go through the statement (else its function), then of the room, then all others of
        these files; outside of functions, of all files that use this one, and what is said of all declarations.

        Compiled code is not traced: for a kernel the test files of its name, then the room.
        """
        room = next(tests for room, tests in (ROOMS | MORE).items() if file.startswith(f"{room}/"))
        near = self.near(file, room) | ({ALSO[file]} if file in ALSO else set())
        statement, function = around((self.folder / file).read_text(encoding="utf-8"), line)
        asked: set[str] = set()
        far = near if self.near_alone and near else {*near, room}
        for wheres, all_of_them in ((near, False), (far, False), (far, True)):
            for where in sorted(wheres):
                self.learned(where)
            if file.startswith(KERNELS):
                tests = {test for test in self.seconds if test.startswith(tuple(wheres))}
            else:
                lines = self.through.get(file, {})
                through = [set().union(*(lines.get(n, set()) for n in those)) for those in (statement, function)]
                tests = (through[0] or through[1]) if function else set()
                if all_of_them:  # also what a fixture of the file, or one for all files, did in another test's turn
                    every = asked if function else {test for those in lines.values() for test in those}
                    users = {test.partition("::")[0] for test in every} | (set() if function else near)
                    tests = {test for test in self.seconds if test.partition("::")[0] in users}
            if tests - asked:
                yield sorted(tests - asked, key=lambda test: (self.seconds[test], test))
            asked |= tests
        if not function and "@stage(" in (self.folder / file).read_text(encoding="utf-8"):
            yield DECLARED

    def allowed(self, tests: list[str]) -> float:
        """Seconds for tests with a fault."""
        return LEAST_SECONDS + PATIENCE * sum(self.seconds.get(test, 60.0) for test in tests)

    def log(self) -> str:
        return Path(f"{self.folder}.log").read_text(encoding="utf-8", errors="replace")

    def compiled_but(self, file: str, wrong: str) -> Path:
        """Kernels compiled already, for the hash that all sources with the fault have; those it reaches are left out.

        Else each fault would cost a minute of compiling every kernel there is.
        """
        sources = {path.name: path.read_bytes() for path in (self.folder / KERNELS).glob("*.py")}
        faulty = sources | {Path(file).name: wrong.encode()}
        caches = [cache.fingerprint(dict(sorted(one.items()))) for one in (sources, faulty)]
        before, after = (self.kernels / f"numba-{mark}" for mark in caches)
        reached = {Path(file).stem}
        while (
            more := {
                Path(name).stem
                for name, content in sources.items()
                if any(re.search(rf"\b{stem}\b", line) for line in imports(content) for stem in reached)
            }
            - reached
        ):
            reached |= more
        shutil.rmtree(after, ignore_errors=True)
        shutil.copytree(before, after, ignore=shutil.ignore_patterns(*(f"{stem}.*" for stem in reached)))
        return after

    def tried(self, fault: Fault) -> Told:
        path, start = self.folder / fault.file, time.monotonic()
        text = path.read_text(encoding="utf-8")
        wrong = changed(text, fault)
        lines = [line.strip() for line in text.splitlines()]
        place = next((n for n, line in enumerate((wrong or "").splitlines()) if lines[n : n + 1] != [line.strip()]), 0)
        change = f"{lines[place]}  ->  {(wrong or '').splitlines()[place].strip() if wrong else ''}"
        if wrong is None or wrong == text or not is_python(wrong):
            return Told(fault, "no fault", change, 0.0)
        if (fault.file, lines[place - 1], change) in {one[:3] for one in EQUIVALENT}:
            return Told(fault, "equivalent", change, 0.0)
        stamp = path.stat()
        compiled: Path | None = None
        self.number += 1
        statuses: list[int | None] = []
        try:
            for tests in self.rounds(fault.file, fault.line):  # which learns as it goes, without the fault
                if fault.file.startswith(KERNELS) and compiled is None:
                    compiled = self.compiled_but(fault.file, wrong)
                path.write_text(wrong, encoding="utf-8")
                os.utime(path, (stamp.st_atime, stamp.st_mtime + self.number))  # a .pyc goes by the whole second
                try:
                    statuses.append(self.ran(tests, self.allowed(tests)))
                finally:
                    path.write_text(text, encoding="utf-8")
                    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # numba's cache goes by it
                if statuses[-1] not in (0, 5):
                    break
        finally:
            if compiled is not None:
                shutil.rmtree(compiled, ignore_errors=True)
        killed = bool(statuses) and statuses[-1] not in (0, 5)
        outcome = "killed" if killed else "survived" if 0 in statuses else "no test"
        by = next((row for row in self.log().splitlines() if row.startswith(("FAILED", "ERROR"))), "") if killed else ""
        return Told(fault, outcome, change, round(time.monotonic() - start, 1), by[:200])
