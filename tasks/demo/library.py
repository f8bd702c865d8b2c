"""Reads the documentation that stands on every machine: docstrings, pydoc's topics, READMEs, licences.

Sources are parsed, not imported (`ast`, then `inspect.cleandoc` as pydoc does): importing hundreds of
modules runs their code, costs minutes and gigabytes, and puts addresses (`0x7f...`) into signatures.
Only C modules of the standard library, whose documentation is nowhere else, are imported.
"""

import ast
import importlib
import importlib.util
import inspect
import os
import pydoc
import re
import sysconfig
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

STANDARD = "the standard library"
# Import names of distributions that pyproject.toml brings; one that is absent is listed in the statistics.
PACKAGES = (
    "alembic", "anyio", "attr", "beartype", "click", "datasketch", "docker", "fastapi", "fontTools",
    "fsspec", "httpx", "huggingface_hub", "jinja2", "joblib", "matplotlib", "mpmath", "narwhals", "networkx",
    "numba", "numpy", "PIL", "prefect", "pyarrow", "pydantic", "pygments", "pyspark", "redis", "rich", "scipy",
    "setuptools", "sklearn", "sqlalchemy", "sympy", "torch", "typer", "websockets",
)  # fmt: skip
# Not documentation: tests, other people's copies, jokes, generated tables, and what drew no docstring.
SKIPPED_FOLDERS = frozenset({
    "__pycache__", "_dynamo", "_inductor", "_pyrepl", "_vendor", "benchmarks", "dist-packages", "ensurepip", "extern",
    "externals", "fx", "idlelib", "lib2to3", "migrations", "onnx", "pydoc_data", "site-packages", "test", "testing",
    "tests", "turtledemo", "vendor", "vendored",
})  # fmt: skip
SKIPPED_FILES = frozenset({"__phello__.py", "antigravity.py", "conftest.py", "this.py", "turtle.py"})
# Two thirds of torch's source, costly to parse and poor in documentation.
SKIPPED_BY_PACKAGE = {
    "torch": frozenset({"ao", "backends", "distributed", "export", "jit", "package", "profiler", "utils"})
}
C_MODULES = (
    "array", "binascii", "builtins", "cmath", "gc", "itertools", "math", "mmap", "select", "sys", "time",
    "unicodedata", "zlib",
)  # fmt: skip
GROUP_BYTES = 1_000_000
LEAST_WORDS = 60
COMMON = 0.3  # of a text's shingles may stand in others; two texts of Jaccard .5 share two thirds
UNDERLINE = re.compile(r"([=\-~^*#\"'+.`])\1{2,}\s*")


