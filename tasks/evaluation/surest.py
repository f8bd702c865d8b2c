"""How sure a model is of its own answers, and which items it is surest of (GPT-2, section 3.8: of Natural Questions
4.1 % right, and 63.1 % of the surest hundredth)."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, exp, fsum, inf, log
from typing import Any

import numpy as np

from tasks.evaluation.metrics import Answer, Metric
from tasks.evaluation.metrics.choices import chosen

SHARES = (0.01, 0.1, 0.5)  # of the items that were asked, beside all of them


def confidence(row: Mapping[str, Any], metric: Metric) -> list[float]:
    """The choices' probabilities, normalised over them; of what is no choice, none."""
    if metric.of != "choice" or row["log_likelihoods"] is None:
        return []
    sums = np.asarray(row["log_likelihoods"])
    raised = np.exp(sums - sums.max())
    return [round(float(p), 6) for p in raised / raised.sum()]


def log_probability(answer: Answer, metric: Metric) -> float | None:
    """What the model gives the answer that it gave, in nats: of choices, normalised over them, that with the best mark;
    of a text all of it, as generated. None where it gave none, or several, or a known text was asked (cloze)."""
    if metric.of == "choice":
        sums = answer.log_likelihoods
        top = max(sums)
        # 12 decimals: an order of 0.999999999 and 0.99999999, in which no machine's last bits show.
        return round(sums[chosen(answer)] - top - log(fsum(exp(one - top) for one in sums)), 12)
    if metric.of == "free" and len(answer.texts) == len(answer.text_log_likelihoods or ()) == 1:
        return (answer.text_log_likelihoods or [0.0])[0]
    return None


def surest(log_probabilities: Sequence[float | None]) -> Iterator[tuple[float, list[int]]]:
    """Of each of SHARES the places of the surest items, so many or one more; of equals the first. What has no answer is
    least sure. Nothing where no item has one."""
    if all(one is None for one in log_probabilities):
        return
    sure = [-inf if one is None else one for one in log_probabilities]
    order = sorted(range(len(sure)), key=sure.__getitem__, reverse=True)
    for share in SHARES:
        yield share, order[: ceil(round(share * len(order), 6))]
