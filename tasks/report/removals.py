"""Removals: of every decision on every source, and each of its reasons, some documents that left, drawn by hash.

The sample is bounded over all, so that a page stays a page however many sources and reasons there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels.draw import uniform
from tasks.report.given import Given, ShardColumns
from tasks.report.losses import beginnings
from tasks.report.section import Content, Counted, Section
from tasks.runtime.artifact import Artifact
from tasks.runtime.decisions import KEEP, REASON, decided, told
from tasks.runtime.job import Job
from tasks.runtime.shards import read, read_column
from tasks.sources.retracted import retracted

NAME = "removals"
SHOWN = 30  # documents of a reason
REASONS = 120  # of all decisions on all sources: those of most documents
DOCUMENTS = 600  # over all: with SAID characters each, 0.4 MB of page at most
SAID = 200  # characters of what else the decision's columns say

Of = tuple[str, str]  # a decision's stage, and the reason


@dataclass(frozen=True)
class Left:
    """A document that left: its draw, its id, and where it is."""

    draw: float
    id: str
    row: int


def telling(given: Given, source: str) -> list[Artifact]:
    """A source's decisions, in order. What was taken back left because a list names it: no page shows what it says."""
    return [each for each in given.decisions.get(source, ()) if each.stage != retracted.name]


def count(columns: ShardColumns) -> dict[Of, list[Left]]:
    """Of a shard, the documents of the lowest draws by decision and reason; no text is read."""
    found: dict[Of, list[Left]] = {}
    ids: pa.ChunkedArray | None = None
    for decision in telling(columns.given, columns.source):
        reasons = read_column(decision, columns.shard, [REASON.name]).column(REASON.name)
        if reasons.null_count == len(reasons):
            continue
        if ids is None:
            ids = read(columns.shard, ["id"]).column("id")
            draws = uniform(ids, 0, NAME)
        for reason in sorted(pc.unique(reasons.drop_null()).to_pylist()):
            rows = np.flatnonzero(pc.equal(reasons, reason).fill_null(False).to_numpy())
            lowest = rows[np.argsort(draws[rows], kind="stable")[:SHOWN]].tolist()
            found[decision.stage, reason] = [Left(float(draws[row]), ids[row].as_py(), row) for row in lowest]
    return found


def gather(job: Job, given: Given, counted: list[Counted[dict[Of, list[Left]]]]) -> Content | None:
    """A row a source, decision and reason, with the documents of the lowest draws of all its shards."""
    rows: list[dict[str, Any]] = [
        {
            "source": source,
            "stage": each.stage,
            "title": given.title(each.stage),
            "reason": reason,
            "left": left,
        }
        for source in given.documents
        for each in telling(given, source)
        for reason, left in decided(each).reasons.items()
        if left
    ]
    most = {id(row) for row in sorted(rows, key=lambda row: -row["left"])[:REASONS]}
    shown = [row for row in rows if id(row) in most]
    at_most = max(1, min(SHOWN, DOCUMENTS // max(1, len(shown))))
    wanted: dict[int, list[tuple[str, int]]] = {}  # by place among `counted`: (stage, row)
    places: dict[tuple[int, str, int], dict[str, Any]] = {}
    for row in shown:
        drawn = [
            (left, place)
            for place, part in enumerate(counted)
            if part.of.source == row["source"]
            for left in part.counts.get((row["stage"], row["reason"]), ())
        ]
        drawn.sort(key=lambda pair: (pair[0].draw, pair[0].id))
        row["documents"] = []
        for left, place in drawn[:at_most]:
            document = {"id": left.id}
            row["documents"].append(document)
            places[place, row["stage"], left.row] = document
            wanted.setdefault(place, []).append((row["stage"], left.row))
    asked = [(counted[place].of, of) for place, of in wanted.items()]
    for (place, of), said in zip(wanted.items(), job.engine.map(details, asked), strict=True):
        for (stage, number), detail in zip(of, said, strict=True):
            places[place, stage, number].update(detail)
    return {"rows": shown, "others": len(rows) - len(shown)} if rows else None


def details(asked: tuple[ShardColumns, Iterable[tuple[str, int]]]) -> list[dict[str, str]]:
    """URL, beginning and what else the decision says of some rows of a shard. Runs in a worker."""
    columns, of = asked
    of = list(of)
    begins = beginnings(columns.shard, sorted({row for _, row in of}))
    urls = read(columns.shard, ["url"]).column("url")
    found: list[dict[str, str]] = []
    tables: dict[str, pa.Table] = {}
    for stage, row in of:
        if stage not in tables:
            decision = next(each for each in columns.decisions if each.stage == stage)
            tables[stage] = read_column(decision, columns.shard).drop_columns([KEEP.name, REASON.name])
        own = tables[stage].slice(row, 1).to_pylist()[0] if tables[stage].num_columns else {}
        found.append({"url": urls[row].as_py() or "", "begins": begins[row], "said": told(own)[:SAID]})
    return found


REMOVALS = Section(NAME, "Removals", gather, count)