@dataclass(frozen=True, slots=True)
class Unit:
    """One documented thing: its qualified name, `kind` (module, class, function, topic, readme, licence),
    the package it stands in, its signature and its documentation."""

    name: str
    kind: str
    package: str
    signature: str
    text: str
    # Half of its five-word shingles, chosen by their own hash, to see whether two texts are alike.
    marks: frozenset[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        split = re.sub(r"[^\w\s]", "", f"{self.signature} {prose(self)}".lower()).split()
        crcs = (zlib.crc32(" ".join(split[i : i + 5]).encode()) for i in range(len(split) - 4))
        object.__setattr__(self, "marks", frozenset(crc for crc in crcs if crc % 2 == 0))


@dataclass(frozen=True, slots=True)
class Group:
    """A batch of work: source files of one package, or (no files) one of the imported collections."""

    package: str
    files: tuple[str, ...]
    root: str

    @property
    def name(self) -> tuple[str, ...]:
        """Its package and first file, without the place where they are installed."""
        return (self.package, *(str(Path(file).relative_to(self.root)) for file in self.files[:1]))


def groups() -> tuple[list[Group], list[str]]:
    """All the groups, in a fixed order, each of about GROUP_BYTES of source; and the absent packages."""
    grouped, absent = [Group("C modules", (), ""), Group("topics", (), "")], []
    for package in (STANDARD, *PACKAGES):
        if package == STANDARD:
            root = Path(sysconfig.get_paths()["stdlib"])
        else:
            spec = importlib.util.find_spec(package)
            if spec is None or not spec.submodule_search_locations:
                absent.append(package)
                continue
            root = Path(spec.submodule_search_locations[0])
        batch: list[str] = []
        size = 0
        for path in sources(root, package):
            batch.append(str(path))
            size += path.stat().st_size
            if size >= GROUP_BYTES:
                grouped.append(Group(package, tuple(batch), str(root)))
                batch, size = [], 0
        if batch:
            grouped.append(Group(package, tuple(batch), str(root)))
    return grouped, absent


def sources(root: Path, package: str) -> list[Path]:
    """The Python files under root that may hold documentation, sorted."""
    paths: list[Path] = []
    private = package == "torch"
    skipped = SKIPPED_FOLDERS | SKIPPED_BY_PACKAGE.get(package, frozenset())
    for folder, below, files in os.walk(root):
        below[:] = [name for name in below if name not in skipped and not (private and name.startswith("_"))]
        paths.extend(Path(folder, name) for name in files if name.endswith(".py") and name not in SKIPPED_FILES)
    return sorted(paths)


def read_group(group: Group) -> tuple[list[Unit], list[tuple[str, str]]]:
    """The group's units, and the files or modules that could not be read with the reason."""
    units: list[Unit] = []
    failed: list[tuple[str, str]] = []
    if group.package == "C modules":
        for name in C_MODULES:
            try:
                units.extend(live(name, importlib.import_module(name)))
            except ImportError as error:
                failed.append((name, type(error).__name__))
    elif group.package == "topics":
        try:
            units.extend(topics())
        except ImportError as error:
            failed.append(("pydoc_data.topics", type(error).__name__))
    for file in group.files:
        path = Path(file)
        inside = path.relative_to(group.root).with_suffix("").parts
        parts = inside if group.package == STANDARD else (group.package, *inside)
        # sklearn.linear_model._logistic is known as sklearn.linear_model to its readers
        module = ".".join(part for part in parts if not part.startswith("_")) or parts[0].strip("_")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                units.extend(parsed(path.read_bytes(), module, group.package))
        except (SyntaxError, ValueError, RecursionError, OSError) as error:
            failed.append(("/".join(parts), type(error).__name__))
    return units, failed


def parsed(source: bytes, module: str, package: str) -> Iterator[Unit]:
    """A module's units: itself, its public classes (with their methods) and functions."""
    if source.count(b'"""') < 2 and source.count(b"'''") < 2:
        return
    tree = ast.parse(source)
    module_parts = [ast.get_docstring(tree) or ""]
    for node in public(tree.body):
        if isinstance(node, ast.ClassDef):
            parts = [ast.get_docstring(node) or ""]
            for inner in public(node.body):
                if isinstance(inner, (ast.ClassDef, ast.Expr)):
                    continue
                if text := ast.get_docstring(inner):
                    parts.append(f"{inner.name}{signature(inner)}\n{'-' * 8}\n{text}")
            text = "\n\n".join(part for part in parts if part)
            if len(text.split()) >= LEAST_WORDS:
                yield Unit(f"{module}.{node.name}", "class", package, "", text)
            elif text:
                module_parts.append(f"class {node.name}\n{'-' * 8}\n{text}")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node) or ""
            if len(text.split()) >= LEAST_WORDS:
                yield Unit(f"{module}.{node.name}", "function", package, signature(node), text)
            elif text:
                module_parts.append(f"{node.name}{signature(node)}\n{'-' * 8}\n{text}")
        else:  # numpy, scipy.special and torch tell of their C functions in calls
            yield from added(node, module, package)
    text = "\n\n".join(part for part in module_parts if part)
    if len(text.split()) >= LEAST_WORDS:
        yield Unit(module, "module", package, "", text)


def public(body: list[ast.stmt]) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Expr]:
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            if not node.name.startswith("_"):
                yield node
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield node
        elif isinstance(node, (ast.If, ast.Try)):
            yield from public(node.body)


def added(node: ast.Expr, module: str, package: str) -> Iterator[Unit]:
    """A unit from `add_newdoc("numpy", "arange", doc)`, `add_newdoc("name", doc)` or `add_docstr(object, doc)`."""
    call = node.value
    if not isinstance(call, ast.Call) or len(call.args) < 2:
        return
    function = ast.unparse(call.func)
    if function not in ("add_newdoc", "add_docstr"):
        return
    *place, last = call.args
    named = [*strings(place), *(strings(last.elts[:1]) if isinstance(last, ast.Tuple) else ())]
    text = inspect.cleandoc("".join(strings(last.elts[1:] if isinstance(last, ast.Tuple) else [last])))
    name = ".".join(named) if function == "add_newdoc" else ast.unparse(place[0]).rpartition(".")[2]
    if re.fullmatch(r"[\w.]+", name) and len(text.split()) >= LEAST_WORDS:
        full = name if name.startswith(f"{package}.") else f"{module}.{name}"
        yield Unit(full, "function", package, "", text)


def strings(nodes: Iterable[ast.expr]) -> list[str]:
    """The string constants below the nodes, in the order of the source."""
    constants = [inner for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Constant)]
    ordered = sorted(constants, key=lambda inner: (inner.lineno, inner.col_offset))
    return [inner.value for inner in ordered if isinstance(inner.value, str)]


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    arguments = ast.unparse(node.args)
    return f"({arguments})" if len(arguments) <= 160 else f"({arguments[:150].rsplit(',', 1)[0]}, ...)"


def live(name: str, module: object) -> Iterator[Unit]:
    """Units of an imported C module; addresses do not stand in docstrings, and no value is printed."""
    module_parts = [pydoc.getdoc(module)]
    for key, value in sorted(vars(module).items()):
        if key.startswith("_") or not (inspect.isclass(value) or inspect.isroutine(value)):
            continue
        parts = [pydoc.getdoc(value)]
        if inspect.isclass(value):
            for inner, method in sorted(vars(value).items()):
                if not inner.startswith("_") and inspect.isroutine(method) and pydoc.getdoc(method):
                    parts.append(f"{inner}\n{'-' * 8}\n{pydoc.getdoc(method)}")
        text = "\n\n".join(part for part in parts if part)
        if len(text.split()) >= LEAST_WORDS:
            yield Unit(f"{name}.{key}", "class" if inspect.isclass(value) else "function", STANDARD, "", text)
        elif text:
            module_parts.append(f"{key}\n{'-' * 8}\n{text}")
    text = "\n\n".join(part for part in module_parts if part)
    if len(text.split()) >= LEAST_WORDS:
        yield Unit(name, "module", STANDARD, "", text)


