"""Two corpora of the same documents, compared: what leaves, what comes back, and what is cut otherwise.

Both are given by their sources' last decisions. The answer is exact, from columns alone: no text is read.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import chain, kept_before, nearest
from tasks.runtime.engine import Engine
from tasks.runtime.shards import read, read_column

SHAPES_NO_BYTES = True


@dataclass(frozen=True)
class Standing:
    """What becomes of a document in a corpus: `pieces` and `bytes` that are left of it, or which decision dropped it,
    why, and for which other document."""

    pieces: int
    bytes: int
    decision: str = ""
    reason: str = ""
    duplicate_of: str | None = None

    @property
    def kept(self) -> bool:
        return self.pieces > 0

    @property
    def told(self) -> str:
        """In words."""
        if self.kept:
            return "kept" if self.pieces == 1 else f"kept in {self.pieces} pieces"
        copy = f", copy of {self.duplicate_of}" if self.duplicate_of else ""
        return f"dropped by {self.decision}: {self.reason}{copy}"


@dataclass(frozen=True)
class Change:
    """A document that stands otherwise than before, or that was asked for."""

    source: str
    key: str  # of its shard
    row: int
    id: str
    url: str
    before: Standing
    after: Standing


Work = tuple[str, Shard, Artifact, Artifact]  # a source's name, its shard, its last decisions before and after


def changes(
    engine: Engine,
    documents: Mapping[str, Artifact],
    before: Mapping[str, Artifact],
    after: Mapping[str, Artifact],
    ids: Collection[str] = (),
) -> list[Change]:
    """What stands otherwise, and the documents of these ids besides, in the order of sources, shards and rows."""
    work = [
        (name, shard, before[name], after[name])
        for name, artifact in documents.items()
        if before[name] != after[name]
        for shard in artifact.shards()
    ]
    return [change for part in engine.map(partial(changes_in, ids=sorted(ids)), work) for change in part]


def changes_in(work: Work, *, ids: list[str]) -> list[Change]:
    """Those of one shard."""
    source, shard, before, after = work
    kept = [kept_before(decision, shard) for decision in (before, after)]
    differ = kept[0] != kept[1]
    cuts = [_cuts(decision, shard) for decision in (before, after)]
    both = np.flatnonzero(kept[0] & kept[1])
    differ[both] = [cuts[0][row] != cuts[1][row] for row in both.tolist()]
    named = pc.is_in(read(shard, ["id"]).column("id"), value_set=pa.array(ids, pa.string())).to_numpy()
    rows = np.flatnonzero(differ | named).tolist()
    if not rows:
        return []
    table = read(shard, ["id", "url", "bytes"]).take(rows).to_pylist()
    standings = [
        _standings(decision, shard, rows, [row["bytes"] for row in table], of_rows)
        for decision, of_rows in zip((before, after), cuts, strict=True)
    ]
    return [
        Change(source, shard.key, row, each["id"], each["url"] or "", *standing)
        for row, each, *standing in zip(rows, table, *standings, strict=True)
    ]


def _cuts(decision: Artifact, shard: Shard) -> list[list[dict[str, int]]]:
    """The spans removed of each row."""
    column = nearest(decision, shard, "cuts")
    return [[]] * shard.rows if column is None else [spans or [] for spans in column.to_pylist()]


def _standings(
    decision: Artifact, shard: Shard, rows: list[int], sizes: list[int], cuts: list[list[dict[str, int]]]
) -> list[Standing]:
    """Of these rows; each was dropped by the one decision that gives a reason."""
    decisions = list(chain(decision))
    tables = {each.stage: read_column(each, shard).take(rows).to_pylist() for each in decisions}
    found = []
    for number, (row, size) in enumerate(zip(rows, sizes, strict=True)):
        if tables[decision.stage][number]["keep"]:
            found.append(_left(cuts[row], size))
            continue
        stage, said = next((stage, of[number]) for stage, of in tables.items() if of[number]["reason"])
        found.append(Standing(0, 0, stage, said["reason"], said.get("duplicate_of")))
    return found


def _left(cuts: list[dict[str, int]], size: int) -> Standing:
    """What ordered, disjoint cuts leave of a text of `size` bytes, in pieces as tasks/tokens/pieces.py has them."""
    edges = [0, *(edge for span in cuts for edge in (span["start"], span["end"])), size]
    sizes = [end - start for start, end in zip(edges[::2], edges[1::2], strict=True) if end > start]
    return Standing(len(sizes), sum(sizes))
