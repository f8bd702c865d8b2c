"""Decision: `cuts`, what of a document must not be trained on (GPT-3, appendix C). Reads no text.

A hit removes its gram and `margin` characters on each side; of what is left, pieces under `shortest` characters go too;
a document that its hits split into more than `pieces` pieces goes whole. We count pieces as the cuts leave them, before
short ones go. The original's bug, that long documents were not filtered properly, has no counterpart: a document of any
length is one row.
"""

from dataclasses import field

import numpy as np
import pyarrow as pa

from tasks.decontaminate.frequent import frequent_grams
from tasks.decontaminate.hits import hits_of
from tasks.decontaminate.told import tell_cuts
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import KEEP, REASON, Decided, kept_before
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, read
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics

SPAN = pa.struct([("start", pa.int64()), ("end", pa.int64())])
CUTS = Column("cuts", pa.list_(SPAN), "removed spans of the text, half-open, in bytes of UTF-8")


@statistics
class Touched:
    """Documents of a length that hold a hit, and those of them that left."""

    touched: int = 0
    removed: int = 0


@statistics
class Matched:
    """Of one benchmark: hits in kept documents, and those documents."""

    hits: int = 0
    documents: int = 0


@statistics
class Cut(Decided):
    """By benchmark, and by decade of the document's characters."""

    benchmarks: dict[str, Matched] = field(default_factory=dict)
    lengths: dict[str, Touched] = field(default_factory=dict)


@stage(
    "cuts",
    kind="decision",
    title="after decontamination",
    section="contamination",
    columns=(KEEP, REASON, CUTS),
    reasons={
        "contaminated": "benchmark text splits it into too many pieces",
        "short": "no piece that is long enough is left",
    },
    tell=tell_cuts,
    libraries=("numpy",),
)
def cuts(
    job: Job,
    *,
    documents: Artifact,
    hits: Artifact,
    before: Artifact,
    frequent: Artifact,
    shortest: int,
    pieces: int,
) -> Cut:
    """What must not be trained on: whole documents, and spans of others."""
    items = [(shard.key, shard) for shard in documents.shards()]
    return job.total(cuts_shard, items, hits=hits, before=before, frequent=frequent, shortest=shortest, pieces=pieces)


def cuts_shard(
    out: Output, shard: Shard, *, hits: Artifact, before: Artifact, frequent: Artifact, shortest: int, pieces: int
) -> Cut:
    kept = kept_before(before, shard)
    size = read(shard, ["bytes"]).column("bytes").to_numpy()
    matches = hits_of(hits, shard)
    row = matches.column("row").to_numpy()
    effective = kept[row] & ~np.isin(matches.column("gram").to_numpy(), frequent_grams(frequent))
    matches = matches.filter(pa.array(effective))
    keep, reason = kept.copy(), np.full(shard.rows, None, object)
    removed: list[list[dict[str, int]]] = [[] for _ in range(shard.rows)]
    lengths: dict[str, list[int]] = {}
    names = ("row", "cut_start", "cut_end", "from_character", "to_character", "characters")
    row, *columns = (matches.column(name).to_numpy() for name in names)
    for document in np.unique(row):
        of_document = row == document
        low, high, first, last, total = (column[of_document] for column in columns)
        merged = merge(low, high, first, last)
        why, spans = verdict(merged, int(size[document]), int(total[0]), shortest, pieces)
        keep[document], reason[document] = why is None, why
        removed[document] = [{"start": start, "end": end} for start, end in spans]
        decade = lengths.setdefault(_length(int(total[0])), [0, 0])
        decade[0] += 1
        decade[1] += why is not None
    out.of(shard)
    out.write(
        pa.table(
            {
                "keep": keep,
                "reason": pa.array(reason, pa.string()),
                "cuts": pa.array(removed, pa.list_(SPAN)),
            }
        )
    )
    gone_bytes = np.array([sum(span["end"] - span["start"] for span in spans) for spans in removed], np.int64)
    return Cut(
        documents=int(kept.sum()),
        bytes=int(size[kept].sum()),
        kept=int(keep.sum()),
        kept_bytes=int((size - gone_bytes)[keep].sum()),
        reasons={name: int((reason == name).sum()) for name in ("contaminated", "short")},
        cut=int((keep & (gone_bytes > 0)).sum()),
        benchmarks=_by_benchmark(matches),
        lengths={decade: Touched(*counted) for decade, counted in lengths.items()},
    )


def merge(low: np.ndarray, high: np.ndarray, first: np.ndarray, last: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Overlapping or touching spans as one: (start byte, end byte, start character, end character), in order."""
    merged: list[tuple[int, int, int, int]] = []
    for start, end, begin, stop in sorted(zip(low.tolist(), high.tolist(), first.tolist(), last.tolist(), strict=True)):
        if merged and start <= merged[-1][1]:
            last_start, last_end, last_begin, last_stop = merged[-1]
            merged[-1] = (last_start, max(last_end, end), last_begin, max(last_stop, stop))
        else:
            merged.append((start, end, begin, stop))
    return merged


def verdict(
    merged: list[tuple[int, int, int, int]], size: int, characters: int, shortest: int, pieces: int
) -> tuple[str | None, list[tuple[int, int]]]:
    """Why the document goes (None: it stays), and the byte spans removed from it, short pieces among them."""
    # The pieces between the cuts, as (start byte, end byte, characters).
    starts = [(0, 0), *((end, stop) for _, end, _, stop in merged)]
    ends = [*((start, begin) for start, _, begin, _ in merged), (size, characters)]
    left = [(a, b, d - c) for (a, c), (b, d) in zip(starts, ends, strict=True) if b > a]
    if len(left) > pieces:
        return "contaminated", [(0, size)]
    kept = [(a, b) for a, b, count in left if count >= shortest]
    if not kept:
        return "short", [(0, size)]
    edges = [0, *(edge for piece in kept for edge in piece), size]
    return None, [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


def _length(characters: int) -> str:
    """The decade of a document's length, as the report's table of removals by length names it."""
    return f"{len(str(characters)) - 1}"


def _by_benchmark(matches: pa.Table) -> dict[str, Matched]:
    """Hits and documents touched per benchmark. Items are counted over all shards by the report, not here."""
    names = matches.column("benchmark").to_numpy(zero_copy_only=False)
    rows = matches.column("row").to_numpy()
    return {
        str(name): Matched(int((names == name).sum()), len(np.unique(rows[names == name])))
        for name in sorted(set(names))
    }
