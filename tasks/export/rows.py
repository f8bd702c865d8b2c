"""What leaves of a shard: a row for each piece that the decisions leave, as trained on (tokens/pieces.py).

A cut document's pieces are rows of their own, with its url, date, record, score and cluster.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import kept_before, nearest
from tasks.runtime.shards import read, read_column
from tasks.sources.origins import MEANINGS as OF_ORIGINS
from tasks.sources.origins import ORIGINS, origins_of
from tasks.tokens.pieces import Piece, held_out, members_of, pieces

SPLITS = ("train", "validation")
BATCH = 4 << 20  # characters of text held as Python strings at a time
ROWS = 4096  # rows so held, where texts are short
OF_DOCUMENTS = ("url", "date", "language", "language_score")
# What a row has, in order: its type, and a line of meaning.
COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "id": (pa.string(), "`<source>:<32 hex digits>`; of a document that was cut, `<id>#<n>`"),
    "text": (pa.large_string(), "clean text, as trained on"),
    "source": (pa.string(), "the source of the pipeline that it came from"),
    "split": (pa.string(), "`train` or `validation`, by a hash of seed and document"),
    "url": (pa.string(), "where it was found; empty or null where there is none"),
    "date": (pa.timestamp("s", tz="UTC"), "when it was captured or written"),
    "language": (pa.string(), "ISO 639-1, as far as it shows"),
    "language_score": (pa.float32(), "how sure that is, 0 to 1"),
    **{name: (ORIGINS.field(name).type, meaning) for name, meaning in OF_ORIGINS.items()},
    "score": (pa.float32(), "the quality classifier's probability that the document is a good one; null if not scored"),
    "cluster_size": (pa.int64(), "the document and those of its source that left for it; null if not deduplicated"),
}
SCHEMA = pa.schema([(name, type_) for name, (type_, _) in COLUMNS.items()])


@dataclass(frozen=True)
class Leaving:
    """A source whose documents leave: their last decision, their scores if they have any, and how splits are drawn."""

    source: str
    documents: Artifact
    decision: Artifact
    score: Artifact | None
    validation: float
    seed: int


def sizes(leaving: Leaving, shard: Shard) -> tuple[np.ndarray, np.ndarray]:
    """Of a shard's rows, without reading text: bool (2, rows), whether it leaves in each of SPLITS; int64 (rows,), the
    bytes that its cuts leave of it."""
    narrow = read(shard, ["id", "bytes"])
    kept = kept_before(leaving.decision, shard)
    validation = held_out(narrow.column("id"), leaving.validation, leaving.seed)
    size = narrow.column("bytes").to_numpy().copy()
    cuts = nearest(leaving.decision, shard, "cuts")
    if cuts is not None:
        spans = cuts.combine_chunks()
        row = pc.list_parent_indices(spans).to_numpy()
        flat = spans.flatten()
        np.subtract.at(size, row, (flat.field("end").to_numpy() - flat.field("start").to_numpy()))
    return np.stack([kept & ~validation, kept & validation]), size


def rows(leaving: Leaving, shard: Shard, wanted: np.ndarray) -> Iterator[pa.Table]:
    """Tables of SCHEMA: the pieces of the `wanted` rows (bool), in their order."""
    if not wanted.any():
        return
    beside = _beside(leaving, shard)
    ids = beside["id"].combine_chunks()
    waiting: list[Piece] = []
    characters = 0
    for piece in pieces(shard, leaving.decision, leaving.validation, leaving.seed, wanted):
        waiting.append(piece)
        characters += len(piece.text)
        if characters >= BATCH or len(waiting) == ROWS:
            yield _table(leaving, waiting, ids, beside)
            waiting, characters = [], 0
    if waiting:
        yield _table(leaving, waiting, ids, beside)


def _table(leaving: Leaving, found: list[Piece], ids: pa.Array, beside: dict[str, pa.ChunkedArray]) -> pa.Table:
    of_documents = pa.array([piece.id.partition("#")[0] for piece in found], ids.type)
    row = pc.index_in(of_documents, value_set=ids)  # ids of a shard are different ones
    own: dict[str, Any] = {
        "id": [piece.id for piece in found],
        "text": [piece.text for piece in found],
        "source": [leaving.source] * len(found),
        "split": [SPLITS[piece.validation] for piece in found],
    }
    columns = [
        pa.array(own[field.name], field.type) if field.name in own else beside[field.name].take(row).cast(field.type)
        for field in SCHEMA
    ]
    return pa.table(columns, schema=SCHEMA)


def _beside(leaving: Leaving, shard: Shard) -> dict[str, pa.ChunkedArray]:
    """A shard's columns by name, but for its text: narrow ones, held as a whole."""
    narrow = read(shard, ["id", *OF_DOCUMENTS])
    origins = origins_of(leaving.documents, shard)
    score = pa.nulls(shard.rows, SCHEMA.field("score").type)
    if leaving.score is not None:
        score = read_column(leaving.score, shard, ["score"]).column("score")
    members = pa.nulls(shard.rows, pa.int64())
    if nearest(leaving.decision, shard, "copies") is not None:
        members = pa.array(members_of(shard, leaving.decision))
    found = {name: narrow.column(name) for name in narrow.column_names}
    found |= {name: origins.column(name) for name in origins.column_names}
    found |= {"score": pa.chunked_array(score), "cluster_size": pa.chunked_array(members)}
    return found
