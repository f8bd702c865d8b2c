"""The percentile bootstrap (Efron 1979), by clusters: items that share a passage are drawn together or not at all.

Draws are counter-based: draw i of resample r is SplitMix64's output number r G + i of G clusters, from a start that is
a hash of (seed, purpose). So an interval depends on the values and the seed alone. numpy only.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.kernels.draw import uniform

LEVEL = 0.95  # of every interval
RESAMPLES = 10_000  # the ends of a 95 % interval then move by under 2 % of its width from seed to seed
_CHUNK = 1 << 16  # draws at a time: they stay in the second-level cache
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # SplitMix64's step (Steele, Lea and Flood 2014)


class Interval(NamedTuple):
    """Where the value of the population lies, at 95 % confidence."""

    low: float
    high: float


def cluster_sums(parts: NDArray[np.float64], clusters: Sequence[str | None] | None) -> NDArray[np.float64]:
    """Items' rows (n, d), added up by cluster, (G, d), in the order of first appearance; an item whose cluster is
    None, and every item where `clusters` is None, is a cluster of its own.

    Raises:
        ValueError: another number of clusters than of items.
    """
    if clusters is None or all(cluster is None for cluster in clusters):
        return parts
    if len(clusters) != len(parts):
        raise ValueError(f"{len(parts)} items and {len(clusters)} clusters: give each item's cluster, or None")
    numbers: dict[Any, int] = {}
    rows = [numbers.setdefault(i if cluster is None else cluster, len(numbers)) for i, cluster in enumerate(clusters)]
    sums = np.zeros((len(numbers), parts.shape[1]))
    np.add.at(sums, rows, parts)
    return sums


def draws(seed: int, purpose: str, first: int, count: int) -> NDArray[np.uint64]:
    """uint64 (count,): outputs first ... first + count - 1 of the SplitMix64 begun at a hash of (seed, purpose)."""
    start = np.uint64(int(uniform([purpose], seed, "resampling")[0] * 2.0**53))
    state = start + _GOLDEN * np.arange(first + 1, first + count + 1, dtype=np.uint64)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def blocks(rows: int, width: int) -> Iterator[tuple[int, int]]:
    """Ranges that cover `rows` rows of `width` draws, about _CHUNK draws each."""
    step = max(1, _CHUNK // max(1, width))
    return ((at, min(rows, at + step)) for at in range(0, rows, step))


def resampled(parts: NDArray[np.float64], seed: int, resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """Clusters' rows (G, d) -> sums (resamples, d), each of G clusters drawn with replacement."""
    size = len(parts)
    sums = np.empty((resamples, parts.shape[1]))
    for first, last in blocks(resamples, size):
        # The upper 32 bits as a fraction, times G: a place is at most 2**-32 likelier than another.
        fraction = draws(seed, "bootstrap", first * size, (last - first) * size) >> np.uint64(32)
        place = ((fraction * np.uint64(size)) >> np.uint64(32)).astype(np.intp).reshape(last - first, size)
        for column in range(parts.shape[1]):
            sums[first:last, column] = parts[:, column][place].sum(1)
    return sums


def bootstrap_of(
    parts: NDArray[np.float64] | Sequence[Sequence[float]],
    whole: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    clusters: Sequence[str | None] | None,
    seed: int,
    resamples: int = RESAMPLES,
) -> Interval | None:
    """The interval of a statistic that is a function of sums over items, such as a corpus' BLEU or macro F1.

    `parts`: items' rows (n, d); `whole`: sums (r, d) -> the statistic of each, (r,), NaN where it is not defined (those
    resamples are left out). None where fewer than two clusters tell nothing of their spread.
    """
    sums = cluster_sums(np.asarray(parts, np.float64).reshape(len(parts), -1), clusters)
    if len(sums) < 2:
        return None
    found = whole(resampled(sums, seed, resamples))
    found = found[~np.isnan(found)]
    if not len(found):
        return None
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def bootstrap(
    values: Sequence[float], clusters: Sequence[str | None] | None, seed: int, resamples: int = RESAMPLES
) -> Interval | None:
    """The interval of the mean of items' values; clusters differ in size, so it is a ratio of two sums.

    Percentile intervals are a little short where clusters are few (under about 30).

    Raises:
        ValueError: a value is NaN, or there is another number of clusters than of items.
    """
    found = np.asarray(values, np.float64)
    if np.isnan(found).any():
        raise ValueError("a value is NaN: leave items that were not asked out before")
    parts = np.stack([found, np.ones_like(found)], axis=1)
    return bootstrap_of(parts, lambda sums: sums[:, 0] / sums[:, 1], clusters, seed, resamples)
