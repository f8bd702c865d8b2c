"""The rule for whom to compare, against its words said plainly; and what it finds, as a statistical claim."""

import math
import random
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.dedup.chances import RECALL, shares_a_band, to_meet
from tasks.kernels import buckets

from . import twins

GOLDEN = 0x9E3779B97F4A7C15


def salted(salt: int, bits: int) -> list[int]:
    order = list(range(bits))
    for i in range(bits - 1, 0, -1):
        j = twins.mix(salt + i * GOLDEN & twins.M64) % (i + 1)
        order[i], order[j] = order[j], order[i]
    return order


def leaves(members: list[int], bit_of, order: list[int], cap: int, level: int = 0):
    """(members, splits) of each leaf."""
    for place, bit in enumerate(order):
        if len(members) <= cap:
            break
        halves = [[m for m in members if bit_of(m, bit) == side] for side in (0, 1)]
        if all(halves):
            for half in halves:
                yield from leaves(half, bit_of, order[place + 1 :], cap, level + 1)
            return
    yield members, level


def missing(share: float, level: int, trees: int) -> float:
    return (1 - share**level) ** trees


def twin(starts, keys, sketches, fixed, *, permutations, threshold, cap, hubs, most, meet):
    """{(later, earlier): missed}"""
    bits, found = min(128, permutations), {}
    need = buckets.needed(threshold, permutations)

    def bit_of(member: int, bit: int) -> int:
        return int(sketches[member][bit // 64]) >> (bit % 64) & 1

    def same(left: int, right: int) -> int:
        return sum(bit_of(left, bit) == bit_of(right, bit) for bit in range(bits))

    def compare(leaf: list[int], asked: int, missed, unless=()):
        for place, mine in enumerate(leaf):
            if not fixed[mine]:
                alike = [other for other in leaf[: min(place, asked)] if same(mine, other) >= need][:most]
                for other in alike:
                    if other not in unless:
                        pair = (mine, other)
                        found[pair] = min(found.get(pair, 1.0), missed(same(mine, other) / bits))

    for first, last in pairwise(starts):
        members = list(range(first, last))
        if len(members) <= cap:
            compare(members, cap, lambda share: 0.0)
            continue
        compare(members, min(hubs, cap), lambda share: 0.0)
        trees, tree = 1, 0
        while tree < trees:
            split = list(leaves(members, bit_of, salted(twins.mix(int(keys[first]) + tree & twins.M64), bits), cap))
            if tree == 0:
                depth = sum(len(leaf) * level for leaf, level in split) / len(members)
                apart = 1 - ((1 + threshold) / 2) ** depth
                if 0 < apart < 1:
                    trees = min(16, max(1, math.ceil(math.log(1 - meet) / math.log(apart) - 1e-9)))
            for leaf, level in split:
                missed = partial(missing, level=level, trees=trees)
                compare(leaf, cap, missed, unless=members[: min(hubs, cap)])
            tree += 1
    return found


@st.composite
def cases(draw):
    source = random.Random(draw(st.integers(0, 10**6)))
    permutations = draw(st.sampled_from([8, 64, 128, 130]))
    sizes = draw(st.lists(st.integers(0, 24), max_size=4))
    values = draw(st.sampled_from([1, 2, 2**32]))
    rows = sum(sizes)
    signatures = [[source.randrange(values) for _ in range(permutations)] for _ in range(rows)]
    for row in range(rows):
        if source.random() < 0.5:
            signatures[row] = list(signatures[source.randrange(rows)])
            for _ in range(source.randrange(4)):
                signatures[row][source.randrange(permutations)] = source.randrange(2**32)
    starts = np.cumsum([0, *sizes]).astype(np.int64)
    fixed = np.zeros(rows, bool)
    for start, size in zip(starts, sizes, strict=False):
        fixed[start : start + source.randrange(size + 1)] = source.random() < 0.5
    how = {
        "permutations": permutations,
        "threshold": draw(st.sampled_from([0.0, 0.5, 0.8, 1.0])),
        "cap": draw(st.sampled_from([1, 3, 8, 100])),
        "hubs": draw(st.sampled_from([1, 2, 200])),
        "most": draw(st.sampled_from([1, 3, 100])),
        "meet": draw(st.sampled_from([0.0, 0.41, 0.93])),
    }
    keys = np.repeat(np.array([source.getrandbits(63) for _ in sizes], np.int64), sizes)
    table = np.array(signatures, np.uint32).reshape(rows, permutations)
    return starts, keys, buckets.sketches(table), fixed, how


@settings(deadline=None, max_examples=60)
@given(cases())
def test_twin(case):
    starts, keys, sketches, fixed, how = case
    got = buckets.pairs(starts, keys, sketches, fixed, **how)
    expected = twin(starts.tolist(), keys.tolist(), sketches.tolist(), fixed.tolist(), **how)
    assert list(zip(got.later.tolist(), got.earlier.tolist(), strict=True)) == sorted(expected)
    assert got.missed.tolist() == pytest.approx([expected[pair] for pair in sorted(expected)], rel=1e-5, abs=1e-7)
    assert got.overfull == sum(
        size > how["cap"] and size > 1 and not fixed[end - 1]
        for size, end in zip(np.diff(starts), starts[1:], strict=True)
    )


def crowd(seed: int, documents: int, pairs: int, similarity: float):
    """Signatures of a bucket: unrelated documents agree in a tenth of the rows, `pairs` of them in `similarity`."""
    source = np.random.default_rng(seed)
    signatures = source.integers(0, 2**32, (documents, 128), np.uint32)
    common = source.integers(0, 2**32, (3, 128), np.uint32)
    which = source.integers(0, 10, (documents, 128))  # one of three values with 6 in 10, else its own
    for value, share in ((0, 2), (1, 4), (2, 6)):
        signatures = np.where((which < share) & (which >= share - 2), common[value], signatures)
    first = source.permutation(documents)[: 2 * pairs].reshape(pairs, 2)
    same = source.random((pairs, 128)) < similarity
    signatures[first[:, 1]] = np.where(same, signatures[first[:, 0]], signatures[first[:, 1]])
    return signatures, {tuple(sorted(pair, reverse=True)) for pair in first.tolist()}


def test_a_split_bucket_lets_a_pair_meet_as_often_as_asked_and_tells_what_it_loses():
    """5,000 documents in one bucket, leaves of 64; 400 pairs whose rows agree in .85."""
    signatures, planted = crowd(1, 5000, 400, 0.85)
    how = {"permutations": 128, "threshold": 0.8, "cap": 64, "hubs": 1, "most": 32, "meet": 0.41}
    one = np.array([0, 5000])
    got = buckets.pairs(one, np.full(5000, 7), buckets.sketches(signatures), np.zeros(5000, bool), **how)
    found = {(later, earlier): p for later, earlier, p in zip(*got[:3], strict=True)}
    met = len(planted & set(found))
    assert met >= 0.41 * 400, "more: .85 is above the threshold"
    # Horvitz and Thompson: each pair that was met stands for 1 / p like it. Its deviation is about 2 sqrt(lost).
    lost = sum(found[pair] / (1 - found[pair]) for pair in planted & set(found))
    assert 400 - met > 20 and abs(lost - (400 - met)) < 60
    assert len(found) < 1.1 * 400, "unrelated pairs are dropped by their sketches"


def test_hardly_any_pair_at_the_threshold_is_dropped_by_its_sketch():
    signatures, _ = crowd(2, 2, 1, 1.0)
    source, kept = np.random.default_rng(3), 0
    for threshold in (0.5, 0.8, 0.95):
        rows = math.ceil(128 * threshold)
        others = source.integers(0, 2**32, (2000, 128), np.uint32)
        others[:, :rows] = signatures[0, :rows]
        sketch = buckets.sketches(np.concatenate([signatures[:1], others]))
        bits = 128 - np.bitwise_count(sketch[1:] ^ sketch[:1]).sum(axis=1)
        kept += int((bits >= buckets.needed(threshold, 128)).sum())
    assert kept >= 6000 - 3


def test_what_a_bucket_has_to_grant():
    """If every bucket that a pair at the threshold shares is split, RECALL of what banding finds is left."""
    for threshold, bands, rows in ((0.8, 10, 1), (0.75, 14, 8), (0.6, 14, 4), (0.9, 1, 1)):
        meet = to_meet(threshold, bands, rows)
        found = 1 - (1 - threshold**rows * meet) ** bands
        assert found == pytest.approx(RECALL * shares_a_band(threshold, bands, rows))
    assert to_meet(0.8, 10, 1) == pytest.approx(0.405, abs=0.005)
    assert to_meet(0.75, 14, 8) == pytest.approx(0.96, abs=0.005)
    assert 0 < to_meet(0.0, 10, 1) < 1


def test_digests_tell_signatures_apart():
    signatures, _ = crowd(4, 500, 0, 0.0)
    signatures[1] = signatures[0]
    signatures[2] = signatures[0]
    signatures[2, 127] ^= 1
    found = buckets.digests(signatures)
    assert len(np.unique(found, axis=0)) == 499 and (found[0] == found[1]).all()
    assert len(np.unique(found[:, 1])) == 499


def test_mistakes():
    good = dict(starts=np.array([0, 2]), keys=np.zeros(2, np.int64), sketches=np.zeros((2, 2), np.uint64),
                fixed=np.zeros(2, bool))  # fmt: skip
    how = {"permutations": 64, "threshold": 0.5, "cap": 4, "hubs": 2, "most": 2, "meet": 0.5}
    assert len(buckets.pairs(**good, **how).later) == 1
    for wrong in (
        {"starts": np.array([0, 3])},
        {"starts": np.array([], np.int64)},
        {"sketches": np.zeros((3, 2), np.uint64)},
        {"fixed": np.zeros(3, bool)},
        {"cap": 0},
        {"meet": 1.0},
    ):
        with pytest.raises(ValueError):
            buckets.pairs(**{**good, **how, **wrong})
