"""Which columns of a Parquet file the fields of a source need, down to the leaves of structs and lists.

Parquet stores the leaves (`turns.list.element.text`), so that of a record with a hundred fields those are read that are
asked for. A path stands for the same leaves as `fields.find` would look at in the records.
"""

from collections.abc import Iterator
from typing import Any


def needed(schema: Any, paths: list[str]) -> dict[str, list[int]]:
    """The numbers of the leaves of each path, in the file's order; none where the path leads nowhere."""
    return {path: sorted(set(_inside(_children(schema), path, 0))) for path in paths}


def repeated(schema: Any, paths: list[str]) -> list[str]:
    """Names of columns that `paths` may mean and that the file has more than once."""
    names = [field.name for field in _children(schema)]
    twice = {name for name in names if names.count(name) > 1}
    return sorted(name for name in twice if any(path == name or path.startswith(f"{name}.") for path in paths))


def _inside(children: list[Any], path: str, first: int) -> Iterator[int]:
    """Leaves that a path means among fields, whose own leaves begin with number `first`."""
    for child in children:
        count = _leaves(child.type)
        if child.name == path:
            yield from range(first, first + count)
        elif path.startswith(f"{child.name}."):
            yield from _below(child.type, path[len(child.name) + 1 :], first)
        first += count


def _below(type: Any, path: str, first: int) -> Iterator[int]:
    import pyarrow as pa

    if pa.types.is_struct(type):
        yield from _inside(_children(type), path, first)
    elif pa.types.is_map(type):
        yield from range(first, first + _leaves(type))
    elif _listed(type):
        yield from _below(type.value_type, path, first)


def _leaves(type: Any) -> int:
    import pyarrow as pa

    if isinstance(type, pa.BaseExtensionType):
        return _leaves(type.storage_type)
    if pa.types.is_struct(type):
        return sum(_leaves(child.type) for child in _children(type))
    if pa.types.is_map(type):
        return _leaves(type.key_type) + _leaves(type.item_type)
    return _leaves(type.value_type) if _listed(type) else 1


def _listed(type: Any) -> bool:
    import pyarrow as pa

    is_ = pa.types
    return bool(
        is_.is_list(type)
        or is_.is_large_list(type)
        or is_.is_fixed_size_list(type)
        or is_.is_list_view(type)
        or is_.is_large_list_view(type)
    )


def _children(type: Any) -> list[Any]:
    """Fields of a schema or a struct."""
    import pyarrow as pa

    if isinstance(type, pa.Schema):
        return list(type)
    return [type.field(number) for number in range(type.num_fields)]
