"""Stage `index`: where each document of a source stands, by its id and by its URL, for `explain` to find it at once.

Two kinds of files, `ids-<number>` and `urls-<number>`: rows (key, place), key 63 bits of the id or 53 of a hash of the
URL, place (number of the shard << 32) | row, in the order of the key's hash (runtime/shuffle.py), a kind's files
holding equal ranges of hashes. A reader so reads one file of a million rows, whatever the corpus has; two keys may be
alike, so what stands at the place is compared (found.py).
"""

from functools import partial

import numpy as np
import pyarrow as pa

from tasks.dedup.pieces import Piece, as_they_are, cleared, overlapping, rows_between, step
from tasks.dedup.places import halves, id_digits
from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, read, read_file
from tasks.runtime.shuffle import GOLDEN
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

FILE = 1 << 20  # rows of a file, about: 12 MB
KINDS = ("ids", "urls")
PURPOSE = "index of URLs"


@statistics
class Indexed:
    """Rows of each kind, and the bytes of the documents' text."""

    ids: int = 0
    urls: int = 0
    text_bytes: int = 0


@stage("index", kind="measure", section="rejects", libraries=("numpy",))
def index(job: Job, *, documents: Artifact) -> Indexed:
    """Ids and URLs of a source, each with its document's place."""
    items = list(enumerate(documents.shards()))
    counts = {}
    with cleared(job):
        work: list[tuple[str, tuple[int, int, list[Piece]]]] = []
        for kind in KINDS:
            pieces, _ = step(job, partial(emit_places, kind=kind, source=documents.name), as_they_are, items)
            counts[kind] = sum(piece.rows for piece in pieces)
            files = -(-counts[kind] // FILE)
            work += [(f"{kind}-{n:05}", (n, files, overlapping(pieces, n, files))) for n in range(files)]
        job.map(write_file, work, artifact=job.artifact)
    return Indexed(**counts, text_bytes=int(documents.manifest["statistics"].get("text_bytes", 0)))


def emit_places(item: tuple[int, Shard], *, kind: str, source: str) -> pa.Table:
    """Keys and places of a shard's documents; of those alone that have a URL."""
    number, shard = item
    column = read(shard, ["id" if kind == "ids" else "url"]).column(0)
    rows = np.flatnonzero(column.is_valid().to_numpy())
    keys = keys_of(column.drop_null(), kind, source)
    return pa.table({"key": pa.array(keys), "place": pa.array(np.int64(number) << 32 | rows.astype(np.int64))})


def keys_of(values: pa.ChunkedArray, kind: str, source: str) -> np.ndarray:
    """int64 (n,): the upper 63 bits of ids, which are hashes, or 53 bits of a hash of URLs."""
    if kind == "ids":
        return (halves(id_digits(values, source))[0] >> np.uint64(1)).astype(np.int64)
    return (uniform(values, 0, PURPOSE) * 2.0**53).astype(np.int64)


def write_file(out: Output, item: tuple[int, int, list[Piece]], *, artifact: Artifact) -> Indexed:
    out.write(rows_between(*item, artifact=artifact))
    return Indexed()


def places_of(index: Artifact, kind: str, value: str, source: str) -> list[tuple[int, int]]:
    """(number of the shard, row) of what may have this id or URL, in order."""
    key = keys_of(pa.chunked_array([[value]], pa.string()), kind, source)
    files = sum(shard.key.startswith(f"{kind}-") for shard in index.shards())
    if not files:
        return []
    wanted = (key.view(np.uint64) * GOLDEN)[0]
    rows = read_file(index, f"{kind}-{int(wanted) * files >> 64:05}.parquet")
    hashes = rows.column("key").to_numpy().view(np.uint64) * GOLDEN
    first, last = np.searchsorted(hashes, wanted, side="left"), np.searchsorted(hashes, wanted, side="right")
    places = sorted(rows.column("place").slice(int(first), int(last - first)).to_pylist())
    return [(place >> 32, place & 0xFFFFFFFF) for place in places]
