"""Whom to compare: the documents of one band's bucket, made into candidate pairs by a rule over order and signatures.

Of a signature travels a sketch: a bit a row for the first 128 rows (b-bit minwise hashing, Li and Koenig 2010, with
b = 1). Two rows that agree give the same bit, two that differ the same one in half of all cases: documents of
similarity s agree in a bit with probability (1 + s) / 2. Pairs whose sketches agree too rarely for the threshold are
dropped here, four standard deviations below what a pair at the threshold has.

A bucket of up to `cap` documents: all pairs. A fuller one:
- everything is compared with the first `hubs` in order (a page's many copies all meet its first);
- the bucket is split by further rows: a tree whose levels are bits of the sketch, in an order of the tree's own, and a
  node of more than `cap` documents is split by the next bit (LSH Forest, Bawa, Condie and Ganesan 2005). Whoever shares
  a leaf is compared. After k levels a pair of similarity s is together still with probability ((1 + s) / 2)^k, and with
  T trees in at least one of them with 1 - (1 - ((1 + s) / 2)^k)^T. T is the least number with which a pair at the
  threshold has at least the chance `meet` in this bucket, k being the first tree's mean; no more than TREES.
What `meet` has to be (tasks/dedup/chances.py): 1 - (1 - s^r meet)^b >= .98 (1 - (1 - s^r)^b), b bands of r rows. With
ten bands of one row and s = .8 it is .40, since such a pair shares eight buckets; with 14 bands of 8 rows and .75, .96.

A document is paired with its first `most` similar ones in a bucket or leaf: one witness is enough, and in a cloud of
copies the first ones of it are all there is to ask. No part of the rule asks who stays.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import float64, int64, njit, types, uint64

from tasks.kernels.words import mix

BITS = 128  # rows that a sketch tells of
TREES = 16  # at most: past that, the pairs lost are in the estimate

_KEYS = types.Array(types.int64, 1, "C", readonly=True)
_SKETCHES = types.Array(types.uint64, 2, "C", readonly=True)
_FLAGS = types.Array(types.boolean, 1, "C", readonly=True)
_TABLE = types.Array(types.uint32, 2, "C", readonly=True)
_INTS = types.Array(types.int64, 1, "C")
_SHARES = types.Array(types.float32, 1, "C")
_PAIRS = types.Array(types.uint64, 2, "C")

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ONE, _TWO, _FOUR = np.uint64(1), np.uint64(2), np.uint64(4)
_TOP, _BYTE = np.uint64(63), np.uint64(56)
_M1, _M2 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_M4, _SUM = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)


@njit(types.void(_TABLE, int64, _PAIRS), cache=True, nogil=True)
def _sketches(signatures, bits, out):
    for i in range(len(signatures)):
        for place in range(bits):
            bit = mix(uint64(signatures[i, place]) + uint64(place + 1) * _GOLDEN) >> _TOP
            out[i, place >> 6] |= bit << uint64(place & 63)


@njit(types.void(_TABLE, _PAIRS), cache=True, nogil=True)
def _digests(signatures, out):
    for i in range(len(signatures)):
        low, high = _GOLDEN, _SUM
        for place in range(signatures.shape[1]):
            value = uint64(signatures[i, place])
            low = mix(low ^ value) + _GOLDEN
            high = mix(high + (value ^ _M4) * _GOLDEN)
        out[i, 0] = low
        out[i, 1] = high


@njit(int64(uint64), cache=True, nogil=True)
def _ones(word):
    word = word - ((word >> _ONE) & _M1)
    word = (word & _M2) + ((word >> _TWO) & _M2)
    return int64((((word + (word >> _FOUR)) & _M4) * _SUM) >> _BYTE)


@njit(types.void(uint64, int64, _INTS), cache=True, nogil=True)
def _order_of_bits(salt, bits, order):
    """Fisher and Yates' shuffle, its draws hashed from the salt."""
    for i in range(bits):
        order[i] = i
    for i in range(bits - 1, 0, -1):
        j = int64(mix(salt + uint64(i) * _GOLDEN) % uint64(i + 1))
        order[i], order[j] = order[j], order[i]


