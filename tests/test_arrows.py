"""The house's arrows (shared/DESIGN.md, section 2), read from every import statement by AST."""

import ast
import os
import re
import subprocess
import sys
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
    "conf": {
        "conf",
        "model.config",
        "model.ppo_keys",
        "model.presets",
        "model.presets_instruct",
        "tasks.runtime.errors",
    },
    "tasks.runtime": {"tasks.runtime"},
    "tasks.runtime.compiling": {"tasks.runtime", "tasks.kernels.ahead", "tasks.kernels.cache"},  # and no kernel
    "tasks": {"tasks", "tasks.kernels", "tasks.runtime", "conf"},
    "tasks.tokens": {"tasks", "tasks.kernels", "tasks.runtime", "conf", "model.tokenizer"},
    "tasks.models": {"tasks", "tasks.kernels", "tasks.runtime", "conf", "model"},
    "tasks.evaluation": {"tasks", "tasks.kernels", "tasks.runtime", "conf", "model"},
    "tasks.judges": {"tasks", "tasks.kernels", "tasks.runtime", "conf", "model"},
    "flows": {"flows", "tasks", "tasks.runtime", "conf", "model.config"},
    # What is asked of a finished model needs no stage between: these commands ask model/ itself.
    **{
        f"flows.{command}": {"flows", "tasks", "tasks.runtime", "conf", "model"}
        for command in ("models", "sample", "next", "look", "export_model", "compare_prompts")
    },
}


def files() -> list[Path]:
    return sorted(path for room in OURS for path in (ROOT / room).rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


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


def test_prefect_is_imported_in_flows_only() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in files()
        for line, name in imported(path)
        if name.split(".")[0] == "prefect" and room_of(path) != "flows"
    ]
    assert not found, "\n".join(found)


# Who in flows/ may know more of tasks/ than its runtime, and what.
DOORS = {
    "flows.dag": "tasks",  # names the stages
    "flows.run_stage": "tasks",  # one stage, placed on another machine
    "flows.asking": "tasks.sources.input.files tasks.sources.remote",
    "flows.page": "tasks.report",
    "flows.live": "tasks.report",
    "flows.run": "tasks.report",
    "flows.explain": "tasks.sources.told tasks.sources.found",
    "flows.explain_step": "tasks.models.steps tasks.models.tuned_steps",
    "flows.diff": "tasks.fates tasks.evaluation.compared",
    "flows.supposed": "tasks.fates",
    "flows.whatif": "tasks.fates",
    "flows.export": "tasks.export",
    "flows.retract": "tasks.retraction tasks.models.steps",
    "flows.models": "tasks.models.files",
    "flows.latest": "tasks.sources.input.crawls tasks.sources.remote.manners",
    "flows.compare": "tasks.evaluation.compared",
    "flows.init": "tasks.sources.sniff",
    "flows.proposed": "tasks.sources.sniff",
    "flows.export_model": "tasks.models.card",
    "flows.quiz": "tasks.evaluation.news",
    "flows.label": "tasks.labels",
    "flows.compare_prompts": "tasks.labels tasks.models.files",
    "flows.tasks": "tasks.evaluation.asking tasks.decontaminate.benchmark",
}


def knows(module: str, name: str) -> bool:
    """Whether a module of flows/ may know a module of tasks/."""
    doors = ["tasks.runtime"]
    doors += [door for room, named in DOORS.items() if f"{module}.".startswith(f"{room}.") for door in named.split()]
    return any(f"{name}.".startswith(f"{door}.") for door in doors)


def test_flows_read_nothing_of_a_stage_but_its_door() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in files()
        for line, name in imported(path)
        if room_of(path) == "flows" and name.startswith("tasks.") and not knows(module_of(path), name)
    ]
    assert not found, "\n".join(found)
    assert knows("flows.dag.corpus", "tasks.quality.keep") and not knows("flows.plan", "tasks.quality.keep")
    assert knows("flows.explain", "tasks.sources.told") and not knows("flows.explain", "tasks.sources.ingest")


