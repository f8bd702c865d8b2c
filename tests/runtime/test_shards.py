"""Shards and columns: footers, the check that a column is of this very shard, what is read is checked."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import runtime_toys as toys

from tasks.runtime import checked
from tasks.runtime.artifact import Artifact
from tasks.runtime.engine import LocalEngine
from tasks.runtime.errors import Failure
from tasks.runtime.run import Run
from tasks.runtime.shards import Output, batches, make_shard, read, read_column, read_footer
from tasks.runtime.store import Damaged, open_store


@pytest.fixture
def run(tmp_path):
    return Run(open_store(str(tmp_path / "store")), LocalEngine(1))


@pytest.fixture
def artifact(tmp_path) -> Artifact:
    """One that is being made."""
    return Artifact("toy", "toy", "0" * 16, open_store(str(tmp_path / "store")))


def published(artifact: Artifact) -> list[str]:
    return [entry.name.removeprefix(f"{artifact.label}/") for entry in artifact.store.list("")]


def test_a_column_is_read_for_its_own_shard_only(run):
    documents = run(toys.numbers, "toy", shards=2, rows=10)
    halves = run(toys.halves, "toy", documents=documents)
    first, second = documents.shards()
    whole = read(first)["value"].to_pylist()
    assert read_column(halves, first)["half"].to_pylist() == [value // 2 for value in whole]
    others = run(toys.numbers, "toy", shards=2, rows=12).shards()
    with pytest.raises(Failure, match=r"00000.parquet was made from another shard than .*millrace verify"):
        read_column(halves, others[0])
    assert read_column(halves, second).num_rows == 10


@pytest.mark.parametrize("columns", [None, ["half"]])
def test_a_column_file_in_anothers_place_is_damage(run, columns):
    documents = run(toys.numbers, "toy", shards=2, rows=10)
    swapped = run(toys.halves, "other", documents=documents)
    (swapped.folder / "00000.parquet").write_bytes((swapped.folder / "00001.parquet").read_bytes())
    with pytest.raises(Damaged, match=r"00000.parquet is damaged"):
        read_column(swapped, documents.shards()[0], columns)


def test_what_is_not_read_is_not_checked_and_what_is_read_is(run, tmp_path):
    """A column beside a text of gigabytes does not cost its reading."""
    [shard] = run(toys.numbers, "toy", shards=1, rows=10).shards()
    path = Path(shard.store.where(shard.name))
    data = bytearray(path.read_bytes())
    data[40] ^= 1  # of the only column, `value`
    path.write_bytes(data)
    assert read(shard, []).num_rows == 10
    with pytest.raises(Damaged, match=r"00000.parquet is damaged"):
        read(shard, ["value"])
    with pytest.raises(Damaged, match=r"00000.parquet is damaged"):
        next(batches(shard))
    path.unlink()
    with pytest.raises(Damaged, match=r"00000.parquet is missing"):
        read(shard, [])


def test_a_flipped_bit_anywhere_in_a_shard_is_damage(run):
    """Over some footers with a flipped bit Arrow ends the process: it must not see them."""
    documents = run(toys.numbers, "toy", shards=1, rows=10)
    [shard] = documents.shards()
    path = Path(shard.store.where(shard.name))
    data = path.read_bytes()
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        path.unlink()  # a new inode: what was remembered of the old one does not count
        path.write_bytes(damaged)
        with pytest.raises(Damaged, match=r"00000.parquet is damaged"):
            checked.check(path, shard.file)


def test_a_column_with_a_row_too_few_is_refused_and_not_published(run, artifact, tmp_path):
    [shard] = run(toys.numbers, "toy", shards=1, rows=10).shards()
    out = Output(artifact, "00000", tmp_path)
    out.of(shard)
    out.write(pa.table({"half": range(9)}))
    with pytest.raises(RuntimeError, match="must have its 10 rows, not 9"):
        out.finish(toys.Rows(9))
    out.close()
    assert list(artifact.store.list(artifact.label)) == []


def test_a_shard_function_that_writes_nothing_is_refused(artifact, tmp_path):
    with pytest.raises(RuntimeError, match="wrote no table for shard 00000; write an empty one"):
        Output(artifact, "00000", tmp_path).finish(toys.Rows())


def test_other_columns_than_declared_are_refused(artifact, tmp_path):
    out = Output(artifact, "00000", tmp_path, declared=(("keep", pa.bool_()), ("score", None)))
    with pytest.raises(RuntimeError, match=r"toy declares the columns .*'keep'.* and writes .*'kept'"):
        out.write(pa.table({"kept": [True], "score": [0.5]}))
    with pytest.raises(RuntimeError, match="toy declares the columns"):
        out.write(pa.table({"keep": [1], "score": [0.5]}))
    out.write(pa.table({"keep": [True], "score": [0.5]}))


def test_a_shard_that_fails_half_way_is_not_there_and_says_nothing(artifact, capfd):
    def half(out, item):
        out.write(pa.table({"value": [1]}))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_shard(("00000", None), function=half, artifact=artifact, arguments={})
    assert published(artifact) == []
    assert capfd.readouterr().err == ""


def test_nothing_is_published_before_the_function_returns_and_the_main_file_last(artifact, monkeypatch):
    def two(out, item):
        out.write(pa.RecordBatch.from_pydict({"value": [1, 2]}))
        with out.open("notes.txt") as file:
            file.write(b"x")
        assert published(artifact) == []
        return toys.Rows(2)

    order = []
    publish = type(artifact.store).publish
    monkeypatch.setattr(type(artifact.store), "publish", lambda *given: order.append(given[1]) or publish(*given))
    make_shard(("00000", None), function=two, artifact=artifact, arguments={})
    assert order == [artifact.name_of("00000.notes.txt"), artifact.name_of("00000.parquet")]
    assert read_footer(artifact.folder / "00000.parquet")["others"] == ["00000.notes.txt"]


def test_a_finished_shard_is_described_from_its_footer(artifact):
    def once(out, item):
        out.write(pa.table({"value": [item]}))
        with out.open("notes.txt") as file:
            file.write(b"x")
        return toys.Rows(1)

    arguments = {"function": once, "artifact": artifact, "arguments": {}}
    first = make_shard(("00000", 7), **arguments)
    assert first.statistics == {"rows": 1} and [file.file for file in first.files] == [
        "00000.notes.txt",
        "00000.parquet",
    ]
    assert make_shard(("00000", object()), **arguments) == first  # a second call would fail to write it otherwise


def test_a_strangers_parquet_has_no_footer(tmp_path):
    pq.write_table(pa.table({"value": [1]}), tmp_path / "00000.parquet")
    with pytest.raises(Failure, match="has no Millrace footer"):
        read_footer(tmp_path / "00000.parquet")


def test_batches_are_the_shard_in_pieces(run):
    [shard] = run(toys.numbers, "toy", shards=1, rows=100).shards()
    pieces = list(batches(shard, rows=30))
    assert max(piece.num_rows for piece in pieces) <= 30
    assert pa.Table.from_batches(pieces)["value"].to_pylist() == read(shard)["value"].to_pylist()
