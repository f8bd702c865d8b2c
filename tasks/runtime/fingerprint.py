"""Fingerprints: what an artifact depends on, in 16 hex digits.

    fingerprint = hash(stage name, artifact name, parameters, fingerprints of inputs, library versions, code)

The code is the AST, without comments and docstrings, of the stage's file and of the files of tasks/ and model/ that it
imports, runtime left out. The walk is our own, because `ast.dump` prints other text from one Python version to the
next; empty fields are skipped, because new versions add them (3.12 brought `type_params`).
"""

import ast
import hashlib
import importlib.metadata
import json
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = "tasks.runtime."  # but for FORMAT, a number by hand


def digest(value: Any) -> str:
    """16 hex digits (64 bits) of a JSON value: 2^32 artifacts before an even chance of two alike."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def canonical_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Installed versions of the named distributions."""
    return {name: importlib.metadata.version(name) for name in sorted(libraries)}


@cache
def code_hash(module: str) -> str:
    """Hash of the module's code and of all code of ours that it imports, directly or not."""
    files = sorted(_closure(module))
    return digest([[name, _file_hash(_source(name))] for name in files])


def _closure(module: str) -> set[str]:
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        waiting.extend(imports(_source(name)) - seen)
    return seen


def imports(path: Path) -> set[str]:
    """Modules of tasks/ (without runtime) and model/ that a file imports anywhere in its text."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            # `from tasks.kernels import words` names a module; `from tasks.kernels.words import scan` a name in one
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            ours = name.startswith(("tasks.", "model.")) and not f"{name}.".startswith(LEFT_OUT)
            if ours and _exists(name):
                found.add(name)
    return found


def _candidates(module: str) -> tuple[Path, Path]:
    stem = ROOT.joinpath(*module.split("."))
    return stem.with_suffix(".py"), stem / "__init__.py"


def _exists(module: str) -> bool:
    return any(path.is_file() for path in _candidates(module))


def _source(module: str) -> Path:
    for path in _candidates(module):
        if path.is_file():
            return path
    raise ModuleNotFoundError(f"no source for {module} below {ROOT}")


@cache
def _file_hash(path: Path) -> str:
    return hashlib.sha256(repr(shape(ast.parse(path.read_text()))).encode()).hexdigest()


def shape(node: Any) -> Any:
    """A node as nested tuples, without positions, comments, docstrings and empty fields."""
    if isinstance(node, ast.AST):
        fields = []
        for name in sorted(node._fields):
            if name in ("ctx", "type_comment", "kind"):
                continue
            value = getattr(node, name, None)
            if name == "body" and isinstance(value, list) and _opens_with_docstring(node, value):
                value = value[1:]
            if value is None and not isinstance(node, ast.Constant):
                continue
            if value == []:
                continue
            fields.append((name, shape(value)))
        return (type(node).__name__, *fields)
    if isinstance(node, list):
        return [shape(item) for item in node]
    return (type(node).__name__, repr(node))


def _opens_with_docstring(node: ast.AST, body: list[Any]) -> bool:
    if not isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or not body:
        return False
    first = body[0]
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
