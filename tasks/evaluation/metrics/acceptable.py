"""GPT-1's rule for CoLA (Radford et al. 2018, section 5, zero-shot behaviors): a sentence is acceptable where the mean
log-probability of its tokens is above a threshold. The threshold is fitted on development items: it is no model's."""

from collections.abc import Sequence

import numpy as np

from tasks.evaluation.metrics.answer import Answer
from tasks.evaluation.metrics.choices import matthews
from tasks.runtime.errors import Mistake

LABELS = ("0", "1")  # 1: acceptable


def mean(answer: Answer) -> float:
    """Nats a token of the one text that was asked."""
    return answer.log_likelihoods[0] / answer.tokens[0]


def label(answer: Answer) -> int:
    """1 of an acceptable text, 0 of another: the item's reference.

    Raises:
        Mistake: it is neither.
    """
    if list(answer.references) not in ([name] for name in LABELS):
        raise Mistake(
            f"item {answer.item}: `references` gives {list(answer.references)}, where its label, 0 or 1, belongs"
        )
    return LABELS.index(answer.references[0])


def threshold(answers: Sequence[Answer]) -> float:
    """Between two neighbouring means, that of the greatest Matthews correlation with the labels; of equals the least.

    Raises:
        Mistake: there are no two items of different means to put it between.
    """
    means = np.array([mean(answer) for answer in answers])
    order = np.argsort(means, kind="stable")
    means, labels = means[order], np.array([label(answer) for answer in answers], np.float64)[order]
    between = np.flatnonzero(means[1:] > means[:-1]) + 1  # so many are below the threshold
    if not len(between):
        raise Mistake(f"{len(answers)} development items are too few, or too much alike, to fit a threshold on")
    good_below, good = np.cumsum(labels)[between - 1], labels.sum()
    bad_below = between - good_below
    table = np.stack([bad_below, len(labels) - good - bad_below, good_below, good - good_below], 1)
    place = between[np.argmax(matthews(table).round(9))]  # tables that are alike are to be equal, to the last bit
    return float((means[place - 1] + means[place]) / 2)


def judged(answer: Answer, fitted: float) -> Answer:
    """As a choice between the labels: the text's mean stands against the threshold."""
    return answer._replace(choices=LABELS, gold=(label(answer),), marks=(fitted, mean(answer)))
