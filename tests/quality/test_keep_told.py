"""How `explain` tells of `keep`: what a document has beside what was asked of it, to the letter."""

from typing import Any

import pytest
import ruled
from corpora import by_id, document_id, scored, source

from tasks.quality.heuristics import heuristics
from tasks.quality.keep import keep
from tasks.quality.pii import pii
from tasks.quality.told import tell_keep
from tasks.runtime.artifact import Artifact
from tasks.runtime.run import Run
from tasks.runtime.stage import Place

PLAIN = {"before": None, "scores": None, "pareto": None, "threshold": None, "languages": None, "seed": 1}


def lines(decision: Artifact, documents: Artifact, row: int = 0) -> list[str]:
    (shard,) = documents.shards()
    return list(tell_keep(decision, Place(documents.name, shard, row, document_id(documents.name, row), b""), {}))


def kept(run: Run, documents: Artifact, **how: Any) -> Artifact:
    made: Artifact = run(keep, "web", documents=documents, **{**PLAIN, **how})
    return made


def test_a_score_is_told_beside_the_threshold(run: Run) -> None:
    documents = source(run, "web", ["a"])
    for score, threshold, told in (
        (0.3, 0.3, ["kept", "score 0.300000 >= threshold 0.3"]),
        (0.25, 0.3, ["dropped: quality", "score 0.250000 < threshold 0.3"]),
    ):
        decision = kept(run, documents, scores=scored(run, documents, [score]), threshold=threshold)
        assert lines(decision, documents) == told


def test_a_draw_is_told_beside_its_chance(run: Run) -> None:
    """Of fifty documents some were lucky: each line says what decided it."""
    documents = source(run, "web", ["a"] * 50)
    decision = kept(run, documents, scores=scored(run, documents, [0.9]), pareto=9.0)
    rows = by_id(documents, decision)
    answers = set()
    for number in range(50):
        row = rows[document_id("web", number)]
        answer, line = lines(decision, documents, number)
        assert answer == ("kept" if row["keep"] else "dropped: quality")
        sign = "<" if row["keep"] else ">="
        assert line == f"score 0.900000, draw {row['draw']:.6f} {sign} 0.424098 = (2 - score)^-9, its chance"
        answers.add(answer)
    assert len(answers) == 2


def test_a_language_is_told_beside_those_that_were_asked(run: Run) -> None:
    documents = source(run, "web", ["a", "b"], languages=["de", None], scores=[0.75, 0.5])
    plain, sure = kept(run, documents, languages=["en", "de"]), kept(run, documents, languages={"de": 0.8, "en": 0.5})
    assert lines(plain, documents) == ["kept", "language de, 0.7500 sure; wanted: en, de"]
    assert lines(sure, documents) == [
        "dropped: language",
        "language de, 0.7500 sure; wanted: de from 0.8 on, en from 0.5 on",
    ]
    assert lines(plain, documents, 1)[1] == "language unknown, 0.5000 sure; wanted: en, de"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ruled.BREAKS["pii.emails"], ["dropped: pii.emails", "heuristics: within all 2 limits",
                                      "pii.emails 2, against max 1"]),
        ("A dog.", ["dropped: heuristics.words", "heuristics.stop_words 0, against min 2",
                    "heuristics.words 2, against max 1000 and min 5", "pii: within all 1 limits"]),
    ],
)  # fmt: skip
def test_each_rule_that_is_broken_is_told_and_that_none_is(run: Run, text: str, told: list[str]) -> None:
    documents = source(run, "web", [text])
    measures = {"heuristics": run(heuristics, "web", documents=documents), "pii": run(pii, "web", documents=documents)}
    rules = {"heuristics": {"words": {"min": 5, "max": 1000}, "stop_words": {"min": 2}}, "pii": {"emails": {"max": 1}}}
    assert lines(kept(run, documents, measures=measures, rules=rules), documents) == told


def test_nothing_asked_is_the_answer_alone(run: Run) -> None:
    documents = source(run, "web", ["a"])
    assert lines(kept(run, documents), documents) == ["kept"]
