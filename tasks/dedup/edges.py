"""Candidate pairs to verified edges: the two signatures of a pair come together, wherever they lie.

Two shuffles. The first brings pairs to the shard of one of their documents, which adds its id and signature; the second
to the shard of the other, which compares. What comes out are edges from the later document to the earlier one.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa

from tasks.dedup.pieces import Reduced
from tasks.dedup.places import ID, Places, halves
from tasks.runtime.fixed import begins, fixed, unfixed

# An edge from a document, `key` (its place), to an earlier one, `other`; the rounds of walk.py give rows other roles.
EDGES = pa.schema([("key", pa.int64()), ("other", pa.int64()), ("role", pa.int8()), ("id", ID), ("other_id", ID),
                   ("similarity", pa.float32())])  # fmt: skip
EDGE = 0
MILLION = 1_000_000  # pairs lost are added up in millionths, as whole numbers: the sum is the same in any order
_AT_ONCE = 16_384  # pairs compared at a time: 128 rows of two signatures are 1 kB


def attached(permutations: int) -> pa.Schema:
    """A pair with what its lower document is. The key is the number of the upper one's shard."""
    signature = ("signature", pa.binary(4 * permutations))
    return pa.schema([("key", pa.int64()), ("lower", pa.int64()), ("upper", pa.int64()), ("found", pa.int32()),
                      ("missed", pa.float32()), ("id", ID), signature])  # fmt: skip


def _by_shard(table: pa.Table) -> Iterator[tuple[int, slice]]:
    keys = table.column("key").to_numpy()
    opens = np.append(np.flatnonzero(begins(keys)), len(keys))
    for start, end in pairwise(opens.tolist()):
        yield int(keys[start]), slice(start, end)


def reduce_pairs(table: pa.Table, *, places: Places, permutations: int) -> Reduced:
    """Each pair once, with the id and signature of its lower document; counts: the pairs."""
    lower, upper = (table.column(name).to_numpy() for name in ("lower", "upper"))
    missed = table.column("missed").to_numpy().astype(np.float64)
    opens = np.flatnonzero(begins(lower, upper))  # in order of (hash of the shard's number, lower, upper)
    found = np.diff(np.append(opens, len(lower))).astype(np.int32)
    missed = np.multiply.reduceat(missed, opens).astype(np.float32) if len(opens) else missed.astype(np.float32)
    table = table.take(pa.array(opens))
    lower, upper = lower[opens], upper[opens]
    ids, signatures = np.zeros((len(lower), 16), np.uint8), np.zeros((len(lower), permutations), np.uint32)
    for number, of in _by_shard(table):
        row = lower[of] & 0xFFFFFFFF
        ids[of] = places.ids(number)[row]
        signatures[of] = unfixed(places.signed(number, ["signature"]).column("signature"), np.uint32)[row]
    made = [pa.array(upper >> 32), pa.array(lower), pa.array(upper), pa.array(found), pa.array(missed)]
    return pa.table([*made, fixed(ids), fixed(signatures)], schema=attached(permutations)), [len(lower)]


def reduce_attached(table: pa.Table, *, places: Places, bands: int, rows: int, threshold: float) -> Reduced:
    """Edges; counts: their number, and how many pairs like them were lost, in millionths.

    A pair of which bands are shared, found in some of them, is one of 1 / p pairs like it, p being the probability that
    the buckets' rule lets it meet in any of them: (1 - p) / p of them were lost (Horvitz and Thompson 1952).
    """
    made, lost = [EDGES.empty_table()], 0
    for number, of_shard in _by_shard(table):
        ids = places.ids(number)
        signatures = unfixed(places.signed(number, ["signature"]).column("signature"), np.uint32)
        for start in range(of_shard.start, of_shard.stop, _AT_ONCE):
            part = table.slice(start, min(_AT_ONCE, of_shard.stop - start))
            row = part.column("upper").to_numpy() & 0xFFFFFFFF
            same = unfixed(part.column("signature"), np.uint32) == signatures[row]
            alike = same.mean(axis=1)
            similar = np.flatnonzero(alike >= threshold)
            shared = same[similar][:, : bands * rows].reshape(-1, bands, rows).all(axis=2).sum(axis=1)
            part = part.take(pa.array(similar))
            made.append(_edges(part, ids[row[similar]], alike[similar].astype(np.float32), places))
            lost += _lost(part, shared)
    edges = pa.concat_tables(made)
    return edges, [edges.num_rows, lost]


def _edges(pairs: pa.Table, upper_id: np.ndarray, similarity: np.ndarray, places: Places) -> pa.Table:
    lower, upper = pairs.column("lower").to_numpy(), pairs.column("upper").to_numpy()
    lower_id = unfixed(pairs.column("id"), np.uint8)
    # A lower place is of the same source or of one before it.
    high, low = halves(lower_id)
    other_high, other_low = halves(upper_id)
    after = (high > other_high) | ((high == other_high) & (low > other_low))
    turned = (places.ranks(lower) == places.ranks(upper)) & after
    return pa.table(
        [
            pa.array(np.where(turned, lower, upper)),
            pa.array(np.where(turned, upper, lower)),
            pa.array(np.full(len(lower), EDGE, np.int8)),
            fixed(np.where(turned[:, None], lower_id, upper_id)),
            fixed(np.where(turned[:, None], upper_id, lower_id)),
            pa.array(similarity),
        ],
        schema=EDGES,
    )


def _lost(pairs: pa.Table, shared: np.ndarray) -> int:
    found = pairs.column("found").to_numpy().astype(np.float64)
    missed = pairs.column("missed").to_numpy().astype(np.float64)
    # Buckets that the pair shares and was not found in are taken to be like those in which it was.
    shared = np.maximum(shared, found)
    meet = 1 - missed ** (shared / found)
    return int(np.rint((1 - meet) / np.maximum(meet, 1e-6) * MILLION).sum())
