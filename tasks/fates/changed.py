"""Documents that stand otherwise in one corpus than in another: gained, lost, cut otherwise. Exact, from columns.

Both corpora's documents meet by source and id in a shuffle, so that memory is bounded whatever they have, and it does
not matter whether shards are the same. A source whose documents and last decision are the same artifacts in both is
passed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.dedup.places import id_digits
from tasks.fates.corpus import Corpus
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import chain, kept_before, nearest
from tasks.runtime.engine import Engine
from tasks.runtime.fixed import begins, fixed, unfixed
from tasks.runtime.shards import read, read_column

SHAPES_NO_BYTES = True
ABSENT, KEPT = -1, 0  # codes of a standing; from 1 on the reasons
KINDS = ("gained", "lost", "cut otherwise")
ROWS = {
    "key": pa.int64(),
    "source": pa.int32(),
    "id": pa.binary(16),
    "side": pa.int8(),
    "code": pa.int32(),
    "bytes": pa.int64(),
    "cuts": pa.int64(),
    "place": pa.int64(),
}


@dataclass(frozen=True)
class Side:
    """One of the two corpora, of a source."""

    side: int
    source: int  # its number
    name: str
    number: int  # of the shard
    shard: Shard
    last: Artifact | None


@dataclass(frozen=True)
class Changed:
    """Some documents that stand otherwise: columns `source`, `id`, `kind`, `before`, `after`, `bytes_before`,
    `bytes_after`, `side` and `place` (of where its row is to be looked up)."""

    rows: pa.Table


def reasons_of(*corpora: Corpus) -> list[str]:
    """`stage: reason` of all decisions, in order; a standing's code is the place here, counted from 1."""
    named: dict[str, None] = {}
    for corpus in corpora:
        for made in corpus.decisions.values():
            for decision in made:
                counts = decision.manifest["statistics"]
                named |= dict.fromkeys(f"{decision.stage}: {reason}" for reason in counts["reasons"])
    return list(named)


def sources_of(*corpora: Corpus) -> list[str]:
    return list(dict.fromkeys(name for corpus in corpora for name in corpus.documents))


def changed(engine: Engine, before: Corpus, after: Corpus) -> Iterator[Changed]:
    """What stands otherwise, in an order of its own that is always the same.

    Raises:
        Failure: a source's documents or a decision on it are not built.
    """
    names, reasons = sources_of(before, after), reasons_of(before, after)
    work: list[Side] = []
    for source, name in enumerate(names):
        pair = [_of_source(corpus, name) for corpus in (before, after)]
        if pair[0] == pair[1]:
            continue
        for side, (documents, last) in enumerate(pair):
            shards = enumerate(documents.shards()) if documents is not None else ()
            work += [Side(side, source, name, number, shard, last) for number, shard in shards]
    for table in engine.shuffle(partial(emit_standings, reasons=reasons), reduce_standings, work):
        if table.num_rows:
            yield Changed(_told(table, names, reasons))


def _of_source(corpus: Corpus, name: str) -> tuple[Artifact | None, Artifact | None]:
    return corpus.documents.get(name), corpus.last.get(name)


def emit_standings(item: Side, *, reasons: list[str]) -> pa.Table:
    """Every document of a shard, with what became of it. Runs in a worker."""
    shard = item.shard
    table = read(shard, ["id", "bytes"])
    code = np.zeros(shard.rows, np.int32)
    left, cuts = table.column("bytes").to_numpy().copy(), np.zeros(shard.rows, np.int64)
    if item.last is not None:
        known = pa.array(reasons, pa.string())
        for decision in chain(item.last):
            column = read_column(decision, shard, ["reason"]).column("reason")
            said = pc.binary_join_element_wise(f"{decision.stage}: ", column, "")
            found = pc.fill_null(pc.index_in(said, known), -1).to_numpy()
            code = np.where(found >= 0, found + 1, code).astype(np.int32)
        code[kept_before(item.last, shard)] = KEPT
        if (spans := nearest(item.last, shard, "cuts")) is not None:
            row, start, end = spans_of(spans)
            np.subtract.at(left, row, end - start)
            np.add.at(cuts, row, start * 31 + end)  # tells spans of one length apart
    left[code != KEPT], cuts[code != KEPT] = 0, 0
    ids = id_digits(table.column("id"), item.name)
    rows = np.arange(shard.rows, dtype=np.int64)
    columns = [
        np.ascontiguousarray(ids[:, :8]).view(">i8")[:, 0].astype(np.int64),
        np.full(shard.rows, item.source, np.int32),
        fixed(ids),
        np.full(shard.rows, item.side, np.int8),
        code,
        left.astype(np.int64),
        cuts,
        np.int64(item.number) << 32 | rows,
    ]
    return pa.table(dict(zip(ROWS, columns, strict=True)), schema=pa.schema(ROWS.items()))


