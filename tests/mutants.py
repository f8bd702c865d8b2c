"""Single faults put into the code, and whether a test notices: `make mutants SECONDS=3600 SEED=1 ROOM=dedup`.

cosmic-ray makes the faults (another operator, a number one off, a condition turned, a loop that never runs), and two
kinds of ours: a statement that only calls something is gone, a named argument is not given. For each file `--each`
faults are drawn by the seed, files in turn, until the seconds are over. A fault is tried in a copy of the tree: first
the test file that bears the module's name, then all tests of its room, never those marked long, slow, spark, real or
browser. It is killed if a test fails or the tests take three times as long as they do.

Some faults change nothing that can be seen (a size of blocks, a message): a survivor is to be read, not believed. The
table goes to standard output, everything to bench/results/mutants.json. Exit status 1 below `--least` of the killed.
"""

import argparse
import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import parso
from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator, operator_names
from named_faults import NAMED

from tasks.kernels import cache

ROOT = Path(__file__).resolve().parents[1]
# The rooms whose faults tests must notice, and where their tests stand.
ROOMS = {
    "tasks/kernels": "tests/kernels",
    "tasks/dedup": "tests/dedup",
    "tasks/decontaminate": "tests/decontaminate",
    "tasks/quality": "tests/quality",
    "tasks/runtime": "tests/runtime",
    "model": "tests/model",
}
MORE = {"tasks/sources": "tests/sources", "tasks/report": "tests/report"}  # of named faults  # fmt: skip
# A decorator gone is no fault of ours: without @njit a kernel says the same, later. The other two take arguments.
LEFT_OUT = ("RemoveDecorator", "VariableReplacer", "VariableInserter")
PATIENCE = 3.0  # times as long as the tests take without a fault, and
LEAST_SECONDS = 60.0  # at least: a fault may make a kernel compile anew
KERNELS = "tasks/kernels"
SKIPPED = "not long and not slow and not spark and not real and not browser"


class CallGone(Operator):
    """A statement that only calls something, as `rows.sort()`, is not there."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        called = node.type in ("atom_expr", "power") and node.children[-1].get_first_leaf().value == "("
        if called and node.parent is not None and node.parent.type == "simple_stmt":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        return parso.parse(f"{node.get_first_leaf().prefix}pass").children[0]

    @classmethod
    def examples(cls) -> tuple[Any, ...]:
        return ()


class ArgumentGone(Operator):
    """A named argument of a call is not given: `sort(reverse=True)`."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        named = node.type == "argument" and len(node.children) == 3 and node.children[1].value == "="
        if named and node.parent is not None and node.parent.type in ("arglist", "trailer"):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        made = parso.parse("f(**{})").children[0].children[1].children[1]
        made.get_first_leaf().prefix = node.get_first_leaf().prefix
        return made

    @classmethod
    def examples(cls) -> tuple[Any, ...]:
        return ()


@dataclass(frozen=True)
class Fault:
    """A place in a file, and what is done to it."""

    file: str
    line: int
    kind: str
    number: int  # which of the places of its kind in the file


@dataclass(frozen=True)
class Told:
    """What became of a fault: killed, survived, or no test ran."""

    fault: Fault
    outcome: str
    change: str
    seconds: float


def operators() -> dict[str, Any]:
    """A maker of each operator, by its name."""
    named = {name.partition("/")[2]: get_operator(name) for name in operator_names()}
    kept = {name: made for name, made in named.items() if not name.startswith(LEFT_OUT)}
    return {**kept, "CallGone": CallGone, "ArgumentGone": ArgumentGone}


def annotated(text: str) -> set[tuple[int, int]]:
    """Line and column of everything in annotations: a fault there stops the import, and shows nothing."""
    places = set()
    for node in ast.walk(ast.parse(text)):
        notes = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        for note in (note for note in notes if note is not None):
            places |= {(one.lineno, one.col_offset) for one in ast.walk(note) if hasattr(one, "lineno")}
            places |= {(note.lineno, column) for column in range(note.col_offset, note.end_col_offset or 0)}
    return places


