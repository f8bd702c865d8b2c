"""What leaves of a shard: a row for each piece that the decisions leave, as trained on (tokens/pieces.py).

A cut document's pieces are rows of their own, with its url, date, record, score and cluster.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import kept_before, nearest
from tasks.runtime.shards import read, read_column
from tasks.sources.origins import MEANINGS as OF_ORIGINS
from tasks.sources.origins import ORIGINS, origins_of
from tasks.tokens.pieces import held_out, members_of, piece_batches

SPLITS = ("train", "validation")
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
    for batch in piece_batches(shard, leaving.decision, leaving.validation, leaving.seed, wanted):
        split = pa.DictionaryArray.from_arrays(pa.array(batch.validation.astype(np.int8)), list(SPLITS))
        own = {
            "id": batch.ids,
            "text": batch.text,
            "source": pa.repeat(pa.scalar(leaving.source, pa.string()), len(batch.rows)),
            "split": split.cast(pa.string()),
        }
        at = pa.array(batch.rows)
        columns = [own[name] if name in own else beside[name].take(at) for name in SCHEMA.names]
        yield pa.table(columns, schema=SCHEMA)


def _beside(leaving: Leaving, shard: Shard) -> dict[str, pa.ChunkedArray]:
    """A shard's columns by name, but for its text: narrow ones, held as a whole."""
    narrow = read(shard, list(OF_DOCUMENTS))
    narrow = narrow.cast(pa.schema([SCHEMA.field(name) for name in OF_DOCUMENTS]))  # Parquet keeps dates in ms
    origins = origins_of(leaving.documents, shard)
    score = pa.chunked_array([pa.nulls(shard.rows, pa.float32())])
    if leaving.score is not None:
        score = read_column(leaving.score, shard, ["score"]).column("score")
    members = pa.nulls(shard.rows, pa.int64())
    if nearest(leaving.decision, shard, "copies") is not None:
        members = pa.array(members_of(shard, leaving.decision))
    return {
        **dict(zip(narrow.column_names, narrow.columns, strict=True)),
        **dict(zip(origins.column_names, origins.columns, strict=True)),
        "score": score,
        "cluster_size": pa.chunked_array([members]),
    }
