"""Fit: the quality classifier, good sources against raw crawl (GPT-3, appendix A).

Features are Spark's Tokenizer + HashingTF; scikit-learn's logistic regression. Preset gpt3 has the paper's term
frequencies and takes documents as they come; modern has log1p of them at unit length and draws raw documents a language
apart (drawn.py). A tenth of the sample is held out, and the manifest tells how well it does there.
"""

from dataclasses import field
from typing import Any

import numpy as np

from tasks.quality import logit
from tasks.quality import weights as file_of
from tasks.quality.calibration import calibrate
from tasks.quality.drawn import Drawn, balanced, draw_both
from tasks.quality.strength import Chosen, choose, fit
from tasks.quality.telling import Word, telling
from tasks.quality.weights import FILE, Weights, values_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

HELD_OUT = 0.1
PASSES = 200
FEWEST = 10


@statistics
class Tenth:
    """Held-out documents whose score is in [from_score, from_score + .1), and how many of them are good."""

    from_score: float = 0.0
    documents: int = 0
    good: int = 0


@statistics
class Language:
    """How many documents of a language each side has in the sample."""

    good: int = 0
    raw: int = 0


@statistics
class Fitted:
    """Documents per side, and how well the classifier does on those that it was not fitted on.

    `languages`: of the sample; `left_out`: good documents, by language, that no raw document stands against. `chosen`:
    the strength of the regularisation, and what was tried; `slope`: how far logits were stretched (calibration.py).
    `positive`, `negative`: the words of the largest weights.
    """

    preset: str = ""
    good: int = 0
    raw: int = 0
    languages: dict[str, Language] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    held_out: int = 0
    chosen: Chosen = Chosen()
    slope: float = 1.0
    passes: int = 0
    log_loss: float = 0.0
    auc: float = 0.0
    precision: float = 0.0
    recall: float = 0.0
    f1: float = 0.0
    calibration: tuple[Tenth, ...] = ()
    positive: tuple[Word, ...] = ()
    negative: tuple[Word, ...] = ()


@stage("classifier", kind="fit", section="quality", libraries=("scikit-learn", "scipy", "numpy"))
def classifier(
    job: Job,
    *,
    good: list[Artifact],
    raw: list[Artifact],
    preset: str,
    sample: int,
    features: int,
    validation: float,
    seed: int,
) -> Fitted:
    """The quality classifier: fixed-point weights and intercept. Documents of the validation split are left out.

    Raises:
        Failure: a side has fewer than 10 documents, too few to fit and hold out.
    """
    from sklearn.metrics import log_loss, precision_recall_fscore_support, roc_auc_score

    how: dict[str, Any] = {"validation": validation, "seed": seed, "mixed": preset == "gpt3"}
    sides, left_out = draw_both(job, good, raw, sample=sample, features=features, **how)
    both = [side.drawn for side in sides]
    _require_enough(both, left_out)
    y = np.repeat([1, 0], [len(side) for side in both])
    languages = np.concatenate([side.languages for side in both])
    held_out = np.concatenate([_held_out(side.draws) for side in both])
    x, scale = _stacked(both, features, preset)
    weight = np.zeros(len(y))
    for part in (held_out, ~held_out):
        weight[part] = balanced(languages[part], y[part] == 1)
    learn = ~held_out & (weight > 0)
    if not learn.any():
        raise Failure("good and raw documents have no language in common to learn in; see `languages` of the sources")
    chosen = choose(x[~held_out], y[~held_out], [_without(side) for side in both], seed)
    model = fit(x[learn], y[learn], weight[learn], chosen.strength, seed, PASSES)
    slope, shift = calibrate(x[learn], y[learn], weight[learn], chosen.strength, seed)
    coefficients, intercept = model.coef_[0] * (slope / scale), float(model.intercept_[0]) * slope + shift
    try:
        with job.publish(FILE) as file:
            file_of.write(file, coefficients, intercept, preset)
    except ValueError as error:
        raise Failure(f"the classifier cannot be kept exactly: {error}; name more, and more varied, sources") from None
    fitted = Weights(*logit.fixed(coefficients, intercept), preset)
    # Judged as documents will be: with the stored weights, through the same arithmetic.
    score = np.concatenate([fitted.of_counts(side.indptr, side.indices, side.counts) for side in both])[held_out]
    truth, judge = y[held_out], weight[held_out]
    precision, recall, f1, _ = precision_recall_fscore_support(truth, score > 0.5, average="binary", zero_division=0.0)
    positive, negative = telling(job, sides, fitted, how)
    return Fitted(
        preset=preset,
        good=len(both[0]),
        raw=len(both[1]),
        languages=_languages(both),
        left_out=left_out,
        held_out=int(held_out.sum()),
        chosen=chosen,
        slope=slope,
        passes=int(model.n_iter_[0]),
        log_loss=round(float(log_loss(truth, score, sample_weight=judge, labels=[0, 1])), 6) if judge.any() else 0.0,
        auc=round(float(roc_auc_score(truth, score)), 6),
        precision=round(float(precision), 6),
        recall=round(float(recall), 6),
        f1=round(float(f1), 6),
        calibration=_calibration(score, truth),
        positive=positive,
        negative=negative,
    )


