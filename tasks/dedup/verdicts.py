"""From pointers to a shard's columns: followers take the witness of whom they followed, copies are counted, and what
is said of a shard's documents comes together at the shard."""

from functools import partial

import numpy as np
import pyarrow as pa

from tasks.dedup.members import BY_CLASH, EXACT, NEAR, POINTERS
from tasks.dedup.pieces import Piece, Reduced, rows_of, step
from tasks.dedup.places import ID, Places
from tasks.runtime.artifact import Artifact
from tasks.runtime.fixed import begins, fixed, unfixed
from tasks.runtime.job import Job

# At a document, `key`: its own pointer, or that of one that waits for it.
WAITING = pa.schema([("key", pa.int64()), ("waits", pa.bool_()), *list(POINTERS)[1:]])
# What is said of a document, `place`: that it leaves for its target, or (reason COPIES) how many left for it. The key
# is the number of its shard.
VERDICTS = pa.schema([*POINTERS, ("copies", pa.int64())])
COPIES = -1
SIZES = (2, 3, 4, 5, 10, 100)  # from how many documents on a cluster is of this size


def resolve(job: Job, pointers: list[Piece], times: int) -> list[Piece]:
    """Pointers that lead to documents that stay: followed `times` times from a target that left to its own target."""
    emit = partial(emit_waiting, artifact=job.artifact)
    for _ in range(times):
        pointers, _ = step(job, emit, reduce_waiting, pointers)
    return pointers


def emit_waiting(piece: Piece, *, artifact: Artifact) -> pa.Table:
    """Each pointer at its own document, and at its target, where it waits."""
    rows = rows_of(piece, artifact=artifact)
    made = []
    for waits, at in ((False, "place"), (True, "target")):
        columns = [rows.column(at), pa.array(np.full(rows.num_rows, waits)), *rows.columns[1:]]
        made.append(pa.table(columns, schema=WAITING))
    return pa.concat_tables(made)


def reduce_waiting(table: pa.Table) -> Reduced:
    """Who waits at a document that has a pointer itself is sent on to its target."""
    key, waits = table.column("key").to_numpy(), table.column("waits").to_numpy()
    opens = begins(key)
    # In order a document's own pointer, of which there is at most one, stands first.
    first = np.flatnonzero(opens)[np.cumsum(opens) - 1] if len(key) else np.zeros(0, np.int64)
    sent = np.flatnonzero(waits & ~waits[first])
    place, target, reason, similarity = (
        table.column(name).to_numpy().copy() for name in ("place", "target", "reason", "similarity")
    )
    target_id = unfixed(table.column("target_id"), np.uint8).copy()
    by = first[sent]
    target[sent], target_id[sent] = target[by], target_id[by]
    # A follower is as similar to the witness as the one it followed; a repeated id left for its id.
    following = sent[reason[sent] > BY_CLASH]
    similarity[following] = similarity[first[following]]
    reason[following] = np.where((reason[following] == EXACT) & (reason[first[following]] == EXACT), EXACT, NEAR)
    rows = np.flatnonzero(waits)
    made = [place[rows] >> 32, place[rows], target[rows]]
    return pa.table(
        [
            *map(pa.array, made),
            fixed(target_id[rows]),
            pa.array(reason[rows]),
            pa.array(similarity[rows]),
        ],
        schema=POINTERS,
    ), []


def bring_home(job: Job, pointers: list[Piece], places: Places) -> tuple[list[Piece], list[int]]:
    """What is said of each shard's documents, in pieces; and how many clusters there are of each of SIZES."""
    emit = partial(emit_verdicts, artifact=job.artifact)
    return step(job, emit, partial(reduce_verdicts, places=places), pointers)


def emit_verdicts(piece: Piece, *, artifact: Artifact) -> pa.Table:
    rows = rows_of(piece, artifact=artifact)
    none = pa.array(np.zeros(rows.num_rows, np.int64))
    target, copies = np.unique(rows.column("target").to_numpy(), return_counts=True)
    return pa.concat_tables([pa.table([*rows.columns, none], schema=VERDICTS), _copied(target, copies)])


def _copied(place: np.ndarray, copies: np.ndarray) -> pa.Table:
    nobody = pa.array([bytes(16)] * len(place), ID)
    reason, similarity = np.full(len(place), COPIES, np.int8), np.zeros(len(place), np.float32)
    made = [pa.array(place >> 32), pa.array(place), pa.array(place), nobody, pa.array(reason), pa.array(similarity)]
    return pa.table([*made, pa.array(copies.astype(np.int64))], schema=VERDICTS)


def reduce_verdicts(table: pa.Table, *, places: Places) -> Reduced:
    """Copies are added up; those of documents of earlier sources are counted and not kept. Counts: clusters by size."""
    counts = table.column("reason").to_numpy() == COPIES
    counted = table.filter(pa.array(counts))
    place = counted.column("place").to_numpy()
    opens = np.flatnonzero(begins(place))
    copies = np.add.reduceat(counted.column("copies").to_numpy(), opens) if len(opens) else np.zeros(0, np.int64)
    sizes = np.searchsorted(SIZES, copies + 1, side="right") - 1
    own = place[opens] >> 32 >= places.own
    rows = [table.filter(pa.array(~counts)), _copied(place[opens][own], copies[own])]
    return pa.concat_tables(rows), np.bincount(sizes, minlength=len(SIZES)).tolist()
