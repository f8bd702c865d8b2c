"""Decision: `survivors`, a definition rather than an algorithm.

In the order (source rank, id), among documents still kept, a document leaves iff a document that stays and shares a
band (or the exact hash) with it is verified to be similar enough. So each removal has a witness that stays, there are
no chains, order of arrival plays no part, and the answer is unique. Earlier sources' documents stand as their own
`survivors` left them; a new source reads what `buckets` stored of them and changes none. A full bucket is split by a
rule over order and signatures (kernels/buckets.py); the pairs that this is expected to lose are reported. A repeated id
leaves before anything is compared (members.py).

The steps, each a shuffle whose rows stay with the workers (pieces.py): ids and signatures met before (members.py);
buckets to candidate pairs (bands.py); candidates to verified edges (edges.py); edges to who leaves (walk.py); and what
is said of each document back to its shard (verdicts.py).
"""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.dedup.bands import emit_bands, reduce_bands
from tasks.dedup.edges import MILLION, reduce_attached, reduce_pairs
from tasks.dedup.members import BY_CLASH, REASONS, emit_members, reduce_members
from tasks.dedup.pieces import Piece, as_they_are, at, cleared, rows_at, rows_of, step
from tasks.dedup.places import Places
from tasks.dedup.stored import Stored
from tasks.dedup.told import tell_survivors
from tasks.dedup.verdicts import COPIES, SIZES, VERDICTS, bring_home, resolve
from tasks.dedup.walk import decide
from tasks.runtime.artifact import Artifact
from tasks.runtime.decisions import KEEP, REASON, Decided, kept_before
from tasks.runtime.fixed import unfixed
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, read
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics

HISTOGRAM = 20


@statistics
class Survived(Decided):
    """`similarity`: copies by twentieths. `clusters`: documents that stay with all that left for them, by size (from 2,
    3, 4, 5, 10 and 100 on). `buckets` of more than one document, and those `split`; `pairs` compared, and `verified`;
    `lost`: pairs that splitting is expected to have cost."""

    similarity: tuple[int, ...] = (0,) * HISTOGRAM
    clusters: tuple[int, ...] = (0,) * len(SIZES)
    buckets: int = 0
    split: int = 0
    pairs: int = 0
    verified: int = 0
    lost: float = 0.0


@stage(
    "survivors",
    kind="decision",
    title="after deduplication",
    section="duplicates",
    columns=(
        KEEP,
        REASON,
        Column("duplicate_of", pa.string(), "the document that stays and of which this is a copy"),
        Column("similarity", pa.float32(), "share of equal permutations with it; 1 for equal words; null for a clash"),
        Column("copies", pa.int32(), "how many documents of its source left for it"),
    ),
    reasons=REASONS,
    tell=tell_survivors,
    libraries=("numpy",),
    judges=("memory",),
)
def survivors(
    job: Job,
    *,
    documents: list[Artifact],
    before: Artifact,
    signatures: list[Artifact],
    buckets: list[Artifact],
    bands: int,
    rows: int,
    threshold: float,
    bucket: int,
    memory: int,
) -> Survived:
    """Documents of the last of the listed sources that are not a copy of one that stays.

    The lists run in priority order; `buckets` has all but the last. `memory`: bytes that edges may take in one process;
    it decides how the answer is found, and not what it is.
    """
    places = Places(tuple(documents), tuple(signatures))
    how: dict[str, Any] = {"bands": bands, "rows": rows, "threshold": threshold}
    with cleared(job):
        pointers, followed = _members(job, places, before, Stored(tuple(buckets), places))
        gone = step(job, partial(rows_of, artifact=job.artifact), as_they_are, pointers)[0]
        kept: dict[str, Any] = {"places": places, "before": before, "artifact": job.artifact}
        width = _permutations(signatures[-1], places)
        emit = partial(emit_bands, **kept, bands=bands, rows=rows)
        compare = partial(
            reduce_bands, places=places, stored=Stored(tuple(buckets), places), **how, permutations=width, bucket=bucket
        )
        pairs, met = step(job, emit, compare, [(number, at(gone, number)) for number in places.numbers()])
        carry = partial(rows_of, artifact=job.artifact)
        attached, compared = step(job, carry, partial(reduce_pairs, places=places, permutations=width), pairs)
        edges, verified = step(job, carry, partial(reduce_attached, places=places, **how), attached)
        found = decide(job, edges, places, memory)
        told = resolve(job, [*found, *pointers], followed)
        home, clusters = bring_home(job, told, places)
        work = [(places.shard(number).key, (number, at(home, number))) for number in places.numbers()]
        counts = job.total(survivors_shard, work, places=places, before=before, artifact=job.artifact)
    return replace(
        counts,
        clusters=tuple(clusters[: len(SIZES)]),
        buckets=met[0],
        split=met[1],
        pairs=compared[0],
        verified=verified[0],
        lost=verified[1] / MILLION,
    )