@njit(int64(_INTS, _INTS, _SKETCHES, _INTS, int64, int64, _INTS, _INTS), cache=True, nogil=True)
def _leaves(members, spare, sketches, order, bits, cap, starts, levels):
    """Put `members` in the order of the leaves, each leaf's in the order they came; where leaves begin, how deep."""
    stack = np.empty((2 * BITS + 2, 4), np.int64)  # start, end, next bit, splits so far
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = 0, len(members), 0, 0
    used, leaves = 1, 0
    while used:
        used -= 1
        start, end, place, level = stack[used, 0], stack[used, 1], stack[used, 2], stack[used, 3]
        middle = start
        while end - start > cap and place < bits:
            bit = order[place]
            place += 1
            word, shift = bit >> 6, uint64(bit & 63)
            ones = 0
            middle = start
            for i in range(start, end):
                member = members[i]
                if (sketches[member, word] >> shift) & _ONE:
                    spare[ones] = member
                    ones += 1
                else:
                    members[middle] = member
                    middle += 1
            for i in range(ones):
                members[middle + i] = spare[i]
            if start < middle < end:
                break
            middle = start
        if start < middle < end:
            stack[used, 0], stack[used, 1], stack[used, 2], stack[used, 3] = middle, end, place, level + 1
            left = used + 1
            stack[left, 0], stack[left, 1], stack[left, 2], stack[left, 3] = start, middle, place, level + 1
            used += 2
            continue
        starts[leaves], levels[leaves] = start, level
        leaves += 1
    starts[leaves] = len(members)
    return leaves


@njit(
    types.Tuple((_INTS, _INTS, _SHARES, int64))(
        _KEYS, _KEYS, _SKETCHES, _FLAGS, int64, int64, int64, int64, int64, float64, float64
    ),
    cache=True, nogil=True,
)  # fmt: skip
def _pairs(starts, keys, sketches, fixed, bits, cap, hubs, most, need, meet, together):
    room, used, overfull = 1024, 0, 0
    later, earlier, missed = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.float32)
    order = np.empty(BITS, np.int64)
    unset = BITS - bits
    for bucket in range(len(starts) - 1):
        first, last = starts[bucket], starts[bucket + 1]
        size = last - first
        if size < 2 or fixed[last - 1]:  # in order, those of sources before come first
            continue
        members = np.arange(first, last)
        if size > cap:
            overfull += 1
        spare = np.empty(size if size > cap else 0, np.int64)
        leaf_starts = np.empty(size + 1 if size > cap else 2, np.int64)
        levels = np.empty(size if size > cap else 1, np.int64)
        trees, tree = 1, -1 if size > cap else 0
        while tree < trees:
            # Tree -1 is the whole bucket against its hubs; a bucket that is not overfull is one leaf.
            if tree < 0 or size <= cap:
                leaves = 1
                leaf_starts[0], leaf_starts[1], levels[0] = 0, size, 0
            else:
                _order_of_bits(mix(uint64(keys[first]) + uint64(tree)), bits, order)
                for i in range(size):
                    members[i] = first + i
                leaves = _leaves(members, spare, sketches, order, bits, cap, leaf_starts, levels)
                if tree == 0:
                    depth = 0.0
                    for leaf in range(leaves):
                        depth += (leaf_starts[leaf + 1] - leaf_starts[leaf]) * levels[leaf]
                    apart = 1.0 - together ** (depth / size)
                    if 0.0 < apart < 1.0:
                        trees = min(TREES, max(1, math.ceil(math.log(1.0 - meet) / math.log(apart) - 1e-9)))
            for leaf in range(leaves):
                start, end = leaf_starts[leaf], leaf_starts[leaf + 1]
                asked = start + (hubs if tree < 0 else cap)  # of equal sketches there may be more than `cap`
                for i in range(start + 1, end):
                    mine = members[i]
                    if fixed[mine]:
                        continue
                    found = 0
                    for j in range(start, min(i, asked)):
                        other = members[j]
                        same = BITS - unset - _ones(sketches[mine, 0] ^ sketches[other, 0])
                        same -= _ones(sketches[mine, 1] ^ sketches[other, 1])
                        if same < need:
                            continue
                        found += 1
                        if tree < 0 or size <= cap or other >= first + hubs:
                            if used == room:
                                room *= 2
                                wider = np.empty(room, np.int64)
                                wider[:used] = later
                                later = wider
                                wider = np.empty(room, np.int64)
                                wider[:used] = earlier
                                earlier = wider
                                shares = np.empty(room, np.float32)
                                shares[:used] = missed
                                missed = shares
                            later[used], earlier[used] = mine, other
                            chance = (same / bits) ** levels[leaf]
                            missed[used] = 0.0 if tree < 0 else (1.0 - chance) ** trees
                            used += 1
                        if found == most:
                            break
            tree += 1
    return later[:used].copy(), earlier[:used].copy(), missed[:used].copy(), overfull


