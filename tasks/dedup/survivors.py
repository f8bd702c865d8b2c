"""Decision: `survivors`, a definition rather than an algorithm.

In the order (source rank, id), among documents still kept, a document leaves iff a document that stays and shares a
band (or the exact hash) with it is verified to be similar enough. So each removal has a witness that stays, there are
no chains, order of arrival plays no part, and the answer is unique. Earlier sources' documents stand as their own
`survivors` left them; a new source reads them and changes none.

Here: one shuffle brings the rows of a band together and drops bands of one row; what is left, little, is walked once
in order (kernels/witnesses.py). A bucket is compared with its first survivors only (`bucket` of them); the comparisons
left out are counted. Exact copies and repeated ids are always compared.
"""

import hashlib
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.dedup.signatures import unfixed
from tasks.runtime.shards import add, read, read_column
from tasks.runtime.stage import Artifact, Job, Output, Shard, stage

ROWS = pa.schema([("key", pa.int64()), ("kind", pa.int8()), ("rank", pa.int32()), ("id", pa.string()),
                  ("shard", pa.int32()), ("row", pa.int64())])  # fmt: skip
BAND, EXACT, ID = 0, 1, 2
HISTOGRAM = 20


@stage("survivors", libraries=("numpy",))
def survivors(
    job: Job,
    *,
    documents: list[Artifact],
    keeps: list[Artifact],
    signatures: list[Artifact],
    bands: int,
    rows: int,
    threshold: float,
    bucket: int,
) -> dict[str, Any]:
    """Columns `keep`, `reason` (id, exact, near), `duplicate_of`, `similarity`, of the last of the listed sources.

    The lists run in priority order; for all but the last, `keeps` are those sources' own survivors.
    """
    from tasks.kernels.witnesses import survivors as decide

    items = [
        (rank, number, shard, keeps[rank], signatures[rank])
        for rank, artifact in enumerate(documents)
        for number, shard in enumerate(artifact.shards())
    ]
    last = len(documents) - 1
    met = job.engine.shuffle(partial(emit_keys, bands=bands, rows=rows), partial(drop_singles, last=last), items)
    place, who, buckets = _in_order(met)
    leaves: dict[int, list[tuple[int, str, float, str]]] = {}
    skipped = 0
    if len(who["rank"]):
        gathered = _signatures(who, items)
        indptr, member, always = buckets
        witness, similarity, skipped = decide(indptr, member, always, gathered, threshold, bucket, who["rank"] < last)
        exact = _same(gathered_exact(who, items), witness)
        for index in np.flatnonzero(witness >= 0):
            other = int(witness[index])
            same_id = who["id"][index] == who["id"][other]
            reason = "id" if same_id else "exact" if exact[index] else "near"
            value = 1.0 if reason != "near" else float(similarity[index])
            leaves.setdefault(int(who["shard"][index]), []).append(
                (int(who["row"][index]), str(who["id"][other]), value, reason)
            )
    work = [(shard.key, (shard, leaves.get(number, []))) for number, shard in enumerate(documents[last].shards())]
    total = add(job.map(survivors_shard, work, keeps=keeps[last]))
    return {**total, "candidates": len(who["rank"]), "buckets": int(place), "skipped": int(skipped)}


def emit_keys(item: tuple[int, int, Shard, Artifact, Artifact], *, bands: int, rows: int) -> pa.Table:
    """A row for every band, exact hash and id of the shard's kept documents; the kind is part of the key's hash."""
    from tasks.kernels import minhash

    rank, number, shard, keeps, signatures = item
    kept = read_column(keeps, shard, ["keep"]).column("keep").to_numpy()
    column = read_column(signatures, shard).filter(pa.array(kept))
    ids = read(shard, ["id"]).column("id").filter(pa.array(kept)).combine_chunks().cast(pa.string())
    row = np.flatnonzero(kept)
    values = unfixed(column.column("signature"), np.uint32)
    shingled = np.flatnonzero(column.column("shingles").to_numpy() > 0)
    keys = minhash.bands(values[shingled], bands, rows).view(np.int64)
    exact = unfixed(column.column("exact"), np.int64)[:, 0]
    everyone = np.arange(len(row))
    parts = [(keys[:, band], BAND, shingled) for band in range(bands)]
    parts += [(exact, EXACT, everyone), (_id_keys(ids), ID, everyone)]
    tables = [
        pa.table(
            [
                pa.array(key),
                pa.array(np.full(len(of), kind, np.int8)),
                pa.array(np.full(len(of), rank, np.int32)),
                ids.take(pa.array(of)),
                pa.array(np.full(len(of), number, np.int32)),
                pa.array(row[of]),
            ],
            schema=ROWS,
        )
        for key, kind, of in parts
    ]
    return pa.concat_tables(tables)


