"""A measure with a threshold is its file, a key, and a line in the DAG: all that loops over stages then knows it."""

import io
import json
from pathlib import Path

import pytest
import toy_measure
from rich.console import Console

from conf.load import load
from flows import dag, page
from flows.dag import corpus
from flows.explain import show
from tasks.report.report import summary_of
from tasks.runtime.engine import LocalEngine
from tasks.runtime.job import Silent
from tasks.runtime.run import Run
from tasks.runtime.shards import read_beside

WORDS = ["harbour", "lantern", "morning", "quiet", "sentence", "empty", "river", "window"]


class Told(Silent):
    def __init__(self) -> None:
        self.fresh: list[str] = []

    def finished(self, artifact, cached, seconds) -> None:
        self.fresh += [] if cached else [artifact.stage]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measure")
    texts = [" ".join(f"{word} {word[:3]}{chr(97 + n // 26)}{chr(97 + n % 26)}" for word in WORDS) for n in range(40)]
    lines = [
        json.dumps({"text": text if n % 4 else text.upper(), "url": f"http://a.example/{n}"})
        for n, text in enumerate(texts)
    ]
    (folder / "a.jsonl").write_text("\n".join(lines))
    source = f'{{kind: jsonl, files: "{folder}/a.jsonl", url: url}}'
    (folder / "conf.yaml").write_text(
        f"store: {folder}/store\nsources:\n  a: {source}\ntokenizer: {{vocabulary: 300}}\n"
    )
    return folder


def follow(folder: Path, most: float, monkeypatch: pytest.MonkeyPatch) -> tuple[Run, dag.Built, list[str], str]:
    """The whole DAG with the toy between quality and deduplication."""
    behind = corpus.STEPS.index(corpus.filter_quality) + 1
    steps = [*corpus.STEPS[:behind], toy_measure.Step(most), *corpus.STEPS[behind:]]
    monkeypatch.setattr(corpus, "STEPS", steps)
    told = Told()
    pipeline = load(folder / "conf.yaml")
    run = Run(pipeline.store_url(), LocalEngine(1), told)
    built, where = page.crawl_to_model(run, pipeline)
    return run, built, told.fresh, where


def test_a_new_decision_stands_between_the_others_and_readers_take_the_last(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, built, _, where = follow(folder, 0.5, monkeypatch)
    assert [decision.stage for decision in built.sources["a"].decisions] == ["keep", "calm", "survivors"]
    (shard,) = built.sources["a"].documents.shards()
    assert read_beside(built.tokens["a"], shard).num_rows == 30, "what it dropped is not trained on"

    out = io.StringIO()
    for number in (4, 5):
        show(Console(file=out, width=300), run, f"http://a.example/{number}")
    lines = [line.split(maxsplit=1) for line in out.getvalue().splitlines() if line.strip()]
    told = [(stage, text.strip()) for stage, text in lines if stage in ("keep", "capitals", "calm", "survivors")]
    assert [stage for stage, _ in told] == ["keep", "capitals", "calm", "survivors"] * 2
    assert told[1][1] == "capitals 1.0000"
    assert told[2][1] == "dropped: shouting"
    assert told[3][1].startswith("dropped before")
    assert told[6][1] == "kept"

    assert "calm" in summary_of(built.report)
    html = Path(where).read_text()
    assert "after calm" in html and "shouting" in html
    assert "share of its letters that are capitals" in html, "a measure without a section is told of by its columns"


def test_a_new_threshold_reads_no_text(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    follow(folder, 0.5, monkeypatch)
    monkeypatch.undo()
    _, built, fresh, _ = follow(folder, 1.0, monkeypatch)
    assert "calm" in fresh and not {"ingest", "capitals", "signatures"} & set(fresh)
    (shard,) = built.sources["a"].documents.shards()
    assert read_beside(built.tokens["a"], shard).num_rows == 40
