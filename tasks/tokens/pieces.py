"""What of a shard is trained on: the pieces that the decisions leave of its kept documents, and their split.

A cut document becomes the documents `<id>#<n>`, n counted from 0 over the pieces left. The split is a hash of seed and
the document's own id, so that pieces of one document are never on both sides.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels.buffers import buffers
from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import kept_before, nearest
from tasks.runtime.errors import Failure
from tasks.runtime.shards import batches


@dataclass(frozen=True)
class PieceBatch:
    """Some pieces of a shard, in the order of its rows: aligned columns."""

    rows: np.ndarray  # int64: the shard's row that a piece is of
    ids: pa.Array  # string
    text: pa.Array  # large_string
    validation: np.ndarray  # bool
    members: np.ndarray  # int64: documents of its cluster within its source: it, and those that left for it

    @property
    def sizes(self) -> np.ndarray:
        """int64: bytes of text."""
        _, starts, ends = buffers(self.text)
        return ends - starts

    def parts(self, limit: int) -> Iterator["PieceBatch"]:
        """The same in parts of at most `limit` bytes of text, or of one piece that has more."""
        behind = np.cumsum(self.sizes)
        start = 0
        while start < len(self.rows):
            before = int(behind[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(behind, before + limit, side="right")))
            each = slice(start, stop)
            yield PieceBatch(
                self.rows[each], self.ids[each], self.text[each], self.validation[each], self.members[each]
            )
            start = stop


@dataclass(frozen=True)
class Piece:
    """A document as trained on, or one of the pieces that its cuts left."""

    id: str
    text: str
    validation: bool
    members: int = 1


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
    """The pieces one by one, for whoever reads a few; else see `piece_batches`."""
    for batch in piece_batches(shard, decision, validation, seed, wanted, clustered):
        columns = batch.ids.to_pylist(), batch.text.to_pylist(), batch.validation.tolist(), batch.members.tolist()
        yield from (Piece(*each) for each in zip(*columns, strict=True))


def piece_batches(
    shard: Shard,
    decision: Artifact,
    validation: float,
    seed: int,
    wanted: np.ndarray | None = None,
    clustered: bool = False,
) -> Iterator[PieceBatch]:
    """The pieces that a source's last decision leaves of a shard, batch by batch; with `wanted` (bool) of those rows.

    `clustered`: count the members of their clusters, too.

    Raises:
        Failure: a cut begins or ends within a character, or lies outside of its text.
    """
    kept = kept_before(decision, shard)
    members = members_of(shard, decision) if clustered else np.ones(shard.rows, np.int64)
    keep = kept if wanted is None else kept & wanted
    cuts = nearest(decision, shard, "cuts")  # a decision behind the cuts need not know of them
    spans = None if cuts is None else cuts.combine_chunks()
    first = 0
    for batch in batches(shard, ["id", "text"]):
        rows = np.flatnonzero(keep[first : first + batch.num_rows])
        here = first + rows
        first += batch.num_rows
        if not len(rows):
            continue
        taken = pa.array(rows)
        ids, text = batch.column("id").take(taken), batch.column("text").take(taken)
        in_validation = held_out(ids, validation, seed)
        if spans is None or not pc.list_value_length(removed := spans.take(pa.array(here))).to_numpy(False).any():
            yield PieceBatch(here, ids, text, in_validation, members[here])
            continue
        of, numbers, text = _cut(ids, text, removed, shard)
        named = pc.binary_join_element_wise(ids.take(pa.array(of)), numbers, "")
        yield PieceBatch(here[of], named, text, in_validation[of], members[here[of]])


def _cut(ids: pa.Array, text: pa.Array, removed: pa.Array, shard: Shard) -> tuple[np.ndarray, pa.Array, pa.Array]:
    """(the row that each piece is of, int64; what its id ends in, "#<n>" or nothing; the pieces' text).

    A row's text is what lies between its edges, 0, start, end, start, end ... size: kept and cut in turn. Over one
    buffer all rows' edges are the offsets of one array of segments, of which the kept ones are taken.
    """
    data, starts, ends = buffers(text)
    counts = pc.list_value_length(removed).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    flat = removed.flatten()
    cut_edges = np.stack([flat.field(name).to_numpy() for name in ("start", "end")], 1).reshape(-1)
    edges_a_row = 2 * counts + 2
    behind = np.cumsum(edges_a_row)
    edges = np.empty(int(behind[-1]), np.int64)
    edges[behind - edges_a_row], edges[behind - 1] = starts, ends
    inner = np.ones(len(edges), bool)
    inner[behind - edges_a_row], inner[behind - 1] = False, False
    edges[inner] = cut_edges + np.repeat(starts, 2 * counts)
    row = np.repeat(np.arange(len(text)), edges_a_row)
    _check_cuts(data, edges, inner, row, ids, shard)
    place = np.arange(len(edges)) - np.repeat(behind - edges_a_row, edges_a_row)  # in the row
    uncut = counts == 0
    kept = (place[:-1] % 2 == 0) & (row[:-1] == row[1:]) & ((edges[1:] > edges[:-1]) | uncut[row[:-1]])
    segments = pa.LargeStringArray.from_buffers(len(edges) - 1, pa.py_buffer(edges), pa.py_buffer(data))
    of = row[:-1][kept]
    number = np.arange(len(of)) - np.searchsorted(of, of)
    marks = pc.binary_join_element_wise("#", pa.array(number).cast(pa.string()), "")
    marks = pc.if_else(pa.array(uncut[of]), "", marks)
    return of, marks, segments.filter(pa.array(kept))


def _check_cuts(
    data: np.ndarray, edges: np.ndarray, inner: np.ndarray, row: np.ndarray, ids: pa.Array, shard: Shard
) -> None:
    """Edges ascend within their row, and none lies before a byte that goes on with a character."""
    wrong = np.zeros(len(edges), bool)
    wrong[1:] = (edges[1:] < edges[:-1]) & (row[1:] == row[:-1])
    within = inner & (edges < len(data)) & ~wrong
    wrong[within] = data[edges[within]] & 0xC0 == 0x80
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        at = int(edges[place] - edges[np.searchsorted(row, row[place])])
        raise Failure(
            f"document {ids[row[place]].as_py()} of {shard.name}: the cuts have an edge at byte {at} of its text, "
            f"within a character, out of order or past its end; make the decision that cuts anew: `millrace repair`"
        )


def members_of(shard: Shard, decision: Artifact) -> np.ndarray:
    """int64 (rows,): each document and those of its source that left for it; 1 where nothing was deduplicated."""
    copies = nearest(decision, shard, "copies")
    return np.ones(shard.rows, np.int64) if copies is None else copies.to_numpy().astype(np.int64) + 1
