"""Decision: `parts`, a task's scores by a field of its records: MMLU by subject and by language.

MMLU's number is the mean over its 57 subjects of each one's accuracy, whatever their sizes (a macro average); the mean
over items stands beside it. Intervals draw items again within each part.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

import numpy as np

from tasks.decontaminate.benchmark import items_of
from tasks.evaluation.chosen import rows_of
from tasks.evaluation.scores import Value
from tasks.evaluation.statistics.intervals import interval
from tasks.evaluation.statistics.resampling import LEVEL, cluster_sums, resampled
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

RESAMPLES = 2_000  # of every part: 57 subjects of 250 items are 28M draws


@statistics
class Field:
    """Of the values of a field: each one's score, their mean (`macro`), and that over all items (`micro`)."""

    macro: Value = Value()
    micro: Value = Value()
    parts: dict[str, Value] = field(default_factory=dict)


@statistics
class Parts:
    """Of a model and a task, by field, each alone; `within`: the mean over values of the `first` field, by those of
    the others (a language's mean over its subjects)."""

    model: str = ""
    task: str = ""
    first: str = ""
    fields: dict[str, Field] = field(default_factory=dict)
    within: dict[str, dict[str, Value]] = field(default_factory=dict)


@stage("parts", kind="decision", section="exams", libraries=("numpy",))
def parts(
    job: Job, *, model: str, task: str, scores: Artifact, benchmark: Artifact, fields: list[str], seed: int
) -> Parts:
    """A task's scores by fields of its records.

    Raises:
        Mistake: a record lacks a field, or it is no text, number or truth value there.
    """
    rows = rows_of(scores)
    values = {name: values_of(benchmark, name) for name in fields}
    first, *others = fields
    return Parts(
        model,
        task,
        first,
        {name: by_value(rows, values[name], seed) for name in fields},
        {
            name: {
                value: by_value([row for row in rows if values[name][row["item"]] == value], values[first], seed).macro
                for value in sorted(set(values[name].values()))
            }
            for name in others
        },
    )


def values_of(benchmark: Artifact, name: str) -> dict[str, str]:
    """A field's value by item.

    Raises:
        Mistake: as `parts` does.
    """
    found = {}
    for row in items_of(benchmark, ["item", "record", "file", "line"]).to_pylist():
        value = json.loads(row["record"]).get(name)
        if not isinstance(value, str | int | float):
            raise Mistake(f"{row['file']}:{row['line']}: {name} is {value!r}; evaluate.by needs a text or number there")
        found[row["item"]] = str(value)
    return found


def by_value(rows: Sequence[Mapping[str, Any]], values: Mapping[str, str], seed: int) -> Field:
    """Rows of SCORED by a field's value of their item; rows that were not asked are left out."""
    asked = [row for row in rows if row["value"] is not None]
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in asked:
        groups.setdefault(values[row["item"]], []).append(row)
    return Field(
        macro=_macro([groups[name] for name in sorted(groups)], seed),
        micro=_mean(asked, seed),
        parts={name: _mean(groups[name], seed) for name in sorted(groups)},
    )


def _mean(rows: Sequence[Mapping[str, Any]], seed: int) -> Value:
    if not rows:
        return Value()
    values = [row["value"] for row in rows]
    found = interval(values, [row["cluster"] for row in rows], seed)
    low, high = (None, None) if found is None else (round(found.low, 6), round(found.high, 6))
    return Value(len(rows), round(float(np.mean(values)), 6), low, high)


def _macro(groups: list[list[Mapping[str, Any]]], seed: int) -> Value:
    """The mean of the groups' means."""
    if not groups:
        return Value()
    means, drawn = [], np.zeros(RESAMPLES)
    for number, group in enumerate(groups):
        values = np.array([row["value"] for row in group])
        sums = resampled(
            cluster_sums(np.stack([values, np.ones_like(values)], axis=1), [row["cluster"] for row in group]),
            seed + number,
            RESAMPLES,
        )
        means.append(float(values.mean()))
        drawn += sums[:, 0] / sums[:, 1] / len(groups)
    low, high = (round(float(bound), 6) for bound in np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    return Value(sum(map(len, groups)), round(float(np.mean(means)), 6), low, high)
