"""Who leaves, from verified edges: a walk in this process, or rounds of shuffles where the edges are too many for it.

Both give the lexicographically first maximal independent set, of which there is one. The walk takes documents in their
order. A round lets all documents stay that have no earlier neighbour, then their later neighbours leave, and the edges
of both are gone. Ids are hashes, so the order is random, and in a random order O(log n) rounds suffice on any graph
(Fischer and Noever 2018, tight analysis of parallel randomized greedy MIS). A chain in the order of its ids would take
as many rounds as half its length; it does not get them, since what is left after a round is walked as soon as it fits
the budget: 10^5 edges are 26 MB. Past MANY rounds the log names the remedy, a larger budget. Pointer jumping was not
taken: it halves chains, but what holds rounds up in general is the longest of many paths, whose ends it cannot tell
before those of the paths that cross it.
"""

from functools import partial
from itertools import count

import numpy as np
import pyarrow as pa

from tasks.dedup.edges import EDGE, EDGES
from tasks.dedup.members import NEAR, POINTERS
from tasks.dedup.pieces import Piece, Reduced, rows_of, step, write
from tasks.dedup.places import Places, halves
from tasks.runtime.artifact import Artifact
from tasks.runtime.fixed import begins, unfixed
from tasks.runtime.job import Job

MANY = 50  # rounds: a random order of 10^12 documents needs fewer
EDGE_BYTES = 260  # of memory an edge takes in the walk (measured: bench/dedup.py)
# Roles of rows beside EDGE. At a document: a later one that asks; the news that it left. At one that asked: the earlier
# one left, or stays.
ASKED, LEFT, OTHER_LEFT, OTHER_STAYS = 1, 2, 3, 4


def decide(job: Job, edges: list[Piece], places: Places, memory: int) -> list[Piece]:
    """The pointers of documents that leave for one they are similar to, in pieces."""
    artifact = job.artifact
    if _fits(edges, memory):
        pointers = walk(_collected(edges, artifact), places)
        return [write(artifact, pointers)] if pointers.num_rows else []
    gone = _rounds(job, edges, places, memory)
    # Every document that left takes the first of its neighbours that did not.
    staying, _ = step(job, partial(emit_asked, artifact=artifact), reduce_staying, [*edges, *gone])
    return step(job, partial(rows_of, artifact=artifact), partial(reduce_first, places=places), staying)[0]


def _fits(pieces: list[Piece], memory: int) -> bool:
    return sum(piece.rows for piece in pieces) * EDGE_BYTES <= memory


def _collected(pieces: list[Piece], artifact: Artifact) -> pa.Table:
    return pa.concat_tables([EDGES.empty_table(), *(rows_of(piece, artifact=artifact) for piece in pieces)])


def walk(edges: pa.Table, places: Places) -> pa.Table:
    """The pointers that follow from all these edges."""
    from tasks.kernels.witnesses import witnesses

    later, earlier = edges.column("key").to_numpy(), edges.column("other").to_numpy()
    node, where, number = np.unique(np.concatenate([later, earlier]), return_index=True, return_inverse=True)
    ids = np.concatenate([unfixed(edges.column(name), np.uint8) for name in ("id", "other_id")])[where]
    order = np.lexsort((node, *halves(ids)[::-1], places.ranks(node)))
    position = np.empty(len(node), np.int64)
    position[order] = np.arange(len(node))
    left, right = position[number[: len(later)]], position[number[len(later) :]]
    by_left = np.argsort(left, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(left, minlength=len(node)))]).astype(np.int64)
    witness = witnesses(indptr, right[by_left])
    return _pointers(edges.filter(pa.array(witness[left] == right)))


def _pointers(edges: pa.Table) -> pa.Table:
    """Edges from documents that leave to their witnesses, as pointers."""
    later = edges.column("key").to_numpy()
    columns = [pa.array(later >> 32), pa.array(later), edges.column("other"), edges.column("other_id")]
    reason = pa.array(np.full(len(later), NEAR, np.int8))
    return pa.table([*columns, reason, edges.column("similarity")], schema=POINTERS)


# --- rounds -------------------------------------------------------------------------------------------------------


