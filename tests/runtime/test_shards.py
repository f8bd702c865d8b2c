"""Shards and columns: footers, the check that a column is of this very shard, statistics that add up."""

from contextlib import ExitStack

import pyarrow as pa
import pytest
import runtime_toys as toys

from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure
from tasks.runtime.shards import Output, add, batches, make_shard, read, read_column, read_footer
from tasks.runtime.stage import Run


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "store", LocalEngine(1))


def test_a_column_is_read_for_its_own_shard_only(run):
    documents = run(toys.numbers, "toy", shards=2, rows=10)
    halves = run(toys.halves, "toy", documents=documents)
    first, second = documents.shards()
    whole = read(first)["value"].to_pylist()
    assert read_column(halves, first)["half"].to_pylist() == [value // 2 for value in whole]
    others = run(toys.numbers, "toy", shards=2, rows=12).shards()
    with pytest.raises(Failure, match=r"00000.parquet was made from another shard than .*; delete .* and run again"):
        read_column(halves, others[0])
    # of as many rows, and under the same key, but with other bytes
    swapped = run(toys.halves, "other", documents=documents)
    (swapped.folder / "00000.parquet").write_bytes((swapped.folder / "00001.parquet").read_bytes())
    with pytest.raises(Failure, match="was made from another shard"):
        read_column(swapped, first)
    assert read_column(swapped, second).num_rows == 10


def output(folder, stack) -> Output:
    folder.mkdir(exist_ok=True)
    return Output(folder, "00000", stack)


def test_a_column_with_a_row_too_few_is_refused_and_not_published(run, tmp_path):
    [shard] = run(toys.numbers, "toy", shards=1, rows=10).shards()
    with pytest.raises(RuntimeError, match="must have its 10 rows, not 9"), ExitStack() as stack:
        out = output(tmp_path / "column", stack)
        out.of(shard)
        out.write(pa.table({"half": range(9)}))
        out.finish({})
    assert list((tmp_path / "column").iterdir()) == []


def test_a_shard_function_that_writes_nothing_is_refused(tmp_path):
    with pytest.raises(RuntimeError, match="wrote no table for shard 00000; write an empty one"), ExitStack() as stack:
        output(tmp_path / "none", stack).finish({})


def test_a_shard_that_fails_half_way_is_not_there_and_says_nothing(tmp_path, capfd):
    def half(out, item):
        out.write(pa.table({"value": [1]}))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_shard(("00000", None), function=half, folder=tmp_path, arguments={})
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == ""


def test_a_shards_other_files_are_published_before_it(tmp_path):
    def two(out, item):
        out.write(pa.RecordBatch.from_pydict({"value": [1, 2]}))
        with out.open("rejects.parquet") as file:
            file.write(b"x")
            assert not (tmp_path / "00000.rejects.parquet").exists()
        assert (tmp_path / "00000.rejects.parquet").exists() and not (tmp_path / "00000.parquet").exists()
        return {"documents": 2}

    arguments = {"function": two, "folder": tmp_path, "arguments": {}}
    with pytest.raises(pa.ArrowInvalid):  # b"x" is no Parquet: found when it is described
        make_shard(("00000", None), **arguments)
    assert read_footer(tmp_path / "00000.parquet")["others"] == ["00000.rejects.parquet"]


def test_a_finished_shard_is_described_from_its_footer(tmp_path):
    def once(out, item):
        out.write(pa.table({"value": [item]}))
        return {"documents": 1}

    arguments = {"function": once, "folder": tmp_path, "arguments": {}}
    first = make_shard(("00000", 7), **arguments)
    assert first["statistics"] == {"documents": 1} and first["files"][0]["rows"] == 1
    assert make_shard(("00000", None), **arguments) == first  # a second call would fail to write null otherwise
    assert read_footer(tmp_path / "00000.parquet")["statistics"] == {"documents": 1}


def test_a_strangers_parquet_has_no_footer(tmp_path):
    pa.parquet.write_table(pa.table({"value": [1]}), tmp_path / "00000.parquet")
    with pytest.raises(Failure, match="has no Millrace footer"):
        read_footer(tmp_path / "00000.parquet")


def test_batches_are_the_shard_in_pieces(run):
    [shard] = run(toys.numbers, "toy", shards=1, rows=100).shards()
    pieces = list(batches(shard, rows=30))
    assert max(piece.num_rows for piece in pieces) <= 30
    assert pa.Table.from_batches(pieces).equals(read(shard).combine_chunks()) or (
        pa.Table.from_batches(pieces)["value"].to_pylist() == read(shard)["value"].to_pylist()
    )


def test_add_sums_numbers_lists_and_what_is_nested():
    parts = [
        {"documents": 2, "by": {"quality": 1, "deep": {"x": 0.5}}, "histogram": [1, 0, 2]},
        {"documents": 3, "by": {"language": 4, "deep": {"x": 0.25}}, "histogram": [1, 1, 1], "bytes": 9},
        {},
    ]
    total = add(parts)
    assert total == {
        "documents": 5,
        "by": {"quality": 1, "language": 4, "deep": {"x": 0.75}},
        "histogram": [2, 1, 3],
        "bytes": 9,
    }
    assert list(total) == sorted(total)
    assert add([]) == {}
    assert parts[0]["by"] == {"quality": 1, "deep": {"x": 0.5}}  # untouched
    with pytest.raises(ValueError, match=r"shorter|longer"):
        add([{"histogram": [1]}, {"histogram": [1, 2]}])
