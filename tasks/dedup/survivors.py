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
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import KEEP, REASON, Decided, kept_before
from tasks.runtime.fixed import begins, fixed, unfixed
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, read, read_column
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics

DIGITS = 32  # hexadecimal, of an id behind its source's name
ROWS = pa.schema([("key", pa.int64()), ("kind", pa.int8()), ("rank", pa.int32()), ("id", pa.binary(DIGITS // 2)),
                  ("shard", pa.int32()), ("row", pa.int64())])  # fmt: skip
BAND, EXACT, ID = 0, 1, 2
HISTOGRAM = 20
REASONS = {
    "id": "the same document, by id and words, comes before it",
    "clash": "a document with this id and other words comes before it: its source's ids are not global",
    "exact": "its words are those of a document that stays",
    "near": "it is a near copy of a document that stays",
}


@statistics
class Survived(Decided):
    """`similarity`: copies by twentieths; `candidates`: documents in a bucket; `skipped`: comparisons left out."""

    similarity: tuple[int, ...] = (0,) * HISTOGRAM
    candidates: int = 0
    buckets: int = 0
    skipped: int = 0


@stage(
    "survivors",
    kind="decision",
    title="after deduplication",
    section="duplicates",
    columns=(
        KEEP,
        REASON,
        Column("duplicate_of", pa.string(), "the document that stays and of which this is a copy"),
        Column("similarity", pa.float32(), "share of equal permutations with it; 1 for equal words"),
    ),
    reasons=REASONS,
    libraries=("numpy",),
)
def survivors(
    job: Job,
    *,
    documents: list[Artifact],
    before: list[Artifact],
    signatures: list[Artifact],
    bands: int,
    rows: int,
    threshold: float,
    bucket: int,
) -> Survived:
    """Documents of the last of the listed sources that are not a copy of one that stays.

    The lists run in priority order; for all but the last, `before` are those sources' own survivors.
    """
    from tasks.kernels.witnesses import survivors as decide

    names = [artifact.name for artifact in documents]
    items = [
        (rank, number, shard, before[rank], signatures[rank])
        for rank, artifact in enumerate(documents)
        for number, shard in enumerate(artifact.shards())
    ]
    last = len(documents) - 1
    emit = partial(emit_keys, names=names, bands=bands, rows=rows)
    tables = job.engine.shuffle(emit, partial(drop_singles, last=last), items)
    bucket_count, met, buckets = _in_order(pa.concat_tables([ROWS.empty_table(), *tables]))
    removals: dict[int, list[tuple[int, str, float, str]]] = {}
    skipped = 0
    if len(met["rank"]):
        values = _gather(met, items, "signature", np.uint32)
        witness, similarity, skipped = decide(*buckets, values, threshold, bucket, met["rank"] < last)
        exact = _same(_gather(met, items, "exact", np.int64), witness)
        for index in np.flatnonzero(witness >= 0):
            other = int(witness[index])
            same_id = met["rank"][index] == met["rank"][other] and met["id"][index] == met["id"][other]
            if same_id:
                reason = "id" if exact[index] else "clash"
            else:
                reason = "exact" if exact[index] else "near"
            # The kernel says 1 of whatever an id or exact hash has brought together.
            alike = reason == "clash" and (values[index] == values[other]).mean()
            likeness = {"near": float(similarity[index]), "clash": float(alike)}.get(reason, 1.0)
            removals.setdefault(int(met["shard"][index]), []).append(
                (int(met["row"][index]), f"{names[met['rank'][other]]}:{met['id'][other].hex()}", likeness, reason)
            )
    work = [(shard.key, (shard, removals.get(number, []))) for number, shard in enumerate(documents[last].shards())]
    counts = job.total(survivors_shard, work, before=before[last])
    return replace(counts, candidates=len(met["rank"]), buckets=int(bucket_count), skipped=int(skipped))


def emit_keys(item: tuple[int, int, Shard, Artifact, Artifact], *, names: list[str], bands: int, rows: int) -> pa.Table:
    """A row for every band, exact hash and id of the shard's kept documents; the kind is part of the key's hash."""
    from tasks.kernels import minhash

    rank, number, shard, before, signatures = item
    kept = kept_before(before, shard)
    column = read_column(signatures, shard).filter(pa.array(kept))
    ids = id_digits(read(shard, ["id"]).column("id").filter(pa.array(kept)), names[rank])
    row = np.flatnonzero(kept)
    values = unfixed(column.column("signature"), np.uint32)
    shingled = np.flatnonzero(column.column("shingles").to_numpy() > 0)
    keys = minhash.bands(values[shingled], bands, rows).view(np.int64)
    exact = unfixed(column.column("exact"), np.int64)[:, 0]
    # Rows of a kind after those of another, each kind's in the shard's order.
    place = np.concatenate([np.tile(shingled, bands), np.arange(len(row)), np.arange(len(row))])
    kinds = np.repeat(np.array([BAND, EXACT, ID], np.int8), [len(shingled) * bands, len(row), len(row)])
    return pa.table(
        [
            pa.array(np.concatenate([keys.T.ravel(), exact, _id_keys(ids, names[rank])])),
            pa.array(kinds),
            pa.array(np.full(len(place), rank, np.int32)),
            fixed(ids[place]),
            pa.array(np.full(len(place), number, np.int32)),
            pa.array(row[place]),
        ],
        schema=ROWS,
    )


def id_digits(ids: pa.ChunkedArray, name: str) -> np.ndarray:
    """uint8 (rows, 16): the 32 hexadecimal digits of "<name>:<digits>".

    Raises:
        RuntimeError: an id is not of this source.
    """
    before = f"{name}:".encode()
    column = ids.combine_chunks().cast(pa.binary())
    width = len(before) + DIGITS
    odd = pc.or_(pc.not_equal(pc.binary_length(column), width), pc.invert(pc.starts_with(column, before)))
    if pc.any(odd).as_py():
        raise RuntimeError(f"id {column.filter(odd)[0].as_py()!r} is not {name}:<{DIGITS} hexadecimal digits>")
    text = np.frombuffer(b"".join(column.to_pylist()), np.uint8).reshape(len(column), width)[:, len(before) :]
    return np.frombuffer(bytes.fromhex(text.tobytes().decode()), np.uint8).reshape(len(column), DIGITS // 2)


def _id_keys(ids: np.ndarray, name: str) -> np.ndarray:
    """64 bits of the whole id, int64: of its 128 and of the source's name, since sources may number alike."""
    salt = np.uint64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]))
    high, low = ids.view(">u8").astype(np.uint64).T
    return ((high * np.uint64(0x9E3779B97F4A7C15) + low) ^ salt).view(np.int64)


