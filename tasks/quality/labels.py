"""Measure: `labels`, how well the classifier agrees with people: documents that they called good or not.

It is beside the pipeline: nothing is fitted on these documents, or chosen by them. Length alone stands beside, since
people often call the longer page the better one: a classifier that does not beat it has found nothing more.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from tasks.quality import labelled
from tasks.quality.weights import weights_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics


@statistics
class Judged:
    """Areas under the ROC curve, by score and by length in characters, each with its standard error."""

    documents: int = 0
    good: int = 0
    auc: float = 0.0
    auc_error: float = 0.0
    length_auc: float = 0.0
    length_error: float = 0.0


@stage("labels", kind="measure", section="quality", libraries=("scikit-learn", "scipy", "numpy", "ftfy"))
def labels(
    job: Job, *, files: list[dict[str, Any]], inside: Artifact | None, fields: dict[str, str], classifier: Artifact
) -> Judged:
    """How well the classifier's scores agree with labels that people gave. Texts are cleaned as documents are.

    Raises:
        Mistake: a record lacks a field, or its label is no yes or no. Failure: all labels are the same.
    """
    from sklearn.metrics import roc_auc_score

    people = labelled.read(files, labelled.Fields(**fields), inside)
    good = people.labels
    if not 0 < good.sum() < len(good):
        raise Failure(
            f"{int(good.sum())} of {len(good)} labelled documents are good; see quality.labels: both are needed"
        )
    score = weights_of(classifier).of_text(pa.array(people.texts, pa.large_string()))
    values = (score, np.array([len(text) for text in people.texts]))
    auc, length_auc = (float(roc_auc_score(good, value)) for value in values)
    return Judged(
        documents=len(good),
        good=int(good.sum()),
        auc=round(auc, 6),
        auc_error=round(auc_error(auc, int(good.sum()), int((~good).sum())), 6),
        length_auc=round(length_auc, 6),
        length_error=round(auc_error(length_auc, int(good.sum()), int((~good).sum())), 6),
    )


def auc_error(auc: float, good: int, other: int) -> float:
    """Standard error of an AUC: Hanley and McNeil (1982), "The meaning and use of the area under a ROC curve"."""
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (good - 1) * (first - auc**2) + (other - 1) * (second - auc**2)
    return float(np.sqrt(max(spread, 0.0) / (good * other)))
