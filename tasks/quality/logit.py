"""The classifier's arithmetic, the same bits on every machine.

A document is Spark's HashingTF vector t (term frequencies). With weights w rounded to fixed point W = round(w 2^24) the
logit is, by preset,

    gpt3     ( sum_i W_i t_i ) / 2^24  +  intercept
    modern   ( sum_i W_i l_i ) / sqrt( sum_i l_i^2 ) / 2^24  +  intercept,      l_i = log1p(t_i)

gpt3 has the raw counts, so that a logit grows with the document. modern has unit length: it does not, and the
logarithm keeps one word that a page repeats from being all of it. l is fixed point too (kernels/log_counts.py), so that
all sums are exact in 64-bit integers: |w| < 2^7 and sum t < 2^31 need 24 + 7 + 31 = 62 bits; sum |W| < 2^42 and l < 22
with 16 binary places (< 2^20.5) need 62.5. Division and square root are correctly rounded by IEEE 754: neither threads
nor BLAS can change a bit.
"""

from pathlib import Path

import numpy as np

SCALE = 1 << 24
LARGEST = 128  # of a weight
WHOLE = 1 << 18  # of all weights' sum: 2^42 in fixed point


def fixed(coefficients: np.ndarray, intercept: float) -> tuple[np.ndarray, float]:
    """Weights (features,) as fixed point int64, and the intercept as far as fixed point holds it.

    Raises:
        ValueError: a weight of 2^7 or more, or all together of 2^18 or more, which the exact sum has no room for.
    """
    if np.abs(coefficients).max() >= LARGEST:
        raise ValueError(
            f"a weight of {np.abs(coefficients).max():.1f} leaves no room for an exact sum (limit {LARGEST})"
        )
    if (whole := float(np.abs(coefficients).sum())) >= WHOLE:
        raise ValueError(f"weights of {whole:.0f} together leave no room for an exact sum (limit {WHOLE})")
    return np.rint(coefficients * SCALE).astype(np.int64), float(np.rint(intercept * SCALE) / SCALE)


def save(file: object, coefficients: np.ndarray, intercept: float, **more: np.ndarray) -> None:
    """Write what `fixed` gives as npz, without pickles, and more arrays beside it."""
    weights, rounded = fixed(coefficients, intercept)
    np.savez(file, weights=weights, intercept=np.array([rounded]), **more)  # type: ignore[arg-type]


def load(path: Path) -> tuple[np.ndarray, float]:
    """Weights (features,) int64 fixed point, and the intercept."""
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["weights"], float(arrays["intercept"][0])


def scores(
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    intercept: float,
    unit: bool = True,
) -> np.ndarray:
    """Scores (documents,) float32 in [0, 1] of documents given as CSR counts, or logarithms in fixed point.

    `unit`: divided by their Euclidean length (in which the fixed point of the logarithms cancels out).
    """
    values = values.astype(np.int64)
    sums = _row_sums(weights[indices] * values, indptr)
    return logistic(sums, _row_sums(values * values, indptr) if unit else np.ones_like(sums), intercept)


def logistic(sums: np.ndarray, squares: np.ndarray, intercept: float) -> np.ndarray:
    """Scores from the two exact sums, squares 1 where length is left alone; without words the logit is the intercept.

    A logit past 700 either way counts as 700, so that no exp overflows: the score is 0 or 1 long before.
    """
    length = np.sqrt(np.maximum(squares, 1).astype(np.float64))
    logits = np.clip(sums.astype(np.float64) / length / SCALE + intercept, -700.0, 700.0)
    return (1.0 / (1.0 + np.exp(-logits))).astype(np.float32)


def _row_sums(values: np.ndarray, indptr: np.ndarray) -> np.ndarray:
    running = np.concatenate([[0], np.cumsum(values)])
    return running[indptr[1:]] - running[indptr[:-1]]
