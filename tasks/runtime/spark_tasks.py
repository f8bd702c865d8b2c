"""What the Spark engine runs on its workers. Tables travel as Arrow streams, exceptions as news for the driver.

A task does not fail for an exception of ours: Spark would try it again, and the answer would be the same.
"""

import time
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pyarrow as pa

from tasks.runtime.errors import portable
from tasks.runtime.preflight import Check
from tasks.runtime.shuffle import cuts, hashed, in_order, reduced

PIECE = 64 << 20  # bytes of a table that travel as one stream: far below the 2 GiB that a Spark record may have


class News:
    """An accumulator of what tasks have to tell: [(result, None)], or [(None, pickled exception)]."""

    def zero(self, value: list[Any]) -> list[Any]:
        return []

    def addInPlace(self, value: list[Any], more: list[Any]) -> list[Any]:  # PySpark's name
        value.extend(more)
        return value


def telling(
    tasks: Iterator[Any], *, work: Callable[[Iterator[Any], Any], Iterator[Any]], news: Any, check: Check | None
) -> Iterator[Any]:
    """Run a task's `work`, after the check of this machine; an exception becomes news and ends the task."""
    pa.set_cpu_count(1)
    try:
        if check:
            check()
        yield from work(tasks, news)
    except Exception as error:  # noqa: BLE001 - raised again in the driver
        news.add([(None, portable(error))])


Groups = Iterator[list[tuple[int, Any]]]  # a task's items with their numbers


def map_items(groups: Groups, news: Any, *, function: Callable[[Any], Any]) -> Iterator[Any]:
    for _, item in chain.from_iterable(groups):
        result = function(item)
        news.add([(result, None)])
        yield result


def emit_items(groups: Groups, news: Any, *, emit: Callable[[Any], pa.Table]) -> Iterator[bytes]:
    """The items' tables, hashed and in order; their bytes are the news."""
    for index, item in chain.from_iterable(groups):
        table = hashed(emit(item))
        yield from streams(table)
        news.add([((index, table.nbytes), None)])


def cut_pieces(pieces: Iterator[bytes], _news: Any, *, count: int) -> Iterator[tuple[int, bytes]]:
    """What several items emitted, cut into partitions; an empty piece of the first brings the schema."""
    tables = [table_of(piece) for piece in pieces]
    if not tables:
        return
    table = in_order(pa.concat_tables(tables))
    bounds = cuts(table, count)
    for number in range(count):
        part = table.slice(bounds[number], bounds[number + 1] - bounds[number])
        if part.num_rows or number == 0:
            yield from ((number, piece) for piece in streams(part))


def reduce_partition(pieces: Iterator[bytes], _news: Any, *, reduce: Callable[[pa.Table], pa.Table]) -> Iterator[bytes]:
    tables = [table_of(piece) for piece in pieces]
    if tables:
        yield from streams(reduced(tables, reduce))


def rest(numbers: Iterator[int], _news: Any) -> Iterator[int]:
    """Hold a slot long enough that each executor gets a task of its own."""
    for number in numbers:
        time.sleep(0.2)
        yield number


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
