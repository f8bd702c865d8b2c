"""From a column of Arrow to the values that JSON would have, one a row; a cell that has none never costs another.

Strings and binaries are strings where they are UTF-8, else the bytes; timestamps and dates are datetimes (UTC, whole
seconds, by integer arithmetic: nanoseconds and unknown time zones do no harm); structs and maps are dicts, lists are
lists, decimals Decimal. What has no such value (a duration, a time of day, a date outside the years 1 to 9999) is an
`Unreadable`.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice, pairwise
from typing import Any

from tasks.sources.dates import EPOCH
from tasks.sources.rows.fields import Unreadable

DAY = 86_400
UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}  # a second's parts
FIRST, LAST = -62_135_596_800, 253_402_300_799  # seconds from 1970 to the first and last second of the years 1 to 9999


def values(column: Any) -> list[Any]:
    """The values of an Arrow array of any type, None for nulls."""
    import pyarrow as pa

    try:
        return _values(column, column.type)
    except (pa.ArrowException, ValueError, TypeError, OverflowError, KeyError):
        # Whatever it is, it is a cell's fault: one after the other then.
        return [_alone(column.slice(row, 1)) for row in range(len(column))]


def _alone(cell: Any) -> Any:
    import pyarrow as pa

    if cell.null_count:
        return None
    try:
        (value,) = _values(cell, cell.type)
    except (pa.ArrowException, ValueError, TypeError, OverflowError, KeyError) as error:
        return Unreadable(f"a value of type {cell.type} that cannot be read ({str(error)[:80]})")
    return value


def _values(column: Any, type: Any) -> list[Any]:
    import pyarrow as pa

    is_ = pa.types
    if is_.is_null(type):
        return [None] * len(column)
    if is_.is_string(type) or is_.is_large_string(type) or is_.is_string_view(type):
        return _strings(column)
    if is_.is_binary(type) or is_.is_large_binary(type) or is_.is_binary_view(type) or is_.is_fixed_size_binary(type):
        return [_decoded(cell) for cell in column.to_pylist()]
    if is_.is_boolean(type) or is_.is_integer(type) or is_.is_floating(type) or is_.is_decimal(type):
        return list(column.to_pylist())
    if is_.is_timestamp(type):
        return _moments(column.view(pa.int64()), UNITS[type.unit], 1)
    if is_.is_date32(type):
        return _moments(column.view(pa.int32()), 1, DAY)
    if is_.is_date64(type):
        return _moments(column.view(pa.int64()), UNITS["ms"], 1)
    if is_.is_dictionary(type):
        known = _values(column.dictionary, type.value_type)
        return [None if index is None else known[index] for index in column.indices.to_pylist()]
    if isinstance(type, pa.BaseExtensionType):
        if isinstance(type, pa.UuidType):
            return [None if cell is None else str(cell) for cell in column.to_pylist()]
        return _values(column.storage, type.storage_type)
    return _nested(column, type)


def _nested(column: Any, type: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_struct(type):
        children = [_values(child, child.type) for child in column.flatten()]  # null where the struct is
        names = [type.field(number).name for number in range(type.num_fields)]
        rows = zip(*children, strict=True) if children else ([()] * len(column))
        return [
            None if null else dict(zip(names, row, strict=True))
            for row, null in zip(rows, column.is_null().to_pylist(), strict=True)
        ]
    if pa.types.is_map(type):
        return _maps(column)
    if (
        pa.types.is_list(type)
        or pa.types.is_large_list(type)
        or pa.types.is_fixed_size_list(type)
        or pa.types.is_list_view(type)
        or pa.types.is_large_list_view(type)
    ):
        return _lists(column)
    what = Unreadable(f"a value of type {type}")
    return [None if null else what for null in column.is_null().to_pylist()]


def _lists(column: Any) -> list[Any]:
    import pyarrow.compute as pc

    inner = column.flatten()  # of the lists that are not null
    cells: Iterator[Any] = iter(_values(inner, inner.type))
    lengths = pc.list_value_length(column).to_pylist()
    return [None if length is None else list(islice(cells, length)) for length in lengths]


def _maps(column: Any) -> list[Any]:
    edges = column.offsets.to_pylist()  # into the children, which a cut of the column leaves whole
    first, last = edges[0], edges[-1]
    keys, items = (child.slice(first, last - first) for child in (column.keys, column.items))
    pairs = zip(_values(keys, keys.type), _values(items, items.type), strict=True)
    maps = [{_key(key): item for key, item in islice(pairs, end - start)} for start, end in pairwise(edges)]
    return [None if null else one for one, null in zip(maps, column.is_null().to_pylist(), strict=True)]


def _key(key: Any) -> str:
    return f"0x{key.hex()}" if isinstance(key, bytes) else str(key)


def _strings(column: Any) -> list[Any]:
    import pyarrow as pa

    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return [_decoded(cell) for cell in column.cast(pa.large_binary()).to_pylist()]


def _decoded(cell: bytes | None) -> str | bytes | None:
    if cell is None:
        return None
    try:
        return cell.decode()
    except UnicodeDecodeError:
        return cell


def _moments(counts: Any, parts: int, seconds: int) -> list[Any]:
    """Datetimes of integers that count `parts`ths of a second, or so many `seconds`, since 1970."""
    found: list[Any] = []
    for count in counts.to_pylist():
        at = None if count is None else count // parts * seconds
        if at is None:
            found.append(None)
        elif FIRST <= at <= LAST:
            found.append(EPOCH + timedelta(seconds=at))
        else:
            found.append(Unreadable("a date outside the years 1 to 9999"))
    return found
