"""BLEU (Papineni et al. 2002) by sacrebleu, whose signature says how it was computed (Post 2018)."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.metrics.answer import Answer, Parts
from tasks.evaluation.metrics.spans import said

ORDER = 4  # n-grams of up to four words


@cache
def _scorer() -> Any:
    from sacrebleu.metrics.bleu import BLEU

    # effective_order matters to single sentences alone: one of three words has no 4-grams to count.
    return BLEU(max_ngram_order=ORDER, effective_order=True)


def bleu_of_sentence(answer: Answer) -> float:
    """From 0 to 1, smoothed exponentially, over the n-grams that the sentence is long enough for."""
    return float(_scorer().sentence_score(said(answer), list(answer.references)).score) / 100


def ngram_counts(answers: Sequence[Answer]) -> Parts:
    """Of each text: matched n-grams, n-grams, by n; its length and the nearest reference's, in words: (n, 10)."""
    rows = []
    for answer in answers:
        found = _scorer().sentence_score(said(answer), list(answer.references))
        rows.append([*found.counts, *found.totals, found.sys_len, found.ref_len])
    return Parts(np.array(rows, np.float64), [answer.cluster for answer in answers])


def bleu(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corpus BLEU, from 0 to 1: what sacrebleu's corpus_score gives, over 100."""
    from sacrebleu.metrics.bleu import BLEU

    found = [
        BLEU.compute_bleu(
            row[:ORDER], row[ORDER : 2 * ORDER], row[-2], row[-1], smooth_method="exp", max_ngram_order=ORDER
        ).score
        for row in sums.astype(np.int64).tolist()
    ]
    return np.array(found) / 100


def signature(answers: Sequence[Answer]) -> str:
    """How sacrebleu names corpus BLEU as it is computed here, of these texts' numbers of references."""
    from sacrebleu.metrics.bleu import BLEU

    counts = sorted({len(answer.references) for answer in answers})
    scorer: Any = BLEU(max_ngram_order=ORDER)
    # It knows the number of references once it has scored; None stands where a text has fewer than others.
    scorer.corpus_score(
        ["a"] * len(counts), [["a" if n < count else None for count in counts] for n in range(counts[-1])]
    )
    return str(scorer.get_signature())
