"""Labelled texts, the harm classifier, and the measure `harm`."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ruled
from corpora import REAL, by_id, contents, counts, document_id, source

from tasks.quality import labelled
from tasks.quality.harm import harm
from tasks.quality.harm_classifier import harm_classifier, weights_of
from tasks.quality.labelled import Fields
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.run import Run

PAIRS = {"yes": "rejected", "no": "chosen"}


def written(path: Path, records: list[Any]) -> list[dict[str, str]]:
    path.write_text("\n".join(record if isinstance(record, str) else json.dumps(record) for record in records))
    return [{"path": str(path)}]


def fitted(run: Run, path: Path, fields: dict[str, str] | None = None, features: int = 4096) -> Artifact:
    files = [{"path": str(path)}]
    return run(harm_classifier, "harm", files=files, inside=None, fields=fields or PAIRS, features=features, seed=1)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    ruled.labels(tmp_path / "labels.jsonl")
    return tmp_path / "labels.jsonl"


def test_what_two_texts_share_at_the_beginning_is_left_out(tmp_path: Path) -> None:
    asked = "Human: how do I do it?\n\nAssistant: "
    files = written(
        tmp_path / "a.jsonl",
        [
            {"rejected": f"{asked}Do this now.", "chosen": f"{asked}Do that."},
            "",
            {"rejected": "the same", "chosen": "the same"},
            {"rejected": "other", "chosen": "others"},
        ],
    )
    read = labelled.read(files, Fields(**PAIRS))
    assert read.texts == ["this now.", "that.", "other", "others"]
    assert read.labels.tolist() == [True, False, True, False]
    assert read.draws[0] == read.draws[1] != read.draws[2]


def test_labels_may_be_true_or_shares_of_raters_and_texts_are_cleaned(tmp_path: Path) -> None:
    given = [True, False, 1, 0, 0.5, 0.49]
    files = written(tmp_path / "a.jsonl", [{"said": f"fish &amp; chips {label}", "bad": label} for label in given])
    read = labelled.read(files, Fields(text="said", label="bad"))
    assert read.labels.tolist() == [True, False, True, False, True, False]
    assert read.texts[0] == "fish & chips True"


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("{", r"a.jsonl:1: is not JSON"),
        ("[1]", r"a.jsonl:1: a JSON object is expected, not list"),
        ('{"chosen": "a"}', r"a.jsonl:1: no field 'rejected'; the record has chosen"),
        ('{"chosen": "a", "rejected": 3}', r"a.jsonl:1: rejected is no text but int"),
    ],
)
def test_what_is_no_record(tmp_path: Path, record: str, said: str) -> None:
    with pytest.raises(Mistake, match=said):
        labelled.read(written(tmp_path / "a.jsonl", [record]), Fields(**PAIRS))


def test_a_label_that_is_neither_yes_nor_no(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"a.jsonl:1: bad is 'yes'; a label is true or false"):
        labelled.read(written(tmp_path / "a.jsonl", [{"said": "a", "bad": "yes"}]), Fields(text="said", label="bad"))
    with pytest.raises((Mistake, Failure), match=r"gone\.jsonl"):
        labelled.read([{"path": str(tmp_path / "gone.jsonl")}], Fields(**PAIRS))


def test_harmful_texts_score_high(run: Run, labels: Path) -> None:
    made = fitted(run, labels)
    counted = counts(made)
    assert (counted["harmful"], counted["harmless"]) == (200, 200)
    assert counted["held_out"] % 2 == 0, "both texts of a record are held out together"
    assert counted["auc"] > 0.95 and counted["pairs"] > 0.95 and abs(counted["length_auc"] - 0.5) < 0.2
    documents = source(run, "web", ["nasty and vile", "kind and fair", "nothing of these", ""], shards=2)
    rows = by_id(documents, run(harm, "web", documents=documents, classifier=made))
    bad, good, other, empty = (rows[document_id("web", number)]["harm"] for number in range(4))
    assert bad > 0.8 > 0.6 > other > 0.4 > 0.2 > good
    _, intercept = weights_of(made)
    assert empty == np.float32(1 / (1 + np.exp(-intercept)))


def test_bytes_do_not_depend_on_where_it_is_fitted(run: Run, labels: Path, tmp_path: Path) -> None:
    from tasks.runtime.engine import LocalEngine

    again = Run(tmp_path / "elsewhere", LocalEngine(1))
    one, two = fitted(run, labels), fitted(again, labels)
    assert contents(one) == contents(two) and counts(one) == counts(two)


def test_too_few_texts(run: Run, tmp_path: Path) -> None:
    written(tmp_path / "few.jsonl", [{"rejected": f"a{n}", "chosen": f"b{n}"} for n in range(5)])
    with pytest.raises(Failure, match=r"5 harmful texts, .* are too few .*harm\.files"):
        fitted(run, tmp_path / "few.jsonl")


@pytest.mark.parametrize(("harmful", "harmless", "said"), [(3, 60, "3 harmful texts, "), (60, 9, "9 harmless texts, ")])
def test_the_side_that_is_too_small_is_named(run: Run, tmp_path: Path, harmful: int, harmless: int, said: str) -> None:
    records = [{"said": f"word{n}", "bad": n < harmful} for n in range(harmful + harmless)]
    written(tmp_path / "few.jsonl", records)
    with pytest.raises(Failure, match=said):
        fitted(run, tmp_path / "few.jsonl", {"text": "said", "label": "bad"})


def test_a_side_of_which_none_is_held_out_or_learned_from_is_named(run: Run, tmp_path: Path) -> None:
    """Which records are held out goes by their hash alone: those whose draw is below a tenth."""

    def draw(record: dict[str, Any]) -> float:
        line = json.dumps(record).encode()
        return int.from_bytes(hashlib.sha256(line).digest()[:8], "big") / 2**64

    every = [{"said": f"word{n}", "bad": n % 2} for n in range(400)]
    out, learned = ([each for each in every if (draw(each) < 0.1) == held] for held in (True, False))
    fields = {"text": "said", "label": "bad"}
    good = {"held": [each for each in out if not each["bad"]], "learned": [each for each in learned if not each["bad"]]}
    bad = {"held": [each for each in out if each["bad"]], "learned": [each for each in learned if each["bad"]]}
    assert min(len(side) for each in (good, bad) for side in each.values()) > 9
    for name, records, said in (
        ("a", [*good["held"], *good["learned"], *bad["learned"]], r"\d+ harmful texts, 0 of them held out"),
        ("b", [*bad["held"], *bad["learned"], *good["learned"]], r"\d+ harmless texts, 0 of them held out"),
        (
            "c",
            [*good["held"], *good["learned"], *bad["held"]],
            rf"{len(bad['held'])} harmful texts, {len(bad['held'])} of",
        ),
    ):
        written(tmp_path / f"{name}.jsonl", records)
        with pytest.raises(Failure, match=said):
            fitted(run, tmp_path / f"{name}.jsonl", fields)
    written(tmp_path / "all.jsonl", every)
    told = counts(fitted(run, tmp_path / "all.jsonl", fields))
    assert (told["held_out"], told["harmful"], told["harmless"], told["pairs"]) == (len(out), 200, 200, 0.0)


@pytest.mark.real
def test_preferences_of_people(run: Run) -> None:
    """Words alone tell little of which of two careful replies people called more harmful: better than chance, by no
    more than two standard errors of 118 pairs held out (.046 each), and so it is told."""
    made = counts(fitted(run, REAL / "preferences/hh-rlhf-harmless-base-test.even.jsonl.gz", features=1 << 18))
    assert made["harmful"] == made["harmless"] == 1156 and made["held_out"] == 236
    assert 0.5 < made["auc"] < 0.7 and 0.5 < made["pairs"] < 0.7