def faults_of(file: str, text: str) -> dict[str, list[Fault]]:
    """Every fault that a file can be given, by the operators' family (all replacements of a comparison are one)."""
    outside, tree = annotated(text), get_ast(text)
    nodes: list[Any] = []

    def walk(node: Any) -> None:
        nodes.append(node)
        for child in getattr(node, "children", ()):
            walk(child)

    walk(tree)
    found: dict[str, list[Fault]] = defaultdict(list)
    for kind, maker in operators().items():
        operator, number = maker(), 0
        for node in nodes:
            for (line, column), _ in operator.mutation_positions(node):
                if (line, column) not in outside:
                    found[kind.partition("_")[0]].append(Fault(file, line, kind, number))
                number += 1
    return found


def drawn(found: dict[str, list[Fault]], each: int, chance: random.Random) -> list[Fault]:
    """A family first, then one of its places: operators with many replacements are not drawn more often."""
    families, chosen = sorted(found), []
    for _ in range(each * 4):
        if families and len(chosen) < each:
            fault = chance.choice(found[chance.choice(families)])
            chosen += [fault] if (fault.line, fault.kind) not in {(one.line, one.kind) for one in chosen} else []
    return chosen


def copied(to: Path) -> None:
    """The tracked files and those that git does not ignore, without .git."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in names:
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, to / name)


def changed(text: str, fault: Fault) -> str | None:
    """A file's text with the fault."""
    if fault.kind != "named":
        return cast("str | None", mutate_code(text, operators()[fault.kind](), fault.number))
    _, right, wrong = NAMED[fault.number]
    if text.count(right) != 1:
        raise SystemExit(f"named_faults.py: {fault.file} does not have {right!r} once: mend the list with the code")
    return text.replace(right, wrong)


def named() -> list[Fault]:
    """All of named_faults.py, in its order."""
    texts = {file: (ROOT / file).read_text(encoding="utf-8") for file, _, _ in NAMED}
    return [
        Fault(file, texts[file].partition(right)[0].count("\n") + 1, "named", number)
        for number, (file, right, _) in enumerate(NAMED)
    ]


def is_python(text: str) -> bool:
    try:
        compile(text, "fault", "exec")
    except SyntaxError:  # such as a / for the * before arguments by name alone
        return False
    return True


def imports(content: bytes) -> list[str]:
    return [line for line in content.decode().splitlines() if line.startswith(("from tasks", "import tasks"))]


def tests_for(tree: Path, file: str) -> list[list[str]]:
    """The tests that are to notice, the likeliest first."""
    where = next(tests for room, tests in (ROOMS | MORE).items() if file.startswith(f"{room}/"))
    stem = Path(file).stem
    near = sorted(path.relative_to(tree).as_posix() for path in (tree / where).rglob(f"test_*{stem}*.py"))
    return [near, [where]] if near else [[where]]


