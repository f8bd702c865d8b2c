"""A classifier of the user's own: its scores are those of scikit-learn's model, and a file that is none is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from corpora import by_id, contents, counts, document_id, source
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from conf.load import load
from flows.dag.corpus import build_corpus
from tasks.kernels.features import term_frequencies
from tasks.quality.given import given_classifier
from tasks.quality.score import score
from tasks.runtime.errors import Mistake
from tasks.runtime.local_store import file_sha256
from tasks.runtime.run import Run

FEATURES = 512
TEXTS = [f"{'good word' if n % 2 else 'bad page'} number{n} number{n}" for n in range(40)]


def given(run: Run, path: Path) -> Any:
    files = [{"path": str(path), "sha256": file_sha256(path)}]
    return run(given_classifier, "quality", files=files, inside=None)


@pytest.mark.parametrize("preset", ["modern", "gpt3"])
def test_scores_are_those_of_scikit_learn(run: Run, tmp_path: Path, preset: str) -> None:
    indptr, indices, counted = term_frequencies(pa.array(TEXTS, pa.large_string()), FEATURES)
    x = csr_matrix((counted.astype(float), indices, indptr), shape=(len(TEXTS), FEATURES))
    x = normalize(x.log1p()) if preset == "modern" else x
    model = LogisticRegression(C=10).fit(x, np.arange(len(TEXTS)) % 2)
    np.savez(tmp_path / "mine.npz", weights=model.coef_[0], intercept=model.intercept_, preset=preset)
    made = given(run, tmp_path / "mine.npz")
    assert counts(made)["features"] == FEATURES and counts(made)["preset"] == preset
    documents = source(run, "crawl", TEXTS)
    scores = by_id(documents, run(score, "crawl", documents=documents, classifier=made))
    found = [scores[document_id("crawl", n)]["score"] for n in range(len(TEXTS))]
    assert np.abs(found - model.predict_proba(x)[:, 1]).max() < 1e-4  # of logarithms rounded to 16 places


def test_our_own_file_is_taken_as_it_is(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", weights=np.arange(-8, 8) << 20, intercept=np.array([0.5]), preset="modern")
    made = given(run, tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(contents(made)["weights.npz"])
    again = given(run, tmp_path / "b.npz")
    assert contents(again) == contents(made) and again.fingerprint != made.fingerprint


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"weights": np.ones(4), "intercept": 1.0}, "no array 'preset'"),
    ({"weights": np.ones((2, 2)), "intercept": 1.0, "preset": "modern"}, r"float64 of shape \(2, 2\)"),
    ({"weights": np.ones(4, np.int32), "intercept": 1.0, "preset": "modern"}, "int32 of shape"),
    ({"weights": np.ones(4), "intercept": [1.0, 2.0], "preset": "modern"}, "intercept is float64 of shape"),
    ({"weights": np.ones(4), "intercept": 1.0, "preset": "gpt4"}, "'gpt4'; it is one of modern, gpt3"),
    ({"weights": np.array([1.0, np.nan]), "intercept": 1.0, "preset": "modern"}, "not a finite number"),
    ({"weights": np.array([1.0, 300.0]), "intercept": 1.0, "preset": "modern"}, "stronger regularisation"),
]


@pytest.mark.parametrize(("held", "message"), WRONG)
def test_what_is_no_classifier_is_refused(run: Run, tmp_path: Path, held: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "wrong.npz", **held)
    with pytest.raises(Mistake, match=message):
        given(run, tmp_path / "wrong.npz")


def test_other_files_and_pickles_are_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("weights")
    np.savez(tmp_path / "pickle.npz", weights=np.array([{}], object), intercept=1.0, preset="modern")
    np.save(tmp_path / "one.npy", np.ones(4))
    for name in ("text.npz", "pickle.npz", "one.npy"):
        with pytest.raises(Mistake, match="how to make one from scikit-learn"):
            given(run, tmp_path / name)


def test_a_pipeline_takes_a_file_and_labels(run: Run, tmp_path: Path) -> None:
    """From the YAML: no source is good, the file scores the raw one, people's labels stand beside; a file counts."""
    weights = np.zeros(FEATURES)
    weights[term_frequencies(pa.array(["good"], pa.large_string()), FEATURES)[1]] = 8.0
    np.savez(tmp_path / "mine.npz", weights=weights, intercept=-2.0, preset="modern")
    for number, text in enumerate(["a good page of some words", "a bad page of some words"]):
        (tmp_path / f"{number}.txt").write_text(text)
    (tmp_path / "labels.jsonl").write_text('{"text": "good", "label": 1}\n{"text": "bad", "label": 0}\n')
    (tmp_path / "mine.yaml").write_text(f"""
store: {tmp_path}/store
validation: 0.0
sources: {{web: {{kind: text, files: "{tmp_path}/*.txt"}}}}
quality:
  raw: [web]
  classifier: {tmp_path}/mine.npz
  labels: {{files: "{tmp_path}/labels.jsonl"}}
  keep: {{threshold: 0.5}}
""")
    built = build_corpus(run, load(tmp_path / "mine.yaml"))
    assert built.labels is not None and counts(built.labels)["auc"] == 1.0
    decision = built.sources["web"].decisions[0]
    assert (counts(decision)["kept"], counts(decision)["reasons"]["quality"]) == (1, 1)
    assert built.classifier is not None
    before = built.classifier.fingerprint
    np.savez(tmp_path / "mine.npz", weights=weights, intercept=-1.0, preset="modern")
    again = build_corpus(run, load(tmp_path / "mine.yaml"))
    assert again.classifier is not None and again.classifier.fingerprint != before
