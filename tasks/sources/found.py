"""Documents of a source by id, by URL, or by a phrase of their text.

By id or URL the index says where to look; without one (a store of an earlier version) ids or URLs of all shards are
read. A phrase is looked for in all text, row group by row group side by side: unpacked, the text of a row group is one
run of bytes, which glibc's memmem goes through at some gigabytes a second.
"""

import ctypes
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels.buffers import buffers
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.shards import batches, read, read_rows, row_groups
from tasks.runtime.stage import Place
from tasks.sources.index import places_of

SHAPES_NO_BYTES = True
GROUP = 1 << 16  # rows unpacked at once: ingest writes fewer in a row group, and at most 16 MB of text
KEPT = 50  # places of a phrase that are remembered of a source: all are counted


def places(documents: Artifact, index: Artifact | None, kind: str, value: str) -> Iterator[Place]:
    """The documents of a source whose id (`kind` "ids") or URL ("urls") is `value`, in the order of shards and rows."""
    column = "id" if kind == "ids" else "url"
    shards = documents.shards()
    if index is not None:
        candidates = [(shards[number], row) for number, row in places_of(index, kind, value, documents.name)]
    else:
        candidates = [(shard, row) for shard in shards for row in _rows(shard, column, value)]
    for shard, row in candidates:
        if read_rows(shard, [row], [column]).column(column)[0].as_py() == value:
            yield place_at(documents.name, shard, row)


def _rows(shard: Shard, column: str, value: str) -> list[int]:
    same = pc.equal(read(shard, [column]).column(column), pa.scalar(value))
    rows: list[int] = pc.indices_nonzero(pc.fill_null(same, False)).to_pylist()
    return rows


def place_at(source: str, shard: Shard, row: int) -> Place:
    (found,) = read_rows(shard, [row], ["id", "text"]).to_pylist()
    return Place(source, shard, row, found["id"], (found["text"] or "").encode())


# ---- phrases


@dataclass(frozen=True)
class Met:
    """A document that holds a phrase: where, and at which byte of its text the phrase first stands."""

    source: str
    shard: Shard
    row: int
    at: int

    def place(self) -> Place:
        return place_at(self.source, self.shard, self.row)


@dataclass(frozen=True)
class Phrase:
    """What a scan found: documents by source, the first ones of each source, and the bytes of text gone through."""

    counts: dict[str, int]
    met: list[Met]
    bytes: int


def holding(sources: Sequence[Artifact], phrase: str, workers: int) -> Phrase:
    """The documents of some sources whose text holds a phrase, byte for byte."""
    shards = [(documents.name, shard) for documents in sources for shard in documents.shards()]
    with ThreadPoolExecutor(workers) as pool:
        groups = list(pool.map(lambda each: row_groups(each[1], ["text"]), shards))
        pieces: list[tuple[str, Shard, int, int]] = [
            (name, shard, group, sum(sizes[:group]))
            for (name, shard), sizes in zip(shards, groups, strict=True)
            for group in range(len(sizes))
        ]
        found = list(pool.map(lambda piece: _scan(piece[1], piece[2], piece[3], phrase.encode()), pieces))
    counts = {documents.name: 0 for documents in sources}
    met: list[Met] = []
    for (name, shard, *_), (rows, at, _) in zip(pieces, found, strict=True):
        room = max(0, KEPT - counts[name])
        met += [Met(name, shard, int(row), int(byte)) for row, byte in zip(rows[:room], at[:room], strict=True)]
        counts[name] += len(rows)
    return Phrase(counts, met, sum(size for *_, size in found))


Rows = tuple[np.ndarray, np.ndarray, int]  # rows that hold the phrase, the byte of each at which it stands; bytes read


def _scan(shard: Shard, group: int, first: int, phrase: bytes) -> Rows:
    rows: list[int] = []
    at: list[int] = []
    size = 0
    for batch in batches(shard, ["text"], GROUP, range(group, group + 1)):
        data, starts, ends = buffers(batch.column("text"))
        for row, byte in _finds(data, starts, ends, phrase):
            rows.append(first + row)
            at.append(byte)
        first += batch.num_rows
        size += int((ends - starts).sum())
    return np.array(rows, np.int64), np.array(at, np.int64), size


def _finds(data: np.ndarray, starts: np.ndarray, ends: np.ndarray, phrase: bytes) -> Iterator[tuple[int, int]]:
    """(row, byte of it) of each row's first occurrence. What reaches from one row into the next is none."""
    if not len(starts):
        return
    base, end = data.ctypes.data, int(ends[-1])
    at = int(starts[0])
    while at < end:
        found = _memmem()(base + at, end - at, phrase, len(phrase))
        if found is None:
            return
        at = found - base
        row = int(np.searchsorted(starts, at, side="right")) - 1
        if at + len(phrase) <= ends[row]:
            yield row, at - int(starts[row])
            at = int(ends[row])
        else:
            at += 1


@lru_cache(maxsize=1)
def _memmem() -> Any:
    """glibc's; a call through ctypes lets go of the interpreter's lock."""
    function = ctypes.CDLL(None).memmem
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    return function
