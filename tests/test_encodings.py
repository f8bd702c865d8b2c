"""UTF-8 whatever the locale: what is opened says its encoding, and a pipeline is the same under any of them."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("conf", "flows", "model", "tasks")
MODES = ("r", "w", "a", "x", "r+", "w+", "rt", "wt")  # of text


def unsaid(tree: ast.AST) -> list[tuple[int, str]]:
    """Calls that read or write text in whatever encoding the locale has."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or any(word.arg in ("encoding", None) for word in node.keywords):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        first = 0 if isinstance(function, ast.Attribute) else 1  # of its arguments that is the mode, if one is given
        given = [*node.args[first : first + 1], *(word.value for word in node.keywords if word.arg == "mode")]
        modes = [value.value for value in given if isinstance(value, ast.Constant)]
        text = any(mode in MODES for mode in modes) or (first == 1 and not modes)
        if name in ("read_text", "write_text") or (name in ("open", "fdopen") and text and len(node.args) < first + 3):
            found.append((node.lineno, name))
        elif name in ("run", "Popen", "check_output", "check_call"):
            found += [(node.lineno, name) for word in node.keywords if word.arg in ("text", "universal_newlines")]
    return found


def test_every_text_that_is_opened_says_its_encoding() -> None:
    told = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, name in unsaid(ast.parse(path.read_bytes()))
    ]
    assert told == []


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("Path('a').read_text()", 1),
        ("Path('a').read_text(encoding='utf-8')", 0),
        ("open('a')", 1),
        ("open('a', 'rb')", 0),
        ("path.open('w')", 1),
        ("path.open('w', encoding='utf-8')", 0),
        ("out.open(FILE)", 0),  # a shard's, of bytes
        ("subprocess.run(['a'], text=True)", 1),
    ],
)
def test_what_says_none_is_found(code: str, count: int) -> None:
    assert len(unsaid(ast.parse(code))) == count


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of locales for LOCPATH, made of glibc's sources."""
    folder, definitions = tmp_path_factory.mktemp("locales"), Path("/usr/share/i18n/locales")
    if shutil.which("localedef") is None or not definitions.is_dir():
        pytest.skip("no localedef, or no sources of locales (Debian's package `locales`)")
    for name, charset in (("de_DE", "ISO-8859-1"), ("tr_TR", "UTF-8"), ("tr_TR", "ISO-8859-9")):
        made = subprocess.run(
            ["localedef", "-c", "-i", name, "-f", charset, folder / f"{name}.{charset}"], capture_output=True
        )
        assert (folder / f"{name}.{charset}").is_dir(), made.stderr
    return folder


CONF = """\
store: store
title: Bücher und Straßen
sources:
  büro: {kind: text, files: "*.txt"}
""".replace("büro", "buero")
PROGRAM = """
import sys
from flows import utf8
utf8.ensure()
from pathlib import Path
from conf.load import load
from flows import dag
from tasks.runtime.run import Run
pipeline = load("mine.yaml")
run = Run(Path("store"), None)
dag.train_tokenizer(run, pipeline)
print(pipeline.title, "│ \\U0001f600")
for artifact in run.artifacts:
    print(artifact.label)
"""


def test_fingerprints_are_the_same_in_every_locale(tmp_path: Path, locales: Path) -> None:
    """Titles and names of files beyond ASCII; and what is told comes out, in the terminal's encoding."""
    (tmp_path / "mine.yaml").write_text(CONF, encoding="utf-8")
    (tmp_path / "café ☕.txt").write_text("Bonjour à tous.", encoding="utf-8")
    bare = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHON"))}
    told = {}
    for locale, mode in (
        ("C.UTF-8", ""),
        ("C", "0"),
        ("POSIX", ""),
        ("de_DE.ISO-8859-1", ""),
        ("tr_TR.ISO-8859-9", "0"),
        ("tr_TR.UTF-8", ""),
    ):
        more = {"LC_ALL": locale, "LOCPATH": str(locales), "PYTHONPATH": str(ROOT)} | (
            {"PYTHONUTF8": mode} if mode else {}
        )
        (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
        done = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, env=bare | more, capture_output=True)
        assert done.returncode == 0, (locale, done.stderr.decode(errors="replace"))
        first, rest = done.stdout.split(b"\n", 1)
        charset = locale.partition(".")[2] or "UTF-8"
        assert first == "Bücher und Straßen │ \U0001f600".encode(charset, "replace"), locale
        told[locale] = rest.decode("ascii")
    assert len(set(told.values())) == 1, told
    assert told["C"].count("\n") > 4
