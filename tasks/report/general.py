"""Others: every stage that no section of the report shows: what it declares, what it counted, and its numbers.

So a new measure or decision stands in the report without a line here: its columns with their meaning, its statistics,
and for each column of numbers a histogram.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.report.formats import number
from tasks.report.given import By, Given, ShardColumns
from tasks.report.histogram import Histogram, histogram
from tasks.report.palette import SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.decisions import KEEP, REASON
from tasks.runtime.job import Job
from tasks.runtime.shards import read_column

OF_DECISIONS = (KEEP.name, REASON.name)  # the funnel shows them


@dataclass(frozen=True)
class Values:
    """Of a column: rows, those with a value, those that are true; the least and greatest number, and the histogram."""

    rows: int = 0
    known: int = 0
    true: int | None = None
    least: float | None = None
    greatest: float | None = None
    histogram: Histogram = field(default_factory=Histogram)

    def __add__(self, other: "Values") -> "Values":
        return Values(
            self.rows + other.rows,
            self.known + other.known,
            self.true if other.true is None else other.true + (self.true or 0),
            min((value for value in (self.least, other.least) if value is not None), default=None),
            max((value for value in (self.greatest, other.greatest) if value is not None), default=None),
            self.histogram + other.histogram,
        )


def without_section(given: Given) -> list[str]:
    """Stages that no section shows, in the order of the run."""
    return [stage for stage, declared in given.declarations.items() if declared.section not in given.sections]


def artifacts(given: Given, stage: str) -> By:
    """What a stage made, by name: of sources, or else."""
    of_sources = {source: by[stage] for source, by in given.measures.items() if stage in by}
    for source, decisions in given.decisions.items():
        if chosen := [decision for decision in decisions if decision.stage == stage]:
            of_sources[source] = chosen[-1]
    return {**of_sources, **given.others.get(stage, {})}


def count(columns: ShardColumns) -> dict[tuple[str, str], Values]:
    """By stage and column, of the measures and decisions that declare columns."""
    stages = without_section(columns.given)
    counts: dict[tuple[str, str], Values] = {}
    for artifact in (*columns.given.measures.get(columns.source, {}).values(), *columns.decisions):
        if artifact.stage not in stages:
            continue
        declared = columns.given.declarations[artifact.stage]
        names = [column.name for column in declared.columns if column.name not in OF_DECISIONS]
        if names:
            table = read_column(artifact, columns.shard, names)
            counts |= {(artifact.stage, name): values_of(table.column(name)) for name in names}
    return counts


def values_of(column: pa.ChunkedArray) -> Values:
    rows, known = len(column), len(column) - column.null_count
    if pa.types.is_boolean(column.type):
        return Values(rows, known, int(pc.sum(column).as_py() or 0))
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return Values(rows, known)
    numbers = column.drop_null().cast(pa.float64(), safe=False).to_numpy()
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return Values(rows, known)
    return Values(rows, known, None, float(numbers.min()), float(numbers.max()), histogram(numbers))


def gather(job: Job, given: Given, counted: list[Counted[dict[tuple[str, str], Values]]]) -> Content | None:
    stages = [_stage(given, stage, counted) for stage in without_section(given)]
    return {"stages": stages} if stages else None


def _stage(given: Given, stage: str, counted: list[Counted[dict[tuple[str, str], Values]]]) -> dict[str, Any]:
    declared, by = given.declarations[stage], artifacts(given, stage)
    columns = []
    for column in declared.columns:
        sources: dict[str, Values] = {}
        for each in counted:
            if (stage, column.name) in each.counts:
                sources[each.of.source] = sources.get(each.of.source, Values()) + each.counts[stage, column.name]
        told = {source: _values(values) for source, values in sources.items()}
        columns.append({"name": column.name, "type": column.type, "meaning": column.meaning, "sources": told})
    reasons = {name: _reasons(artifact.manifest["statistics"]) for name, artifact in by.items()}
    return {
        "stage": stage,
        "kind": declared.kind,
        "purpose": declared.purpose,
        "names": list(by),
        "columns": columns,
        "reasons": [
            {
                "reason": reason,
                "meaning": meaning,
                "documents": {name: reasons[name].get(reason, 0) for name in reasons},
            }
            for reason, meaning in declared.reasons.items()
        ],
        "statistics": _statistics(by),
    }


def _reasons(statistics: dict[str, Any]) -> dict[str, int]:
    """How often each reason was given: a decision's, or of what an input refused."""
    return {**(statistics.get("rejects") or {}), **(statistics.get("reasons") or {})}


def _values(values: Values) -> dict[str, Any]:
    bins = values.histogram.bins
    first, last = (min(bins), max(bins)) if bins else (0, -1)
    return {
        "rows": values.rows,
        "known": values.known,
        "true": values.true,
        "least": values.least,
        "greatest": values.greatest,
        "width": values.histogram.width,
        "first": first,
        "bins": [bins.get(place, 0) for place in range(first, last + 1)],
    }


def _statistics(by: By) -> list[dict[str, Any]]:
    """A row a number that was counted, `reasons.near`, with each artifact's."""
    counts = {name: dict(flat("", artifact.manifest["statistics"])) for name, artifact in by.items()}
    keys = dict.fromkeys(key for values in counts.values() for key in values)
    return [{"name": key, "values": {name: values.get(key) for name, values in counts.items()}} for key in keys]


def flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The numbers and words in nested JSON, by the path to them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(f"{prefix}.{key}" if prefix else key, inner)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from flat(f"{prefix}.{place}", inner)
    else:
        yield prefix, value


def lines(content: Content) -> Iterator[str]:
    for row in content["stages"]:
        for column in row["columns"]:
            for source, values in column["sources"].items():
                if values["least"] is not None:
                    spread = f"{number(values['least'])} to {number(values['greatest'])}"
                    yield f"{row['stage']} {source}: {column['name']} {spread}, of {values['known']:,} documents"
        for reason in row["reasons"]:
            told = ", ".join(f"{name} {n:,}" for name, n in reason["documents"].items() if n)
            if told:
                yield f"{row['stage']}: {reason['reason']} {told}"


def figures(content: Content) -> dict[str, Plot]:
    return {
        f"{row['stage']}-{column['name']}": partial(_histograms, stage=row["stage"], column=column)
        for row in content["stages"]
        for column in row["columns"]
        if any(len(values["bins"]) > 1 for values in column["sources"].values())
    }


def _histograms(axes: Any, stage: str, column: dict[str, Any]) -> None:
    """A line a source."""
    for place, (source, values) in enumerate(column["sources"].items()):
        if values["bins"]:
            edges = [(values["first"] + number) * values["width"] for number in range(len(values["bins"]) + 1)]
            axes.stairs(values["bins"], edges, color=SERIES[place % len(SERIES)], label=source, linewidth=1.6)
    axes.set(title=f"{column['name']} of {stage}", xlabel=column["name"], ylabel="documents")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend()


GENERAL = Section("general", "Other stages", gather, count, figures, lines)
