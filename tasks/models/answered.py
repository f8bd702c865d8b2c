"""What several models' scores of one task have in common: the items that all were asked, in each one's first way."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from model.config import PF_DAY
from tasks.evaluation.asking.table import scored_of
from tasks.models.flops import flops_of
from tasks.runtime.artifact import Artifact


@dataclass(frozen=True)
class Shared:
    """Items that every model was asked, their clusters, and of each model (models, items): `values` of the metric; of
    sampled answers `right` and `samples`, else None. `left_out`: items that some model was not asked."""

    items: list[str]
    clusters: list[str | None]
    values: NDArray[np.float64]
    right: NDArray[np.int64] | None
    samples: NDArray[np.int64] | None
    left_out: int


def shared(scores: Mapping[str, Artifact]) -> Shared:
    """Of the models' `scores` of one task, in their order."""
    tables = [first_way(scored_of(one)) for one in scores.values()]
    asked = [set(pc.filter(table["item"], pc.is_valid(table["value"])).to_pylist()) for table in tables]
    common = sorted(set.intersection(*asked))
    rows = [table.take(pc.index_in(pa.array(common, pa.string()), table["item"].combine_chunks())) for table in tables]
    sampled = all(not table["samples"].null_count for table in rows)
    return Shared(
        common,
        rows[0]["cluster"].to_pylist(),
        np.stack([table["value"].to_numpy() for table in rows]),
        np.stack([table["right"].to_numpy().astype(np.int64) for table in rows]) if sampled else None,
        np.stack([table["samples"].to_numpy().astype(np.int64) for table in rows]) if sampled else None,
        len(set().union(*(table["item"].to_pylist() for table in tables))) - len(common),
    )


def first_way(scored: pa.Table) -> pa.Table:
    """Rows of the first way in which the finished model was asked: shots, template and draw of the first of them; of an
    item that is there twice, the first."""
    finished = scored.filter(pc.is_null(scored["step"]))
    for column in ("shots", "template", "draw"):
        finished = finished.filter(pc.equal(finished[column], finished[column][0])) if len(finished) else finished
    items = finished["item"].to_pylist()
    first = {item: place for place, item in reversed(list(enumerate(items)))}
    return finished.take(sorted(first.values()))


def cost(model: Artifact) -> float:
    """PF-days that a model's training took, 6ND without embeddings."""
    return flops_of(model) / PF_DAY
