"""A Bloom filter (Bloom 1970) of a corpus, of which only the bits are held that somebody asks for.

At a rate of 1e-8 a filter takes 5.8 bytes a gram: as much as the text. What the audit asks of it are the benchmarks'
grams, 27 bits each; no other bit decides anything. So an `Asked` holds these alone, and answers as the whole filter
would, false positives among them. Two of them, of two parts of the corpus, merge by OR.

The filter is in blocks, so that a gram of the text costs one look where its block is not asked for: a gram has all its
bits in one block (Putze, Sanders and Singler 2007), one in each of the block's words, one word a hash function (the
split block filter of Apache Parquet's specification). Blocks are not equally full, which costs 1.2 times the bits.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

WORD = 64  # bits
_LOG_WORD = 6
TABLE_BITS = 24  # of a block's number, at most, that say whether it may be asked for: 16 MB
AT_ONCE = 1 << 16  # pairs of grams compared at a time: 2^16 * 27 bytes and as many again
_HALF = np.uint64(32)
_MULTIPLIED = 31  # bits of a number of blocks that the upper half of a hash is multiplied by


@dataclass(frozen=True)
class Bloom:
    """The shape of a filter: so many blocks of `hashes` words. Past 2^31 blocks, a multiple of a power of two."""

    blocks: int
    hashes: int

    def __post_init__(self) -> None:
        if self.blocks % (1 << self._low_bits):
            raise ValueError(f"{self.blocks} blocks are no multiple of {1 << self._low_bits}")

    @classmethod
    def of(cls, grams: int, rate: float) -> "Bloom":
        """The smallest for so many grams at a false positive rate of at most `rate`. log2(1/rate) hash functions, which
        are best for a filter that is half full."""
        hashes = math.ceil(math.log2(1 / rate))
        few, many = 1, 1 + grams // 8  # 8 grams a block of 27 words are below 1e-17
        while few < many:
            middle = (few + many) // 2
            few, many = (few, middle) if _rate(grams / middle, hashes) <= rate else (middle + 1, many)
        low = max(0, few.bit_length() - _MULTIPLIED)
        return cls(-(-few >> low) << low, hashes)

    @property
    def _low_bits(self) -> int:
        """Bits of a block's number that are bits of the gram's hash."""
        return max(0, self.blocks.bit_length() - _MULTIPLIED)

    @property
    def bytes(self) -> int:
        return self.blocks * self.hashes * WORD // 8

    def rate(self, grams: int) -> float:
        """The false positive rate to be expected with so many grams in it: of a block with n grams it is
        (1 - (63/64)^n)^hashes, and n is Poisson."""
        return _rate(grams / self.blocks, self.hashes)

    def block(self, grams: np.ndarray) -> np.ndarray:
        """int64: the block of each gram, by the upper half of its hash (uint64), and its last bits past 2^31 blocks."""
        low = self._low_bits
        block = (((grams >> _HALF) * np.uint64(self.blocks >> low)) >> _HALF).astype(np.int64)
        return block << low | (grams & np.uint64((1 << low) - 1)).astype(np.int64)

    def bits(self, grams: np.ndarray) -> np.ndarray:
        """uint8 (grams, hashes): the bit of each word. Multiplicative hashing, an odd factor a word."""
        factors = np.array(list(_factors(self.hashes)), np.uint64)
        return ((grams[:, None] * factors) >> np.uint64(64 - _LOG_WORD)).astype(np.uint8)


def _rate(mean: float, hashes: int) -> float:
    """Of blocks with `mean` grams each, on average."""
    if not mean:
        return 0.0
    n = np.arange(int(mean + 20 * math.sqrt(mean) + 60))
    logs = n * math.log(mean) - mean - np.concatenate([[0.0], np.cumsum(np.log(n[1:]))])
    return float(np.sum(np.exp(logs) * (1 - (1 - 1 / WORD) ** n) ** hashes))


def _factors(count: int) -> Iterator[int]:
    """Odd numbers of 64 bits, each splitmix64's answer to its place."""
    most = (1 << 64) - 1
    for number in range(1, count + 1):
        mixed = number * 0x9E3779B97F4A7C15 & most
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & most
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & most
        yield mixed ^ (mixed >> 31) | 1


@dataclass(frozen=True)
class Asked:
    """The bits of a filter that grams ask for: one a word of each gram's block."""

    bloom: Bloom
    blocks: np.ndarray  # int64 (grams,): in order
    bits: np.ndarray  # uint8 (grams, hashes)
    place: np.ndarray  # int64 (grams,): of each gram as it was given, in this order
    table: np.ndarray  # bool: by the first bits of a block's number, whether it may be asked for
    shift: int

    @classmethod
    def by(cls, bloom: Bloom, grams: np.ndarray) -> "Asked":
        """grams: uint64 hashes."""
        blocks = bloom.block(grams)
        order = np.argsort(blocks, kind="stable")
        place = np.empty(len(grams), np.int64)
        place[order] = np.arange(len(grams))
        shift = max(0, bloom.blocks.bit_length() - TABLE_BITS)
        table = np.zeros((bloom.blocks >> shift) + 1, bool)
        table[blocks >> shift] = True
        return cls(bloom, blocks[order], bloom.bits(grams[order]), place, table, shift)

    def nothing(self) -> np.ndarray:
        """bool (grams * hashes,): the bits held, of an empty filter."""
        return np.zeros(self.bits.size, bool)

    def add(self, grams: np.ndarray, set_: np.ndarray) -> None:
        """Sets those bits held (in `set_`) that the grams have."""
        blocks = self.bloom.block(grams)
        likely = self.table[blocks >> self.shift]
        grams, blocks = grams[likely], blocks[likely]
        low, high = (np.searchsorted(self.blocks, blocks, side) for side in ("left", "right"))
        met = high > low
        grams, low, high = grams[met], low[met], high[met]
        ends = np.cumsum(high - low)  # pairs of a gram and one that asks for its block
        at = 0
        while at < len(grams):
            first = ends[at - 1] if at else 0
            to = max(at + 1, int(np.searchsorted(ends, first + AT_ONCE, "right")))
            self._set(grams[at:to], low[at:to], high[at:to], set_)
            at = to

    def _set(self, grams: np.ndarray, low: np.ndarray, high: np.ndarray, set_: np.ndarray) -> None:
        copies = high - low
        pair = np.repeat(np.arange(len(grams)), copies)
        asks = np.repeat(low - np.cumsum(copies) + copies, copies) + np.arange(len(pair))
        same = self.bloom.bits(grams)[pair] == self.bits[asks]
        order = np.argsort(asks, kind="stable")
        asks = asks[order]
        firsts = np.flatnonzero(np.diff(asks, prepend=-1))
        rows = set_.reshape(self.bits.shape)
        rows[asks[firsts]] |= np.logical_or.reduceat(same[order], firsts, axis=0)

    def has(self, set_: np.ndarray) -> np.ndarray:
        """bool (grams,): whether each gram is in the filter, all its bits being set."""
        full: np.ndarray = np.asarray(set_.reshape(self.bits.shape).all(axis=1))
        return full[self.place]