def _members(job: Job, places: Places, before: Artifact, stored: Stored) -> tuple[list[Piece], int]:
    """Pointers by id and signature, and how many of them may stand one behind the other."""
    emit = partial(emit_members, places=places, before=before, artifact=job.artifact)
    meet = partial(reduce_members, places=places, stored=stored)
    items: list[Any] = [(number, []) for number in places.numbers()]
    pointers, (repeated, copied, *_) = step(job, partial(emit, ids=True), meet, items)
    if not repeated:
        return pointers, 1 if copied else 0
    # A repeated id stands for no signature: they are met again, without it.
    carry = partial(rows_of, artifact=job.artifact)
    by_id, _ = step(job, carry, _only_ids, pointers)
    items = [(number, at(by_id, number)) for number in places.numbers()]
    others, _ = step(job, partial(emit, ids=False), meet, items)
    return [*by_id, *others], 2


def _only_ids(table: pa.Table) -> tuple[pa.Table, list[int]]:
    return table.filter(pa.array(table.column("reason").to_numpy() <= BY_CLASH)), []


def _permutations(signatures: Artifact, places: Places) -> int:
    for number in places.numbers():
        width: int = places.signed(number, ["signature"]).schema.field("signature").type.byte_width
        return width // 4
    return 1  # of a source without shards there is nothing to compare


def survivors_shard(
    out: Output, item: tuple[int, list[Piece]], *, places: Places, before: Artifact, artifact: Artifact
) -> Survived:
    number, pieces = item
    shard = places.shard(number)
    still_kept = kept_before(before, shard)
    said = rows_at(pieces, number, VERDICTS, artifact)
    code, place = said.column("reason").to_numpy(), said.column("place").to_numpy()
    row, counts = place & 0xFFFFFFFF, code == COPIES
    copies = np.zeros(shard.rows, np.int32)
    copies[row[counts]] = said.column("copies").to_numpy()[counts]
    gone = row[~counts]
    keep = still_kept.copy()
    keep[gone] = False
    which = np.full(shard.rows, -1)
    which[gone] = np.flatnonzero(~counts)  # of a document that leaves, the row that says so
    taken = pa.array(which, mask=which < 0)
    similarity = said.column("similarity").to_numpy().astype(np.float32)
    reasons = pa.array(list(REASONS), pa.string())
    targets = places.names(said.column("target").to_numpy(), unfixed(said.column("target_id"), np.uint8))
    out.of(shard)
    out.write(
        pa.table(
            {
                "keep": keep,
                "reason": reasons.take(pa.array(code.astype(np.int64), mask=counts)).take(taken),
                "duplicate_of": targets.take(taken),
                "similarity": pa.array(similarity, mask=np.isnan(similarity)).take(taken),
                "copies": copies,
            }
        )
    )
    size = read(shard, ["bytes"]).column("bytes").to_numpy()
    alike = similarity[~counts]
    bins = np.minimum((alike[~np.isnan(alike)] * HISTOGRAM).astype(int), HISTOGRAM - 1)
    by_reason = np.bincount(code[~counts], minlength=len(REASONS))
    return Survived(
        documents=int(still_kept.sum()),
        bytes=int(size[still_kept].sum()),
        kept=int(keep.sum()),
        kept_bytes=int(size[keep].sum()),
        reasons=dict(zip(REASONS, by_reason.tolist(), strict=True)),
        similarity=tuple(np.bincount(bins, minlength=HISTOGRAM).tolist()),
    )
