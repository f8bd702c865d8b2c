"""An answer as metrics see it, and what a metric is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.statistics import Interval, bootstrap_of, interval


class Answer(NamedTuple):
    """A row of ANSWERS (tasks/evaluation/asking/table.py) of an item that was asked, and `marks`: the choices'
    log-likelihoods as the task's reading compares them, higher is better."""

    item: str = ""
    cluster: str | None = None
    prompt: str | None = None
    prompt_sha256: str | None = None
    shots: int | None = None
    choices: Sequence[str] = ()
    gold: Sequence[int] = ()
    log_likelihoods: Sequence[float] = ()
    unconditional: Sequence[float] | None = None
    tokens: Sequence[int] = ()
    bytes: Sequence[int] = ()
    greedy: Sequence[bool] = ()
    texts: Sequence[str] = ()
    text_log_likelihoods: Sequence[float] | None = None
    references: Sequence[str] = ()
    fault: str | None = None
    marks: Sequence[float] = ()


class Parts(NamedTuple):
    """Of what a metric over all items is a function of the sums: rows (n, d), and each row's cluster."""

    rows: NDArray[np.float64]
    clusters: Sequence[str | None]


class Fit(NamedTuple):
    """Of a metric that is told of development items first: the value that is fitted, and an answer read by it."""

    value: Callable[[Sequence[Answer]], float]
    read: Callable[[Answer, float], Answer]


@dataclass(frozen=True)
class Metric:
    """A number from 0 to 1 an item (`item`; log-likelihoods apart), of which the mean over items is reported; or, where
    `parts` and `whole` stand, a number over all items that is no mean of theirs: `whole` of sums (r, d) gives (r,)."""

    name: str
    of: Literal["choice", "cloze", "free", "program"]
    meaning: str
    item: Callable[[Answer], float]
    parts: Callable[[Sequence[Answer]], Parts] | None = None
    whole: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    signature: Callable[[Sequence[Answer]], str] | None = None  # how its library names the number as it was computed
    fit: Fit | None = None  # answers are read by it before anything else
    guessed: float | None = None  # what guessing comes to, where that is not the share of choices that are right

    @property
    def corpus(self) -> Callable[[Sequence[Answer]], float] | None:
        """The metric over all items; None where it is the mean over items."""
        if self.parts is None or self.whole is None:
            return None
        parts, whole = self.parts, self.whole
        return lambda answers: float(whole(parts(answers).rows.sum(0)[None])[0])

    def interval(self, answers: Sequence[Answer], seed: int) -> Interval | None:
        """Of what is reported, at 95 %, by the answers' clusters; None where too few were asked to tell."""
        if self.parts is None or self.whole is None:
            values = [self.item(answer) for answer in answers]
            return interval(values, [answer.cluster for answer in answers], seed)
        if not answers:
            return None
        rows, clusters = self.parts(answers)
        return bootstrap_of(rows, self.whole, clusters, seed)
