"""The measure `heuristics` on real pages: rules of another author, and texts of known quality."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pytest
from corpora import REAL, by_id, document_id, source

from conf.keep import HEURISTICS
from tasks.quality.heuristics import MEANINGS, heuristics
from tasks.quality.rules import RULES, stays, value_of
from tasks.runtime.run import Run


def verdicts(columns: pa.Table, limits: dict[str, dict[str, float]]) -> np.ndarray:
    """Which rows keep to all rules."""
    rules = RULES["heuristics"]
    return np.logical_and.reduce([stays(value_of(rules[name], columns), within) for name, within in limits.items()])


def measured(run: Run, texts: list[str]) -> pa.Table:
    documents = source(run, "web", texts)
    rows = by_id(documents, run(heuristics, "web", documents=documents))
    return pa.Table.from_pylist([rows[document_id("web", number)] for number in range(len(texts))])


def test_every_count_has_a_meaning_and_every_rule_its_counts(run: Run) -> None:
    columns = measured(run, ["A text of a few words.", ""])
    assert columns.column_names == list(MEANINGS)
    assert columns.column("words").to_pylist() == [6, 0]
    for rule in RULES["heuristics"].values():
        assert {rule.count, rule.of or rule.count} <= set(MEANINGS)
        assert np.isfinite(value_of(rule, columns)).all()


@pytest.mark.real
def test_the_verdict_of_another_filter_on_pages_of_2025(run: Run) -> None:
    """58 snippets are whole pages (442 others are cut at 1,000 characters). That filter has three of Gopher's rules
    that a snippet shows; its words are nltk's, of which punctuation is one without a letter, so that it keeps less."""
    with gzip.open(REAL / "text-labels/cs336-cc2025-gopher_out.json.gz") as file:
        samples = [sample for sample in json.load(file)["samples"] if len(sample["snippet"]) < 1000]
    three = {name: HEURISTICS["gopher"][name] for name in ("words", "mean_word_length", "alphabetic_words")}
    ours = verdicts(measured(run, [sample["snippet"] for sample in samples]), three)
    theirs = np.array([sample["valid"] for sample in samples])
    assert len(samples) == 58 and theirs.sum() == 10
    assert (theirs & ~ours).sum() == 0, "what it keeps we keep"
    assert (ours & ~theirs).sum() == 5, "of the 48 that it drops, five whose punctuation makes words without a letter"


@pytest.mark.real
def test_books_keep_to_gophers_rules_and_menus_do_not(run: Run) -> None:
    texts = []
    for path in sorted((REAL / "books").glob("*.txt.gz"))[:12]:
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            text = file.read()
        texts.append(text[len(text) // 3 :][:20_000])
    columns = measured(run, [*texts, "Home\nAbout\nContact\n" * 40])
    assert verdicts(columns, HEURISTICS["gopher"]).tolist().count(False) <= 2
    assert not verdicts(columns, HEURISTICS["gopher"])[-1]
