"""Two models on the same items, task by task: which differences can be told, and which could not have been seen.

Items are joined by their id, in each way in which both models were asked (number of solved examples, wording, draw).
As many tests are made as there are rows: p-values are adjusted over all of them (Benjamini and Hochberg). What is
compared is the mean of the items' values; of a metric that is no mean of theirs (BLEU, macro F1) that is another number
than the one reported, and is marked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from tasks.evaluation.asking.table import scored_of
from tasks.evaluation.metrics import METRICS
from tasks.evaluation.scores import Scored
from tasks.evaluation.statistics import Interval, Paired, false_discovery, interval, paired
from tasks.runtime.artifact import Artifact

SHARE = 0.05  # of the differences called real, those that are none: at most


class Task(NamedTuple):
    """What a model was given for its answers to a task: rows of SCORED (asking/table.py), and the metric's name."""

    items: pa.Table
    metric: str


class Way(NamedTuple):
    """How both were asked."""

    shots: int
    template: str
    draw: int


@dataclass(frozen=True)
class Compared:
    """A task, asked in one way. `a` and `b`: the means over the items that both were asked, with intervals.

    `apart`: items that only one of the two was asked, left out. `adjusted_p`: over all rows that were compared.
    `of_items`: the metric is no mean of items' values, and what stands here is.
    """

    task: str
    metric: str
    way: Way
    a: float
    a_interval: Interval | None
    b: float
    b_interval: Interval | None
    paired: Paired
    apart: int
    adjusted_p: float
    of_items: bool

    @property
    def told(self) -> bool:
        """Whether the two can be told apart, as one of so many comparisons."""
        return self.adjusted_p < SHARE


def compared(a: Mapping[str, Task], b: Mapping[str, Task], seed: int) -> list[Compared]:
    """Every task and way that both were asked with one metric, in the order of a's tasks and rows."""
    found = []
    for task, of_a in a.items():
        of_b = b.get(task)
        if of_b is None or of_a.metric != of_b.metric:
            continue
        ways_a, ways_b = _by_way(of_a.items), _by_way(of_b.items)
        for way, items_a in ways_a.items():
            if way in ways_b and (row := _row(task, of_a.metric, way, items_a, ways_b[way], seed)) is not None:
                found.append(row)
    adjusted = false_discovery([row.paired.p for row in found])
    return [Compared(**{**vars(row), "adjusted_p": p}) for row, p in zip(found, adjusted, strict=True)]


Items = dict[tuple[str, int], tuple[str | None, float]]  # by id, and how often it was met before: cluster and value


def _by_way(table: pa.Table) -> dict[Way, Items]:
    """The items that were asked of the finished model. Records that are alike have one id: they are told by number."""
    ways: dict[Way, Items] = {}
    met: dict[tuple[Way, str], int] = {}
    columns = ("item", "cluster", "shots", "template", "draw", "step", "value")
    for item, cluster, shots, template, draw, step, value in zip(
        *(table[name].to_pylist() for name in columns), strict=True
    ):
        if step is not None:
            continue
        way = Way(shots, template, draw)
        items = ways.setdefault(way, {})
        number = met[way, item] = met.get((way, item), -1) + 1
        if value is not None:
            items[item, number] = (cluster, value)
    return ways


def _row(task: str, metric: str, way: Way, a: Items, b: Items, seed: int) -> Compared | None:
    """None where no item was asked of both."""
    common = [key for key in a if key in b]
    if not common:
        return None
    clusters = [a[key][0] for key in common]
    values_a, values_b = [a[key][1] for key in common], [b[key][1] for key in common]
    pair = paired(values_a, values_b, clusters, seed)
    return Compared(
        task=task,
        metric=metric,
        way=way,
        a=sum(values_a) / len(common),
        a_interval=interval(values_a, clusters, seed),
        b=sum(values_b) / len(common),
        b_interval=interval(values_b, clusters, seed),
        paired=pair,
        apart=len(a) + len(b) - 2 * len(common),
        adjusted_p=pair.p,
        of_items=METRICS[metric].corpus is not None,
    )


def sentence(row: Compared, a: str, b: str) -> str:
    """What can be said of a difference, and what cannot."""
    pair, way = row.paired, row.way
    asked = f"{row.task} ({way.shots} examples"
    asked += f", {way.template}" if way.template != "default" else ""
    asked += f", draw {way.draw})" if way.draw else ")"
    upper, lower, sign = (b, a, 1) if pair.difference >= 0 else (a, b, -1)
    size = f"{abs(pair.difference):.3f}"
    if pair.low is not None and pair.high is not None:
        low, high = sorted((sign * pair.low, sign * pair.high))
        size += f" (95 %: {low:.3f} to {high:.3f})"
    if row.told:
        return f"{asked}: {upper} is above {lower} by {size}, adjusted p {row.adjusted_p:.2g}"
    if pair.minimum_detectable is None:
        seen = f"; {pair.items:,} items are too few to show one"
    else:
        seen = f"; {pair.items:,} items show a difference of {pair.minimum_detectable:.3f} four times in five"
    if pair.p < SHARE:
        return (
            f"{asked}: {upper} is above {lower} by {size}, p {pair.p:.2g}, which as one of so many comparisons "
            f"(adjusted p {row.adjusted_p:.2g}) tells nothing{seen}"
        )
    return f"{asked}: {a} and {b} cannot be told apart; they differ by {size}{seen}"


def tasks_of(scores: Sequence[Artifact]) -> dict[str, dict[str, Task]]:
    """By model and task, of `scores` artifacts that are built."""
    found: dict[str, dict[str, Task]] = {}
    for artifact in scores:
        of = artifact.counts(Scored)
        found.setdefault(of.model, {})[of.task] = Task(scored_of(artifact), of.metric)
    return found


def told(rows: Sequence[Compared], a: str, b: str) -> Iterator[dict[str, Any]]:
    """As JSON."""
    for row in rows:
        pair = row.paired
        yield {
            "task": row.task,
            "metric": row.metric,
            **row.way._asdict(),
            "items": pair.items,
            "items_apart": row.apart,
            "a": {"model": a, "value": row.a, "interval": row.a_interval},
            "b": {"model": b, "value": row.b, "interval": row.b_interval},
            "difference": pair.difference,
            "interval": None if pair.low is None else [pair.low, pair.high],
            "only_a": pair.only_a,
            "only_b": pair.only_b,
            "mcnemar_p": pair.mcnemar_p,
            "p": pair.p,
            "test": pair.test,
            "adjusted_p": row.adjusted_p,
            "minimum_detectable": pair.minimum_detectable,
            "told": row.told,
            "mean_of_items": row.of_items,
            "sentence": sentence(row, a, b),
        }
