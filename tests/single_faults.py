"""The single faults that a file can be given: cosmic-ray's, two of ours, and those of named_faults.py; and one put in.

cosmic-ray has another operator, a number one off, a condition turned, a loop that never runs. Ours: a statement that
only calls something is gone, a named argument is not given.
"""

import ast
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import parso
from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator, operator_names
from named_faults import NAMED

ROOT = Path(__file__).resolve().parents[1]
# A decorator gone is no fault of ours: without @njit a kernel says the same, later. The other two take arguments.
LEFT_OUT = ("RemoveDecorator", "VariableReplacer", "VariableInserter")


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
