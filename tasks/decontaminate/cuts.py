"""Decision: `cuts`, what of a document must not be trained on (GPT-3, appendix C). Reads no text.

A hit that counts by the rule removes its gram and `margin` characters on each side (measured with it); what of the rest
stays is for pieces.py to say. The original's bug, that long documents were not filtered properly, has no counterpart: a
document of any length is one row. Other rules that were measured beside are told of in a column, and cut nothing.
"""

from dataclasses import field
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.decontaminate import pieces as of_documents
from tasks.decontaminate.pieces import NONE, Spans, Verdicts
from tasks.decontaminate.rules import Judged, Wanted, effective, wanted
from tasks.decontaminate.told import tell_cuts
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import KEEP, REASON, Decided, kept_before
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, read
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics

SPAN = pa.struct([("start", pa.int64()), ("end", pa.int64())])
CUTS = Column("cuts", pa.list_(SPAN), "removed spans of the text, half-open, in bytes of UTF-8")
FOUND_BY = Column(
    "found_by", pa.list_(pa.string()), "rules by which benchmark text stands in it; only one of them cuts"
)
REASONS = {
    "contaminated": "benchmark text splits it into too many pieces",
    "short": "no piece that is long enough is left",
}


@statistics
class Touched:
    """Documents of a length that hold a hit, and those of them that left."""

    touched: int = 0
    removed: int = 0


@statistics
class Matched:
    """Of one benchmark: places of its grams in kept documents, and those documents."""

    hits: int = 0
    documents: int = 0


@statistics
class Cut(Decided):
    """By benchmark, by decade of the document's characters, and of each rule the documents that it finds."""

    benchmarks: dict[str, Matched] = field(default_factory=dict)
    lengths: dict[str, Touched] = field(default_factory=dict)
    found_by: dict[str, int] = field(default_factory=dict)


@stage(
    "cuts",
    kind="decision",
    title="after decontamination",
    section="contamination",
    columns=(KEEP, REASON, CUTS, FOUND_BY),
    reasons=REASONS,
    tell=tell_cuts,
    libraries=("numpy",),
)
def cuts(
    job: Job,
    *,
    documents: Artifact,
    hits: Artifact,
    before: Artifact,
    grams: Artifact,
    frequent: Artifact,
    rule: str,
    judged: dict[str, dict[str, Any]],
    shortest: int,
    pieces: int,
) -> Cut:
    """What must not be trained on: whole documents, and spans of others. `rule` names the one of `judged` that cuts."""
    items = [(shard.key, shard) for shard in documents.shards()]
    how = {"rule": rule, "judged": judged, "shortest": shortest, "pieces": pieces}
    return job.total(cuts_shard, items, hits=hits, before=before, grams=grams, frequent=frequent, **how)


def cuts_shard(
    out: Output,
    shard: Shard,
    *,
    hits: Artifact,
    before: Artifact,
    grams: Artifact,
    frequent: Artifact,
    rule: str,
    judged: dict[str, dict[str, Any]],
    shortest: int,
    pieces: int,
) -> Cut:
    kept = kept_before(before, shard)
    size = read(shard, ["bytes"]).column("bytes").to_numpy()
    sought = {name: wanted(grams, frequent, Judged(name, **how)) for name, how in judged.items()}
    characters = np.zeros(shard.rows, np.int64)
    spans, matched = _spans(hits, shard, sought[rule], kept, characters)
    found = {
        name: _touched(hits, shard, each, kept) if name != rule else np.isin(np.arange(shard.rows), spans.row)
        for name, each in sought.items()
    }
    verdicts = of_documents.verdicts(spans, size[spans.row], characters[spans.row], shortest, pieces)
    keep, reason = _answers(kept, verdicts)
    out.of(shard)
    columns = [
        pa.array(keep),
        reason,
        _lists(verdicts.removed, shard.rows),
        _names(found, shard.rows),
    ]
    out.write(pa.table(columns, names=["keep", "reason", "cuts", "found_by"]))
    gone = np.zeros(shard.rows, np.int64)
    np.add.at(gone, verdicts.removed[:, 0], verdicts.removed[:, 2] - verdicts.removed[:, 1])
    return Cut(
        documents=int(kept.sum()),
        bytes=int(size[kept].sum()),
        kept=int(keep.sum()),
        kept_bytes=int((size - gone)[keep].sum()),
        reasons={"contaminated": int(verdicts.split.sum()), "short": int(verdicts.short.sum())},
        cut=int((keep & (gone > 0)).sum()),
        benchmarks=matched,
        lengths=_lengths(characters[verdicts.row], verdicts.split | verdicts.short),
        found_by={name: int(rows.sum()) for name, rows in found.items()},
    )


