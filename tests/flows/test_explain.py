"""`millrace explain` over the real DAG: copies, a leaked benchmark item, a text kept whole, rejects, phrases, JSON."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from conf.load import load
from flows import dag
from flows.explain import find, show
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run
from tasks.runtime.shards import read

WORDS = ["river", "stone", "lantern", "meadow", "copper", "window", "harbour", "thistle", "velvet", "ember", "quarry"]
LEAKED = "the quick otter carried seven silver spoons across the frozen lake before breakfast on a monday morning"
HIT = "http://b.example/leak"
HOSTILE = "http://b.example/\x1b]0;owned\x07\u202e"


def prose(seed: int, count: int = 120) -> str:
    """Words in an order of its own for each seed, so that no two texts share a shingle."""
    return " ".join(f"{WORDS[(seed * 7 + n * n) % len(WORDS)]}{seed}x{n}" for n in range(count))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("explain")
    near = prose(6, 200).split()
    first = [{"text": prose(1), "url": "http://a.example/1"}, {"text": " ".join(near), "url": "http://a.example/near"}]
    near[90:92] = ["another", "wording"]
    second = [
        {"text": prose(1), "url": "http://b.example/copy"},
        {"text": prose(2), "url": "http://b.example/whole"},
        {"text": f"{prose(3)} {LEAKED} {prose(4)}", "url": HIT},
        {"text": "", "url": "http://b.example/empty"},
        {"text": " ".join(near), "url": "http://b.example/near"},
        {"text": f"{prose(7)} \u202eevil\u2066 \x9b2J {prose(8)} [bold]brackets[/bold]", "url": HOSTILE},
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


def as_json(run: Run, document: str, within: str | None = None) -> dict[str, Any]:
    out = io.StringIO()
    show(Console(file=out, width=80), run, document, within, as_json=True)
    return json.loads(out.getvalue())


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


def test_a_near_copy_stands_beside_its_witness_with_what_differs_marked(run: Run) -> None:
    text = told(run, "http://b.example/near")
    (survivors,) = lines(text, "survivors")
    assert survivors.startswith("dropped: near; duplicate_of a:") and survivors.endswith(", at a threshold of 0.75")
    left, right = (prose(6, 200).split()[90:92], ["another", "wording"])
    assert f"[-{' '.join(right)}-]" in text and f"{{+{' '.join(left)}+}}" in text
    assert text.count("[-") == 1 and "... 74 words alike ..." in text and "... 92 words alike ..." in text
    (document,) = as_json(run, "http://b.example/near")["documents"]
    assert document["standing"] == "dropped by survivors: near"
    witness = document["witness"]
    assert witness["text"] == prose(6, 200) and 0.8 <= witness["similarity"] < 1
    assert [each["alike"] for each in witness["differences"]] == [True, False, True]
    for side, whole in (("left", document["text"]), ("right", witness["text"])):
        assert "".join(each[side] for each in witness["differences"]) == whole


def test_what_is_cut_is_marked_in_its_text(run: Run) -> None:
    (document,) = as_json(run, HIT)["documents"]
    (cuts,) = (stage for stage in document["stages"] if stage["stage"] == "cuts")
    (span,), (_, line) = cuts["columns"]["cuts"], cuts["says"]
    cut = document["text"].encode()[span["start"] : span["end"]].decode()
    assert LEAKED in cut
    left, _, rest = line.partition("[-")
    shown, _, right = rest.partition("-]")
    assert shown == cut
    before, after = left.partition(": ")[2].strip("'."), right.strip("'.")
    assert before + cut + after in document["text"] and len(before) == len(after) == 80


def test_a_phrase_finds_the_documents_that_hold_it(run: Run) -> None:
    phrase = " ".join(prose(1).split()[10:14])
    text = told(run, phrase)
    assert "2 documents hold it (a 1, b 1)" in text and "\\x0a" not in text
    assert text.count(f"[[{phrase}]]") == 2 and ": dropped by survivors: exact" in text and ": kept" in text
    found = as_json(run, phrase)
    assert found["found"] == 2 and found["by_source"] == {"a": 1, "b": 1}
    for document in found["documents"]:
        assert document["text"].encode()[document["phrase_at"] :].startswith(phrase.encode())
    alone = as_json(run, phrase, within="b")
    assert alone["by_source"] == {"b": 1}
    assert alone["documents"][0]["source"] == "b"
    one = told(run, " ".join(prose(2).split()[3:7]))
    assert "1 document holds it (b 1)" in one and lines(one, "cuts") == ["kept"], "the only one is told whole"
    with pytest.raises(Mistake, match="has the id, the URL or, letter by letter, the phrase 'no such words'"):
        told(run, "no such words")
    with pytest.raises(Mistake, match="there is no source B: there are a, b; did you mean b"):
        as_json(run, phrase, within="B")
    with pytest.raises(Mistake, match="there is no source c: there are a, b"):
        as_json(run, phrase, within="c")


def test_hostile_text_moves_no_cursor(run: Run) -> None:
    """The URL comes through ingest as it is; in the text what `clean` leaves of it."""
    for asked in (HOSTILE, "[bold]brackets[/bold]"):
        text = told(run, asked)
        assert r"http://b.example/\x1b]0;owned\x07\u202e" in text
        assert not any(character in text for character in "\x1b\x07\x9b\u202e\u2066")


def test_a_store_without_an_index_is_told_and_explained_all_the_same(run: Run) -> None:
    (whole,) = as_json(run, "http://b.example/whole")["documents"]
    before = [artifact for artifact in run.artifacts if artifact.stage != "index"]
    older = Run(run.store, None)
    older.artifacts, older.stages = before, run.stages
    text = told(older, whole["id"])
    assert text.startswith("no index of a, b: every id was read")
    assert text.split("\n", 1)[1] == told(run, whole["id"])
    (by_url,) = as_json(older, "http://b.example/whole")["documents"]
    assert by_url["id"] == whole["id"] and as_json(older, whole["id"])["notes"] and not as_json(run, HIT)["notes"]


def test_every_stage_that_declares_columns_is_in_the_json(run: Run) -> None:
    (document,) = as_json(run, "http://b.example/whole")["documents"]
    rows = {stage["stage"]: stage["columns"] for stage in document["stages"]}
    declared = {
        name: [column.name for column in what.columns]
        for name, what in run.stages.items()
        if what.columns and what.kind in ("measure", "decision")
    }
    assert {name for name, row in rows.items() if row is not None} == set(declared)
    assert all(set(rows[name]) <= set(columns) for name, columns in declared.items())
    assert rows["keep"]["keep"] is True and rows["survivors"]["copies"] == 0


def test_explaining_changes_nothing_in_the_store(run: Run) -> None:
    def files() -> dict[str, tuple[int, int, bytes]]:
        root = Path(run.store.url)
        return {
            str(path): (path.stat().st_mtime_ns, path.stat().st_size, path.read_bytes())
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    before = files()
    for asked in ("http://b.example/near", HIT, " ".join(prose(1).split()[10:14])):
        told(run, asked)
        as_json(run, asked)
    assert files() == before and len(before) > 40


def test_documents_of_one_url_are_all_told(run: Run) -> None:
    ids = {row["id"] for a in run.artifacts if a.stage == "ingest" for s in a.shards() for row in read(s).to_pylist()}
    for id in ids:
        assert as_json(run, id)["documents"][0]["id"] == id
