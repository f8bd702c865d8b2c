"""Writes what a shard's pieces were encoded to: a stream a split, and where each document lies in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import pyarrow as pa

from tasks.tokens.pieces import PieceBatch

VALIDATION = -1  # instead of a part of the train stream


@dataclass(frozen=True)
class Index:
    """The documents (pieces) of a shard, in its order; arrays are int64 (documents,)."""

    ids: pa.ChunkedArray
    rows: np.ndarray  # of the shard
    part: np.ndarray  # of the train stream, or VALIDATION
    start: np.ndarray  # in the split's stream
    tokens: np.ndarray  # with the document's end
    sizes: np.ndarray  # bytes of text

    def table(self) -> pa.Table:
        split = pa.array(["train", "validation"]).take(pa.array((self.part == VALIDATION).astype(np.int8)))
        return pa.table(
            {"id": self.ids, "split": split, "start": pa.array(self.start), "tokens": pa.array(self.tokens)}
        )


class Streams:
    """A shard's streams: train, first part first, and validation.

    Of train the first part is written as it comes, the others are kept in memory until all is known. `sizes`: of
    clusters, where the parts of train begin (see tokens.py).
    """

    def __init__(
        self, train: IO[bytes], validation: IO[bytes], sizes: Sequence[int], dtype: str, end: int, vocabulary: int
    ) -> None:
        self._train, self._validation = train, validation
        self.sizes = (1, *sizes)
        self._dtype, self._end = np.dtype(dtype).newbyteorder("<"), end
        self._later = [bytearray() for _ in sizes]
        self._ids: list[pa.Array] = []
        self._columns: list[tuple[np.ndarray, ...]] = []  # rows of the shard, parts, starts in them, tokens, bytes
        self._written = dict.fromkeys((VALIDATION, *range(len(self.sizes))), 0)  # tokens by part
        self.id_counts = np.zeros(vocabulary, np.int64)  # of train

    def add(self, pieces: PieceBatch, ids: np.ndarray, ends: np.ndarray) -> None:
        """Append documents: `ids` of all of them, (n,), and where each one's end, int64 (pieces,)."""
        tokens = np.diff(ends, prepend=0) + 1
        stream = np.empty(len(ids) + len(ends), self._dtype)
        is_end = np.zeros(len(stream), bool)
        is_end[np.cumsum(tokens) - 1] = True
        stream[is_end], stream[~is_end] = self._end, ids
        part = np.searchsorted(self.sizes, pieces.members, side="right") - 1
        part[pieces.validation] = VALIDATION
        starts = np.zeros(len(ends), np.int64)
        for number in np.unique(part).tolist():
            here = part == number
            behind = np.cumsum(tokens[here])
            starts[here] = self._written[number] + behind - tokens[here]
            self._written[number] += int(behind[-1])
            self._append(number, stream if here.all() else stream[np.repeat(here, tokens)])
        self._ids.append(pieces.ids)
        self._columns.append((pieces.rows, part, starts, tokens, pieces.sizes))

    def _append(self, part: int, stream: np.ndarray) -> None:
        if part == VALIDATION:
            self._validation.write(stream.data)
            return
        self.id_counts += np.bincount(stream, minlength=len(self.id_counts))
        if part == 0:
            self._train.write(stream.data)
        else:
            self._later[part - 1] += stream.data.cast("B")

    def finish(self) -> Index:
        """Write the other parts behind the first."""
        for later in self._later:
            self._train.write(later)
        columns = self._columns or [tuple(np.zeros(0, np.int64) for _ in range(5))]
        rows, part, starts, tokens, sizes = (np.concatenate(each) for each in zip(*columns, strict=True))
        written = [self._written[number] for number in range(len(self.sizes))]
        begins = np.array([*np.cumsum([0, *written[:-1]]), 0])  # the last is that of part VALIDATION
        ids = pa.chunked_array(self._ids, pa.string())
        return Index(ids, rows, part, starts + begins[part], tokens, sizes)