def _id_keys(ids: pa.Array) -> np.ndarray:
    """64 bits of the whole id, int64: of its 128 and of the source's name, since sources may number alike."""
    parts = pc.split_pattern(ids, ":")
    digits = pc.list_element(parts, 1).to_pylist()
    names = pc.list_element(parts, 0).dictionary_encode()
    salts = [int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) for name in names.dictionary.to_pylist()]
    high, low = (np.array([int(value[half], 16) for value in digits], np.uint64) for half in (slice(16), slice(16, 32)))
    salt = np.array(salts, np.uint64)[names.indices.to_numpy()]
    return ((high * np.uint64(0x9E3779B97F4A7C15) + low) ^ salt).view(np.int64)


def drop_singles(table: pa.Table, *, last: int) -> pa.Table:
    """Rows whose (key, kind) stands more than once, in groups that hold a document of the last source."""
    key, kind, rank = (table.column(name).to_numpy() for name in ("key", "kind", "rank"))
    if not len(key):
        return table
    new = np.concatenate([[True], (key[1:] != key[:-1]) | (kind[1:] != kind[:-1])])
    group = np.cumsum(new) - 1
    size = np.bincount(group)
    concerned = np.bincount(group, weights=rank == last) > 0
    return table.filter(pa.array((size[group] > 1) & concerned[group]))


def _in_order(met: pa.Table) -> tuple[int, dict[str, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Number of buckets; the documents met, in order (rank, id); their buckets as CSR and which are always compared."""
    key, kind = met.column("key").to_numpy(), met.column("kind").to_numpy()
    new = np.concatenate([[True], (key[1:] != key[:-1]) | (kind[1:] != kind[:-1])]) if len(key) else np.zeros(0, bool)
    bucket = np.cumsum(new) - 1
    always = kind[new] != BAND
    columns = {name: met.column(name).to_numpy() for name in ("rank", "shard", "row")}
    columns["id"] = np.array(met.column("id").to_pylist(), object)
    # Documents in order (rank, id, shard, row): where an id repeats, the first shard's stays.
    codes = pc.rank(met.column("id").combine_chunks(), sort_keys="ascending", tiebreaker="dense").to_numpy()
    order = np.lexsort((bucket, columns["row"], columns["shard"], codes, columns["rank"]))
    rank, shard, row = (columns[name][order] for name in ("rank", "shard", "row"))
    first = (
        np.concatenate([[True], (rank[1:] != rank[:-1]) | (shard[1:] != shard[:-1]) | (row[1:] != row[:-1])])
        if len(order)
        else np.zeros(0, bool)
    )
    who = {name: values[order][first] for name, values in columns.items()}
    indptr = np.concatenate([np.flatnonzero(first), [len(order)]]).astype(np.int64)
    return int(new.sum()), who, (indptr, bucket[order].astype(np.int64), always)


def _gather(who: dict[str, np.ndarray], items: list[Any], column: str, dtype: type) -> np.ndarray:
    """The documents' values of a fixed-width column of signatures, fetched by (shard, row)."""
    made: np.ndarray | None = None
    for rank, number, shard, _, signatures in items:
        here = np.flatnonzero((who["rank"] == rank) & (who["shard"] == number))
        if len(here):
            values = unfixed(read_column(signatures, shard, [column]).column(column), dtype)
            made = np.zeros((len(who["rank"]), values.shape[1]), dtype) if made is None else made
            made[here] = values[who["row"][here]]
    assert made is not None
    return made


def _signatures(who: dict[str, np.ndarray], items: list[Any]) -> np.ndarray:
    return _gather(who, items, "signature", np.uint32)


def gathered_exact(who: dict[str, np.ndarray], items: list[Any]) -> np.ndarray:
    return _gather(who, items, "exact", np.int64)


def _same(exact: np.ndarray, witness: np.ndarray) -> np.ndarray:
    return (exact == exact[np.maximum(witness, 0)]).all(axis=1) & (witness >= 0)


def survivors_shard(
    out: Output, item: tuple[Shard, list[tuple[int, str, float, str]]], *, keeps: Artifact
) -> dict[str, Any]:
    shard, leaves = item
    before = read_column(keeps, shard, ["keep"]).column("keep").to_numpy()
    keep = before.copy()
    reason = np.full(shard.rows, None, object)
    duplicate_of = np.full(shard.rows, None, object)
    similarity = np.full(shard.rows, np.nan, np.float32)
    for row, other, value, why in leaves:
        keep[row], reason[row], duplicate_of[row], similarity[row] = False, why, other, value
    out.of(shard)
    out.write(
        pa.table(
            {
                "keep": keep,
                "reason": pa.array(reason, pa.string()),
                "duplicate_of": pa.array(duplicate_of, pa.string()),
                "similarity": pa.array(similarity, mask=np.isnan(similarity)),
            }
        )
    )
    size = read(shard, ["bytes"]).column("bytes").to_numpy()
    found = similarity[~np.isnan(similarity)]
    return {
        "documents": int(before.sum()),
        "bytes": int(size[before].sum()),
        "kept": int(keep.sum()),
        "kept_bytes": int(size[keep].sum()),
        "reasons": {name: int((reason == name).sum()) for name in ("id", "exact", "near")},
        "similarity": np.bincount(
            np.minimum((found * HISTOGRAM).astype(int), HISTOGRAM - 1), minlength=HISTOGRAM
        ).tolist(),
    }