def _spans(
    hits: Artifact, shard: Shard, sought: Wanted, kept: np.ndarray, characters: np.ndarray
) -> tuple[Spans, dict[str, Matched]]:
    """What is cut of kept documents, and that by benchmark; writes the characters of the documents met.

    Hits come in pieces, and only the last span of a piece can go on in the next.
    """
    done, open_span = [NONE], NONE
    benchmarks = {name: (owned, np.zeros(shard.rows, bool)) for name, owned in sought.by_benchmark()}
    places = dict.fromkeys(benchmarks, 0)
    names = ("count", "cut_start", "cut_end", "from_character", "to_character", "characters")
    for batch in effective(hits, shard, sought, kept, names):
        row, number = batch["row"], batch["number"]
        characters[row] = batch["characters"]
        for name, (owned, touched) in benchmarks.items():
            mine = owned[number]
            touched[row[mine]] = True
            places[name] += int(batch["count"][mine].sum())
        piece = Spans(row, *(batch[name] for name in names[1:5]))
        merged = of_documents.joined(_concatenated([open_span, piece]))
        done.append(Spans(*(column[:-1] for column in merged)))
        open_span = Spans(*(column[-1:] for column in merged))
    matched = {
        name: Matched(places[name], int(touched.sum()))
        for name, (_, touched) in sorted(benchmarks.items())
        if places[name]
    }
    return _concatenated([*done, open_span]), matched


def _concatenated(parts: list[Spans]) -> Spans:
    return Spans(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _touched(hits: Artifact, shard: Shard, sought: Wanted, kept: np.ndarray) -> np.ndarray:
    """bool: the rows that hold a hit that counts."""
    touched = np.zeros(shard.rows, bool)
    for batch in effective(hits, shard, sought, kept):
        touched[batch["row"]] = True
    return touched


def _answers(kept: np.ndarray, verdicts: Verdicts) -> tuple[np.ndarray, pa.Array]:
    """keep and reason of every row."""
    code = np.full(len(kept), -1, np.int32)
    code[verdicts.row[verdicts.split]], code[verdicts.row[verdicts.short]] = 0, 1
    reason = pa.DictionaryArray.from_arrays(pa.array(code, mask=code < 0), list(REASONS)).cast(pa.string())
    return kept & (code < 0), reason


def _lists(removed: np.ndarray, rows: int) -> pa.Array:
    """The spans removed of every row, as lists."""
    offsets = np.append(0, np.cumsum(np.bincount(removed[:, 0], minlength=rows))).astype(np.int32)
    values = pa.StructArray.from_arrays(
        [pa.array(np.ascontiguousarray(removed[:, column])) for column in (1, 2)], fields=list(SPAN)
    )
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=CUTS.type)


def _names(found: dict[str, np.ndarray], rows: int) -> pa.Array:
    """The names of the rules that find something in each row, as lists in the rules' order."""
    table = np.array([*found.values()]).reshape(len(found), rows).T
    offsets = np.append(0, np.cumsum(table.sum(axis=1))).astype(np.int32)
    names = pa.array(list(found), pa.string()).take(pa.array(np.nonzero(table)[1]))
    return pa.ListArray.from_arrays(pa.array(offsets), names, type=FOUND_BY.type)


def _lengths(characters: np.ndarray, removed: np.ndarray) -> dict[str, Touched]:
    """By decade of the document's length, as the report's table of removals by length names it."""
    decade = np.searchsorted(10 ** np.arange(1, 18), characters, side="right")
    return {
        str(number): Touched(int((decade == number).sum()), int((removed & (decade == number)).sum()))
        for number in np.unique(decade).tolist()
    }
