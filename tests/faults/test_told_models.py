"""`export`, `compare` and `export-model` over a store of the real DAG, one file of it damaged, lost or in the way."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

sys.path.append(str(Path(__file__).resolve().parents[1] / "flows"))

from corpus_toy import written
from test_told import damages

from conf.load import load
from flows import cli, dag
from tasks.runtime import artifact as artifacts
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run

SHAPE = "preset: demo, layers: 1, width: 16, heads: 2, context: 64, tokens: 16000, batch: 640"
ASKED = "evaluate: {tasks: [{task: two-digit-addition, shots: 0}], overlap: [gpt3]}\n"
pytestmark = pytest.mark.long  # 40 s of a core, most of it the DAG; test_told.py has a toy one, and more commands
# Of each command: what it is asked, and the stages whose artifacts it reads.
COMMANDS: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "export": (["export", "conf.yaml", "out", "--workers", "1"], ("ingest", "score", "keep", "survivors", "cuts")),
    "compare": (["compare", "tiny", "other", "conf.yaml"], ("scores",)),
    "export-model": (["export-model", "conf.yaml", "tiny", "out", "--to", "hf"], ("pretrain", "mixture", "scores")),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with conf.yaml and its store: a corpus, two models and their scores."""
    folder = tmp_path_factory.mktemp("whole")
    conf = written(folder)
    text = conf.read_text().replace(str(folder), ".").partition("models:")[0]
    text = text.replace(
        "benchmarks:\n", "benchmarks:\n  two-digit-addition: {generate: two-digit-addition, items: 6}\n"
    )
    conf.write_text(f"{text}models:\n  tiny: {{{SHAPE}}}\n  other: {{{SHAPE}, warm_up: 5}}\n{ASKED}")
    pipeline = load(conf)
    run = Run(pipeline.store_url(), LocalEngine(1))
    dag.evaluate(run, pipeline)
    run.close()
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    monkeypatch.chdir(copy)
    return copy


def invoke(words: list[str]) -> tuple[int, str]:
    artifacts._manifest.cache_clear()
    artifacts._files.cache_clear()
    answer = CliRunner().invoke(cli.app, words)
    for path in (Path("out"), Path(".out.partial")):
        shutil.rmtree(path, ignore_errors=True)
    return answer.exit_code, answer.output


def kinds(store: Path, stages: tuple[str, ...]) -> Iterator[Path]:
    """A file of each kind, of each of the stages."""
    seen = set()
    for stage in stages:
        for path in sorted((store / stage).rglob("*")):
            kind = (stage, path.name.lstrip("0123456789"))
            if path.is_file() and kind not in seen and not path.name.startswith("run."):
                seen.add(kind)
                yield path.relative_to(store)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_file_that_it_reads_damaged_in_every_way(folder: Path, command: str) -> None:
    words, stages = COMMANDS[command]
    status, output = invoke(words)
    assert status == 0, output
    store, refused = folder / "store", 0
    files = list(kinds(store, stages))
    assert {path.parts[0] for path in files} == set(stages), files
    for name in files:
        data = (store / name).read_bytes()
        lines = name.suffix == ".jsonl"  # no JSON as a whole
        for how, content in [*damages(b"\n" + data if lines else data), ("lost", None)]:
            path = store / name
            path.unlink()
            if content is not None:
                path.write_bytes(content)
            elif how != "lost":
                path.mkdir()
            status, output = invoke(words)
            assert status in (0, 1, 2), (command, name, how, output)
            assert "unexpected" not in output and "Traceback" not in output, (command, name, how, output)
            if status:
                refused += 1
                last = output.strip().splitlines()[-1]
                assert "millrace: " in output and len(last) > 30, (command, name, how, output)
            if path.is_dir():
                path.rmdir()
            path.write_bytes(data)
    assert refused > 4, "damage that no command notices proves nothing"
    assert json.loads((store / files[0]).parent.joinpath("manifest.json").read_bytes())
    status, output = invoke(words)
    assert status == 0, ("mended", output)
