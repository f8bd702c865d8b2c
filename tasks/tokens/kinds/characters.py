"""Counted words as runs of characters: what kinds that know characters, not bytes, merge."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Spelled:
    """The characters of all words, one word after another; n of them.

    `known` are the characters that get a token, the most frequent first, of equal ones the smaller code point.
    """

    known: str
    ranks: np.ndarray  # int32 (n,), the place in `known`; -1 for a character that is not there
    words: np.ndarray  # int64 (n,), the number of the word
    first: np.ndarray  # bool (n,), whether it is its word's first
    last: np.ndarray  # bool (n,)
    counts: np.ndarray  # int64 (words,), how often each word was met

    def pieces(self, symbols: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(symbols int32, starts int64, counts int64), as the kernel takes words, of the wanted characters alone.

        Characters that are not wanted part the word: nothing is merged over them. `symbols`: (n,), `wanted`: bool (n,).
        """
        pieces = (self.words + np.cumsum(~wanted))[wanted]  # a number that grows at each word and each gap
        begins = np.flatnonzero(np.diff(pieces, prepend=-1))
        starts = np.append(begins, len(pieces)).astype(np.int64)
        return symbols[wanted].astype(np.int32), starts, self.counts[self.words[wanted][begins]]


def spelled(words: pa.Array, counts: np.ndarray, most: int) -> Spelled:
    """Distinct words (UTF-8, none empty) with their counts; at most `most` characters are known."""
    text = pa.concat_arrays([words.cast(pa.large_binary())])  # its buffers begin at 0
    if len(text) == 0:
        none = np.zeros(0, np.int64)
        return Spelled("", none.astype(np.int32), none, none.astype(bool), none.astype(bool), counts)
    bounds = np.frombuffer(text.buffers()[1], np.int64)[: len(text) + 1]
    data = text.buffers()[2].to_pybytes()[bounds[0] : bounds[-1]]
    codes = np.frombuffer(data.decode().encode("utf-32-le"), np.uint32)
    leads = np.flatnonzero((np.frombuffer(data, np.uint8) & 0xC0) != 0x80)  # where a character begins
    number = np.searchsorted(bounds[1:] - bounds[0], leads, side="right")
    distinct, places = np.unique(codes, return_inverse=True)
    often = np.zeros(len(distinct), np.int64)
    np.add.at(often, places, counts[number])
    chosen = np.lexsort((distinct, -often))[:most]
    ranks = np.full(len(distinct), -1, np.int32)
    ranks[chosen] = np.arange(len(chosen))
    change = np.flatnonzero(np.diff(number))
    first, last = np.zeros(len(codes), bool), np.zeros(len(codes), bool)
    first[np.append(0, change + 1)] = last[np.append(change, len(codes) - 1)] = True
    return Spelled("".join(map(chr, distinct[chosen])), ranks[places], number, first, last, counts)
