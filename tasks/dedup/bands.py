"""Buckets: documents that share a band meet in one shuffle, 40 bytes a document a band, and leave it as pairs.

A row is the band's key, where the document stands in order (the beginning of it), its place, and the sketch of its
signature; whom to compare in a full bucket, kernels/buckets.py decides from these.
"""

import numpy as np
import pyarrow as pa

from tasks.dedup.chances import to_meet
from tasks.dedup.members import left
from tasks.dedup.pieces import Piece, Reduced
from tasks.dedup.places import Places, prefix
from tasks.dedup.stored import Stored
from tasks.runtime.artifact import Artifact
from tasks.runtime.decisions import kept_before
from tasks.runtime.fixed import begins, fixed, unfixed
from tasks.runtime.shuffle import hashed

BANDS = pa.schema([("key", pa.int64()), ("order", pa.int64()), ("place", pa.int64()), ("sketch", pa.binary(16))])
# A candidate pair: places, the lower one first, and the probability that its bucket would have missed it. The key is
# the number of the lower one's shard.
PAIRS = pa.schema([("key", pa.int64()), ("lower", pa.int64()), ("upper", pa.int64()), ("missed", pa.float32())])
HUBS = 64  # a full bucket's first documents, with which all of it is compared
MOST = 32  # similar documents before it that a document is paired with in a bucket or leaf


def emit_bands(
    item: tuple[int, list[Piece]], *, places: Places, before: Artifact | None, artifact: Artifact, bands: int, rows: int
) -> pa.Table:
    """A row for every band of each document of a shard that is still kept and stands for its signature."""
    number, gone = item
    shard = places.shard(number)
    kept = np.flatnonzero(kept_before(before, shard) & ~left(number, shard.rows, gone, artifact))
    signed = places.signed(number, ["signature", "shingles"]).take(pa.array(kept))
    shingled = np.flatnonzero(signed.column("shingles").to_numpy() > 0)
    signature = unfixed(signed.column("signature"), np.uint32)[shingled]
    kept = kept[shingled]
    order = prefix(places.rank_of(number), places.ids(number)[kept])
    return banded(signature, order, (np.int64(number) << 32) | kept, bands, rows)


def banded(signature: np.ndarray, order: np.ndarray, place: np.ndarray, bands: int, rows: int) -> pa.Table:
    from tasks.kernels import buckets, minhash

    keys = minhash.bands(signature, bands, rows).view(np.int64)
    return pa.table(
        [
            pa.array(keys.T.ravel()),
            pa.array(np.tile(order, bands)),
            pa.array(np.tile(place, bands)),
            fixed(np.tile(buckets.sketches(signature), (bands, 1))),
        ],
        schema=BANDS,
    )


def reduce_bands(
    table: pa.Table,
    *,
    places: Places,
    stored: Stored,
    bands: int,
    rows: int,
    threshold: float,
    permutations: int,
    bucket: int,
) -> Reduced:
    """The candidate pairs of whole buckets; counts: buckets of more than one document, those that were split."""
    from tasks.kernels.buckets import pairs

    table = pa.concat_tables([table, stored.rows("bands", table.column("key"), BANDS)])
    table = hashed(table)  # in order of (hash of the key, order, place) again
    key, place = table.column("key").to_numpy().view(np.int64), table.column("place").to_numpy()
    opens = np.flatnonzero(begins(key))
    starts = np.concatenate([opens, [len(key)]]).astype(np.int64)
    found = pairs(
        starts,
        key,
        unfixed(table.column("sketch"), np.uint64),
        place >> 32 < places.own,
        permutations=permutations,
        threshold=threshold,
        cap=bucket,
        hubs=HUBS,
        most=MOST,
        meet=to_meet(threshold, bands, rows),
    )
    left, right = place[found.later], place[found.earlier]
    lower = np.minimum(left, right)
    made = [lower >> 32, lower, np.maximum(left, right), found.missed]
    return pa.table([pa.array(column) for column in made], schema=PAIRS), [
        int((np.diff(starts) > 1).sum()),
        found.overfull,
    ]