def _require_enough(sides: list[Drawn], left_out: dict[str, int]) -> None:
    lost = ", ".join(f"{count} in {language or 'no known language'}" for language, count in left_out.items())
    told = {
        "raw": f" of the good ones' languages (good ones have {lost})",
        "good": f", beside {lost} that raw ones lack",
    }
    for name, side in zip(("raw", "good"), reversed(sides), strict=True):
        if len(side) < FEWEST:
            raise Failure(
                f"the classifier has {len(side)} {name} documents to learn from{told[name] if lost else ''}, and needs "
                f"{FEWEST}; see what ingest rejected, or name more sources in quality.{name}"
            )


def _held_out(draws: np.ndarray) -> np.ndarray:
    """A tenth of a side's documents, at least one, by digits of the draw that the sampling did not look at."""
    digits = (draws * 2**20) % 1
    return digits <= max(HELD_OUT, digits.min())


def _without(side: Drawn) -> Drawn:
    """A side without what is held out; its rows alone, for `choose` has the features apart."""
    kept = ~_held_out(side.draws)
    rows = (side.draws[kept], side.languages[kept], side.sources[kept], side.sites[kept])
    return Drawn(*rows, side.indptr, side.indices, side.counts)


def _stacked(sides: list[Drawn], features: int, preset: str) -> tuple[Any, float]:
    """What is fitted: a CSR matrix of both sides, and what its values were divided by.

    modern: unit length, as a score has it. gpt3: raw counts, all divided by one number so that the mean of the squared
    lengths is 1, and C means the same; the weights are multiplied back.
    """
    from scipy.sparse import csr_matrix, vstack

    blocks = []
    for side in sides:
        values = values_of(side.counts, preset)
        running = np.concatenate([[0], np.cumsum(values * values)])
        squares = running[side.indptr[1:]] - running[side.indptr[:-1]]
        blocks.append((side, values, squares))
    squares = np.concatenate([block[2] for block in blocks])
    scale = 1.0 if preset == "modern" else float(np.sqrt(max(int(squares.sum()), 1) / len(squares)))
    matrices = []
    for side, values, lengths in blocks:
        by = np.sqrt(np.maximum(lengths, 1).astype(np.float64)) if preset == "modern" else np.full(len(side), scale)
        data = values / np.repeat(by, np.diff(side.indptr))
        matrices.append(csr_matrix((data, side.indices, side.indptr), shape=(len(side), features)))
    return vstack(matrices, format="csr"), scale


def _languages(sides: list[Drawn]) -> dict[str, Language]:
    good, raw = (dict(zip(*np.unique(side.languages, return_counts=True), strict=True)) for side in sides)
    return {str(name): Language(int(good.get(name, 0)), int(raw.get(name, 0))) for name in sorted({*good, *raw})}


def _calibration(score: np.ndarray, y: np.ndarray) -> tuple[Tenth, ...]:
    """Held-out documents by tenths of the score: how many, and how many of them are good."""
    tenth = np.minimum((score * 10).astype(int), 9)
    return tuple(Tenth(n / 10, int((tenth == n).sum()), int(y[tenth == n].sum())) for n in range(10))
