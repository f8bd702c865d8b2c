"""Histograms of numbers whose range nobody knows beforehand, such that those of shards add up exactly.

Bins are [n * 2^k, (n + 1) * 2^k), with the smallest k for which at most 40 lie between the least and the greatest
value. A shard's k is at most that of all shards together, and a coarser bin is made of whole finer ones: so the sum
over shards is the histogram of all values, however they were cut into shards.
"""

from dataclasses import dataclass, field

import numpy as np

BINS = 40
DIGITS = 40  # bins are no finer than 2^-40 of the greatest value: their numbers stay exact
FINEST = -1074  # 2^-1074 is the least double


@dataclass(frozen=True)
class Histogram:
    """Documents by the number of their bin, of width 2^exponent."""

    exponent: int = FINEST
    bins: dict[int, int] = field(default_factory=dict)

    @property
    def width(self) -> float:
        return float(np.ldexp(1.0, self.exponent))

    def coarser(self, exponent: int) -> "Histogram":
        """The same in wider bins, of width 2^exponent."""
        bins: dict[int, int] = {}
        for number, count in self.bins.items():
            wider = number >> (exponent - self.exponent)
            bins[wider] = bins.get(wider, 0) + count
        return Histogram(exponent, dict(sorted(bins.items())))

    def __add__(self, other: "Histogram") -> "Histogram":
        if not self.bins or not other.bins:
            return self if self.bins else other
        exponent = max(self.exponent, other.exponent)
        left, right = self.coarser(exponent), other.coarser(exponent)
        bins = {number: left.bins.get(number, 0) + right.bins.get(number, 0) for number in {**left.bins, **right.bins}}
        return _fitted(Histogram(exponent, dict(sorted(bins.items()))))


def histogram(values: np.ndarray) -> Histogram:
    """Of finite numbers, shape (n,)."""
    values = values.astype(np.float64)
    if not len(values):
        return Histogram()
    greatest = float(np.abs(values).max())
    exponent = max(int(np.frexp(greatest)[1]) - DIGITS, FINEST) if greatest else FINEST
    places = np.floor(np.ldexp(values, -exponent)).astype(np.int64)
    places[(values < 0) & (places == 0)] = -1  # what underflowed to -0
    numbers, counts = np.unique(places, return_counts=True)
    return _fitted(Histogram(exponent, dict(zip(numbers.tolist(), counts.tolist(), strict=True))))


def _fitted(fine: Histogram) -> Histogram:
    """In the narrowest bins of which 40 are enough."""
    low, high = min(fine.bins), max(fine.bins)
    wider = 0
    while (high >> wider) - (low >> wider) >= BINS:
        wider += 1
    return fine.coarser(fine.exponent + wider)
