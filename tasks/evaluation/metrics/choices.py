"""Metrics of likelihoods: accuracy of choices, SuperGLUE's F1s, TruthfulQA's MC2; greedy texts and perplexity."""

from collections.abc import Sequence
from math import exp

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.metrics.answer import Answer, Parts

POSITIVE = 1  # of MultiRC's two choices (False, True; no, yes) the place of the one that says: a right answer


def chosen(answer: Answer) -> int:
    """The place of the best mark; of equals the first."""
    return int(np.argmax(answer.marks))


def right(answer: Answer) -> float:
    """Whether a right choice has the best mark."""
    return float(chosen(answer) in answer.gold)


def greedy(answer: Answer) -> float:
    """Whether each token of the text is the likeliest: what the model would have written by itself."""
    return float(answer.greedy[0])


def log_likelihood(answer: Answer) -> float:
    """Nats, summed over the right text's tokens."""
    return answer.log_likelihoods[answer.gold[0] if answer.gold else 0]


def log_likelihoods(answers: Sequence[Answer]) -> Parts:
    """(nats, 1) an item."""
    rows = np.array([[log_likelihood(answer), 1.0] for answer in answers])
    return Parts(rows, [answer.cluster for answer in answers])


def perplexity(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp of the mean negative log-likelihood a text: LAMBADA's a word (GPT-2, table 3)."""
    return np.exp(-sums[:, 0] / sums[:, 1])


def mc2(answer: Answer) -> float:
    """The right answers' share of the probability of all answers (TruthfulQA, Lin et al. 2022, section 3.2)."""
    best = max(answer.log_likelihoods)
    likely = [exp(total - best) for total in answer.log_likelihoods]
    return sum(likely[place] for place in answer.gold) / sum(likely)


def confusions(answers: Sequence[Answer]) -> Parts:
    """Of each class, in turn, whether the item is a true positive, a false positive, a false negative: (n, 3 classes).
    Choices of one text are one class."""
    classes: dict[str, int] = {}
    for answer in answers:
        for choice in answer.choices:
            classes.setdefault(choice, len(classes))
    rows = np.zeros((len(answers), len(classes), 3))
    for row, answer in zip(rows, answers, strict=True):
        said, true = classes[answer.choices[chosen(answer)]], classes[answer.choices[answer.gold[0]]]
        if said == true:
            row[said, 0] = 1
        else:
            row[said, 1] = row[true, 2] = 1
    return Parts(rows.reshape(len(answers), -1), [answer.cluster for answer in answers])


def macro_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the classes' F1s, 2 tp / (2 tp + fp + fn); a class that is neither said nor true does not count, as
    in scikit-learn, which SuperGLUE's CommitmentBank is scored with (Wang et al. 2019)."""
    tp, fp, fn = np.moveaxis(sums.reshape(len(sums), -1, 3), 2, 0)
    seen = 2 * tp + fp + fn
    f1 = np.divide(2 * tp, seen, out=np.zeros_like(tp), where=seen > 0)
    count = (seen > 0).sum(1)
    return np.divide(f1.sum(1), count, out=np.full(len(sums), np.nan), where=count > 0)


def agreements(answers: Sequence[Answer]) -> Parts:
    """Of each pair of a true and a said class whether it is the item's: (n, classes squared). Choices of one text are
    one class."""
    classes: dict[str, int] = {}
    for answer in answers:
        for choice in answer.choices:
            classes.setdefault(choice, len(classes))
    rows = np.zeros((len(answers), len(classes), len(classes)))
    for row, answer in zip(rows, answers, strict=True):
        row[classes[answer.choices[answer.gold[0]]], classes[answer.choices[chosen(answer)]]] = 1
    return Parts(rows.reshape(len(answers), -1), [answer.cluster for answer in answers])


def matthews(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matthews' correlation of true and said classes, from -1 to 1 (Matthews 1975; of more than two classes Gorodkin
    2004); 0 where all are, or all are said to be, of one class, as in scikit-learn, by which GLUE scores CoLA."""
    classes = round(sums.shape[1] ** 0.5)
    table = sums.reshape(len(sums), classes, classes)
    true, said, items = table.sum(2), table.sum(1), sums.sum(1)
    covariance = np.trace(table, axis1=1, axis2=2) * items - (true * said).sum(1)
    spread = np.sqrt((items**2 - (true**2).sum(1)) * (items**2 - (said**2).sum(1)))
    return np.divide(covariance, spread, out=np.zeros_like(spread), where=spread > 0)


def answer_options(answers: Sequence[Answer]) -> Parts:
    """MultiRC: of each answer option whether it is a true positive, a false positive, a false negative: (n, 3)."""
    said = np.array([chosen(answer) == POSITIVE for answer in answers])
    true = np.array([answer.gold[0] == POSITIVE for answer in answers])
    rows = np.stack([said & true, said & ~true, ~said & true], 1).astype(np.float64)
    return Parts(rows, [answer.cluster for answer in answers])


def f1_a(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """F1 over all answer options; 0 where none is said or true (Khashabi et al. 2018, section 5; SuperGLUE)."""
    tp, fp, fn = sums.T
    seen = 2 * tp + fp + fn
    return np.divide(2 * tp, seen, out=np.zeros_like(tp), where=seen > 0)


def questions(answers: Sequence[Answer]) -> Parts:
    """MultiRC: (whether all options of a question are judged rightly, 1) a question, which is what the items' cluster
    names; an item without a cluster is a question."""
    all_right: dict[str | int, float] = {}
    for i, answer in enumerate(answers):
        key = i if answer.cluster is None else answer.cluster
        all_right[key] = min(all_right.get(key, 1.0), right(answer))
    rows = np.array([[value, 1.0] for value in all_right.values()])
    return Parts(rows, [None] * len(rows))


def share(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """A sum over a count."""
    return sums[:, 0] / sums[:, 1]
