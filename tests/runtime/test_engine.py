"""The local engine: order, lost workers, exceptions, death, and shuffles that do not show their workers."""

import os
import signal

import numpy as np
import pyarrow as pa
import pytest
import runtime_toys as toys
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.runtime.engine import LocalEngine, partition_of, sort_in_full
from tasks.runtime.errors import Failure, Mistake


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_map_keeps_the_items_order_and_tells_of_each(local, workers):
    seen = []
    results = local[workers].map(toys.square, list(range(9)), lambda *news: seen.append(news))
    assert results == [{"square": x * x} for x in range(9)]
    assert [(done, total) for done, total, _ in seen] == [(done, 9) for done in range(1, 10)]
    assert sorted(part["square"] for *_, part in seen) == [x * x for x in range(9)]


def test_map_of_nothing(local):
    assert local[1].map(toys.square, []) == local[2].map(toys.square, []) == []


def test_a_worker_lost_once_is_made_up_for(local, tmp_path):
    flag = str(tmp_path / "died")
    assert local[2].map(toys.die, [(x, flag) for x in range(5)]) == list(range(5))
    assert (tmp_path / "died").exists()


def test_three_lost_workers_over_one_item_fail_and_name_it(local):
    with pytest.raises(Failure, match=r"died 3 times over \(2, None\);.*fewer workers"):
        local[3].map(toys.die, [(x, None) for x in range(6)])
    assert local[3].map(toys.square, [1, 2]) == [{"square": 1}, {"square": 4}]  # and the engine serves on


def test_a_worker_lost_between_two_maps_is_nobodys_fault(local):
    for process in set(local[2].map(toys.process_number, list(range(4)))):
        os.kill(process, signal.SIGKILL)
    assert local[2].map(toys.square, [1, 2, 3]) == [{"square": 1}, {"square": 4}, {"square": 9}]


@pytest.mark.parametrize("workers", [1, 2])
def test_exceptions_arrive_as_they_are(local, workers):
    with pytest.raises(Mistake, match=r"^item 1 is wrong; mend it$"):
        local[workers].map(toys.refuse, [0, 1, 2, 3])
    with pytest.raises(OSError, match="No space left") as caught:
        local[workers].map(toys.fill, [0, 1])
    assert (caught.value.errno, caught.value.filename) == (28, "/full/disk")


def test_workers_die_with_a_killed_parent(start, until, alive, tmp_path):
    parent = start(
        "import runtime_toys as t; from tasks.runtime.engine import LocalEngine; LocalEngine(2).map(t.linger, [1, 2])",
        TOY_FOLDER=str(tmp_path),
    )
    until(lambda: len(list(tmp_path.glob("pid-*"))) == 2)
    children = [int(path.name.removeprefix("pid-")) for path in tmp_path.glob("pid-*")]
    assert all(alive(child) for child in children) and parent.pid not in children
    parent.kill()
    until(lambda: not any(alive(child) for child in children), seconds=60)


def test_close_ends_the_workers(alive):
    engine = LocalEngine(2)
    children = set(engine.map(toys.process_number, list(range(4))))
    assert os.getpid() not in children
    engine.close()
    assert not any(alive(child) for child in children)


def test_partition_of_is_splitmix64():
    # first outputs of splitmix64's finaliser, from its reference implementation (Vigna, prng.di.unimi.it)
    def finalise(x: int) -> int:
        mask = 2**64 - 1
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        return x ^ (x >> 31)

    keys = [0, 1, -1, 2**63 - 1, -(2**63), 12345]
    assert partition_of(np.array(keys), 1000).tolist() == [finalise(key % 2**64) % 1000 for key in keys]


small = st.integers(-4, 4)
rows = st.tuples(small, st.binary(max_size=3), st.none() | small, st.text(max_size=2), st.integers(0, 2**64 - 1))
inputs = st.lists(st.lists(rows, max_size=30), min_size=1, max_size=4)
SCHEMA = pa.schema(
    [("key", pa.int64()), ("b", pa.binary()), ("n", pa.int32()), ("s", pa.large_string()), ("u", pa.uint64())]
)


def tables(lists: list[list[tuple]]) -> list[pa.Table]:
    """Tables with a column of each kind, unsigned and fixed-size binary included."""
    made = []
    for listed in lists:
        table = (
            pa.table(
                [pa.array(column, f.type) for column, f in zip(zip(*listed, strict=True), SCHEMA, strict=False)],
                schema=SCHEMA,
            )
            if listed
            else SCHEMA.empty_table()
        )
        fixed = pa.array([(b + b"...")[:3] for b in table["b"].to_pylist()], pa.binary(3))
        made.append(table.append_column("f", fixed))
    return made


def in_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs)
def test_shuffle_gives_the_same_bytes_for_any_number_of_workers(local, lists):
    items = tables(lists)
    whole = sort_in_full(pa.concat_tables(items))
    firsts: dict[int, dict] = {}
    for row in whole.to_pylist():
        firsts.setdefault(row["key"], row)
    for workers in (1, 2, 3):
        assert in_bytes(local[workers].shuffle(toys.emit_table, toys.same, items)) == in_bytes(whole)
        first = local[workers].shuffle(toys.emit_table, toys.first_of_each, items)
        assert first.to_pylist() == [firsts[key] for key in sorted(firsts)]


@pytest.mark.parametrize("workers", [1, 2])
def test_shuffle_passes_exceptions_on(local, workers):
    with pytest.raises(Mistake, match="nothing to emit"):
        local[workers].shuffle(toys.emit_refused, toys.same, [1, 2])
    with pytest.raises(Mistake, match="nothing to reduce"):
        local[workers].shuffle(toys.emit_random, toys.reduce_refused, [1, 2])