def test_what_conf_and_tokens_know_of_models_needs_no_torch() -> None:
    """A pipeline is read, and text is tokenised, on machines that train nothing."""
    code = "import sys, conf.load, tasks.tokens.tokens; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)


# ---- a file's name is spelled beside its producer

FILE_NAME = re.compile(r"[\w-]*(?:\.[\w-]+)*\.(?:bin|html|jsonl?|log|npz|parquet|safetensors|txt)\b")
PRODUCERS = {
    "frequent.parquet": {"tasks.decontaminate.frequent"},
    "grams.parquet": {"tasks.decontaminate.grams"},
    "inputs.parquet": {"tasks.sources.ingest"},
    "items.parquet": {  # each of its own artifact
        "tasks.decontaminate.benchmark",
        "tasks.evaluation.asking.table",
        "tasks.evaluation.overlap",
    },
    "metrics.jsonl": {"tasks.models.pretrain"},
    "mixture.json": {"tasks.tokens.mixture"},
    "model.json": {"tasks.models.files"},
    "model.safetensors": {"tasks.models.files"},
    "planted.json": {"tasks.demo.sample"},
    "rejects.parquet": {"tasks.sources.rejects"},
    "report.json": {"tasks.report.report"},
    "summary.txt": {"tasks.report.report"},
    "tokenizer.json": {"tasks.tokens.kinds.files", "tasks.models.files"},  # a model holds its own copy
    "tokens.json": {"tasks.tokens.tokens"},
    "weights.npz": {"tasks.quality.weights"},
}


def literals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of every string that is no docstring, the plain parts of f-strings among them."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def spelled(path: Path) -> set[str]:
    """File names in a module's strings, their ends as in `.train.bin` too; a kind alone (`.json`) names no file."""
    names = (name for _, text in literals(ast.parse(path.read_text())) for name in FILE_NAME.findall(text))
    return {name for name in names if name.rpartition(".")[0]}


def test_no_module_but_the_producer_spells_a_files_name() -> None:
    by_name: dict[str, set[str]] = {}
    for path in files():
        if room_of(path) in ("tasks", "flows"):
            for name in spelled(path):
                by_name.setdefault(name, set()).add(module_of(path))
    assert {name: by_name.get(name) for name in PRODUCERS} == PRODUCERS
    several = {name: modules for name, modules in by_name.items() if len(modules) > 1 and name not in PRODUCERS}
    assert several == {}


def test_names_are_seen_wherever_they_stand(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(
        '''"""Head: a.json."""\ndef f(key):\n    """b.json"""\n    return f"{key}.train.bin", "of c.json, no .json"\n'''
    )
    assert spelled(planted) == {".train.bin", "c.json"}


def test_a_stage_asks_for_files_by_name_not_for_a_folder() -> None:
    """`Artifact.folder` is for people and tests: where the store is a bucket there is none."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files()
        if room_of(path) in ("tasks", "flows") and not module_of(path).startswith("tasks.runtime.")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "folder"
        if not (isinstance(node.value, ast.Name) and node.value.id == "cache")  # a bucket's copies are in a folder
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
        ("tasks.evaluation.answers", "import model.gpt", False),
        ("tasks.tokens.tokens", "from model.tokenizer import END_OF_TEXT", False),
        ("tasks.tokens.tokens", "from model.windows import Windows", True),
        ("conf.models", "from model.presets import PRESETS", False),
        ("conf.models", "from model.gpt import GPT", True),
        ("conf.sources", "from tasks.runtime.store import store_at", True),
        ("tasks.runtime.stage", "from tasks.quality import keep", True),
        ("tasks.runtime.stage", "from tasks.kernels import draw", True),
        ("flows.cli", "from tasks.kernels import draw", True),
        ("conf.pipeline", "from flows import cli", True),
    ],
)
def test_the_test_sees_an_offence(module: str, line: str, is_offence: bool, tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(f"def f():\n    {line}\n")
    assert bool(offences(module, planted)) == is_offence
