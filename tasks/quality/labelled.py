"""Texts with a yes or no, from files of a user's, and logistic regression fitted on them.

A record gives one text with its label, or two of which one is the yes: then what both begin with (the conversation
before two replies) is left out, since it tells nothing. Both texts of a record are held out together.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.quality import logit
from tasks.quality.strength import solve
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.sources.input.inside import place_of
from tasks.sources.rows.json_lines import json_lines
from tasks.sources.texts.clean import clean

STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # scikit-learn's C
HELD_OUT = 0.1
WORDS = {  # of mistakes in a file
    "one": "a labelled text",
    "not_json": "is not JSON ({}); a file of labels has one JSON object per line",
    "files": "`files` of the labels",
}
PASSES = 200


@dataclass(frozen=True)
class Fields:
    """Of a record: `text` and `label`, or `yes` and `no`, two texts."""

    text: str | None = None
    label: str | None = None
    yes: str | None = None
    no: str | None = None

    @property
    def names(self) -> list[str]:
        return [name for name in (self.text, self.label, self.yes, self.no) if name is not None]


@dataclass(frozen=True)
class Labelled:
    """Texts, cleaned as documents are, with their labels, and by text a draw in [0, 1) that its record's hash gives."""

    texts: list[str]
    labels: np.ndarray  # bool
    draws: np.ndarray  # float64


@dataclass(frozen=True)
class Fit:
    """Coefficients (features,) float64 and intercept of the strength (scikit-learn's C) of least log loss held out."""

    coefficients: np.ndarray
    intercept: float
    strength: float
    log_loss: float
    passes: int


def read(files: list[dict[str, Any]], fields: Fields, inside: Artifact | None = None) -> Labelled:
    """The labelled texts of JSONL files, in their order. With `inside` their paths are relative to that artifact.

    Raises:
        Mistake: a file cannot be read; a line is not a JSON object or lacks a field; a label is neither yes nor no.
        Failure: a file changed since it was listed.
    """
    texts: list[str] = []
    labels: list[bool] = []
    draws: list[float] = []
    for file in files:
        path = place_of(file, inside)
        for number, line, record in json_lines(path, fields.names, **WORDS):
            where = f"{path}:{number}"
            draw = int.from_bytes(hashlib.sha256(line.strip()).digest()[:8], "big") / 2**64
            for text, label in _pairs(where, record, fields):
                texts.append(clean(text))
                labels.append(label)
                draws.append(draw)
    return Labelled(texts, np.array(labels, bool), np.array(draws, np.float64))


def _pairs(where: str, record: dict[str, Any], fields: Fields) -> Iterator[tuple[str, bool]]:
    for name in (fields.text, fields.yes, fields.no):
        if name is not None and not isinstance(record[name], str):
            raise Mistake(f"{where}: {name} is no text but {type(record[name]).__name__}")
    if fields.text is not None and fields.label is not None:
        yield record[fields.text], _label(where, fields.label, record[fields.label])
    elif fields.yes is not None and fields.no is not None:
        yes, no = without_beginning(record[fields.yes], record[fields.no])
        if yes != no:  # of two equal texts neither says anything
            yield yes, True
            yield no, False


def _label(where: str, name: str, value: Any) -> bool:
    """true, 1 and shares of raters from a half on are yes."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and 0 <= value <= 1:
        return value >= 0.5
    raise Mistake(f"{where}: {name} is {value!r}; a label is true or false, or a number from 0 to 1")


def without_beginning(first: str, second: str) -> tuple[str, str]:
    """Two texts without what both begin with, as far as whole words go."""
    same = 0
    while same < min(len(first), len(second)) and first[same] == second[same]:
        same += 1
    while same and not first[same - 1].isspace():
        same -= 1
    return first[same:], second[same:]


def held_out(draws: np.ndarray) -> np.ndarray:
    """bool: a tenth of the records, by their draw."""
    chosen: np.ndarray = draws < HELD_OUT
    return chosen


def features_of(texts: list[str], features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """CSR term frequencies (indptr, indices, counts), as the quality classifier has them."""
    from tasks.kernels.features import term_frequencies

    return term_frequencies(pa.array(texts, pa.large_string()), features)


def fit(
    counted: tuple[np.ndarray, np.ndarray, np.ndarray],
    labels: np.ndarray,
    held_out: np.ndarray,
    features: int,
    seed: int,
) -> Fit:
    """Logistic regression on the texts that are not held out, classes balanced, its strength chosen on those that are.

    Features are term frequencies at unit length.
    """
    from scipy.sparse import csr_matrix
    from sklearn.metrics import log_loss
    from sklearn.preprocessing import normalize

    indptr, indices, counts = counted
    x = normalize(csr_matrix((counts.astype(np.float64), indices, indptr), shape=(len(labels), features)))
    learned = labels[~held_out]
    balanced = (len(learned) / (2 * np.bincount(learned)))[learned.astype(np.int64)]
    best: Fit | None = None
    for strength in STRENGTHS:
        model = solve(x[~held_out], learned, balanced, strength, seed, PASSES)
        loss = float(log_loss(labels[held_out], model.predict_proba(x[held_out])))
        if best is None or loss < best.log_loss:
            best = Fit(model.coef_[0], float(model.intercept_[0]), strength, loss, int(model.n_iter_[0]))
    assert best is not None
    return best


def scores(counted: tuple[np.ndarray, np.ndarray, np.ndarray], fitted: Fit) -> np.ndarray:
    """float32 (texts,): as documents will be scored, with weights in fixed point."""
    return logit.scores(*counted, *logit.fixed(fitted.coefficients, fitted.intercept))
