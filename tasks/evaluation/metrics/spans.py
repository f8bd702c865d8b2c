"""Exact match and F1 of an answer against several right ones: SQuAD, CoQA, TriviaQA, ReCoRD, and DROP's bags.

F1 is of the two texts' words, with how often each occurs (Rajpurkar et al. 2016, section 6.1).
"""

from collections import Counter
from collections.abc import Callable

import numpy as np

from tasks.evaluation.metrics.answer import Answer
from tasks.evaluation.metrics.choices import chosen
from tasks.evaluation.metrics.normalised import drop, is_number, squad, trivia

Compare = Callable[[str, str], float]  # of a text and a reference


def exact(normalise: Callable[[str], str]) -> Compare:
    """1 where both are the same once normalised."""
    return lambda text, reference: float(normalise(text) == normalise(reference))


def f1(normalise: Callable[[str], str]) -> Compare:
    """Of words; where either has none, 1 if both have none (SQuAD v2.0's no-answer rule), else 0."""

    def compare(text: str, reference: str) -> float:
        said, true = normalise(text).split(), normalise(reference).split()
        if not said or not true:
            return float(said == true)
        common = sum((Counter(said) & Counter(true)).values())
        return 2 * common / (len(said) + len(true))

    return compare


def best(compare: Compare) -> Callable[[Answer], float]:
    """The most over the references; none of them means that there is no answer, which is the empty text."""
    return lambda answer: max(compare(said(answer), reference) for reference in answer.references or [""])


def without_one(compare: Compare) -> Callable[[Answer], float]:
    """CoQA's and QuAC's: of several references the mean, over each one left out, of the most over the others; so that
    people, who are compared with the others' answers, are measured alike (Reddy et al. 2019, section 5.1)."""

    def item(answer: Answer) -> float:
        found = [compare(said(answer), reference) for reference in answer.references or [""]]
        if len(found) == 1:
            return found[0]
        return sum(max(found[:n] + found[n + 1 :]) for n in range(len(found))) / len(found)

    return item


def said(answer: Answer) -> str:
    """The (first) text that was generated."""
    return answer.texts[0] if answer.texts else ""


def as_it_stands(text: str) -> str:
    """Without the white space around it."""
    return text.strip()


def of_entity(compare: Compare) -> Callable[[Answer], float]:
    """ReCoRD: the chosen entity against the right ones, the most over them (Zhang et al. 2018; SuperGLUE)."""

    def item(answer: Answer) -> float:
        text = answer.choices[chosen(answer)]
        return max(compare(text, answer.choices[place]) for place in answer.gold)

    return item


# ---- DROP (Dua et al. 2019, section 5): an answer is a bag of spans, here one a line


def spans_of(text: str) -> list[str]:
    """A text's lines, normalised; one empty span of an empty text."""
    return [drop(line) for line in text.strip().split("\n")]


def exact_drop(text: str, reference: str) -> float:
    """1 where the same spans are said, as often."""
    said, true = spans_of(text), spans_of(reference)
    return float(set(said) == set(true) and len(said) == len(true))


def f1_drop(text: str, reference: str) -> float:
    """Spans are paired one to one so that the sum of their F1s, of sets of words, is greatest; the mean over the larger
    bag, at two decimals. Where the reference has numbers and the text none of them it is 0."""
    from scipy.optimize import linear_sum_assignment

    said = [set(span.split()) for span in spans_of(text)]
    true = [set(span.split()) for span in spans_of(reference)]
    scores = np.array([[_f1_of_sets(one, other) for other in said] for one in true])
    rows, columns = linear_sum_assignment(-scores)
    return round(float(scores[rows, columns].sum()) / max(len(said), len(true)), 2)


def _f1_of_sets(true: set[str], said: set[str]) -> float:
    numbers = {word for word in true if is_number(word)}
    if numbers and not numbers & said:
        return 0.0
    common = len(true & said)
    precision = common / len(said) if said else 1.0
    recall = common / len(true) if true else 1.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


SQUAD_EXACT, SQUAD_F1 = exact(squad), f1(squad)
TRIVIA_EXACT, TRIVIA_F1 = exact(trivia), f1(trivia)
