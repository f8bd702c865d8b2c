"""A shuffle's order, its bytes whatever the partitions, workers and attempts, and what it refuses."""

import struct
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
import runtime_toys as toys
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.runtime import shuffle
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure, Mistake

small = st.integers(-4, 4)
FLOATS = st.floats(width=64, allow_nan=True) | st.sampled_from([0.0, -0.0, float("inf"), float("-inf")])
# key, fixed-size binary of 3 and of 16, nullable int32, uint64, nullable double, bool, nullable timestamp
rows = st.tuples(
    small | st.integers(-(2**63), 2**63 - 1),
    st.binary(min_size=3, max_size=3),
    st.binary(min_size=16, max_size=16) | st.just(b"\0" * 16),
    st.none() | small,
    st.integers(0, 2**64 - 1),
    st.none() | FLOATS,
    st.booleans(),
    st.none() | st.integers(-(2**35), 2**35),
)
inputs = st.lists(st.lists(rows, max_size=30), min_size=1, max_size=4)
SCHEMA = pa.schema(
    [
        ("key", pa.int64()),
        ("f3", pa.binary(3)),
        ("f16", pa.binary(16)),
        ("n", pa.int32()),
        ("u", pa.uint64()),
        ("d", pa.float64()),
        ("b", pa.bool_()),
        ("t", pa.timestamp("s", tz="UTC")),
    ]
)


def tables(lists: list[list[tuple]]) -> list[pa.Table]:
    return [
        pa.table([pa.array([row[i] for row in listed], field.type) for i, field in enumerate(SCHEMA)], schema=SCHEMA)
        for listed in lists
    ]


def bits(value: object) -> object:
    """A value such that equal means the same bits."""
    return struct.pack("<d", value) if isinstance(value, float) else value


def listed(made: list[pa.Table]) -> list[tuple]:
    return [tuple(bits(value) for value in row.values()) for table in made for row in table.to_pylist()]


def twin(items: list[pa.Table]) -> list[tuple]:
    """The order said plainly: by (hash of the key, then all columns), nulls last, floats by IEEE's total order."""

    def rank(value: object) -> tuple:
        if value is None:
            return (1, 0)
        if isinstance(value, float):
            (whole,) = struct.unpack("<Q", struct.pack("<d", value))
            return (0, whole ^ (2**64 - 1) if whole >> 63 else whole | 1 << 63)
        return (0, value)

    found = [row for table in items for row in (tuple(row.values()) for row in table.to_pylist())]
    found.sort(key=lambda row: (row[0] * 0x9E3779B97F4A7C15 % 2**64, *(rank(value) for value in row[1:])))
    return [tuple(bits(value) for value in row) for row in found]


def firsts(rows: list[tuple]) -> list[tuple]:
    return [row for before, row in zip([None, *rows], rows, strict=False) if before is None or before[0] != row[0]]


plain = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@plain
@given(inputs, st.sampled_from([200, 1000, 10**9]))
def test_the_order_is_the_definitions_whatever_a_partitions_size(local, lists, size):
    items = tables(lists)
    expected = twin(items)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shuffle, "PARTITION", size)
        assert listed(list(local[1].shuffle(toys.emit_table, toys.same, items))) == expected
        assert listed(list(local[1].shuffle(toys.emit_table, toys.first_of_each, items))) == firsts(expected)


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs)
def test_the_same_rows_for_any_number_of_workers(local, lists):
    items = tables(lists)
    for workers in (1, 2, 3):
        assert listed(list(local[workers].shuffle(toys.emit_table, toys.same, items))) == twin(items)


@plain
@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=50), st.integers(1, 70))
def test_keys_come_back_and_partitions_are_contiguous(keys, count):
    table = shuffle.hashed(pa.table({"key": pa.array(keys, pa.int64())}))
    assert sorted(shuffle.unhashed(table).column(0).to_pylist()) == sorted(keys)
    bounds = shuffle.cuts(table, count)
    assert len(bounds) == count + 1 and bounds[0] == 0 and bounds[-1] == len(keys) and (np.diff(bounds) >= 0).all()
    hashes = table.column(0).to_pylist()
    for number in range(count):
        assert all(value * count >> 64 == number for value in hashes[bounds[number] : bounds[number + 1]])


def test_partitions_are_counted_by_bytes():
    whole = shuffle.PARTITION
    assert [shuffle.partitions_for(size) for size in (0, 1, whole, whole + 1, 5 * whole)] == [1, 1, 1, 2, 5]


@pytest.mark.parametrize("workers", [1, 2])
def test_exceptions_are_passed_on(local, workers):
    with pytest.raises(Mistake, match="nothing to emit"):
        list(local[workers].shuffle(toys.emit_refused, toys.same, [1, 2]))
    with pytest.raises(Mistake, match="nothing to reduce"):
        list(local[workers].shuffle(toys.emit_random, toys.reduce_refused, [1, 2]))


@pytest.mark.parametrize(
    ("emit", "sentence"),
    [
        (toys.emit_text, "columns are of fixed width, and `name` is string"),
        (toys.emit_keyless, "first column is `key`, int64 without nulls, not .*number"),
    ],
)
def test_what_is_not_of_fixed_width_is_a_programming_error(local, emit: Callable, sentence: str):
    with pytest.raises(RuntimeError, match=sentence):
        list(local[1].shuffle(emit, toys.same, [1]))


@pytest.mark.parametrize("of", [pa.large_binary(), pa.list_(pa.int8()), pa.decimal128(5), pa.month_day_nano_interval()])
def test_every_other_type_is_refused_by_name(of):
    with pytest.raises(RuntimeError, match="`odd` is"):
        shuffle.check(pa.table({"key": pa.array([], pa.int64()), "odd": pa.array([], of)}))


def test_nothing_is_nothing(local):
    assert list(local[1].shuffle(toys.emit_random, toys.same, [])) == []
    empty = toys.emit_random(1).slice(0, 0)
    [table] = local[1].shuffle(toys.emit_table, toys.same, [empty, empty])
    assert table.schema == empty.schema and not table.num_rows


def test_no_scratch_is_left_read_to_the_end_or_not(monkeypatch, tmp_path):
    monkeypatch.setattr(shuffle, "PARTITION", 1000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    engine = LocalEngine(1)
    found = engine.shuffle(toys.emit_random, toys.same, [1, 2, 3])
    first = next(found)
    assert [path.name[:17] for path in tmp_path.iterdir()] == ["millrace-shuffle-"]
    found.close()
    assert not list(tmp_path.iterdir())
    assert first.num_rows  # a table outlives its file
    assert first.equals(next(iter(engine.shuffle(toys.emit_random, toys.same, [1, 2, 3]))))
    assert not list(tmp_path.iterdir())


def test_an_attempt_that_was_given_up_harms_nobody(local, tmp_path, monkeypatch):
    """A worker is killed in the middle of its file: the next attempt writes another, and that one is read."""
    monkeypatch.setenv("TOY_FOLDER", str(tmp_path))
    killing, quiet = LocalEngine(2), local[1]
    try:
        found = list(killing.shuffle(toys.emit_and_die_once, toys.same, [1, 2, 3]))
    finally:
        killing.close()
    assert (tmp_path / "died").exists()
    assert listed(found) == listed(list(quiet.shuffle(toys.emit_random, toys.same, [1, 2, 3])))


def test_a_lost_worker_in_a_shuffle_is_told(local):
    with pytest.raises(Failure, match="died 3 times over"):
        list(local[2].shuffle(toys.emit_and_die, toys.same, [1, 2]))
