"""The three measures of a pipeline, made in one reading and each alone: the same bytes."""

import json
import random
from pathlib import Path

import pytest

from conf.load import load
from flows import dag
from tasks.decontaminate.hits import Met
from tasks.runtime.artifact import FILES, MANIFEST, Artifact, counted
from tasks.runtime.engine import LocalEngine
from tasks.runtime.job import Silent, build
from tasks.runtime.run import Run

MEASURES = ("score", "hits", "signatures")


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    draw = random.Random(1)
    words = ["harbour", "Lantern", "morning", "“quiet”", "naïve", "empty", "River", "window", "漢字", "1,000", "don’t"]

    def text(count: int) -> str:
        return " ".join(draw.choice(words) for _ in range(count))

    item = " ".join(f"{word} {n}" for n, word in enumerate(words))
    good = [{"text": text(120)} for _ in range(30)]
    raw = [{"text": text(draw.choice([0, 3, 60, 5000]))} for _ in range(60)]
    raw[7]["text"] = f"{text(4000)} {item} {text(3000)}"
    for name, rows in (("good", good), ("raw", raw), ("items", [{"question": item}])):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    path = tmp_path / "conf.yaml"
    path.write_text(
        f"""store: {tmp_path}/store
sources:
  good: {{kind: jsonl, files: "{tmp_path}/good.jsonl"}}
  raw: {{kind: jsonl, files: "{tmp_path}/raw.jsonl"}}
benchmarks:
  asked: {{files: "{tmp_path}/items.jsonl", text: [question]}}
quality: {{good: [good], raw: [raw], sample: 60}}
tokenizer: {{vocabulary: 300}}
"""
    )
    return path


def follow(conf: Path, store: Path, alone: bool) -> tuple[dag.Built, list[str]]:
    """The corpus, and the stages in the order in which they were built; in a store of its own."""
    pipeline, engine, lines = load(conf), LocalEngine(1), []

    class Told(Silent):
        def log(self, text: str) -> None:
            lines.append(text)

    def make(artifact, what, arguments, *_) -> Artifact:
        build(artifact, what, arguments, engine, Silent())
        return artifact

    run = Run(store, engine, Told(), make if alone else None)
    return dag.build_corpus(run, pipeline), lines


def bytes_of(artifact: Artifact) -> dict[str, bytes]:
    names = [path.relative_to(artifact.folder).as_posix() for path in artifact.folder.rglob("*") if path.is_file()]
    return {name: (artifact.folder / name).read_bytes() for name in names if counted(name) or name in (FILES, MANIFEST)}


def test_the_same_bytes_as_alone(conf: Path, tmp_path: Path) -> None:
    together, said = follow(conf, tmp_path / "together", alone=False)
    alone, nothing = follow(conf, tmp_path / "alone", alone=True)
    assert [line for line in said if "same reading" in line] == [
        "hits of good: signatures made in the same reading",
        "score of raw: hits and signatures made in the same reading",
    ]
    assert not nothing
    assert list(together.sources["raw"].measures) == list(MEASURES)
    for stage in MEASURES:
        one, other = together.sources["raw"].measures[stage], alone.sources["raw"].measures[stage]
        assert one.label == other.label
        assert bytes_of(one) == bytes_of(other), stage
    assert together.sources["raw"].measures["hits"].counts(Met).touched == 1