def drop_singles(table: pa.Table, *, last: int) -> pa.Table:
    """Rows whose (key, kind) stands more than once, in groups that hold a document of the last source."""
    key, kind, rank = (table.column(name).to_numpy() for name in ("key", "kind", "rank"))
    if not len(key):
        return table
    group = np.cumsum(begins(key, kind)) - 1
    size = np.bincount(group)
    concerned = np.bincount(group, weights=rank == last) > 0
    return table.filter(pa.array((size[group] > 1) & concerned[group]))


def _in_order(table: pa.Table) -> tuple[int, dict[str, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Number of buckets; the documents met, in order (rank, id); their buckets as CSR and which are always compared."""
    key, kind = table.column("key").to_numpy(), table.column("kind").to_numpy()
    # A key's kinds stand together, in the order of (hash of the key, kind).
    opens = begins(key, kind)
    bucket = np.cumsum(opens) - 1
    always = kind[opens] != BAND
    columns = {name: table.column(name).to_numpy() for name in ("rank", "shard", "row")}
    columns["id"] = np.array(table.column("id").to_pylist(), object)
    # Documents in order (rank, id, shard, row): where an id repeats, the first shard's stays.
    high, low = unfixed(table.column("id"), np.uint8).view(">u8").T
    order = np.lexsort((bucket, columns["row"], columns["shard"], low, high, columns["rank"]))
    rank, shard, row = (columns[name][order] for name in ("rank", "shard", "row"))
    first = begins(rank, shard, row)
    met = {name: values[order][first] for name, values in columns.items()}
    indptr = np.concatenate([np.flatnonzero(first), [len(order)]]).astype(np.int64)
    return int(opens.sum()), met, (indptr, bucket[order].astype(np.int64), always)


def _gather(met: dict[str, np.ndarray], items: list[Any], column: str, dtype: type) -> np.ndarray:
    """The documents' values of a fixed-width column of signatures, fetched by (shard, row)."""
    gathered: np.ndarray | None = None
    for rank, number, shard, _, signatures in items:
        of_shard = np.flatnonzero((met["rank"] == rank) & (met["shard"] == number))
        if len(of_shard):
            values = unfixed(read_column(signatures, shard, [column]).column(column), dtype)
            gathered = np.zeros((len(met["rank"]), values.shape[1]), dtype) if gathered is None else gathered
            gathered[of_shard] = values[met["row"][of_shard]]
    assert gathered is not None
    return gathered


def _same(exact: np.ndarray, witness: np.ndarray) -> np.ndarray:
    return (exact == exact[np.maximum(witness, 0)]).all(axis=1) & (witness >= 0)


def survivors_shard(
    out: Output, item: tuple[Shard, list[tuple[int, str, float, str]]], *, before: Artifact
) -> Survived:
    shard, removals = item
    still_kept = kept_before(before, shard)
    keep = still_kept.copy()
    reason = np.full(shard.rows, None, object)
    duplicate_of = np.full(shard.rows, None, object)
    similarity = np.full(shard.rows, np.nan, np.float32)
    for row, witness, likeness, why in removals:
        keep[row], reason[row], duplicate_of[row], similarity[row] = False, why, witness, likeness
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
    of_copies = similarity[~np.isnan(similarity)]
    bins = np.minimum((of_copies * HISTOGRAM).astype(int), HISTOGRAM - 1)
    return Survived(
        documents=int(still_kept.sum()),
        bytes=int(size[still_kept].sum()),
        kept=int(keep.sum()),
        kept_bytes=int(size[keep].sum()),
        reasons={name: int((reason == name).sum()) for name in REASONS},
        similarity=tuple(np.bincount(bins, minlength=HISTOGRAM).tolist()),
    )
