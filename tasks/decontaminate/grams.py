"""The grams of all benchmarks: what `hits` looks for, as a table and as an index that workers map into memory."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.stage import Artifact, Job, stage


@stage("grams", libraries=("numpy",))
def grams(job: Job, *, benchmarks: dict[str, Artifact], n: int) -> dict[str, Any]:
    """grams.parquet: gram (int64 hash), benchmark, item, sorted; a gram of several items has several rows."""
    from tasks.kernels.ngrams import grams as grams_of

    tables = []
    statistics = {}
    for name, artifact in benchmarks.items():
        items = pq.read_table(artifact.folder / "items.parquet", columns=["item", "text"])
        row, gram, _, _ = grams_of(items.column("text").cast(pa.large_string()), n)
        table = pa.table(
            {
                "gram": gram.view(np.int64),
                "benchmark": pa.array([name] * len(row), pa.string()),
                "item": items.column("item").take(pa.array(row.astype(np.int64))).combine_chunks(),
            }
        )
        tables.append(table.group_by(["gram", "benchmark", "item"]).aggregate([]))
        statistics[name] = {
            "items": items.num_rows,
            "too_short": items.num_rows - len(np.unique(row)),
            "grams": len(np.unique(gram)),
        }
    table = pa.concat_tables(tables).sort_by([("gram", "ascending"), ("benchmark", "ascending"), ("item", "ascending")])
    with job.publish("grams.parquet") as file:
        pq.write_table(table, file)
    return {"benchmarks": statistics, "grams": len(np.unique(table.column("gram").to_numpy()))}
