"""ROUGE (Lin 2004) by rouge-score, Google's, which agrees with the original Perl; words stemmed as there (-m)."""

from collections.abc import Callable
from functools import cache
from typing import Any

from tasks.evaluation.metrics.answer import Answer
from tasks.evaluation.metrics.spans import said


@cache
def _scorer(kind: str) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer([kind], use_stemmer=True)


def rouge(kind: str) -> Callable[[Answer], float]:
    """F-measure, the most over the references. `kind`: rouge1, rouge2, rougeL; rougeLsum takes lines as sentences."""

    def item(answer: Answer) -> float:
        found = _scorer(kind).score_multi(list(answer.references), said(answer))
        return float(found[kind].fmeasure)

    return item