def topics() -> Iterator[Unit]:
    """The language reference that `help("FORMATTING")` shows."""
    texts = importlib.import_module("pydoc_data.topics").topics
    for key in sorted(texts):
        if len(texts[key].split()) >= LEAST_WORDS:
            yield Unit(f"python.topics.{key}", "topic", STANDARD, "", texts[key].strip())


def distribution_texts() -> list[Unit]:
    """READMEs (METADATA's long description) and licences of the installed distributions, ours left out:
    its README changes with every commit."""
    places = sorted({Path(sysconfig.get_paths()[key]) for key in ("purelib", "platlib")})
    units = []
    for folder in sorted(folder for place in places for folder in place.glob("*.dist-info")):
        package = folder.name.split("-")[0]
        if package == "millrace":
            continue
        metadata = folder / "METADATA"
        if metadata.is_file():
            _, _, text = metadata.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n").partition("\n\n")
            units.append(Unit(f"readme.{package}", "readme", package, "", readme(text)[:60_000]))
        for path in sorted(folder.rglob("*")):
            if path.is_file() and re.match(r"(LICEN[CS]E|COPYING|NOTICE)", path.name, re.I):
                text = path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")
                name = f"licence.{package}.{'.'.join(path.relative_to(folder).parts)}"
                units.append(Unit(name, "licence", package, "", text[:60_000]))
    return [unit for unit in units if len(unit.text.split()) >= LEAST_WORDS]


def readme(text: str) -> str:
    """A README without its badges, tables, images and HTML."""
    text = re.sub(r"<!--.*?-->|<[^<>\n]*>|^```.*?^```", "", text, flags=re.S | re.M)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    lines = [line for line in text.split("\n") if not re.search(r"https?://|^\s*(\||\.\. |:\w+:|\[)", line)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def distinct(units: list[Unit]) -> list[Unit]:
    """The units in name order, without those much of which stands in an earlier one (re-exports, licences,
    templates such as AvgPool1d/2d/3d), so that the only near copies of the sample are the planted ones."""
    kept, seen, names = [], set[int](), set[str]()
    for unit in sorted(units, key=lambda unit: (unit.name, unit.text)):
        if unit.name in names or not unit.marks or len(unit.marks & seen) > COMMON * len(unit.marks):
            continue
        kept.append(unit)
        seen |= unit.marks
        names.add(unit.name)
    return kept


def singular(units: list[Unit]) -> set[str]:
    """Names of the units hardly a shingle of which stands in any other: what near copies are planted of."""
    counts = Counter(mark for unit in units for mark in unit.marks)
    return {unit.name for unit in units if sum(counts[mark] == 1 for mark in unit.marks) >= 0.9 * len(unit.marks)}


def blocks(unit: Unit) -> list[tuple[str, str]]:
    """The documentation as (tag, text): "h" heading, "p" paragraph on one line, "pre" code or a list."""
    tagged: list[tuple[str, str]] = []
    for paragraph in re.split(r"\n\s*\n", unit.text.expandtabs()):
        lines = [line.rstrip() for line in paragraph.split("\n") if line.strip()]
        if len(lines) > 1 and UNDERLINE.fullmatch(lines[1].strip()):
            tagged.append(("h", lines[0].strip()))
            lines = lines[2:]
        lines = [line for line in lines if not UNDERLINE.fullmatch(line.strip())]
        code = next((i for i, line in enumerate(lines) if line.lstrip().startswith((">>>", "$ "))), len(lines))
        if before_code := lines[:code]:
            is_list = any(re.match(r"\s|[*+-] |\d+\. |\.\. |\|", line) for line in before_code)
            tagged.append(
                ("pre", "\n".join(before_code)) if is_list else ("p", " ".join(line.strip() for line in before_code))
            )
        if lines[code:]:
            tagged.append(("pre", "\n".join(lines[code:])))
    return tagged


def prose(unit: Unit) -> str:
    """The documentation as text to read: no doctests, no reStructuredText directives or roles."""
    paragraphs = []
    for tag, text in blocks(unit):
        if tag == "pre" and (">>>" in text or text.lstrip().startswith(("$ ", "...", ".. ", "#"))):
            continue
        text = re.sub(r":[\w:+-]+:`~?([^`<]*?)(?:\s*<[^`]*>)?`", r"\1", text).replace("``", "").replace("`", "")
        lines = [line for line in text.split("\n") if line.strip() and not re.match(r"\s*(\.\. |:\w+:\s*$)", line)]
        if lines:
            paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)
