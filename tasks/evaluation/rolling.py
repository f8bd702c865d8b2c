"""Hashes of any stretches of a sequence as differences of one running sum, in numpy: no kernel, as all of the audit.

The sum of values v[0], v[1], ... is (v[0] + 1) P + (v[1] + 1) P^2 + ... modulo 2^64, and a stretch's is the same with
its first value as v[0] (Karp and Rabin 1987). P is odd, so that it has an inverse modulo 2^64.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

PRIME = np.uint64(0x9E3779B97F4A7C15)
INVERSE = np.uint64(pow(int(PRIME), -1, 1 << 64))
_ONE, _ZERO = np.uint64(1), np.uint64(0)


@dataclass(frozen=True)
class Sums:
    """The running sum: total[i] is of the first i values."""

    total: np.ndarray  # uint64 (values + 1,)

    @classmethod
    def of(cls, values: np.ndarray) -> "Sums":
        """Of integers, taken modulo 2^64."""
        powers = _powers(len(values))[0]
        total = np.empty(len(values) + 1, np.uint64)
        total[0] = _ZERO
        np.cumsum((values.astype(np.uint64) + _ONE) * powers[: len(values)], out=total[1:])
        return cls(total)

    def between(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """uint64: of the stretches [start, end)."""
        return (self.total[ends] - self.total[starts]) * _powers(len(self.total))[1][starts]

    def windows(self, size: int) -> np.ndarray:
        """uint64: of every stretch of `size` values, in order; none where there are fewer values."""
        count = len(self.total) - size
        if count <= 0:
            return np.zeros(0, np.uint64)
        return (self.total[size:] - self.total[:count]) * _powers(len(self.total))[1][:count]


def whole(values: np.ndarray) -> np.uint64:
    """Of a whole sequence."""
    return np.uint64(Sums.of(values).total[-1])


def _powers(count: int) -> tuple[np.ndarray, np.ndarray]:
    """P, P^2, ... and 1, P^-1, P^-2, ...: `count` of them or more."""
    return _doubling(max(16, count.bit_length()))


@lru_cache(maxsize=1)  # of the largest text so far, about: 16 bytes a value
def _doubling(bits: int) -> tuple[np.ndarray, np.ndarray]:
    powers = np.multiply.accumulate(np.full(1 << bits, PRIME, np.uint64))
    back = np.full(1 << bits, INVERSE, np.uint64)
    back[0] = _ONE
    return powers, np.multiply.accumulate(back)
