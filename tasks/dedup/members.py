"""Documents that need no comparison: a repeated id, and one signature in several documents.

A record that repeats an id of its source leaves for the first with this id, whatever becomes of that one: an id names
one document. Of documents with one signature (a copy word for word has it, too), the first in order stands for all in
the buckets: where it stays the others leave for it, and where it leaves they leave for its witness, to which they are
as similar. So a page's million copies are one row in a bucket.

One shuffle: a row for the id and one for the signature of each document; 128 bits of each decide, 64 bring together.
"""

import numpy as np
import pyarrow as pa

from tasks.dedup.pieces import Piece, Reduced, rows_at
from tasks.dedup.places import ID, Places, halves
from tasks.dedup.stored import Stored
from tasks.runtime.artifact import Artifact
from tasks.runtime.decisions import kept_before
from tasks.runtime.fixed import begins, fixed, unfixed

# A document that leaves, and the one for which it does. The key is the number of its shard.
POINTERS = pa.schema([("key", pa.int64()), ("place", pa.int64()), ("target", pa.int64()), ("target_id", ID),
                      ("reason", pa.int8()), ("similarity", pa.float32())])  # fmt: skip
REASONS = {
    "id": "the same document, by id and words, comes before it",
    "clash": "a document with this id and other words comes before it: its source's ids are not global",
    "exact": "its words are those of a document that stays",
    "near": "it is a near copy of a document that stays",
}
BY_ID, BY_CLASH, EXACT, NEAR = range(4)
SIGNATURE, OWN_ID = 0, 1
MEMBERS = pa.schema([("key", pa.int64()), ("kind", pa.int8()), ("digest", pa.binary(16)), ("place", pa.int64()),
                     ("id", ID), ("exact", pa.binary(16))])  # fmt: skip
_SHORT = np.uint64(0x452821E638D01377)  # sets apart what has no shingles, and is known by its exact hash alone


def left(number: int, rows: int, pieces: list[Piece], artifact: Artifact) -> np.ndarray:
    """bool (rows,): which documents of a shard have left by the pointers in these pieces."""
    gone = np.zeros(rows, bool)
    found = rows_at(pieces, number, POINTERS, artifact).column("place").to_numpy()
    gone[found & 0xFFFFFFFF] = True
    return gone


def class_digests(signed: pa.Table) -> np.ndarray:
    """uint64 (n, 2): what documents of one signature have in common; of one exact hash where there are no shingles."""
    from tasks.kernels.buckets import digests

    found = digests(unfixed(signed.column("signature"), np.uint32))
    short = signed.column("shingles").to_numpy() == 0
    found[short] = unfixed(signed.column("exact"), np.uint64)[short] ^ _SHORT
    return found


def emit_members(
    item: tuple[int, list[Piece]], *, places: Places, before: Artifact | None, artifact: Artifact, ids: bool
) -> pa.Table:
    """A row for the signature, and one for the id where asked, of each document of a shard that is still kept."""
    number, gone = item
    shard = places.shard(number)
    rows = np.flatnonzero(kept_before(before, shard) & ~left(number, shard.rows, gone, artifact))
    signed = places.signed(number, ["signature", "exact", "shingles"]).take(pa.array(rows))
    id, place = places.ids(number)[rows], (np.int64(number) << 32) | rows
    return members(place, id, class_digests(signed), unfixed(signed.column("exact"), np.uint64), ids)


def members(place: np.ndarray, id: np.ndarray, digests: np.ndarray, exact: np.ndarray, ids: bool) -> pa.Table:
    high, low = halves(id)
    times = 2 if ids else 1
    keys = [digests[:, 0].view(np.int64), (high * np.uint64(0x9E3779B97F4A7C15) + low).view(np.int64)]
    return pa.table(
        [
            pa.array(np.concatenate(keys[:times])),
            pa.array(np.repeat(np.array([SIGNATURE, OWN_ID][:times], np.int8), len(place))),
            fixed(np.concatenate([digests.view(np.uint8).reshape(len(place), 16), id][:times])),
            pa.array(np.tile(place, times)),
            fixed(np.tile(id, (times, 1))),
            fixed(np.tile(exact, (times, 1))),
        ],
        schema=MEMBERS,
    )


def reduce_members(table: pa.Table, *, places: Places, stored: Stored) -> Reduced:
    """Pointers to the first document of each id and signature; counts: repeated ids, repeated signatures."""
    table = pa.concat_tables([table, stored.rows("classes", table.column("key"), MEMBERS)])
    kind, place = table.column("kind").to_numpy(), table.column("place").to_numpy()
    id, exact = unfixed(table.column("id"), np.uint8), unfixed(table.column("exact"), np.uint64)
    high, low = halves(unfixed(table.column("digest"), np.uint8))
    order = np.lexsort((place, *halves(id)[::-1], places.ranks(place), low, high, kind))
    kind, place, id, exact = kind[order], place[order], id[order], exact[order]
    opens = begins(kind, high[order], low[order])
    first = np.flatnonzero(opens)[np.cumsum(opens) - 1] if len(opens) else np.zeros(0, np.int64)
    gone = np.flatnonzero(~opens & (place >> 32 >= places.own))
    target = first[gone]
    same_words = (exact[gone] == exact[target]).all(axis=1)
    by_id = kind[gone] == OWN_ID
    reason = np.where(by_id, np.where(same_words, BY_ID, BY_CLASH), np.where(same_words, EXACT, NEAR))
    rows = pa.table(
        [
            pa.array(place[gone] >> 32),
            pa.array(place[gone]),
            pa.array(place[target]),
            fixed(id[target]),
            pa.array(reason.astype(np.int8)),
            pa.array(np.where(reason == BY_CLASH, np.nan, 1).astype(np.float32)),  # nothing was compared
        ],
        schema=POINTERS,
    )
    return rows, [int(by_id.sum()), int((~by_id).sum())]
