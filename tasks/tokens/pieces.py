"""What of a shard is trained on: the pieces that the decisions leave of its kept documents, and their split.

A cut document becomes the documents `<id>#<n>`, n counted from 0 over the pieces left. The split is a hash of seed and
the document's own id, so that pieces of one document are never on both sides.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import kept_before, nearest
from tasks.runtime.shards import batches


@dataclass(frozen=True)
class Piece:
    """A document as trained on, or one of the pieces that its cuts left."""

    id: str
    text: str
    validation: bool
    members: int = 1  # documents of its cluster within its source: it, and those that left for it


def held_out(ids: pa.Array | pa.ChunkedArray, validation: float, seed: int) -> np.ndarray:
    """Which ids are of the validation split, bool; the same answer in every stage."""
    return uniform(ids, seed, "split") < validation


def pieces(
    shard: Shard,
    decision: Artifact,
    validation: float,
    seed: int,
    wanted: np.ndarray | None = None,
    clustered: bool = False,
) -> Iterator[Piece]:
    """The pieces that a source's last decision leaves of a shard, in row order; with `wanted` (bool) of those rows.

    `clustered`: count the members of their clusters, too.
    """
    kept = kept_before(decision, shard)
    members = members_of(shard, decision) if clustered else np.ones(shard.rows, np.int64)
    keep = kept if wanted is None else kept & wanted
    cuts = nearest(decision, shard, "cuts")  # a decision behind the cuts need not know of them
    spans = None if cuts is None else cuts.combine_chunks()
    first = 0
    for batch in batches(shard, ["id", "text"]):
        rows = np.flatnonzero(keep[first : first + batch.num_rows])
        in_validation = held_out(batch.column("id"), validation, seed)
        for row in rows.tolist():
            id, removed = batch.column("id")[row].as_py(), None if spans is None else spans[first + row].as_py()
            text = batch.column("text")[row]
            if not removed:
                yield Piece(id, text.as_py(), bool(in_validation[row]), int(members[first + row]))
                continue
            content = text.as_buffer().to_pybytes()
            for number, (start, end) in enumerate(left(removed, len(content))):
                name, left_of_it = f"{id}#{number}", content[start:end].decode()
                yield Piece(name, left_of_it, bool(in_validation[row]), int(members[first + row]))
        first += batch.num_rows


def members_of(shard: Shard, decision: Artifact) -> np.ndarray:
    """int64 (rows,): each document and those of its source that left for it; 1 where nothing was deduplicated."""
    copies = nearest(decision, shard, "copies")
    return np.ones(shard.rows, np.int64) if copies is None else copies.to_numpy().astype(np.int64) + 1


def left(removed: list[dict[str, int]], size: int) -> list[tuple[int, int]]:
    """The byte spans that ordered, disjoint cuts leave of a text of `size` bytes."""
    edges = [0, *(edge for span in removed for edge in (span["start"], span["end"])), size]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
