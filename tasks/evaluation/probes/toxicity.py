"""Fit: `toxicity-classifier`, a stand-in for Perspective, which rates texts for InstructGPT (3.5) and is closed.

Ridge regression of the ratings on log counts of words and pairs of words, hashed as Spark's HashingTF does. The ratings
were of the text alone (the same text has one rating in whatever context), so the context is not read. It is weak: of
InstructGPT's 3,600 rated texts it explains about a quarter of the variance in contexts that it has not seen. It may
say which of two models' texts are the more toxic on the whole, and nothing of one text.

The solver is `sag`, which uses no BLAS, and weights are rounded to fixed point (tasks/quality/logit.py), so that a
score is an exact sum.
"""

import re
from itertools import pairwise

import numpy as np
import pyarrow as pa

from tasks.evaluation.given import Files, one
from tasks.evaluation.probes.rated import Rated, rated_in
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

WEIGHTS = "toxicity.npz"
FEATURES = 1 << 18
STRENGTH = 1.0  # ridge's alpha; of .1, .3, 1 and 3 it did best on InstructGPT's texts: R2 .252, .265, .271, .255
FOLDS = 5
WORD = re.compile(r"\w+(?:'\w+)*")


@statistics
class Learned:
    """Of how many rated texts and contexts; and how well each fifth of the contexts is foretold from the others:
    R2, Pearson's correlation, and, where the file names models and instructions, Spearman's correlation of their means
    (0 where there are fewer than three)."""

    texts: int = 0
    contexts: int = 0
    r2: float = 0.0
    correlation: float = 0.0
    groups: int = 0
    rank_correlation: float = 0.0


@stage("toxicity-classifier", kind="fit", section="probes", libraries=("scikit-learn", "scipy", "numpy"))
def toxicity_classifier(job: Job, *, files: Files, seed: int) -> Learned:
    """A stand-in that rates texts for toxicity, learned from rated texts: fixed-point weights and intercept.

    Raises:
        Failure: the texts are of fewer than five contexts. Mistake: the file is not what rated.py says.
    """
    from scipy.sparse import csr_matrix

    from tasks.kernels.features import term_frequencies
    from tasks.quality import logit

    rated = rated_in(one(files, "evaluate.probes.toxicity.rated"))
    contexts = {text.context for text in rated}
    if len(contexts) < FOLDS:
        raise Failure(
            f"{len(rated)} rated texts of {len(contexts)} contexts; {FOLDS} are needed to judge by: see "
            "evaluate.probes.toxicity.rated"
        )
    indptr, indices, counts = term_frequencies(words_of([text.text for text in rated]), FEATURES)
    x = csr_matrix((np.log1p(counts.astype(np.float64)), indices, indptr), shape=(len(rated), FEATURES))
    y = np.array([text.toxicity for text in rated])
    foretold = _crossed(x, y, rated, seed)
    names, means = _means(rated, y, foretold)
    fitted = _fit(x, y, seed)
    with job.publish(WEIGHTS) as file:
        logit.save(file, fitted.coef_, float(fitted.intercept_))
    return Learned(
        texts=len(rated),
        contexts=len(contexts),
        r2=round(1 - float(((y - foretold) ** 2).sum() / ((y - y.mean()) ** 2).sum()), 4) if y.std() else 0.0,
        correlation=round(float(np.corrcoef(y, foretold)[0, 1]), 4) if y.std() and foretold.std() else 0.0,
        groups=len(names),
        rank_correlation=_spearman(means),
    )


def _fit(x: object, y: np.ndarray, seed: int):  # type: ignore[no-untyped-def]
    from sklearn.linear_model import Ridge

    return Ridge(alpha=STRENGTH, solver="sag", random_state=seed, tol=1e-6, max_iter=1000).fit(x, y)


def _crossed(x, y: np.ndarray, rated: list[Rated], seed: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    """What each text is foretold by a fit on the other contexts."""
    from sklearn.model_selection import GroupKFold

    foretold = np.zeros(len(y))
    for learned, out in GroupKFold(FOLDS).split(x, y, [text.context for text in rated]):
        foretold[out] = _fit(x[learned], y[learned], seed).predict(x[out])
    return foretold


def _means(
    rated: list[Rated], y: np.ndarray, foretold: np.ndarray
) -> tuple[list[tuple[str, str]], list[tuple[float, float]]]:
    """By model and instruction, as far as the file names them: means of the ratings, and of what was foretold."""
    places: dict[tuple[str, str], list[int]] = {}
    for place, text in enumerate(rated):
        if text.model:
            places.setdefault((text.model, text.instruction), []).append(place)
    return list(places), [(float(y[at].mean()), float(foretold[at].mean())) for at in places.values()]


def _spearman(means: list[tuple[float, float]]) -> float:
    from scipy.stats import spearmanr

    if len(means) < 3:
        return 0.0
    correlation = float(spearmanr(*zip(*means, strict=True)).statistic)
    return 0.0 if np.isnan(correlation) else round(correlation, 4)


def words_of(texts: list[str]) -> pa.Array:
    """Each text's words in lower case, and pairs of neighbours, as HashingTF is to count them: apart by spaces."""
    found = []
    for text in texts:
        words = WORD.findall(text.lower().replace("\u2019", "'"))
        pairs = [f"{first}_{second}" for first, second in pairwise(words)]
        found.append(" ".join([*words, *pairs]))
    return pa.array(found, pa.large_string())


def toxicity_of(texts: list[str], classifier: Artifact) -> np.ndarray:
    """float64 (texts,): the stand-in's ratings. About 0 to 1, though nothing holds a line within."""
    from tasks.kernels.features import weighted_logs
    from tasks.kernels.log_counts import ONE
    from tasks.quality import logit

    weights, intercept = logit.load(classifier.local(WEIGHTS))
    sums, _ = weighted_logs(words_of(texts), weights)
    return np.round(sums / (logit.SCALE * ONE) + intercept, 6)
