"""How well the classifier agrees with people: measured on a user's labels, beside length."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from corpora import REAL, counts, source
from sklearn.metrics import roc_auc_score

from tasks.kernels.features import term_frequencies
from tasks.quality.classifier import classifier
from tasks.quality.given import given_classifier
from tasks.quality.labels import auc_error, labels
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.run import Run

FIELDS = {"text": "text", "label": "label"}


def likes(run: Run, tmp_path: Path, word: str) -> Any:
    """A classifier that knows one word."""
    weights = np.zeros(1 << 12)
    weights[term_frequencies(pa.array([word], pa.large_string()), 1 << 12)[1]] = 5.0
    np.savez(tmp_path / "mine.npz", weights=weights, intercept=0.0, preset="modern")
    return run(given_classifier, "quality", files=[{"path": str(tmp_path / "mine.npz")}], inside=None)


def judged(run: Run, tmp_path: Path, records: list[dict[str, Any]], word: str = "good") -> dict[str, Any]:
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    made = likes(run, tmp_path, word)
    return counts(run(labels, "quality", files=[{"path": str(path)}], inside=None, fields=FIELDS, classifier=made))


def test_a_classifier_and_length_side_by_side(run: Run, tmp_path: Path) -> None:
    records = [
        {"text": "good " + "word " * 3, "label": 1},
        {"text": "good " + "word " * 9, "label": True},
        {"text": "word " * 5, "label": 0},
        {"text": "word " * 30, "label": 0.4},
    ]
    told = judged(run, tmp_path, records)
    assert (told["documents"], told["good"], told["auc"], told["length_auc"]) == (4, 2, 1.0, 0.25)
    assert told["auc_error"] == 0.0 and told["length_error"] == pytest.approx(auc_error(0.25, 2, 2), abs=1e-6)


def test_the_error_is_that_of_many_samples() -> None:
    """Hanley and McNeil's formula beside the spread of AUCs of 2,000 samples: normal scores, one standard apart."""
    draw = np.random.default_rng(1)
    y = np.repeat([1, 0], [60, 40])
    aucs = [roc_auc_score(y, draw.normal(size=100) + y) for _ in range(2000)]
    assert auc_error(float(np.mean(aucs)), 60, 40) == pytest.approx(np.std(aucs), rel=0.1)


def test_labels_of_one_kind_and_other_fields_are_told(run: Run, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="2 of 2 labelled documents are good"):
        judged(run, tmp_path, [{"text": "a", "label": 1}, {"text": "b", "label": 1}])
    with pytest.raises(Mistake, match="no field 'label'; the record has text, verdict"):
        judged(run, tmp_path, [{"text": "a", "verdict": 1}])
    with pytest.raises(Mistake, match="a label is true or false"):
        judged(run, tmp_path, [{"text": "a", "label": "yes"}])


@pytest.mark.real
@pytest.mark.skipif(not (REAL / "text-labels").exists(), reason="../shared/data is absent")
def test_news_against_snippets_of_a_crawl_agree_with_people(run: Run) -> None:
    """285 web documents with a human label; length alone has .77. Nothing is chosen by these labels."""
    import gzip
    import zipfile

    with zipfile.ZipFile(REAL / "text-good" / "nltk" / "abc.zip") as archive:
        lines = archive.read("abc/science.txt").decode("latin-1").split("\n")
    news = ["\n".join(lines[at : at + 15]) for at in range(0, len(lines), 15)][:500]
    with gzip.open(REAL / "text-labels" / "cs336-cc2025-gopher_out.json.gz") as file:
        snippets = [each["snippet"] for each in json.load(file)["samples"]]
    how = {"preset": "modern", "sample": 500, "features": 1 << 18, "validation": 0.0, "seed": 1}
    sides = {"good": [source(run, "news", news)], "raw": [source(run, "crawl", snippets)]}
    files = [{"path": str(REAL / "text-labels" / "dclm-labels-public.jsonl.gz")}]
    made = run(classifier, "quality", **sides, **how)
    told = counts(run(labels, "quality", files=files, inside=None, fields=FIELDS, classifier=made))
    assert (told["documents"], told["good"]) == (285, 156)
    assert told["length_auc"] == pytest.approx(0.77, abs=0.01)
    assert told["auc"] > 0.75
