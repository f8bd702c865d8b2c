"""Fit: `harm-classifier`, from texts that people called harmful or harmless, for the measure `harm`.

The arithmetic is the quality classifier's (logit.py). It tells words that harmful texts use from words that harmless
ones use, and no more: how well, on texts held out, stands in the manifest, and should be read before it is relied on.
"""

from typing import Any

import numpy as np

from tasks.quality import labelled, logit
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

WEIGHTS = "harm.npz"
FEWEST = 10  # texts of a side, to fit and hold out


@statistics
class Fitted:
    """Texts of each label, and how well their words tell them apart where they were held out, by the strength
    (scikit-learn's C, one of four) that did best there.

    `pairs`: of records with a harmful and a harmless text, held out, the share whose harmful one scores higher (ties
    half); 0 where records have one text. `length_auc`: by length alone, longer texts as the more harmful ones.
    """

    harmful: int = 0
    harmless: int = 0
    held_out: int = 0
    strength: float = 0.0
    passes: int = 0
    log_loss: float = 0.0
    auc: float = 0.0
    length_auc: float = 0.0
    pairs: float = 0.0


@stage("harm-classifier", kind="fit", section="rules", libraries=("scikit-learn", "scipy", "numpy", "ftfy"))
def harm_classifier(
    job: Job, *, files: list[dict[str, Any]], inside: Artifact | None, fields: dict[str, str], features: int, seed: int
) -> Fitted:
    """Which words tell harmful texts from harmless ones: fixed-point weights and intercept.

    `fields`: of a record, `text` and `label`, or `yes` (harmful) and `no`.

    Raises:
        Failure: a side has fewer than 10 texts, or none that is held out.
    """
    from sklearn.metrics import roc_auc_score

    texts = labelled.read(files, labelled.Fields(**fields), inside)
    out = labelled.held_out(texts.draws)
    for label, name in ((True, "harmful"), (False, "harmless")):
        side = texts.labels == label
        if side.sum() < FEWEST or not (side & out).any() or not (side & ~out).any():
            raise Failure(
                f"{int(side.sum())} {name} texts, {int((side & out).sum())} of them held out, are too few to fit on "
                f"and to judge by; name more files in harm.files"
            )
    counted = labelled.features_of(texts.texts, features)
    fitted = labelled.fit(counted, texts.labels, out, features, seed)
    with job.publish(WEIGHTS) as file:
        logit.save(file, fitted.coefficients, fitted.intercept)
    scores = labelled.scores(counted, fitted)
    lengths = np.array([len(text) for text in texts.texts])
    return Fitted(
        harmful=int(texts.labels.sum()),
        harmless=int((~texts.labels).sum()),
        held_out=int(out.sum()),
        strength=fitted.strength,
        passes=fitted.passes,
        log_loss=round(fitted.log_loss, 6),
        auc=round(float(roc_auc_score(texts.labels[out], scores[out])), 6),
        length_auc=round(float(roc_auc_score(texts.labels[out], lengths[out])), 6),
        pairs=round(_pairs(scores, out), 6) if "yes" in fields else 0.0,
    )


def _pairs(scores: np.ndarray, out: np.ndarray) -> float:
    """Texts of a record stand side by side, the harmful one first."""
    yes, no = scores[::2][out[::2]], scores[1::2][out[1::2]]
    return float(((yes > no) + 0.5 * (yes == no)).mean())


def weights_of(classifier: Artifact) -> tuple[np.ndarray, float]:
    """Fixed-point weights (features,) int64, and the intercept; see logit.py."""
    return logit.load(classifier.local(WEIGHTS))
