"""What all decisions have in common: two columns, what they count, and that each takes the one before.

A source's decisions are a list in the order of the DAG; readers take the last. A decision's `keep` holds those of the
decisions before it: a document that left stays away.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, fields

import numpy as np
import pyarrow as pa

from tasks.runtime.artifact import Artifact, Shard, artifact_at
from tasks.runtime.shards import columns_of, read_column
from tasks.runtime.stage import Column, Place
from tasks.runtime.statistics import from_json, statistics

KEEP = Column("keep", pa.bool_(), "whether the document stays, after this decision and those before it")
REASON = Column("reason", pa.string(), "why this decision drops it; null where it stays, or an earlier one dropped it")


@statistics
class Decided:
    """What every decision counts. `documents` and `bytes` are what it met, still kept; `cut`: documents that stay
    without some of their text."""

    documents: int = 0
    bytes: int = 0
    kept: int = 0
    kept_bytes: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    cut: int = 0


def decided(decision: Artifact) -> Decided:
    """The part of a decision's statistics that all decisions have."""
    counts = decision.manifest["statistics"]
    common = {field.name: counts[field.name] for field in fields(Decided) if field.name in counts}
    return from_json(Decided, common, decision.label)


def loses_most(counts: Decided) -> bool:
    """Whether a decision takes more than half of the documents that it met, or of their bytes."""
    return 2 * counts.kept < counts.documents or 2 * counts.kept_bytes < counts.bytes


def means_to(decision: Artifact, drawn: Sequence[str]) -> bool:
    """Whether a loss is that of a draw whose odds are known: what else left was no more than half.

    `drawn`: the reasons that the decision's stage declares as such.
    """
    counts = decided(decision)
    by_draw = sum(counts.reasons.get(reason, 0) for reason in drawn)
    expected = decision.manifest["statistics"].get("expected", 0)
    return bool(expected) and 2 * (counts.kept + by_draw) >= counts.documents


def kept_before(before: Artifact | None, shard: Shard) -> np.ndarray:
    """Which rows of a shard the decision before leaves, bool; all where there is none."""
    if before is None:
        return np.ones(shard.rows, bool)
    kept: np.ndarray = read_column(before, shard, ["keep"]).column("keep").to_numpy()
    return kept


def chain(decision: Artifact) -> Iterator[Artifact]:
    """A source's decisions, from this one back to the first, as each names the one before it."""
    yield decision
    before = decision.manifest["inputs"].get("before")
    if before:
        yield from chain(artifact_at(before, decision.store))


def nearest(decision: Artifact, shard: Shard, column: str) -> pa.ChunkedArray | None:
    """A column of the last decision that has it; None if no decision on the shard's source does."""
    for each in chain(decision):
        if column in columns_of(each, shard):
            values: pa.ChunkedArray = read_column(each, shard, [column]).column(column)
            return values
    return None


def tell_decision(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """`dropped: near; duplicate_of ..., similarity 0.93`: the answer, this stage's reason, and its own columns."""
    row = read_column(artifact, place.shard).slice(place.row, 1).to_pylist()[0]
    if row["keep"]:
        answer = "kept"
    else:
        answer = f"dropped: {row['reason']}" if row["reason"] else "dropped before"
    own = {key: value for key, value in row.items() if key not in ("keep", "reason")}
    yield "; ".join(part for part in (answer, told(own)) if part)


def tell_measure(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """A measure's columns, as it has them for the row; bytes are left out."""
    row = read_column(artifact, place.shard).slice(place.row, 1).to_pylist()[0]
    yield told(row) or "measured"


def tell_counts(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """A measure that counts many things: those of the row that are not 0."""
    row = read_column(artifact, place.shard).slice(place.row, 1).to_pylist()[0]
    yield told({name: count for name, count in row.items() if count}) or "nothing of what it counts"


def told(values: Mapping[str, object]) -> str:
    """`score 0.9312, language en`, without what is null, empty or bytes."""
    return ", ".join(
        f"{key} {value:.4f}" if isinstance(value, float) else f"{key} {value}"
        for key, value in values.items()
        if value is not None and value != [] and not isinstance(value, bytes)
    )
