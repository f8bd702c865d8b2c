"""How often one model's answers are preferred to another's: of comparisons of two answers that name their models."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.evaluation.statistics import Interval, interval


@dataclass(frozen=True)
class Rate:
    """Of `a` against `b`. A tie counts half. The interval draws prompts again whole, so that what several people say of
    one is one observation; where each prompt has one answer, and none is a tie, it is Wilson's."""

    a: str
    b: str
    won: int
    lost: int
    equal: int
    prompts: int
    labelers: int
    value: float | None
    within: Interval | None


def rate(records: Iterable[Mapping[str, Any]], a: str, b: str, seed: int) -> Rate:
    """`records`: comparisons (ranking.py); those of other models are left out."""
    values: list[float] = []
    ids: list[str] = []
    labelers: set[str] = set()
    for record in records:
        models = record.get("models")
        if models is None or len(models) != 2 or set(models) != {a, b}:
            continue
        of_a, of_b = (record["ranks"][models.index(name)] for name in (a, b))
        values.append(0.5 if of_a == of_b else float(of_a < of_b))
        ids.append(str(record["id"]))
        labelers.add(record["labeler"])
    return Rate(
        a=a, b=b, won=values.count(1.0), lost=values.count(0.0), equal=values.count(0.5), prompts=len(set(ids)),
        labelers=len(labelers), value=sum(values) / len(values) if values else None, within=interval(values, ids, seed),
    )  # fmt: skip
