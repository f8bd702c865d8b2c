"""Fingerprints: what an artifact depends on, in 16 hex digits.

    fingerprint = hash(stage name, artifact name, parameters, fingerprints of inputs, library versions, code)

The code is the AST, without comments and docstrings, of the stage's file and of the files of tasks/ and model/ that it
imports; each file's hash stands in the manifest, so that `status` can name the file whose change re-runs a stage. Left
out are the runtime (but for FORMAT, a number by hand), what `raise Mistake(...)` and `raise Failure(...)` say, and
modules that say `SHAPES_NO_BYTES = True`: they bring files here and tell of it, and shape no document.

The walk is our own, because `ast.dump` prints other text from one Python version to the next; empty fields are skipped,
because new versions add them (3.12 brought `type_params`).
"""

import ast
import hashlib
import importlib.metadata
import json
import sys
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from tasks.runtime.code_facts import Facts, remembered

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = "tasks.runtime."
MARK = "SHAPES_NO_BYTES"
SENTENCES = ("Mistake", "Failure")  # errors for people: their wording shapes no byte
ALWAYS = ("pyarrow",)  # writes every shard
KERNELS = ("llvmlite", "numba", "numpy")  # compile what tasks/kernels says
KERNEL_ROOM = "tasks.kernels."
UNICODE = "unicodedata"  # Python's table of characters: a newer Python knows more of them


def digest(value: Any) -> str:
    """16 hex digits (64 bits) of a JSON value: 2^32 artifacts before an even chance of two alike."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def canonical_json(value: Any) -> str:
    """One text for equal JSON values. Raises ValueError for numbers that JSON has not (NaN)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Installed versions of the named distributions, and of Unicode."""
    return {
        name: unicodedata.unidata_version if name == UNICODE else _installed(name) for name in sorted(set(libraries))
    }


@cache
def _installed(name: str) -> str:
    """Once a process: reading a distribution's metadata takes 3 ms, and hundreds of stages ask."""
    return importlib.metadata.version(name)


@cache
def libraries_of(module: str, declared: tuple[str, ...]) -> tuple[str, ...]:
    """What shapes what a stage writes: libraries that it declares, Parquet's, and the kernels' and Unicode if it uses
    any."""
    code = code_hashes(module)
    kernels = KERNELS if any(name.startswith("tasks.kernels") for name in code) else ()
    characters = (UNICODE,) if any(_reads_unicode(_source(name)) for name in code) else ()
    return (*declared, *ALWAYS, *kernels, *characters)


@cache
def code_hashes(module: str) -> dict[str, str]:
    """A hash of each file of ours whose code runs in a stage: the module's and what it imports, directly or not."""
    hashes = {name: _file_hash(_source(name)) for name in sorted(_closure(module))}
    remembered(_walk_version()).save()
    return hashes


@cache
def kernels_of(module: str) -> frozenset[str]:
    """Modules of tasks/kernels, by their last names, that a stage's module imports, directly or not, named anywhere."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        if (name := waiting.pop()) not in seen:
            seen.add(name)
            waiting.extend(imports(_source(name)))
    return frozenset(name.removeprefix(KERNEL_ROOM) for name in seen if name.startswith(KERNEL_ROOM))


def _closure(module: str) -> set[str]:
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or _shapes_nothing(_source(name)):
            continue
        seen.add(name)
        waiting.extend(imports(_source(name)) - seen)
    return seen


@cache
def imports(path: Path) -> frozenset[str]:
    """Modules of tasks/ (without runtime) and model/ that a file imports anywhere in its text."""
    return frozenset(name for name in _facts(path).names if _exists(name))


def _named(tree: ast.Module) -> frozenset[str]:
    """What may be a module of tasks/ or model/: names that are imported, and names in those."""
    found = set()
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            # `from tasks.kernels import words` names a module; `from tasks.kernels.words import scan` a name in one
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.startswith(("tasks.", "model.")) and not f"{name}.".startswith(LEFT_OUT):
                found.add(name)
    return frozenset(found)


def _reads_unicode(path: Path) -> bool:
    return _facts(path).unicode


@cache
def _walk_version() -> str:
    """Of the code that makes facts, and of the Python that parses for it."""
    walk = Path(__file__).read_bytes() + sys.version.encode()
    return hashlib.sha256(walk).hexdigest()


@cache
def _facts(path: Path) -> Facts:
    text = path.read_text(encoding="utf-8")
    return remembered(_walk_version()).facts(text, lambda: _found(ast.parse(text)))


def _found(tree: ast.Module) -> Facts:
    """Facts of a file, by walking it."""
    reads = any(
        isinstance(node, ast.Import) and any(alias.name == UNICODE for alias in node.names) for node in ast.walk(tree)
    )
    silent = any(
        isinstance(node, ast.Assign) and any(isinstance(name, ast.Name) and name.id == MARK for name in node.targets)
        for node in tree.body
    )
    hashed = hashlib.sha256(repr(shape(tree)).encode()).hexdigest()[:16]
    return Facts(hashed, tuple(sorted(_named(tree))), reads, silent)


def _candidates(module: str) -> tuple[Path, Path]:
    stem = ROOT.joinpath(*module.split("."))
    return stem.with_suffix(".py"), stem / "__init__.py"


def _exists(module: str) -> bool:
    return any(path.is_file() for path in _candidates(module))


def _source(module: str) -> Path:
    for path in _candidates(module):
        if path.is_file():
            return path
    if elsewhere := getattr(sys.modules.get(module), "__file__", None):  # a stage of somebody else's
        return Path(elsewhere)
    raise ModuleNotFoundError(f"no source for {module} below {ROOT}")


def _shapes_nothing(path: Path) -> bool:
    return _facts(path).silent


def _file_hash(path: Path) -> str:
    return _facts(path).hash


def shape(node: Any) -> Any:
    """A node as nested tuples, without positions, comments, docstrings, empty fields and the wording of errors."""
    if isinstance(node, ast.AST):
        if isinstance(node, ast.Raise) and (name := _sentence(node)) is not None:
            return ("Raise", name)
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


def _sentence(node: ast.Raise) -> str | None:
    """The error's name where a sentence for people is raised."""
    call = node.exc
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in SENTENCES:
        return call.func.id
    return None


def _opens_with_docstring(node: ast.AST, body: list[Any]) -> bool:
    if not isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or not body:
        return False
    first = body[0]
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
