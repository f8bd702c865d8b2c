"""Fit: the grams of all benchmarks, what `hits` looks for."""

from dataclasses import field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.decontaminate.benchmark import items_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.shards import read_file
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = "grams.parquet"


@statistics
class Grams:
    """Of one benchmark: items, those too short for a gram, and distinct grams."""

    items: int = 0
    too_short: int = 0
    grams: int = 0


@statistics
class Indexed:
    """By benchmark, and distinct grams of all."""

    benchmarks: dict[str, Grams] = field(default_factory=dict)
    grams: int = 0


@stage("grams", kind="fit", section="contamination")
def grams(job: Job, *, benchmarks: dict[str, Artifact], n: int) -> Indexed:
    """A table: gram (int64 hash), benchmark, item, sorted; a gram of several items has several rows."""
    from tasks.kernels.ngrams import grams as grams_of

    tables = []
    counts = {}
    for name, artifact in benchmarks.items():
        items = items_of(artifact, ["item", "text"])
        row, gram, _, _ = grams_of(items.column("text").cast(pa.large_string()), n)
        table = pa.table(
            {
                "gram": gram.view(np.int64),
                "benchmark": pa.array([name] * len(row), pa.string()),
                "item": items.column("item").take(pa.array(row.astype(np.int64))).combine_chunks(),
            }
        )
        tables.append(table.group_by(["gram", "benchmark", "item"]).aggregate([]))
        counts[name] = Grams(items.num_rows, items.num_rows - len(np.unique(row)), len(np.unique(gram)))
    table = pa.concat_tables(tables).sort_by([("gram", "ascending"), ("benchmark", "ascending"), ("item", "ascending")])
    with job.publish(FILE) as file:
        pq.write_table(table, file)
    return Indexed(counts, len(np.unique(table.column("gram").to_numpy())))


def grams_table(grams: Artifact) -> pa.Table:
    """gram, benchmark, item, sorted."""
    return read_file(grams, FILE)