class Tree:
    """A copy of ours, in which one fault at a time is tried."""

    def __init__(self, folder: Path):
        self.folder = folder
        copied(folder)
        self.kernels = folder.with_name(f"{folder.name}-cache")  # compiled ones
        self.kernels.mkdir(mode=0o700)
        self.usual: dict[tuple[str, ...], float] = {}

    def ran(self, tests: list[str], seconds: float) -> int | None:
        """pytest's exit status; None if it took longer."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", SKIPPED, *tests]
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "MILLRACE_CACHE": str(self.kernels)}
        process = subprocess.Popen(
            [*command, "--hypothesis-seed=0"], cwd=self.folder, env=environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            return None

    def allowed(self, tests: list[str]) -> float:
        """Seconds for tests with a fault. SystemExit where they fail without one."""
        key = tuple(tests)
        if key not in self.usual:
            start = time.monotonic()
            if (status := self.ran(tests, 1800)) not in (0, 5):
                raise SystemExit(f"{' '.join(tests)} fail without a fault (status {status}): mend them first")
            self.usual[key] = time.monotonic() - start
        return max(LEAST_SECONDS, PATIENCE * self.usual[key])

    def compiled_but(self, file: str, wrong: str) -> None:
        """Kernels compiled already, for the hash that all sources with the fault have; those it reaches are left out.

        Else each fault would cost a minute of compiling every kernel there is.
        """
        sources = {path.name: path.read_bytes() for path in (self.folder / KERNELS).glob("*.py")}
        faulty = sources | {Path(file).name: wrong.encode()}
        caches = [cache.fingerprint(dict(sorted(one.items()))) for one in (sources, faulty)]
        before, after = (self.kernels / f"numba-{mark}" for mark in caches)
        if not before.is_dir() or after.exists():
            return
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
        shutil.copytree(before, after, ignore=shutil.ignore_patterns(*(f"{stem}.*" for stem in reached)))

    def tried(self, fault: Fault) -> Told:
        path, start = self.folder / fault.file, time.monotonic()
        text = path.read_text(encoding="utf-8")
        wrong = changed(text, fault)
        lines = zip(text.splitlines(), (wrong or "").splitlines(), strict=False)
        change = next((f"{a.strip()}  ->  {b.strip()}" for a, b in lines if a != b), "")
        if wrong is None or wrong == text or not is_python(wrong):
            return Told(fault, "no fault", change, 0.0)
        rounds = tests_for(self.folder, fault.file)
        limits = [self.allowed(tests) for tests in rounds]
        stamp = path.stat()
        if fault.file.startswith(KERNELS):
            self.compiled_but(fault.file, wrong)
        try:
            path.write_text(wrong, encoding="utf-8")
            statuses: list[int | None] = []
            for tests, limit in zip(rounds, limits, strict=True):
                statuses.append(self.ran(tests, limit))
                if statuses[-1] not in (0, 5):
                    break
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # numba's cache goes by it
        killed = statuses[-1] not in (0, 5)
        outcome = "killed" if killed else "survived" if 0 in statuses else "no test"
        return Told(fault, outcome, change, round(time.monotonic() - start, 1))


def table(told: list[Told]) -> float:
    """Print the rates, then the survivors; the share of the killed."""
    by_file: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        by_file[one.fault.file].append(one)
    print(f"\n{'file':<44}{'faults':>8}{'killed':>8}")
    for file, ones in sorted(by_file.items()):
        print(f"{file:<44}{len(ones):>8}{sum(one.outcome == 'killed' for one in ones):>8}")
    killed = sum(one.outcome == "killed" for one in told)
    for one in told:
        if one.outcome != "killed":
            print(f"{one.outcome}: {one.fault.file}:{one.fault.line} {one.fault.kind}: {one.change}")
    print(f"\n{killed} of {len(told)} faults killed ({killed / max(len(told), 1):.1%})")
    return killed / max(len(told), 1)


def by_turns(files: list[str], each: int, chance: random.Random) -> list[Fault]:
    """The first fault of every file, then the second, ...; in a turn in any order, so that all rooms are seen early."""
    by_file = [drawn(faults_of(file, (ROOT / file).read_text(encoding="utf-8")), each, chance) for file in files]
    order: list[Fault] = []
    for turn in range(each):
        now = [faults[turn] for faults in by_file if turn < len(faults)]
        chance.shuffle(now)
        order += now
    return order


def main() -> None:
    parser = argparse.ArgumentParser(description="Single faults, and whether a test notices.")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=3, help="faults a file, at most")
    parser.add_argument("--room", default="", help="files whose path holds this; all rooms if absent")
    parser.add_argument("--named", action="store_true", help="those of named_faults.py alone, all of them")
    parser.add_argument("--least", type=float, default=0.95)
    asked = parser.parse_args()
    files = sorted(
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if path.name != "__init__.py" and asked.room in path.relative_to(ROOT).as_posix()
    )
    chance = random.Random(asked.seed)
    in_turn = named() if asked.named else by_turns(files, asked.each, chance)
    end, told = time.monotonic() + asked.seconds, []
    with tempfile.TemporaryDirectory(prefix="millrace-mutants-") as folder:
        tree = Tree(Path(folder) / "tree")
        for fault in in_turn:
            if time.monotonic() > end:
                break
            one = tree.tried(fault)
            if one.outcome != "no fault":
                told.append(one)
                print(f"{one.outcome:<9}{one.seconds:>7} s  {fault.file}:{fault.line}  {one.change[:90]}", flush=True)
    out = ROOT / "bench" / "results" / "mutants.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps([asdict(one) for one in told], indent=1))
    sys.exit(int(table(told) < asked.least))


if __name__ == "__main__":
    main()
