"""QuAC's scorer (Choi et al. 2018, section 4.1; scorer.py): F1, and how often it is at least what people reach.

People's F1 of a question is the mean, over its references, of the best F1 against the others; 1 of one reference alone.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.metrics.answer import Answer, Parts
from tasks.evaluation.metrics.normalised import squad
from tasks.evaluation.metrics.spans import f1, without_one

CANNOT_ANSWER = "CANNOTANSWER"  # the mark of a question without an answer
AGREED = 0.4  # people's F1 of the questions that count: scorer.py's --min_f1


def quac(text: str, reference: str) -> float:
    """F1, but of CANNOTANSWER, which is right or wrong."""
    if CANNOT_ANSWER in (text.strip(), reference):
        return float(text.strip() == reference)
    return f1(squad)(text, reference)


def answerable(references: Sequence[str]) -> list[str]:
    """A question that at least half of the references cannot answer has none; else theirs do not count."""
    cannot = sum(reference == CANNOT_ANSWER for reference in references)
    if 2 * cannot >= len(references):
        return [CANNOT_ANSWER]
    return [reference for reference in references if reference != CANNOT_ANSWER]


def f1_quac(answer: Answer) -> float:
    """The scorer's unfiltered F1: references as `answerable` leaves them, each left out in turn."""
    return without_one(quac)(answer._replace(references=answerable(answer.references)))


def people(references: Sequence[str]) -> float:
    """People's F1 of a question."""
    left = answerable(references)
    if len(left) == 1:
        return 1.0
    best = [max(quac(one, other) for n, other in enumerate(left) if n != place) for place, one in enumerate(left)]
    return sum(best) / len(best)


def as_good(answer: Answer) -> float:
    """Whether the F1 is at least people's."""
    return float(f1_quac(answer) >= people(answer.references))


def questions(answers: Sequence[Answer]) -> Parts:
    """(as good and counted, counted) a question, by dialogue; those do not count on which people agree too little."""
    counted = np.array([people(answer.references) >= AGREED for answer in answers])
    good = np.array([as_good(answer) for answer in answers])
    return Parts(np.stack([good * counted, counted], 1), [answer.cluster for answer in answers])


def dialogues(answers: Sequence[Answer]) -> Parts:
    """(whether all its questions that count are as good, 1) a dialogue, which is what the items' cluster names; an item
    without a cluster is one."""
    all_good: dict[str | int, float] = {}
    for i, (answer, (good, counted)) in enumerate(zip(answers, questions(answers).rows, strict=True)):
        key = i if answer.cluster is None else answer.cluster
        all_good[key] = min(all_good.get(key, 1.0), 1.0 - counted + good)
    rows = np.array([[value, 1.0] for value in all_good.values()])
    return Parts(rows, [None] * len(rows))


def share(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of what counts; NaN where nothing does."""
    return np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] > 0)
