"""`millrace explain` over the real DAG: a copy, a leaked benchmark item, a text kept whole, a reject."""

import io
import json

import pytest
from rich.console import Console

from conf.load import load
from flows import dag
from flows.explain import find, show
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

WORDS = ["river", "stone", "lantern", "meadow", "copper", "window", "harbour", "thistle", "velvet", "ember", "quarry"]
LEAKED = "the quick otter carried seven silver spoons across the frozen lake before breakfast on a monday morning"
HIT = "http://b.example/leak"


def prose(seed: int, count: int = 120) -> str:
    """Words in an order of its own for each seed, so that no two texts share a shingle."""
    return " ".join(f"{WORDS[(seed * 7 + n * n) % len(WORDS)]}{seed}x{n}" for n in range(count))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("explain")
    first = [{"text": prose(1), "url": "http://a.example/1"}]
    second = [
        {"text": prose(1), "url": "http://b.example/copy"},
        {"text": prose(2), "url": "http://b.example/whole"},
        {"text": f"{prose(3)} {LEAKED} {prose(4)}", "url": HIT},
        {"text": "", "url": "http://b.example/empty"},
    ]
    for name, rows in (("a", first), ("b", second), ("items", [{"text": LEAKED}])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    sources = "".join(f'  {name}: {{kind: jsonl, files: "{folder}/{name}.jsonl", url: url}}\n' for name in "ab")
    (folder / "conf.yaml").write_text(
        f"store: {folder}/store\nvalidation: 0\nsources:\n{sources}"
        f'benchmarks:\n  quiz: {{files: "{folder}/items.jsonl", text: [text]}}\n'
        "tokenizer: {vocabulary: 300}\n"
    )
    pipeline = load(folder / "conf.yaml")
    run = Run(pipeline.store_url(), LocalEngine(1))
    dag.train_tokenizer(run, pipeline)
    return run


def told(run: Run, document: str) -> str:
    out = io.StringIO()
    show(Console(file=out, width=500), run, document)
    return out.getvalue()


def lines(text: str, stage: str) -> list[str]:
    return [line.removeprefix(stage).strip() for line in text.splitlines() if line.startswith(f"{stage} ")]


def test_a_copy_names_the_document_that_stayed(run: Run) -> None:
    ingested = {artifact.name: artifact for artifact in run.artifacts if artifact.stage == "ingest"}
    (stayed,) = find(ingested, "http://a.example/1")
    first = told(run, "http://a.example/1")
    assert stayed.source == "a"
    id = lines(first, "ingest")[0].split()[0]
    text = told(run, "http://b.example/copy")
    (survivors,) = lines(text, "survivors")
    assert survivors.startswith("dropped: exact;")
    assert f"duplicate_of {id}" in survivors
    assert lines(text, "keep") == ["kept"]
    assert lines(text, "cuts")[0].startswith("dropped before")
    assert lines(text, "tokens") == ["none: it is not trained on"]


def test_a_leak_shows_the_text_that_was_hit_and_what_was_cut(run: Run) -> None:
    text = told(run, HIT)
    hits = lines(text, "hits")
    assert len(hits) == len(LEAKED.split()) - 13 + 1
    assert "quiz item " in hits[0]
    assert "'the quick otter carried seven silver spoons across the frozen lake before breakfast'" in hits[0]
    assert lines(text, "cuts")[0] == "kept"
    assert "removed" in lines(text, "cuts")[1]
    ids = [line.split(":", 2)[1].split("#")[-1] for line in lines(text, "tokens")]
    assert ids == ["0", "1"], "it is trained on as two pieces"
    id = lines(text, "ingest")[0].split()[0]
    assert told(run, f"{id}#1") == text


def test_a_text_kept_whole_is_in_the_tokens(run: Run) -> None:
    text = told(run, "http://b.example/whole")
    assert lines(text, "hits") == ["none"]
    assert lines(text, "cuts") == ["kept"]
    (tokens,) = lines(text, "tokens")
    assert "tokens of train" in tokens
    assert "not built" not in text


def test_a_reject_is_found_by_its_url_and_nothing_else_is(run: Run) -> None:
    (rejected,) = lines(told(run, "http://b.example/empty"), "ingest")
    assert rejected.startswith("b: rejected (empty) in ")
    with pytest.raises(Mistake, match="no document or reject of a, b has the id or URL"):
        told(run, "http://b.example/emp")