def spans_of(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(row, start, end) of all spans of a column of lists."""
    lists = column.combine_chunks()
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    flat = lists.flatten()
    row = np.repeat(np.arange(len(lists)), counts)
    return row, flat.field("start").to_numpy(), flat.field("end").to_numpy()


def reduce_standings(table: pa.Table) -> pa.Table:
    """Of each id of a source its standing on either side, where they differ. Of an id that stands there several times
    the row that is kept counts, else the first."""
    key, source, side = (table.column(name).to_numpy() for name in ("key", "source", "side"))
    code, left, cuts, place = (table.column(name).to_numpy() for name in ("code", "bytes", "cuts", "place"))
    words = unfixed(table.column("id"), np.uint8)
    low = np.ascontiguousarray(words[:, 8:]).view(">u8")[:, 0] if len(words) else np.zeros(0, np.uint64)
    opens = begins(key, source, low)
    of = np.cumsum(opens) - 1
    first = np.flatnonzero(opens)
    made: dict[str, np.ndarray] = {}
    for number, name in enumerate(("before", "after")):
        chosen = np.full(len(first), -1, np.int64)
        mine = np.flatnonzero(side == number)
        # In reverse, so that the first row is what stays; then those that are kept over it.
        for rows in (mine[::-1], mine[code[mine] == KEPT][::-1]):
            chosen[of[rows]] = rows
        there = chosen >= 0
        made[name] = np.where(there, code[chosen], ABSENT)
        made[f"bytes_{name}"] = np.where(there, left[chosen], 0)
        made[f"cuts_{name}"] = np.where(there, cuts[chosen], 0)
        made[f"place_{name}"] = np.where(there, place[chosen], -1)
    kept_before_, kept_after = made["before"] == KEPT, made["after"] == KEPT
    otherwise = (made["bytes_before"] != made["bytes_after"]) | (made["cuts_before"] != made["cuts_after"])
    differ = np.flatnonzero((kept_before_ != kept_after) | (kept_before_ & kept_after & otherwise))
    taken = first[differ]
    columns: dict[str, Any] = {"key": key[taken], "source": source[taken], "id": table.column("id").take(taken)}
    columns |= {name: values[differ] for name, values in made.items()}
    return pa.table(columns)


def _told(table: pa.Table, names: list[str], reasons: list[str]) -> pa.Table:
    before, after = table.column("before").to_numpy(), table.column("after").to_numpy()
    source = pa.array(names, pa.string()).take(table.column("source").combine_chunks())
    digits = pa.array([id.hex() for id in table.column("id").to_pylist()], pa.string())
    kind = np.where(before != KEPT, 0, np.where(after != KEPT, 1, 2))
    says = pa.array(["not there", "kept", *reasons], pa.string())
    side = np.where(table.column("place_after").to_numpy() >= 0, 1, 0)
    places = np.where(side, table.column("place_after").to_numpy(), table.column("place_before").to_numpy())
    return pa.table(
        {
            "source": source,
            "id": pc.binary_join_element_wise(source, digits, ":"),
            "kind": pa.array(KINDS).take(pa.array(kind)),
            "before": says.take(pa.array(before + 1)),
            "after": says.take(pa.array(after + 1)),
            "bytes_before": table.column("bytes_before"),
            "bytes_after": table.column("bytes_after"),
            "side": side,
            "place": places,
        }
    )
