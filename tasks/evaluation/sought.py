"""What the audit looks for, and the looking: n-grams of the benchmarks' words, as numbers, in a text's.

A word of the benchmarks has a number; a gram is found by a rolling sum over the numbers, a bit table and a search, and
then compared number by number, so that nothing is met by chance. No kernel.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.evaluation.plain import apart
from tasks.evaluation.rolling import PRIME, Sums

BITS = 24  # of a gram's sum that say where it is in the bit table: 16 MB, which 10^6 grams fill to 6 %
STRANGE = -1  # the number of a word that no benchmark has


@dataclass(frozen=True)
class Grams:
    """The grams of `n` words of the benchmarks that have this n."""

    n: int
    numbers: np.ndarray  # int32 (grams, n): of words; distinct rows
    sums: np.ndarray  # uint64 (grams,), of the rows, in order
    table: np.ndarray  # bool (2**BITS,)

    @classmethod
    def of(cls, texts: list[np.ndarray], n: int) -> "Grams":
        """Of texts as numbers."""
        windows = [np.lib.stride_tricks.sliding_window_view(text, n) for text in texts if len(text) >= n]
        numbers = np.unique(np.concatenate(windows), axis=0) if windows else np.zeros((0, n), np.int32)
        powers = np.multiply.accumulate(np.full(n, PRIME, np.uint64))
        sums = ((numbers.astype(np.uint64) + np.uint64(1)) * powers).sum(axis=1, dtype=np.uint64)
        order = np.argsort(sums, kind="stable")
        table = np.zeros(1 << BITS, bool)
        table[(sums >> np.uint64(64 - BITS)).astype(np.int64)] = True
        return cls(n, numbers[order], sums[order], table)

    def met(self, text: np.ndarray) -> np.ndarray:
        """Places in `numbers`, in order, of the grams that stand in a text (int32 numbers, STRANGE among them)."""
        if len(text) < self.n or not len(self.sums):
            return np.zeros(0, np.int64)
        strange = np.concatenate([[0], np.cumsum(text == STRANGE)])
        starts = np.flatnonzero(strange[self.n :] == strange[: -self.n])
        sums = Sums.of(text).between(starts, starts + self.n)
        likely = self.table[(sums >> np.uint64(64 - BITS)).astype(np.int64)]
        starts, sums = starts[likely], sums[likely]
        found = []
        low = np.searchsorted(self.sums, sums)
        while len(starts):  # once, but for grams of one sum
            inside = low < len(self.sums)
            starts, sums, low = starts[inside], sums[inside], low[inside]
            same = self.sums[low] == sums
            starts, sums, low = starts[same], sums[same], low[same]
            equal = (self.numbers[low] == text[starts[:, None] + np.arange(self.n)]).all(axis=1)
            found.append(low[equal])
            starts, sums, low = starts[~equal], sums[~equal], low[~equal] + 1
        return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)


@dataclass(frozen=True)
class Sought:
    """The words of all benchmarks, whose place is their number; their grams by n; of each benchmark, in its texts'
    order, the places in those grams of each text's own."""

    words: pa.Array  # binary, each with the blank behind it
    grams: dict[int, Grams]
    items: dict[str, list[np.ndarray]]

    @classmethod
    def of(cls, benchmarks: dict[str, tuple[int, list[pa.Array]]]) -> "Sought":
        """Of each benchmark's n and its texts' words."""
        everything = [words for _, texts in benchmarks.values() for words in texts]
        encoded = pa.concat_arrays(everything).dictionary_encode()
        numbers = np.split(encoded.indices.to_numpy().astype(np.int32), np.cumsum([len(words) for words in everything]))
        by_name: dict[str, list[np.ndarray]] = {}
        by_size: dict[int, list[np.ndarray]] = {}
        for name, (n, texts) in benchmarks.items():
            by_name[name], numbers = numbers[: len(texts)], numbers[len(texts) :]
            by_size.setdefault(n, []).extend(by_name[name])
        grams = {n: Grams.of(texts, n) for n, texts in by_size.items()}
        items = {name: [grams[n].met(text) for text in by_name[name]] for name, (n, _) in benchmarks.items()}
        return cls(encoded.dictionary, grams, items)

    def met(self, text: bytes) -> dict[int, np.ndarray]:
        """By n, the places in `grams` of the grams that stand in the text."""
        numbers = numbered(words_of(text), self.words)
        return {n: grams.met(numbers) for n, grams in self.grams.items()}


def words_of(text: bytes) -> pa.Array:
    """The words of UTF-8 as binary, each with the blank behind it (so that they lie in one buffer, gaplessly)."""
    bytes_ = np.frombuffer(apart(text) + b" ", np.uint8)
    word = bytes_ != ord(" ")
    keep = word.copy()
    keep[1:] |= word[:-1]
    packed = bytes_[keep]
    ends = np.flatnonzero(packed == ord(" ")) + 1
    places = np.concatenate([np.zeros(1, np.int32), ends.astype(np.int32)])
    return pa.Array.from_buffers(pa.binary(), len(ends), [None, pa.py_buffer(places), pa.py_buffer(packed)])


def numbered(words: pa.Array, known: pa.Array) -> np.ndarray:
    """int32: each word's place in `known`; STRANGE for those that are not there."""
    return pc.index_in(words, value_set=known).fill_null(STRANGE).to_numpy(zero_copy_only=False)
