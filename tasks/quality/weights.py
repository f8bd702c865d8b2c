"""A classifier as a file, weights.npz: what `score` weighs documents with. Ours, or one that a user made.

    weights     (features,): fixed point int64 (2^24 is one), or any floating point
    intercept   one number
    preset      "gpt3" or "modern": what the weights multiply (logit.py)

A user's, from scikit-learn: fit on the features of tasks/kernels/features.py (or Spark's HashingTF), for preset modern
on `normalize(x.log1p())` of them; `np.savez("mine.npz", weights=model.coef_[0], intercept=model.intercept_,
preset="modern")`.
"""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa

from tasks.quality import logit
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake

FILE = "weights.npz"
PRESETS = ("modern", "gpt3")
HOW = "see tasks/quality/weights.py for what it holds and how to make one from scikit-learn"


@dataclass(frozen=True)
class Weights:
    """Fixed-point weights (features,) int64, the intercept, and by which preset they are weighed."""

    weights: np.ndarray
    intercept: float
    preset: str

    def of_text(self, text: pa.Array | pa.ChunkedArray) -> np.ndarray:
        """Scores float32 of a text column, in one pass over it."""
        from tasks.kernels.features import weighted_logs, weighted_sums

        if self.preset == "modern":
            return logit.logistic(*weighted_logs(text, self.weights), self.intercept)
        sums, _ = weighted_sums(text, self.weights)
        return logit.logistic(sums, np.ones_like(sums), self.intercept)

    def of_counts(self, indptr: np.ndarray, indices: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """The same scores, of CSR term frequencies."""
        unit = self.preset == "modern"
        return logit.scores(indptr, indices, values_of(counts, self.preset), self.weights, self.intercept, unit)


def values_of(counts: np.ndarray, preset: str) -> np.ndarray:
    """What the weights multiply, before any length: counts themselves, or log1p of them in fixed point; int64."""
    from tasks.kernels.log_counts import logs_of

    return logs_of(counts) if preset == "modern" else counts.astype(np.int64)


def weights_of(classifier: Artifact) -> Weights:
    """What a `classifier` artifact weighs documents with."""
    return read(classifier.local(FILE))


def write(file: object, coefficients: np.ndarray, intercept: float, preset: str) -> None:
    """Weights (features,) and intercept, rounded to fixed point. ValueError where they have no room there."""
    logit.save(file, coefficients, intercept, preset=np.array(preset))


def read(path: Path) -> Weights:
    """As `write` wrote them."""
    weights, intercept = logit.load(path)
    with np.load(path, allow_pickle=False) as arrays:
        return Weights(weights, intercept, str(arrays["preset"]))


def given(path: Path) -> tuple[np.ndarray, float, str]:
    """Coefficients (features,) float64, intercept and preset of a user's file.

    Raises:
        Mistake: it is no npz, or lacks an array, or one has another type or shape, or holds what is no number.
    """
    try:
        arrays = np.load(path, allow_pickle=False)
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise ValueError("it holds one array without a name")
        with arrays:
            held = {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise Mistake(f"{path} cannot be read as npz ({error}); {HOW}") from None
    missing = [name for name in ("weights", "intercept", "preset") if name not in held]
    if missing:
        names = ", ".join(sorted(held)) or "none"
        raise Mistake(f"{path}: no array {missing[0]!r} (it holds {names}); {HOW}")
    weights, intercept, preset = held["weights"], held["intercept"].ravel(), str(held["preset"])
    whole = weights.dtype == np.int64
    if weights.ndim != 1 or not 0 < len(weights) < 2**31 or not (whole or weights.dtype.kind == "f"):
        raise Mistake(
            f"{path}: weights are {weights.dtype} of shape {weights.shape}; one dimension is expected, of floating "
            f"point, or int64 in fixed point; {HOW}"
        )
    if len(intercept) != 1 or intercept.dtype.kind not in "fiu":
        raise Mistake(f"{path}: intercept is {held['intercept'].dtype} of shape {held['intercept'].shape}; {HOW}")
    if preset not in PRESETS:
        raise Mistake(f"{path}: preset is {preset!r}; it is one of {', '.join(PRESETS)}; {HOW}")
    coefficients = weights / logit.SCALE if whole else weights.astype(np.float64)
    if not (np.isfinite(coefficients).all() and np.isfinite(intercept).all()):
        raise Mistake(f"{path}: a weight or the intercept is not a finite number; {HOW}")
    try:
        logit.fixed(coefficients, float(intercept[0]))
    except ValueError as error:
        raise Mistake(f"{path}: {error}; fit with stronger regularisation") from None
    return coefficients, float(intercept[0]), preset
