"""Input: `remaining`, what the classifier draws its sample from where documents of that sample were taken back.

The sample is drawn from documents before any decision, and text shards are never rewritten. So those documents that the
sample can hold are copied without the ones that were taken back: of each language those of the smallest draws, as many
as the whole sample has (drawn.py takes no more of one). The classifier is the same as one of a corpus that never held
the others.
"""

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.quality.drawn import Limits, chosen
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.job import Job
from tasks.runtime.shards import DOCUMENTS, Output, batches, read
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics


@statistics
class Remaining:
    """Documents that were copied."""

    documents: int = 0


@stage("remaining", kind="input", libraries=("numpy",))
def remaining(
    job: Job, *, documents: Artifact, ids: list[str], sample: int, validation: float, seed: int, mixed: bool
) -> Remaining:
    """Documents of a source that the classifier's sample may hold once those of `ids` are gone.

    `sample`, `validation`, `seed`: as the classifier has them; `mixed`: it does not draw language by language.
    """
    how: dict[str, Any] = {"ids": ids, "how": {"validation": validation, "seed": seed, "mixed": mixed}}
    draws: dict[str, np.ndarray] = {}
    for part in job.engine.map(partial(smallest, sample=sample, **how), documents.shards()):
        for language, found in part.items():
            draws[language] = np.sort(np.concatenate([draws.get(language, np.zeros(0)), found]))[:sample]
    limits = {language: float(found[-1]) for language, found in sorted(draws.items()) if len(found)}
    items = [(shard.key, shard) for shard in documents.shards()]
    return job.total(remaining_shard, items, limits=limits, **how)


def smallest(shard: Shard, *, sample: int, ids: list[str], how: dict[str, Any]) -> dict[str, np.ndarray]:
    """By language the smallest draws of a shard's documents that are left, ascending; `sample` of them at most."""
    _, draws, languages = chosen(shard, {}, **how)
    there = (draws < 1) & ~_taken(shard, ids)  # 1: of the validation split
    return {str(name): np.sort(draws[there & (languages == name)])[:sample] for name in np.unique(languages[there])}


def _taken(shard: Shard, ids: list[str]) -> np.ndarray:
    taken: np.ndarray = pc.is_in(read(shard, ["id"]).column("id"), value_set=pa.array(ids, pa.string())).to_numpy()
    return taken


def remaining_shard(out: Output, shard: Shard, *, limits: Limits, ids: list[str], how: dict[str, Any]) -> Remaining:
    here, _, _ = chosen(shard, limits, **how)
    here &= ~_taken(shard, ids)
    out.write(DOCUMENTS.empty_table())  # also where nothing of a shard is drawn
    first = 0
    for batch in batches(shard, DOCUMENTS.names):
        rows = batch.filter(pa.array(here[first : first + batch.num_rows]))
        first += batch.num_rows
        if rows.num_rows:
            out.write(pa.Table.from_batches([rows]).cast(DOCUMENTS))
    return Remaining(int(here.sum()))
