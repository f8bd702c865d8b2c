"""What the measures count over a source's documents, beside the columns that they write."""

from pathlib import Path

import numpy as np
import pytest
import ruled
from corpora import by_id, counts, document_id, source

from tasks.quality.harm import harm
from tasks.quality.harm_classifier import harm_classifier
from tasks.quality.heuristics import heuristics
from tasks.quality.pii import MEANINGS, pii
from tasks.runtime.run import Run

PII = [text for name, text in ruled.BREAKS.items() if name.startswith("pii.")]


@pytest.mark.parametrize("shards", [1, 3])
def test_documents_that_hold_personal_data_are_counted_once_each(run: Run, shards: int) -> None:
    """Each text holds one kind twice; one holds two kinds, and two hold none."""
    documents = source(run, "web", [*PII, f"{PII[0]} {PII[1]}", "none", ""], shards)
    made = run(pii, "web", documents=documents)
    rows = by_id(documents, made)
    first = [rows[document_id("web", n)] for n in range(6)]
    assert [[name for name, count in row.items() if count] for row in first] == [[name] for name in MEANINGS]
    assert {row[name] for row, name in zip(first, MEANINGS, strict=True)} == {2}
    assert counts(made) == {"documents": 9, "emails": 2, "ipv4": 2, "ipv6": 1, "phones": 1, "ibans": 1, "cards": 1}


def test_documents_and_words_are_counted(run: Run) -> None:
    documents = source(run, "web", ["one two three", "", "four five"], shards=2)
    assert counts(run(heuristics, "web", documents=documents)) == {"documents": 3, "words": 5}
    assert counts(run(heuristics, "none", documents=source(run, "none", []))) == {"documents": 0, "words": 0}


def test_the_histogram_of_harm_is_that_of_its_column(run: Run, tmp_path: Path) -> None:
    ruled.labels(tmp_path / "labels.jsonl")
    files = {"files": [{"path": str(tmp_path / "labels.jsonl")}], "inside": None}
    made = run(harm_classifier, "harm", **files, fields={"yes": "rejected", "no": "chosen"}, features=4096, seed=1)
    texts = [" ".join(words) for words in (["nasty"] * 9, ["kind"] * 9, ["nasty", "kind"], ["other"], ["vile", "you"])]
    documents = source(run, "web", texts, shards=2)
    measured = run(harm, "web", documents=documents, classifier=made)
    values = np.array([row["harm"] for row in by_id(documents, measured).values()], np.float32)
    expected = np.bincount(np.minimum((values * 20).astype(int), 19), minlength=20).tolist()
    assert counts(measured) == {"documents": 5, "histogram": expected} and sum(n > 0 for n in expected) > 2
