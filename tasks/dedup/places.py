"""Where a document stands: its place, eight bytes, and its order.

The sources that take part are ranked, the last being the one to be decided; their shards are numbered through. A place
is (number of the shard << 32) | row, so that places of later sources are greater. The order of documents is
(source rank, id, place): where an id repeats, the first place comes first.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.shards import read, read_column

DIGITS = 32  # hexadecimal, of an id behind its source's name
ID = pa.binary(DIGITS // 2)
_VALUE = np.full(256, 255, np.uint8)
_VALUE[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
_DIGIT = np.frombuffer(b"0123456789abcdef", np.uint8)


@dataclass(frozen=True)
class Places:
    """The ranked sources' documents and signatures; a worker gets it and lists the shards itself."""

    documents: tuple[Artifact, ...]
    signatures: tuple[Artifact, ...]

    @property
    def own(self) -> int:
        """Number of the first shard of the source that is decided."""
        return int(_firsts(self.documents)[-1])

    def first(self, rank: int) -> int:
        """Number of a source's first shard."""
        return int(_firsts(self.documents)[rank])

    def numbers(self) -> range:
        """Of the shards of the source that is decided."""
        return range(self.own, len(_shards(self.documents)))

    def shard(self, number: int) -> Shard:
        return _shards(self.documents)[number]

    def ranks(self, places: np.ndarray) -> np.ndarray:
        """int64: the rank of each place's source."""
        return np.searchsorted(_firsts(self.documents), places >> 32, side="right") - 1

    def rank_of(self, number: int) -> int:
        """The rank of a shard's source."""
        return int(self.ranks(np.array([number]) << 32)[0])

    def ids(self, number: int) -> np.ndarray:
        """uint8 (rows, 16): the ids of a shard's documents."""
        return id_digits(read(self.shard(number), ["id"]).column("id"), self.documents[self.rank_of(number)].name)

    def signed(self, number: int, columns: list[str]) -> pa.Table:
        """Columns of a shard's signatures."""
        return read_column(self.signatures[self.rank_of(number)], self.shard(number), columns)

    def names(self, places: np.ndarray, ids: np.ndarray) -> pa.Array:
        """Ids as documents have them, "<source>:<32 digits>", of places and ids uint8 (n, 16)."""
        ranks = self.ranks(places)
        parts, rows = [], []
        for rank in np.unique(ranks):
            of = np.flatnonzero(ranks == rank)
            parts.append(_texts(ids[of], self.documents[int(rank)].name))
            rows.append(of)
        if not parts:
            return pa.array([], pa.string())
        return pa.concat_arrays(parts).take(pa.array(np.argsort(np.concatenate(rows))))


@lru_cache(maxsize=8)
def _shards(documents: tuple[Artifact, ...]) -> list[Shard]:
    return [shard for artifact in documents for shard in artifact.shards()]


@lru_cache(maxsize=8)
def _firsts(documents: tuple[Artifact, ...]) -> np.ndarray:
    counts = [len(artifact.shards()) for artifact in documents]
    return np.concatenate([[0], np.cumsum(counts[:-1])]).astype(np.int64)


def id_digits(ids: pa.ChunkedArray, name: str) -> np.ndarray:
    """uint8 (rows, 16): the 32 hexadecimal digits of "<name>:<digits>".

    Raises:
        RuntimeError: an id is not of this source.
    """
    before = f"{name}:".encode()
    chunks = [chunk.cast(pa.large_binary()) for chunk in ids.chunks]
    column = pa.concat_arrays([pa.array([], pa.large_binary()), *chunks])
    width = len(before) + DIGITS
    odd = pc.or_(pc.not_equal(pc.binary_length(column), width), pc.invert(pc.starts_with(column, before)))
    if pc.any(odd).as_py():
        raise RuntimeError(f"id {column.filter(odd)[0].as_py()!r} is not {name}:<{DIGITS} hexadecimal digits>")
    if not len(column):
        return np.zeros((0, DIGITS // 2), np.uint8)
    text = np.frombuffer(column.buffers()[2], np.uint8, len(column) * width).reshape(len(column), width)
    values = _VALUE[text[:, len(before) :]]
    if (values == 255).any():
        wrong = int((values == 255).any(axis=1).argmax())
        raise RuntimeError(f"id {column[wrong].as_py()!r} is not {name}:<{DIGITS} hexadecimal digits>")
    return values[:, 0::2] << 4 | values[:, 1::2]


def _texts(ids: np.ndarray, name: str) -> pa.Array:
    before = np.frombuffer(f"{name}:".encode(), np.uint8)
    width = len(before) + DIGITS
    text = np.empty((len(ids), width), np.uint8)
    text[:, : len(before)] = before
    text[:, len(before) :: 2] = _DIGIT[ids >> 4]
    text[:, len(before) + 1 :: 2] = _DIGIT[ids & 15]
    offsets = pa.py_buffer(np.arange(len(ids) + 1, dtype=np.int32) * np.int32(width))
    return pa.StringArray.from_buffers(len(ids), offsets, pa.py_buffer(text))


def halves(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(high, low), uint64 (n,) each, of 16 bytes a row, uint8 (n, 16): the order of numbers is that of the bytes."""
    words = np.ascontiguousarray(ids).view(">u8").astype(np.uint64)
    return words[:, 0], words[:, 1]


def prefix(rank: int, ids: np.ndarray) -> np.ndarray:
    """int64 (n,): the beginning of the documents' order, eight bytes: the source's rank and 47 bits of the id."""
    return (np.int64(rank) << np.int64(47)) | (halves(ids)[0] >> np.uint64(17)).astype(np.int64)
