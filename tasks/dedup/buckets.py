"""`buckets`: what later sources meet of a source, stored: the rows of its survivors, in the order of a shuffle.

So a new source shuffles its own rows only; whoever reduces a range of keys reads the same range here (stored.py). There
are two kinds of files, `bands-<number>` and `classes-<number>`: a kind's files hold equal ranges of hashed keys.
"""

from functools import partial
from typing import Any

from tasks.dedup.bands import emit_bands
from tasks.dedup.members import emit_members
from tasks.dedup.pieces import Piece, as_they_are, cleared, overlapping, rows_between, step
from tasks.dedup.places import Places
from tasks.dedup.stored import KINDS, file_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.shards import Output
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = 1 << 20  # rows of a file, about: 40 MB of bands


@statistics
class Bucketed:
    """Rows of each kind."""

    bands: int = 0
    classes: int = 0


@stage("buckets", kind="measure", section="duplicates", textless=True, libraries=("numpy",))
def buckets(
    job: Job, *, documents: Artifact, before: Artifact, signatures: Artifact, bands: int, rows: int
) -> Bucketed:
    """Bands and signatures of a source's survivors, for later sources to be compared with."""
    places = Places((documents,), (signatures,))
    items: list[Any] = [(number, []) for number in places.numbers()]
    given: dict[str, Any] = {"places": places, "before": before, "artifact": job.artifact}
    emit = {
        "bands": partial(emit_bands, **given, bands=bands, rows=rows),
        "classes": partial(emit_members, **given, ids=False),
    }
    counts = {}
    with cleared(job):
        work: list[tuple[str, Any]] = []
        for kind in KINDS:
            pieces, _ = step(job, emit[kind], as_they_are, items)
            counts[kind] = sum(piece.rows for piece in pieces)
            files = -(-counts[kind] // FILE)
            work += [(file_of(kind, n), (n, files, overlapping(pieces, n, files))) for n in range(files)]
        job.map(write_file, work, artifact=job.artifact)
    return Bucketed(**counts)


def write_file(out: Output, item: tuple[int, int, list[Piece]], *, artifact: Artifact) -> Bucketed:
    out.write(rows_between(*item, artifact=artifact))
    return Bucketed()
