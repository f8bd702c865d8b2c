"""A Bloom filter (Bloom 1970) of a corpus, of which only the bits are held that somebody asks for.

A filter of 8-grams at a rate of 1e-8 takes 39 bits a gram: 40 GB of WebText want a filter of as many bytes, and Common
Crawl's 570 GB half a terabyte. What the audit asks of it are the benchmarks' grams, 27 bits each; no other bit decides
anything. So an `Asked` holds these bits alone, and answers as the whole filter would, false positives among them. Two
of them, of two parts of the corpus, merge by OR.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

LEAST_BITS = 24  # below, two grams have all their places alike more often than RATE: grams / 4^bits
TABLE_BITS = 16, 27  # of the table that says which places may be asked: at the most 128 MB
_SPREAD = np.uint64(0xD6E8FEB86659FD93)  # odd; makes the step of a gram's places of its hash


@dataclass(frozen=True)
class Bloom:
    """The shape of a filter: 2^bits bits, of which a gram has `hashes`."""

    bits: int
    hashes: int

    @classmethod
    def of(cls, grams: int, rate: float) -> "Bloom":
        """For so many grams at a false positive rate of at most `rate`: log2(1/rate) hashes, and 1/ln 2 bits each,
        rounded up to a power of two."""
        hashes = math.ceil(math.log2(1 / rate))
        return cls(max(LEAST_BITS, math.ceil(math.log2(max(1, grams) * hashes / math.log(2)))), hashes)

    @property
    def bytes(self) -> int:
        return 1 << self.bits - 3

    def rate(self, grams: int) -> float:
        """The false positive rate to be expected with so many grams in it: (1 - e^(-hashes * grams / bits))^hashes."""
        return float(-np.expm1(-self.hashes * grams / 2.0**self.bits)) ** self.hashes

    def places(self, grams: np.ndarray) -> np.ndarray:
        """int64 (grams, hashes): the bits of grams by their hashes (uint64)."""
        return np.stack([places.astype(np.int64) for places in self.each(grams)], axis=1)

    def each(self, grams: np.ndarray) -> Iterator[np.ndarray]:
        """uint64 (grams,), a hash function at a time. Enhanced double hashing (Dillinger and Manolios 2004): the step
        from one to the next grows, since at a fixed step grams whose first two places meet have all in common."""
        place, step = grams.copy(), grams * _SPREAD
        step ^= step >> np.uint64(32)
        step *= _SPREAD
        shift = np.uint64(64 - self.bits)
        for number in range(self.hashes):
            yield place >> shift
            place += step
            step += np.uint64(number)


@dataclass(frozen=True)
class Asked:
    """The bits of a filter that grams ask for."""

    bloom: Bloom
    held: np.ndarray  # int64 (bits held,): their places, in order
    of: np.ndarray  # int32 (grams, hashes): places in `held`, of each gram that asks
    table: np.ndarray  # bool: by the first bits of a place, whether it may be held

    @classmethod
    def by(cls, bloom: Bloom, grams: np.ndarray) -> "Asked":
        """grams: uint64 hashes."""
        held, of = np.unique(bloom.places(grams), return_inverse=True)
        low, high = TABLE_BITS
        size = min(bloom.bits, high, max(low, (8 * len(held)).bit_length()))
        table = np.zeros(1 << size, bool)
        table[held >> (bloom.bits - size)] = True
        return cls(bloom, held, of.astype(np.int32).reshape(len(grams), bloom.hashes), table)

    def add(self, grams: np.ndarray, bits: np.ndarray) -> None:
        """Sets those bits held (bool, in `bits`) that the grams have. A text of nothing but repeats costs the same."""
        shift = np.uint64(self.bloom.bits - (len(self.table).bit_length() - 1))
        for places in self.bloom.each(grams):
            likely = places[self.table[(places >> shift).astype(np.int64)]].astype(np.int64)
            at = np.searchsorted(self.held, likely)
            at[at == len(self.held)] = 0
            bits[at[self.held[at] == likely]] = True

    def has(self, bits: np.ndarray) -> np.ndarray:
        """bool (grams,): whether each gram that asks is in the filter, all its bits being set."""
        return np.asarray(bits[self.of].all(axis=1))