def _rounds(job: Job, edges: list[Piece], places: Places, memory: int) -> list[Piece]:
    """Pieces that tell, among other rows, who left."""
    artifact, left = job.artifact, edges
    told: list[Piece] = []
    for number in count(1):
        if _fits(left, memory):
            break
        if number == MANY:
            wanted = sum(piece.rows for piece in left) * EDGE_BYTES
            job.log(
                f"{MANY} rounds have not decided who leaves: chains in the order of ids; dedup.memory: {wanted} ends it"
            )
        answered, _ = step(job, partial(emit_asking, artifact=artifact), reduce_asked, left)
        left, _ = step(job, partial(rows_of, artifact=artifact), reduce_answered, answered)
        told += left
    rows = _collected(left, artifact)
    role, other = rows.column("role").to_numpy(), rows.column("other").to_numpy()
    gone = rows.column("key").to_numpy()[role == LEFT]
    pointers = walk(rows.filter(pa.array((role == EDGE) & ~np.isin(other, gone))), places)
    if pointers.num_rows:
        place = pointers.column("place").to_numpy()
        told.append(write(artifact, _left(place)))
    return told


def emit_asking(piece: Piece, *, artifact: Artifact) -> pa.Table:
    """Each edge at its document, and as a question at the earlier one; the news of who left as it is."""
    rows = rows_of(piece, artifact=artifact)
    return pa.concat_tables([rows, _turned(rows)])


def emit_asked(piece: Piece, *, artifact: Artifact) -> pa.Table:
    """Each edge as a question at its earlier document, and the news of who left."""
    rows = rows_of(piece, artifact=artifact)
    return pa.concat_tables([_turned(rows), _of_role(rows, LEFT)])


def reduce_asked(table: pa.Table) -> Reduced:
    """A document without earlier neighbours stays, and says so to the later ones; so does one that left."""
    role = table.column("role").to_numpy()
    waits, gone = _any(table, role == EDGE), _any(table, role == LEFT)
    answers = (role == ASKED) & (gone | ~waits)
    said = _turned(table.filter(pa.array(answers)), ASKED)
    said = said.set_column(2, "role", pa.array(np.where(gone[answers], OTHER_LEFT, OTHER_STAYS).astype(np.int8)))
    return pa.concat_tables([_of_role(table, EDGE), said]), []


def reduce_answered(table: pa.Table) -> Reduced:
    """A document one of whose neighbours stays leaves; of the others, edges to those that left are dropped."""
    role, key, other = (table.column(name).to_numpy() for name in ("role", "key", "other"))
    leaves = _any(table, role == OTHER_STAYS)
    # In the order (hash of the key, other, role) the answer follows its edge.
    answered = np.append((role[1:] == OTHER_LEFT) & (key[1:] == key[:-1]) & (other[1:] == other[:-1]), False)
    kept = table.filter(pa.array((role == EDGE) & ~answered[: len(role)] & ~leaves))
    return pa.concat_tables([kept, _left(np.unique(key[leaves]))]), []


def reduce_staying(table: pa.Table) -> Reduced:
    """The edges to documents that stay."""
    role = table.column("role").to_numpy()
    staying = table.filter(pa.array((role == ASKED) & ~_any(table, role == LEFT)))
    return _turned(staying, ASKED, EDGE), []


def reduce_first(table: pa.Table, *, places: Places) -> Reduced:
    """Of each document's edges the one to the first document, as a pointer."""
    key, other = table.column("key").to_numpy(), table.column("other").to_numpy()
    order = np.lexsort((other, *halves(unfixed(table.column("other_id"), np.uint8))[::-1], places.ranks(other), key))
    return _pointers(table.take(pa.array(order[begins(key[order])]))), []


def _turned(rows: pa.Table, role: int = EDGE, into: int = ASKED) -> pa.Table:
    """Rows of a role as their other end has them."""
    rows = _of_role(rows, role)
    made = [rows.column(name) for name in ("other", "key", "role", "other_id", "id", "similarity")]
    return pa.table(made, schema=EDGES).set_column(2, "role", pa.array(np.full(rows.num_rows, into, np.int8)))


def _of_role(rows: pa.Table, role: int) -> pa.Table:
    return rows.filter(pa.array(rows.column("role").to_numpy() == role))


def _left(places: np.ndarray) -> pa.Table:
    """The news that documents left."""
    nobody = pa.array([bytes(16)] * len(places), EDGES.field("id").type)
    made = [pa.array(places), pa.array(places), pa.array(np.full(len(places), LEFT, np.int8)), nobody, nobody]
    return pa.table([*made, pa.array(np.zeros(len(places), np.float32))], schema=EDGES)


def _any(table: pa.Table, flags: np.ndarray) -> np.ndarray:
    """bool (rows,): whether a row of the same key has the flag."""
    if not len(flags):
        return flags
    key = table.column("key").to_numpy()
    opens = begins(key)
    return np.logical_or.reduceat(flags, np.flatnonzero(opens))[np.cumsum(opens) - 1]