class Pairs(NamedTuple):
    """Candidates, by row: none twice in a bucket."""

    later: np.ndarray  # int64: the row of the document that stands later in order
    earlier: np.ndarray  # int64
    missed: np.ndarray  # float32: the probability that the rule would have missed such a pair in this bucket
    overfull: int  # buckets that were split


def sketches(signatures: np.ndarray) -> np.ndarray:
    """uint64 (n, 2): a bit for each of the first 128 rows of signatures, uint32 (n, permutations); 0 past the last."""
    out = np.zeros((len(signatures), 2), np.uint64)
    _sketches(np.ascontiguousarray(signatures), min(BITS, signatures.shape[1]), out)
    return out


def digests(signatures: np.ndarray) -> np.ndarray:
    """uint64 (n, 2): 128 bits of each whole signature, uint32 (n, permutations)."""
    out = np.empty((len(signatures), 2), np.uint64)
    _digests(np.ascontiguousarray(signatures), out)
    return out


def needed(threshold: float, permutations: int) -> int:
    """Equal bits of two sketches below which a pair is not looked at: four standard deviations below the threshold's.

    With 128 rows or fewer the sketch covers all of them: the equal rows are equal bits for sure, the others by a fair
    coin. With more, which rows it covers is a draw too.
    """
    bits = min(BITS, permutations)
    equal = bits * (1 + threshold) / 2
    share = (1 + threshold) / 2
    variance = bits * (1 - threshold) / 4 if permutations <= BITS else bits * share * (1 - share)
    return max(0, math.floor(equal - 4 * math.sqrt(variance)))


def pairs(
    starts: np.ndarray,
    keys: np.ndarray,
    sketches: np.ndarray,
    fixed: np.ndarray,
    *,
    permutations: int,
    threshold: float,
    cap: int,
    hubs: int,
    most: int,
    meet: float,
) -> Pairs:
    """Candidates among the rows of each bucket, rows starts[i] to starts[i + 1], which stand in order.

    keys int64 (rows,): the bucket's, the same for all its rows; it salts the trees. sketches uint64 (rows, 2).
    fixed bool (rows,): documents of earlier sources, first in each bucket; they are not compared with each other.
    `meet` is the probability with which a pair at the threshold is to meet in an overfull bucket.
    ValueError for arrays that do not fit together, or a cap, hubs or most below 1.
    """
    rows = len(keys)
    if len(starts) < 1 or starts[0] != 0 or starts[-1] != rows or (np.diff(starts) < 0).any():
        raise ValueError("starts does not run from 0 up to the number of rows.")
    if sketches.shape != (rows, 2) or len(fixed) != rows:
        raise ValueError(f"{rows} rows need as many sketches and flags, not {sketches.shape} and {len(fixed)}.")
    if min(cap, hubs, most, permutations) < 1 or not 0 <= meet < 1:
        raise ValueError("cap, hubs, most and permutations must be at least 1, and meet from 0 to below 1.")
    later, earlier, missed, overfull = _pairs(
        np.ascontiguousarray(starts, np.int64),
        np.ascontiguousarray(keys, np.int64),
        np.ascontiguousarray(sketches),
        np.ascontiguousarray(fixed, np.bool_),
        min(BITS, permutations),
        int(cap),
        int(min(hubs, cap)),
        int(most),
        needed(threshold, permutations),
        float(meet),
        (1 + threshold) / 2,
    )
    # Two trees may bring the same two together: in one bucket the chance is told once.
    order = np.lexsort((missed, earlier, later))
    later, earlier, missed = later[order], earlier[order], missed[order]
    first = np.ones(len(later), bool)
    first[1:] = (later[1:] != later[:-1]) | (earlier[1:] != earlier[:-1])
    return Pairs(later[first], earlier[first], missed[first], int(overfull))
