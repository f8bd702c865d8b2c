"""The classifier's arithmetic, the same bits on every machine.

A document is Spark's HashingTF vector t (term frequencies), divided by its Euclidean length, so that the score does not
grow with the document. With weights w rounded to fixed point W = round(w 2^24), the logit is

    ( sum_i W_i t_i ) / sqrt( sum_i t_i^2 ) / 2^24  +  intercept

where both sums are exact in 64-bit integers (|w| < 2^7 and sum t < 2^31 need 24 + 7 + 31 = 62 bits), and division and
square root are correctly rounded by IEEE 754: neither threads nor BLAS can change a bit.
"""

from pathlib import Path

import numpy as np

SCALE = 1 << 24


def fixed(coefficients: np.ndarray, intercept: float) -> tuple[np.ndarray, float]:
    """Weights (features,) as fixed point int64, and the intercept as far as fixed point holds it.

    Raises:
        ValueError: a weight of 2^7 or more, which the exact sum has no room for.
    """
    if np.abs(coefficients).max() >= 128:
        raise ValueError(f"a weight of {np.abs(coefficients).max():.1f} leaves no room for an exact sum (limit 128)")
    return np.rint(coefficients * SCALE).astype(np.int64), float(np.rint(intercept * SCALE) / SCALE)


def save(file: object, coefficients: np.ndarray, intercept: float) -> None:
    """Write what `fixed` gives as npz, without pickles."""
    weights, rounded = fixed(coefficients, intercept)
    np.savez(file, weights=weights, intercept=np.array([rounded]))  # type: ignore[arg-type]


def load(path: Path) -> tuple[np.ndarray, float]:
    """Weights (features,) int64 fixed point, and the intercept."""
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["weights"], float(arrays["intercept"][0])


def scores(
    indptr: np.ndarray, indices: np.ndarray, counts: np.ndarray, weights: np.ndarray, intercept: float
) -> np.ndarray:
    """Scores (documents,) float32 in [0, 1] of documents given as CSR term frequencies."""
    counts = counts.astype(np.int64)
    return logistic(_row_sums(weights[indices] * counts, indptr), _row_sums(counts * counts, indptr), intercept)


def logistic(sums: np.ndarray, squares: np.ndarray, intercept: float) -> np.ndarray:
    """Scores from the two exact sums; a document without words has logit = intercept."""
    length = np.sqrt(np.maximum(squares, 1).astype(np.float64))
    logits = sums.astype(np.float64) / length / SCALE + intercept
    return (1.0 / (1.0 + np.exp(-logits))).astype(np.float32)


def _row_sums(values: np.ndarray, indptr: np.ndarray) -> np.ndarray:
    running = np.concatenate([[0], np.cumsum(values)])
    return running[indptr[1:]] - running[indptr[:-1]]
