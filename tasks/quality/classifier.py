"""Fit: the quality classifier, good sources against raw crawl (GPT-3, appendix A).

Features are Spark's Tokenizer + HashingTF, at unit length; scikit-learn's logistic regression, classes balanced.
`saga`, seeded, is the solver that showed no difference across BLAS kernels and thread counts. A tenth of the sample is
held out: the strength of the regularisation is chosen by its log loss, and the manifest tells how well it does on it.
"""

import warnings
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels.draw import uniform
from tasks.quality import logit
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.shards import read
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

WEIGHTS = "weights.npz"
STRENGTHS = (1.0, 10.0, 100.0)  # scikit-learn's C
HELD_OUT = 0.1
PASSES = 200


@statistics
class Tried:
    """A strength of the regularisation (scikit-learn's C), and its log loss on what was held out."""

    strength: float = 0.0
    log_loss: float = 0.0


@statistics
class Tenth:
    """Held-out documents whose score is in [from_score, from_score + .1), and how many of them are good."""

    from_score: float = 0.0
    documents: int = 0
    good: int = 0


@statistics
class Fitted:
    """Documents per side, and how well the classifier does on those that it was not fitted on."""

    good: int = 0
    raw: int = 0
    held_out: int = 0
    strength: float = 0.0
    passes: int = 0
    log_loss: float = 0.0
    auc: float = 0.0
    precision: float = 0.0
    recall: float = 0.0
    f1: float = 0.0
    tried: tuple[Tried, ...] = ()
    calibration: tuple[Tenth, ...] = ()


def weights_of(classifier: Artifact) -> tuple[np.ndarray, float]:
    """Fixed-point weights (features,) int64, and the intercept; see logit.py."""
    return logit.load(classifier.local(WEIGHTS))


@stage("classifier", kind="fit", section="quality", libraries=("scikit-learn", "scipy", "numpy"))
def classifier(
    job: Job, *, good: list[Artifact], raw: list[Artifact], sample: int, features: int, validation: float, seed: int
) -> Fitted:
    """The quality classifier: fixed-point weights and intercept. Documents of the validation split are left out.

    Raises:
        Failure: a side has fewer than 10 documents, too few to fit and hold out.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss, precision_recall_fscore_support, roc_auc_score

    sides = []
    for name, artifacts in (("good", good), ("raw", raw)):
        side = _sample(job, artifacts, sample, features, validation, seed)
        if len(side[1]) < 10:
            raise Failure(
                f"the classifier has {len(side[1])} {name} documents to learn from, and needs 10; "
                f"see what ingest rejected, or name more sources in quality.{name}"
            )
        sides.append(side)
    x = _stack([side[0] for side in sides])
    y = np.repeat([1, 0], [len(side[1]) for side in sides])
    held_out = np.concatenate([_held_out(side[1]) for side in sides])
    tried: list[tuple[float, float, Any]] = []
    for strength in STRENGTHS:
        model = LogisticRegression(
            C=strength, solver="saga", class_weight="balanced", max_iter=PASSES, tol=1e-3, random_state=seed
        )
        with warnings.catch_warnings():  # that a pass limit was reached is told in the manifest, by `passes`
            warnings.simplefilter("ignore")
            model.fit(x[~held_out], y[~held_out])
        tried.append((float(log_loss(y[held_out], model.predict_proba(x[held_out]))), strength, model))
    loss, strength, model = min(tried, key=lambda outcome: outcome[:2])
    with job.publish(WEIGHTS) as file:
        logit.save(file, model.coef_[0], float(model.intercept_[0]))
    weights, intercept = logit.fixed(model.coef_[0], float(model.intercept_[0]))
    # Judged as documents will be: with the stored weights, through the same arithmetic.
    score = np.concatenate([logit.scores(*side[2], weights, intercept) for side in sides])[held_out]
    precision, recall, f1, _ = precision_recall_fscore_support(
        y[held_out], score > 0.5, average="binary", zero_division=0.0
    )
    return Fitted(
        good=len(sides[0][1]),
        raw=len(sides[1][1]),
        held_out=int(held_out.sum()),
        strength=strength,
        passes=int(model.n_iter_[0]),
        log_loss=round(loss, 6),
        auc=round(float(roc_auc_score(y[held_out], score)), 6),
        precision=round(float(precision), 6),
        recall=round(float(recall), 6),
        f1=round(float(f1), 6),
        tried=tuple(Tried(tried_strength, round(value, 6)) for value, tried_strength, _ in tried),
        calibration=_calibration(score, y[held_out]),
    )


def _held_out(draws: np.ndarray) -> np.ndarray:
    """A tenth of a side's documents, at least one, by digits of the draw that the sampling did not look at."""
    digits = (draws * 2**20) % 1
    return digits <= max(HELD_OUT, digits.min())


