"""How many tokens a source would have under other decisions, where only a run would tell exactly.

A document that stays as it was counts its tokens, as its token shard's index has them. One that is new or cut otherwise
is estimated by its bytes, at the tokens a byte of all that the source has now: the ratio stands beside the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.fates.changed import spans_of
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import kept_before, nearest
from tasks.runtime.engine import Engine
from tasks.runtime.shards import read, read_beside
from tasks.tokens.pieces import held_out
from tasks.tokens.shares import share_out
from tasks.tokens.tokens import Tokenised

SHAPES_NO_BYTES = True


@dataclass(frozen=True)
class Estimate:
    """Tokens of either split; `known`: those of documents that stay as they were; `ratio`: tokens a byte of the
    others."""

    train: int
    validation: int
    known: int
    ratio: float


def estimated(
    engine: Engine, tokens: Artifact, documents: Artifact, now: Artifact, then: Artifact, validation: float, seed: int
) -> Estimate:
    """Of a source whose `tokens` are made by the decision `now`, under the decision `then`."""
    counts = tokens.counts(Tokenised)
    ratio = (counts.train + counts.validation) / counts.bytes if counts.bytes else 0.0
    how: dict[str, Any] = {"now": now, "then": then, "validation": validation, "seed": seed, "ratio": ratio}
    parts = engine.map(partial(_estimate_shard, tokens=tokens, **how), documents.shards())
    train, held, known = (sum(part[place] for part in parts) for place in range(3))
    return Estimate(round(train), round(held), known, ratio)


def _estimate_shard(
    shard: Shard, *, tokens: Artifact, now: Artifact, then: Artifact, validation: float, seed: int, ratio: float
) -> tuple[float, float, int]:
    """(train, validation, known) of a shard; runs in a worker."""
    table = read(shard, ["id", "bytes"])
    size = table.column("bytes").to_numpy()
    same = kept_before(now, shard) & kept_before(then, shard)
    spans = [nearest(decision, shard, "cuts") for decision in (now, then)]
    if spans[0] is not None or spans[1] is not None:
        lists = [[None] * shard.rows if each is None else each.to_pylist() for each in spans]
        same &= np.array([(a or []) == (b or []) for a, b in zip(*lists, strict=True)], bool)
    written = _tokens_by_row(table.column("id"), tokens, shard)
    left = _left(size, spans[1])
    count = np.where(same, written, np.where(kept_before(then, shard), left * ratio, 0.0))
    held = held_out(table.column("id"), validation, seed)
    return float(count[~held].sum()), float(count[held].sum()), int(written[same].sum())


def _tokens_by_row(ids: pa.ChunkedArray, tokens: Artifact, shard: Shard) -> np.ndarray:
    """int64 (rows,): tokens of each document, all of its pieces; 0 where it is not in the corpus."""
    written = read_beside(tokens, shard, ["id", "tokens"])
    documents = pc.list_element(pc.split_pattern(written.column("id"), "#", max_splits=1), 0)
    row = pc.index_in(documents, ids.combine_chunks()).to_numpy()
    found = np.zeros(len(ids), np.int64)
    np.add.at(found, row, written.column("tokens").to_numpy())
    return found


def _left(size: np.ndarray, cuts: pa.ChunkedArray | None) -> np.ndarray:
    """Bytes of each row that its cuts leave."""
    if cuts is None:
        return size
    row, start, end = spans_of(cuts)
    left = size.copy()
    np.subtract.at(left, row, end - start)
    return left


def shares(held: Mapping[str, int], how: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """By group what a mixture would give of tokens `held` (by group): `how` are the arguments of stage `mixture`.

    Raises:
        Failure: all groups at their most epochs do not fill the budget.
    """
    asked = dict(how["weights"]) or {group: float(count) for group, count in held.items()}
    wanted = {group: weight for group, weight in asked.items() if weight and held.get(group)}
    context = how["context"]
    epoch = {group: (held[group] - 1) // context * context for group in wanted}  # as tasks/tokens/mixture.py
    drawn = share_out(how["budget"], wanted, epoch, how["max_epochs"])
    return {
        group: {
            "weight": tokens / how["budget"],
            "epochs": tokens / held[group],
            "tokens": round(tokens),
            "held": held[group],
        }
        for group, tokens in drawn.items()
    }
