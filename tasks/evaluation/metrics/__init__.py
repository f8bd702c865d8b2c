"""Metrics (the helper's own replace this on joining)."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple


class Answer(NamedTuple):
    """A row of ANSWERS, and the choices as a reading compares them."""

    item: str
    cluster: str | None
    prompt: str
    prompt_sha256: str
    shots: int
    choices: list[str]
    gold: list[int]
    log_likelihoods: list[float] | None
    unconditional: list[float] | None
    tokens: list[int] | None
    bytes: list[int] | None
    greedy: list[bool] | None
    texts: list[str]
    references: list[str]
    fault: str | None
    marks: list[float]


class Metric(NamedTuple):
    """See map15.md."""

    name: str
    of: Literal["choice", "cloze", "free", "program"]
    meaning: str
    item: Callable[[Answer], float]
    corpus: Callable[[list[Answer]], float] | None = None


def _accuracy(answer: Any) -> float:
    return float(answer.marks.index(max(answer.marks)) in answer.gold)


METRICS = {
    "accuracy": Metric("accuracy", "choice", "", _accuracy),
    "exact": Metric("exact", "free", "", lambda a: float(a.texts[0] in a.references)),
}
