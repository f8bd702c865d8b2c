"""What the Spark engine runs on its workers. Tables travel as Arrow streams, exceptions as news for the driver.

A task does not fail for an exception of ours: Spark would try it again, and the answer would be the same.
"""

import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from tasks.runtime.engine import partition_of, sort_in_full
from tasks.runtime.errors import Failure

PIECE = 64 << 20  # bytes of a table that travel as one stream: far below the 2 GiB that a Spark record may have


class News:
    """An accumulator of what tasks have to tell: [(result, None)], or [(None, pickled exception)]."""

    def zero(self, value: list) -> list:
        return []

    def addInPlace(self, value: list, more: list) -> list:  # PySpark's name
        value.extend(more)
        return value


def portable(error: Exception) -> bytes:
    """An exception as bytes that the driver can read, with its traceback as a note."""
    error.add_note("in a Spark worker:\n" + "".join(traceback.format_exception(error)))
    try:
        pickled = pickle.dumps(error)
        pickle.loads(pickled)  # some can be written and not read again
    except Exception:  # noqa: BLE001 - whatever an unknown class raises here, its text is what is left
        pickled = pickle.dumps(Failure(f"{type(error).__name__}: {error}"))
    return pickled


def map_items(tasks: Iterator[tuple[int, Any]], *, function: Callable[[Any], Any], news: Any) -> Iterator[Any]:
    pa.set_cpu_count(1)
    for _, item in tasks:
        try:
            result = function(item)
        except Exception as error:  # noqa: BLE001 - raised again in the driver
            news.add([(None, portable(error))])
            return
        news.add([(result if isinstance(result, dict) else {}, None)])
        yield result


def emit_item(
    tasks: Iterator[tuple[int, Any]], *, emit: Callable[[Any], pa.Table], partitions: int, news: Any
) -> Iterator[tuple[int, bytes]]:
    pa.set_cpu_count(1)
    for index, item in tasks:
        try:
            table = emit(item)
            where = partition_of(table.column(0).to_numpy(), partitions)
            for number in range(partitions):
                part = table.filter(pa.array(where == number))
                if part.num_rows or index == 0:  # one empty table a partition brings the schema
                    yield from ((number, piece) for piece in streams(part))
        except Exception as error:  # noqa: BLE001 - raised again in the driver
            news.add([(None, portable(error))])
            return


def reduce_partition(
    pieces: Iterator[tuple[int, bytes]], *, reduce: Callable[[pa.Table], pa.Table], news: Any
) -> Iterator[bytes]:
    pa.set_cpu_count(1)
    tables = [table_of(piece) for _, piece in pieces]
    if not tables:  # the first item's `emit` failed; the driver knows
        return
    try:
        yield from streams(reduce(sort_in_full(pa.concat_tables(tables))))
    except Exception as error:  # noqa: BLE001 - raised again in the driver
        news.add([(None, portable(error))])


def streams(table: pa.Table) -> Iterator[bytes]:
    """A table as Arrow streams of about PIECE bytes, at least one."""
    rows = max(1, int(table.num_rows * PIECE / max(table.nbytes, 1)))
    for start in range(0, max(table.num_rows, 1), rows):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table.slice(start, rows))
        yield sink.getvalue().to_pybytes()


def table_of(piece: bytes) -> pa.Table:
    with pa.ipc.open_stream(piece) as stream:
        return stream.read_all()
