"""Who wrote a text, by its words: the stand-in for people who read news (GPT-3, section 3.9.4).

The quality classifier's features, log1p of HashingTF's counts at unit length, and logistic regression, a person's text
against the model's. Titles are dealt out over five parts; both texts of a title are told by the fit on the other
parts. It sees words and no sense: what it cannot tell a person may, and the other way about. Fits of the five parts
share texts, so that errors go together: where texts are of one law the accuracy over 25 titles spreads by 9.3 points,
not by a fair coin's 7.1 (200 trials), and an interval over titles is too narrow by that. Weights are fixed point, so
that no score depends on threads or BLAS.
"""

import numpy as np
import pyarrow as pa

FEATURES = 1 << 18
FOLDS = 5
STRENGTH = 100.0  # what the classifier takes where its sample is too small to choose (quality/strength.py)
PASSES = 200


def crossed(human: list[str], machine: list[str], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """How sure each text is the model's: float32 (titles,) in [0, 1] of people's texts, and of the model's.

    Place n of either list is of title n. ValueError for fewer than two titles.
    """
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    from tasks.kernels.features import term_frequencies
    from tasks.kernels.log_counts import logs_of
    from tasks.quality import logit
    from tasks.quality.strength import fit

    titles = len(human)
    if titles < 2 or len(machine) != titles:
        raise ValueError(f"{titles} texts of people and {len(machine)} of the model: two titles or more are needed")
    indptr, hashed, counts = term_frequencies(pa.array([*human, *machine], pa.large_string()), FEATURES)
    known, indices = np.unique(hashed, return_inverse=True)  # 2^18 weights would be zero for a few thousand words
    x = normalize(csr_matrix((np.log1p(counts.astype(np.float64)), indices, indptr), shape=(2 * titles, len(known))))
    y = np.repeat([0, 1], titles)
    part = np.arange(2 * titles) % titles % FOLDS
    logs = logs_of(counts)
    scores = np.zeros(2 * titles, np.float32)
    for fold in range(min(FOLDS, titles)):
        held = part == fold
        fitted = fit(x[~held], y[~held], np.ones((~held).sum()), STRENGTH, seed, PASSES)
        weights, intercept = logit.fixed(fitted.coef_[0], float(fitted.intercept_[0]))
        scores[held] = logit.scores(indptr, indices, logs, weights, intercept)[held]
    return scores[:titles], scores[titles:]


def right(human: np.ndarray, machine: np.ndarray) -> list[list[float]]:
    """By title, of its two texts: 1 told right, 0 told wrong; a score of .5 says neither, and is left out."""
    return [
        [float(said) for said, score in ((person < 0.5, person), (model > 0.5, model)) if score != 0.5]
        for person, model in zip(human.tolist(), machine.tolist(), strict=True)
    ]
