"""Fit: the grams of all benchmarks by each rule that is asked for, what `hits` looks for.

A rule takes an item's grams of n words (GPT-3, appendix C: 13; GPT-2, section 4: 8), or some substrings of n letters
and digits (GPT-4, appendix C: three of 50). An item shorter than a gram is looked for whole, if it has words enough.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.decontaminate.benchmark import items_of
from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.shards import read_file
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "grams.parquet"
GRAMS = pa.schema(
    [
        ("rule", pa.string()),
        ("unit", pa.string()),  # of a gram: words, or letters (and digits)
        ("length", pa.int64()),  # units of the gram
        ("gram", pa.int64()),  # its hash
        ("benchmark", pa.string()),
        ("item", pa.string()),
    ]
)


@statistics
class Grams:
    """Of one benchmark by one rule: items, those too short to be looked for, and distinct grams."""

    items: int = 0
    too_short: int = 0
    grams: int = 0


@statistics
class Indexed:
    """By rule and benchmark, and distinct grams of all."""

    rules: dict[str, dict[str, Grams]] = field(default_factory=dict)
    grams: int = 0


@dataclass(frozen=True)
class Sought:
    """What a rule takes of an item."""

    unit: str
    n: int  # units a gram
    least: int  # words of an item that is looked for
    substrings: int | None  # grams drawn of an item; None: all


@stage("grams", kind="fit", section="contamination", libraries=("numpy",))
def grams(job: Job, *, benchmarks: dict[str, Artifact], rules: dict[str, dict[str, Any]], seed: int | None) -> Indexed:
    """A table: rule, unit, length, gram (int64 hash), benchmark, item, sorted; a gram of several items has several
    rows. `seed` draws the substrings of rules that take some."""
    tables = [GRAMS.empty_table()]
    counts: dict[str, dict[str, Grams]] = {}
    for rule, how in rules.items():
        counts[rule] = {}
        for name, artifact in benchmarks.items():
            items = items_of(artifact, ["item", "text"])
            found = _of_items(items, Sought(**how), seed)
            about = {"rule": rule, "unit": how["unit"], "benchmark": name}
            rows = found.num_rows
            for column, value in about.items():
                found = found.append_column(column, pa.array([value] * rows, pa.string()))
            table = found.group_by(GRAMS.names).aggregate([]).select(GRAMS.names).cast(GRAMS)
            tables.append(table)
            distinct = [pc.count_distinct(table.column(column)).as_py() for column in ("item", "gram")]
            known = pc.count_distinct(items.column("item")).as_py()
            counts[rule][name] = Grams(known, known - distinct[0], distinct[1])
    order = [(column, "ascending") for column in ("rule", "gram", "benchmark", "item")]
    table = pa.concat_tables(tables).sort_by(cast(Any, order))
    with job.publish(FILE) as file:
        pq.write_table(table, file)
    return Indexed(counts, pc.count_distinct(table.column("gram")).as_py())


def grams_table(grams: Artifact, columns: list[str] | None = None, rule: str | None = None) -> pa.Table:
    """Columns of GRAMS, sorted by rule, gram, benchmark and item; of one rule, or all."""
    if rule is None:
        return read_file(grams, FILE, columns)
    table = read_file(grams, FILE, sorted({"rule", *(columns or GRAMS.names)}))
    return table.filter(pc.equal(table.column("rule"), rule)).select(columns or GRAMS.names)


def _of_items(items: pa.Table, how: Sought, seed: int | None) -> pa.Table:
    """A table: item, length, gram; a row for each gram of an item that is looked for, with repeats."""
    from tasks.kernels.ngrams import grams as grams_of
    from tasks.kernels.ngrams import words

    item = items.column("item").combine_chunks()
    text = items.column("text").cast(pa.large_string()).combine_chunks()
    long_enough = np.flatnonzero(words(text) >= how.least)
    item, text = item.take(pa.array(long_enough)), text.take(pa.array(long_enough))
    whole = np.ones(len(text), bool)
    parts = []
    found = grams_of(text, how.n, how.unit)  # type: ignore[arg-type]
    whole[found.row] = False  # it has a gram
    if how.substrings is None:
        parts.append((found.row, how.n, found.gram))
    else:
        first, count = np.unique(found.row, return_index=True, return_counts=True)[1:]
        ids = item.take(pa.array(found.row[first]))
        for number in range(how.substrings):
            drawn = first + (uniform(ids, seed or 0, f"grams {number}") * count).astype(np.int64)
            parts.append((found.row[drawn], how.n, found.gram[drawn]))
    parts.extend(_whole(text, np.flatnonzero(whole), how))
    rows = np.concatenate([row for row, _, _ in parts])
    lengths = [np.full(len(row), length, np.int64) for row, length, _ in parts]
    hashes = np.concatenate([gram for _, _, gram in parts])
    return pa.table(
        {"item": item.take(pa.array(rows)), "length": np.concatenate(lengths), "gram": hashes.view(np.int64)}
    )


def _whole(text: pa.Array, rows: np.ndarray, how: Sought) -> Iterator[tuple[np.ndarray, int, np.ndarray]]:
    """(rows, length, gram) of items that are one gram each, shorter than n, by length."""
    from tasks.kernels.ngrams import grams as grams_of

    short = text.take(pa.array(rows))
    units = np.zeros(len(rows), np.int64)
    found = grams_of(short, 1, how.unit)  # type: ignore[arg-type]
    np.add.at(units, found.row, 1)
    for length in np.unique(units[units > 0]).tolist():
        these = rows[units == length]
        found = grams_of(text.take(pa.array(these)), length, how.unit)  # type: ignore[arg-type]
        yield these[found.row], length, found.gram
