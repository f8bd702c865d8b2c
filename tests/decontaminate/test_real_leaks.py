"""A leak that nobody planted: LAMBADA's items that stand in the books of Project Gutenberg, read by eye."""

import hashlib
import io
import json
from collections.abc import Iterator

import numpy as np
import pytest
import zstandard
from corpora import REAL, by_id, decided, document_id, source

from conf.corpus import Decontaminate
from tasks.decontaminate.benchmark import benchmark, items_of
from tasks.decontaminate.cuts import cuts
from tasks.decontaminate.frequent import frequent
from tasks.decontaminate.grams import grams
from tasks.decontaminate.hits import hits
from tasks.decontaminate.rules import Judged, effective, leaked, wanted
from tasks.runtime.artifact import Artifact

LAMBADA = REAL / "benchmarks" / "llm-foundry" / "lambada_openai.jsonl.gz"
LEAKS = {
    "His Last Bow: An Epilogue of Sherlock Holmes": ["The door of the study opened straight onto the terrace."],
    "Mansfield Park": ['"I am not cold, sir: I never sit', "But he was bent upon going, and as I hate to be officious"],
    "Nine Unlikely Tales": [
        "When Pridmore came down at last she said",
        '"Matilda," she said, simply, "you have a noble',
    ],
}
OTHERS = 12  # more books, of the first and of as many characters at most as:
SHORT = 300_000


def books() -> Iterator[tuple[str, str]]:
    """(title, text) of the three books, and of some others, in the files' order."""
    left, due = OTHERS, set(LEAKS)
    for path in sorted((REAL / "books" / "bulk").glob("*.jsonl.zst")):
        with path.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as lines:
            for line in io.TextIOWrapper(lines, encoding="utf-8"):
                book = json.loads(line)
                if book["title"] in due:
                    due.discard(book["title"])
                    yield book["title"], book["text"]
                elif left and len(book["text"]) < SHORT:
                    left -= 1
                    yield book["title"], book["text"]
            if not due and not left:
                return


def items_met(documents: Artifact, made: dict[str, Artifact], rule: str, how: Decontaminate) -> dict[int, set[str]]:
    """By row of the one shard, the items that the rule finds there."""
    sought = wanted(made["grams"], made["frequent"], Judged(rule, **how.judged()[rule]))
    (shard,) = documents.shards()
    kept = np.ones(shard.rows, bool)
    possible = (
        leaked(made["hits"], shard, sought, kept)[1] if sought.needed is not None else np.arange(sought.items.num_rows)
    )
    met: dict[int, set[str]] = {}
    items = sought.items.column("item").to_pylist()
    for batch in effective(made["hits"], shard, sought, kept):
        for row, number in zip(batch["row"].tolist(), batch["number"].tolist(), strict=True):
            owners = sought.owners[sought.begin[number] : sought.begin[number + 1]]
            met.setdefault(row, set()).update(items[owner] for owner in owners if owner in possible)
    return met


@pytest.mark.real
@pytest.mark.long
def test_lambada_leaks_into_three_books(run):
    """All 470 books gave the same five items in the same three, by gpt3, gpt4 and gap (by hand, November 2026)."""
    titles, texts = zip(*books(), strict=True)
    assert set(LEAKS) <= set(titles) and len(titles) == len(LEAKS) + OTHERS
    documents = source(run, "books", list(texts))
    files = [{"path": str(LAMBADA), "sha256": hashlib.sha256(LAMBADA.read_bytes()).hexdigest()}]
    quiz = run(benchmark, "lambada", files=files, inside=None, text=["context", "continuation"])
    how = Decontaminate(beside=["gpt4", "gap"])
    made = {"grams": run(grams, "all", benchmarks={"lambada": quiz}, rules=how.sought(), seed=1)}
    made["hits"] = run(hits, "books", documents=documents, grams=made["grams"], margin=how.margin)
    keep = decided(run, documents)
    often = {"documents": [documents], "hits": [made["hits"]], "before": [keep], "grams": made["grams"]}
    made["frequent"] = run(frequent, "all", **often, limit=how.frequent)
    decision = run(
        cuts, "books", documents=documents, before=keep, **made, rule=how.rule, judged=how.judged(),
        shortest=how.shortest, pieces=how.pieces,
    )  # fmt: skip
    begins = {row["item"]: row["text"] for row in items_of(quiz, ["item", "text"]).to_pylist()}
    expected = {
        titles.index(title): {item for item, text in begins.items() if text.startswith(tuple(some))}
        for title, some in LEAKS.items()
    }
    assert sorted(map(len, expected.values())) == [1, 2, 2]
    for rule in ("gpt3", "gpt4", "gap"):
        assert items_met(documents, made, rule, how) == expected, rule
    rows = by_id(documents, decision)
    for number, text in enumerate(texts):
        row = rows[document_id("books", number)]
        assert row["keep"] and row["found_by"] == (["gpt3", "gap", "gpt4"] if number in expected else [])
        gone = " ".join(text.encode()[cut["start"] : cut["end"]].decode() for cut in row["cuts"])
        assert (len(gone) > 400) == (number in expected)
