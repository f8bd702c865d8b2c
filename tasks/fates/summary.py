"""Documents that stand otherwise, counted, sampled and listed as they stream by."""

import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import pyarrow as pa

from tasks.fates.changed import KINDS, Changed
from tasks.fates.corpus import Corpus
from tasks.kernels.draw import uniform
from tasks.runtime.shards import read_rows

SHAPES_NO_BYTES = True
PURPOSE = "diff"  # of the draw that chooses samples
EXCERPT = 200  # characters of a sample's text


@dataclass
class Summary:
    """`counts`: documents by (source, kind, before, after); `bytes`: by (source, kind) what that adds or takes away."""

    counts: dict[tuple[str, str, str, str], int] = field(default_factory=dict)
    bytes: dict[tuple[str, str], int] = field(default_factory=dict)
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def total(self, kind: str, source: str | None = None) -> int:
        return sum(count for (of, what, *_), count in self.counts.items() if what == kind and source in (None, of))


def summary(
    parts: Iterable[Changed], before: Corpus, after: Corpus, seed: int, shown: int, listing: IO[str] | None = None
) -> Summary:
    """Of what `changed` gives. `shown` documents of a kind are sampled, those of the least draws.

    `listing` takes a line of JSON for each document.
    """
    told = Summary()
    drawn: dict[str, list[tuple[float, str, dict[str, Any]]]] = {kind: [] for kind in KINDS}
    for part in parts:
        _count(told, part.rows)
        for kind, rows in _by_kind(part.rows):
            draws = uniform(rows.column("id"), seed, PURPOSE)
            least = draws.argsort(kind="stable")[:shown]
            few = zip(draws[least].tolist(), rows.take(pa.array(least)).to_pylist(), strict=True)
            drawn[kind] = heapq.nsmallest(shown, [*drawn[kind], *((draw, row["id"], row) for draw, row in few)])
        if listing is not None:
            columns = ["source", "id", "kind", "before", "after", "bytes_before", "bytes_after"]
            listing.writelines(json.dumps(row) + "\n" for row in part.rows.select(columns).to_pylist())
    told.counts = dict(sorted(told.counts.items()))
    told.samples = {kind: [_sampled(row, before, after) for _, _, row in rows] for kind, rows in drawn.items()}
    return told


def _count(told: Summary, rows: pa.Table) -> None:
    keys = ["source", "kind", "before", "after"]
    grouped = rows.group_by(keys).aggregate([("id", "count"), ("bytes_before", "sum"), ("bytes_after", "sum")])
    for row in grouped.to_pylist():
        source, kind, *standing = (row[key] for key in keys)
        place = (source, kind, *standing)
        told.counts[place] = told.counts.get(place, 0) + row["id_count"]
        gained = row["bytes_after_sum"] - row["bytes_before_sum"]
        told.bytes[source, kind] = told.bytes.get((source, kind), 0) + gained


def _by_kind(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    kinds = rows.column("kind").to_pylist()
    for kind in KINDS:
        places = [n for n, of in enumerate(kinds) if of == kind]
        if places:
            yield kind, rows.take(pa.array(places))


def _sampled(row: dict[str, Any], before: Corpus, after: Corpus) -> dict[str, Any]:
    """A document for people: its URL, and how its text begins."""
    corpus = after if row["side"] else before
    shard = corpus.documents[row["source"]].shards()[row["place"] >> 32]
    (found,) = read_rows(shard, [row["place"] & 0xFFFFFFFF], ["url", "text"]).to_pylist()
    told = {key: row[key] for key in ("id", "source", "before", "after", "bytes_before", "bytes_after")}
    return told | {"url": found["url"], "begins": (found["text"] or "")[:EXCERPT]}