def _calibration(score: np.ndarray, y: np.ndarray) -> tuple[Tenth, ...]:
    """Held-out documents by tenths of the score: how many, and how many of them are good."""
    tenth = np.minimum((score * 10).astype(int), 9)
    return tuple(Tenth(n / 10, int((tenth == n).sum()), int(y[tenth == n].sum())) for n in range(10))


def _sample(
    job: Job, artifacts: list[Artifact], sample: int, features: int, validation: float, seed: int
) -> tuple[Any, np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Unit-length features, draws and CSR counts of the `sample` documents of smallest draw, in the draw's order."""
    shards = [shard for artifact in artifacts for shard in artifact.shards()]
    lowest = job.engine.map(partial(draws_of, sample=sample, validation=validation, seed=seed), shards)
    draws = np.sort(np.concatenate([np.zeros(0), *lowest]))[:sample]
    cut = draws[-1] if len(draws) else -1.0
    parts = job.engine.map(partial(features_of, cut=cut, features=features, validation=validation, seed=seed), shards)
    return _join(parts, features)


def _draws(ids: pa.ChunkedArray, validation: float, seed: int) -> np.ndarray:
    """The sampling draw; documents of the validation split get 1, which no cut reaches."""
    return np.where(uniform(ids, seed, "split") < validation, 1.0, uniform(ids, seed, "classifier"))


def draws_of(shard: Shard, *, sample: int, validation: float, seed: int) -> np.ndarray:
    """The shard's `sample` smallest draws: what leaves them cannot be among the smallest of all shards."""
    draws = _draws(read(shard, ["id"]).column("id"), validation, seed)
    return np.sort(draws[draws < 1])[:sample]


def features_of(
    shard: Shard, *, cut: float, features: int, validation: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draws and CSR term frequencies of the shard's documents up to the cut."""
    from tasks.kernels.features import term_frequencies

    draws = _draws(read(shard, ["id"]).column("id"), validation, seed)
    chosen = draws <= cut
    text = read(shard, ["text"]).column("text").filter(pa.array(chosen))
    return draws[chosen], *term_frequencies(pc.fill_null(text, "").combine_chunks(), features)


def _join(parts: list[Any], features: int) -> tuple[Any, np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    from scipy.sparse import csr_matrix, vstack
    from sklearn.preprocessing import normalize

    draws = np.concatenate([np.zeros(0), *(part[0] for part in parts)])
    blocks = [
        csr_matrix((counts.astype(np.float64), indices, indptr), shape=(len(draw), features))
        for draw, indptr, indices, counts in parts
    ]
    order = np.argsort(draws, kind="stable")
    counts = vstack(blocks, format="csr")[order] if blocks else csr_matrix((0, features))
    exact = (counts.indptr.astype(np.int64), counts.indices, counts.data.astype(np.int64))
    return normalize(counts) if len(draws) else counts, draws[order], exact


def _stack(blocks: list[Any]) -> Any:
    from scipy.sparse import vstack

    return vstack(blocks, format="csr")
