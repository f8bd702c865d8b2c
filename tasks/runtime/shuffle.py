"""What a shuffle does to rows, on any engine: hash, order, cut into partitions; and the local engine's spill files.

On its way a row's int64 `key` is replaced by its hash, a bijection of 64 bits, so that the order of a shuffle, (hash
of the key, then all columns), is the order of the columns as they stand. A partition is a contiguous range of hashes,
as many as the emitted bytes ask for; partitions one after another are therefore the same rows in the same order
whatever their number. Every column is of fixed width and compared by its bits, so that equal means the same bytes
(0.0 and -0.0 differ, every NaN has its place; nulls come last).

A map task sorts its rows once and writes one file; a reduce task reads of each file the slice that is its own.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Rows of a partition: a reduce task holds them about four times (slices, their order, the sorted, what reduce makes).
PARTITION = 32 << 20  # bytes
# Fibonacci hashing: odd, so that the product modulo 2^64 is a bijection, and its upper bits depend on all of the key's.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
TAKEN = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_boolean,
    pa.types.is_temporal,
    pa.types.is_fixed_size_binary,
)


def partitions_for(size: int) -> int:
    """How many partitions this many emitted bytes ask for."""
    return max(1, -(-size // PARTITION))


def hashed(table: pa.Table) -> pa.Table:
    """What `emit` or `reduce` gave, its `key` replaced by the key's uint64 hash, in order, without metadata.

    Raises:
        RuntimeError: a column that a shuffle cannot take, by name.
    """
    check(table)
    keys = table.column(0).to_numpy().view(np.uint64)
    column = pa.chunked_array([pa.array(keys * GOLDEN)])
    return in_order(table.set_column(0, table.column_names[0], column).replace_schema_metadata(None))


def unhashed(table: pa.Table) -> pa.Table:
    """The table with its keys again."""
    keys = (table.column(0).to_numpy() * INVERSE).view(np.int64)
    return table.set_column(0, table.column_names[0], pa.chunked_array([pa.array(keys)]))


def reduced(parts: list[pa.Table], reduce: Callable[[pa.Table], pa.Table]) -> pa.Table:
    """What `reduce` makes of the hashed parts of one partition: keys, in the shuffle's order."""
    return unhashed(hashed(reduce(unhashed(in_order(pa.concat_tables(parts))))))


def check(table: pa.Table) -> None:
    first = table.schema.field(0) if table.num_columns else None
    if first is None or first.name != "key" or first.type != pa.int64() or table.column(0).null_count:
        raise RuntimeError(f"a shuffle's first column is `key`, int64 without nulls, not {first}")
    for of in table.schema:
        if not any(takes(of.type) for takes in TAKEN) or pa.types.is_interval(of.type):
            raise RuntimeError(f"a shuffle's columns are of fixed width, and `{of.name}` is {of.type}")


def in_order(table: pa.Table) -> pa.Table:
    """Rows in the order of all columns, the first a uint64 hash: the same bytes whatever order they came in."""
    order = _order(table)
    if not len(order) or (order[1:] > order[:-1]).all():
        return table.combine_chunks()
    return table.take(pa.array(order)).combine_chunks()


def _order(table: pa.Table) -> np.ndarray:
    first = table.column(0).to_numpy()
    order = np.argsort(first, kind="stable")  # a merge of the runs that are sorted already
    ranked = first[order]
    same = ranked[1:] == ranked[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same)[: len(order)]) if len(order) else order
    if len(tied) and table.num_columns > 1:
        # Only rows that share a hash are asked for their other columns.
        rows = order[tied]
        few = table.select(range(1, table.num_columns)).take(pa.array(rows))
        bits = [ranked[tied], *(part for column in few.columns for part in _bits(column))]
        order[tied] = rows[np.lexsort(bits[::-1])]
    return order


def _bits(column: pa.ChunkedArray) -> Iterator[np.ndarray]:
    """Arrays whose order, the first before the next, is the column's: numbers by value, bytes by bytes, nulls last."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # of no chunk, or of more than an array can hold
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if array.null_count:
        yield array.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_fixed_size_binary(array.type):
        width = array.type.byte_width
        filled = pc.fill_null(array, pa.scalar(bytes(width), array.type))
        data = np.frombuffer(filled.buffers()[1] or b"", np.uint8, len(array) * width, filled.offset * width)
        padded = np.zeros((len(array), -(-width // 8) * 8), np.uint8)
        padded[:, :width] = data.reshape(len(array), width)
        yield from padded.view(">u8").astype(np.uint64).T
        return
    if pa.types.is_boolean(array.type):
        yield pc.fill_null(array, False).to_numpy(zero_copy_only=False)
        return
    width = array.type.bit_width
    plain = array if pa.types.is_integer(array.type) else array.view(getattr(pa, f"int{width}")())
    values = pc.fill_null(plain, 0).to_numpy()
    if pa.types.is_floating(array.type):  # IEEE's total order: of the negative ones, the magnitude's bits turned over
        values = values ^ (values >> (width - 1) & np.iinfo(values.dtype).max)
    yield values


def cuts(table: pa.Table, count: int) -> np.ndarray:
    """int64 (count + 1): where each of `count` partitions begins in a hashed table in order, and the end."""
    bounds = np.array([-(-(number << 64) // count) for number in range(1, count)], np.uint64)
    inner = np.searchsorted(table.column(0).to_numpy(), bounds)
    return np.concatenate([[0], inner, [table.num_rows]]).astype(np.int64)


# --- the local engine's files -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spill:
    """What one map task emitted, and how many bytes its rows have."""

    file: str
    bytes: int


def spill(item: Any, *, emit: Callable[[Any], pa.Table], scratch: Path) -> Spill:
    table = hashed(emit(item))
    return Spill(_write(table, scratch), table.nbytes)


def reduce_spills(
    number: int, *, reduce: Callable[[pa.Table], pa.Table], files: list[str], count: int, scratch: Path
) -> str:
    parts = []
    for file in files:
        table = read_file(file)
        start, end = cuts(table, count)[number : number + 2]
        parts.append(table.slice(start, end - start))
    return _write(reduced(parts, reduce), scratch)


def _write(table: pa.Table, scratch: Path) -> str:
    """A file of this attempt's own: a worker that was given up may still be writing another."""
    file = scratch / f"{uuid.uuid4().hex}.arrow"
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return str(file)


def read_file(file: str) -> pa.Table:
    """The table, mapped: pages are read when they are looked at."""
    with pa.memory_map(file) as source, pa.ipc.open_file(source) as reader:
        return reader.read_all()
