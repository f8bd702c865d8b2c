"""Statistics: what a stage counted, as a frozen dataclass; those of shards add up to the artifact's.

    @statistics
    class Scored:
        documents: int = 0
        histogram: tuple[int, ...] = (0,) * 20

Every field has a default, the zero of its sum. Numbers add, tuples add place by place, dictionaries key by key. They go
to manifests and footers as JSON, and come back checked: another type or another version is an error with a remedy.
"""

import dataclasses
import json
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar, cast, dataclass_transform

from tasks.runtime.errors import Failure

S = TypeVar("S")


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def statistics(kind: type[S]) -> type[S]:
    """A class as a frozen dataclass whose JSON is checked when it is read."""
    kind.__pydantic_config__ = {"extra": "forbid", "strict": True}  # type: ignore[attr-defined]
    made = dataclasses.dataclass(frozen=True)(kind)
    for field in dataclasses.fields(made):  # type: ignore[arg-type]
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise TypeError(f"{kind.__name__}.{field.name} has no default: statistics begin at zero")
    return cast(type[S], made)


def total(kind: type[S], parts: Iterable[S]) -> S:
    """The sum of shards' statistics; the zero for no shard. Dictionaries come with their keys in order."""
    summed = kind()
    for part in parts:
        summed = _add(summed, part)
    return cast(S, _ordered(summed))


def _add(left: Any, right: Any) -> Any:
    if dataclasses.is_dataclass(left) and not isinstance(left, type):
        if type(left) is not type(right):
            raise TypeError(f"{type(left).__name__} and {type(right).__name__} do not add up")
        names = [field.name for field in dataclasses.fields(left)]
        return type(left)(**{name: _add(getattr(left, name), getattr(right, name)) for name in names})
    if isinstance(left, dict):
        return {
            key: _add(left[key], right[key]) if key in left and key in right else left.get(key, right.get(key))
            for key in {**left, **right}
        }
    if isinstance(left, tuple):
        return tuple(_add(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, int | float) and not isinstance(left, bool):
        return left + right
    raise TypeError(f"{left!r} is no number: it does not add up over shards")


def _ordered(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{field.name: _ordered(getattr(value, field.name)) for field in dataclasses.fields(value)})
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return value


def to_json(value: Any) -> dict[str, Any]:
    """As a manifest holds them."""
    return dataclasses.asdict(value)


def from_json(kind: type[S], value: Any, where: str) -> S:
    """Statistics as they were written.

    Raises:
        Failure: they are not of this kind, as when another version wrote them.
    """
    from pydantic import ValidationError

    try:
        adapter: Any = _adapter(cast(Any, kind))
        return cast(S, adapter.validate_json(json.dumps(value)))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise Failure(
            f"{where} does not hold {kind.__name__} ({place}: {first['msg']}): another version of the stage wrote it; "
            f"`millrace status` names what is to be built anew"
        ) from None


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
