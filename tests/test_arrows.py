"""The house's arrows (shared/DESIGN.md, section 2), read from every import statement by AST."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = ("conf", "flows", "model", "tasks")
# Who may import whom. A room is the longest of these prefixes that a module's name has.
ALLOWED = {
    "model": {"model"},
    "tasks.kernels": {"tasks.kernels"},
    # `conf` says what a pipeline may say; its models are model/config.py's, its mistakes runtime/errors.py's.
    "conf": {"conf", "model.config", "model.presets", "tasks.runtime.errors"},
    "tasks.runtime": {"tasks.runtime"},
    "tasks": {"tasks", "tasks.kernels", "tasks.runtime", "conf"},
    "tasks.models": {"tasks", "tasks.kernels", "tasks.runtime", "conf", "model"},
    "tasks.evaluation": {"tasks", "tasks.kernels", "tasks.runtime", "conf", "model"},
    "flows": {"flows", "tasks", "tasks.runtime", "conf", "model.config"},
}


def files() -> list[Path]:
    return sorted(path for room in OURS for path in (ROOT / room).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of every import, wherever in the file: `from a import b` gives a.b where b is a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports here are by full name"
            base = node.module or ""
            for alias in node.names:
                name = f"{base}.{alias.name}"
                yield node.lineno, name if is_module(name) else base


def is_module(name: str) -> bool:
    stem = ROOT.joinpath(*name.split("."))
    return stem.with_suffix(".py").is_file() or (stem / "__init__.py").is_file()


def offences(module: str, path: Path) -> list[str]:
    """Imports of ours in a file that a module of this name may not have."""
    room = max((room for room in ALLOWED if module == room or module.startswith(f"{room}.")), key=len)
    return [
        f"{path.name}:{line} ({module}) imports {name}"
        for line, name in imported(path)
        if name.split(".")[0] in OURS and not within(name, ALLOWED[room])
    ]


def within(name: str, allowed: set[str]) -> bool:
    return any(name == room or (name.startswith(f"{room}.") and not leads_out(name, room)) for room in allowed)


def leads_out(name: str, room: str) -> bool:
    """`tasks` does not stand for its inner rooms, which are allowed by name."""
    inner = [other for other in ("tasks.kernels", "tasks.runtime") if other.startswith(f"{room}.")]
    return any(name == other or name.startswith(f"{other}.") for other in inner)


def test_imports_follow_the_arrows() -> None:
    found = [offence for path in files() for offence in offences(module_of(path), path)]
    assert not found, "\n".join(found)


def test_prefect_is_imported_in_flows_and_runtime_stage_only() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in files()
        for line, name in imported(path)
        if name.split(".")[0] == "prefect"
        if not (module_of(path).startswith("flows.") or module_of(path) == "tasks.runtime.stage")
    ]
    assert not found, "\n".join(found)


def test_flows_read_nothing_of_a_stage_but_its_door() -> None:
    """Of tasks/, dag.py alone names stages, and page.py the report's page; all others know the runtime only."""
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in files()
        for line, name in imported(path)
        if module_of(path).startswith("flows.") and module_of(path) not in ("flows.dag", "flows.page")
        if name.startswith("tasks.") and not name.startswith("tasks.runtime.")
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "line", "is_offence"),
    [
        ("model.gpt", "from tasks.runtime.errors import Failure", True),
        ("model.gpt", "from model import config", False),
        ("tasks.kernels.words", "import tasks.runtime.stage", True),
        ("tasks.kernels.words", "from tasks.quality import keep", True),
        ("tasks.quality.keep", "from tasks.kernels import draw", False),
        ("tasks.quality.keep", "from flows import dag", True),
        ("tasks.quality.keep", "import model.gpt", True),
        ("tasks.models.pretrain", "import model.gpt", False),
        ("tasks.runtime.stage", "from tasks.quality import keep", True),
        ("tasks.runtime.stage", "from tasks.kernels import draw", True),
        ("flows.cli", "from tasks.kernels import draw", True),
        ("conf.schema", "from flows import cli", True),
    ],
)
def test_the_test_sees_an_offence(module: str, line: str, is_offence: bool, tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(f"def f():\n    {line}\n")
    assert bool(offences(module, planted)) == is_offence
