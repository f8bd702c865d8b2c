"""Which keys a schema knows at a place of the file, and at which other places it knows a key."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

Place = tuple[Any, ...]


def keys_at(schema: type[BaseModel], place: Place) -> list[str]:
    """The keys of whatever may stand there."""
    return [key for model in _models(schema, place) for key in _keys(model)]


def places_of(schema: type[BaseModel], key: str) -> list[str]:
    """Where a key stands, as `dedup.threshold`; a name that the user chooses is `...` there. The shortest first."""
    return sorted(_places(schema, key, (), ()), key=lambda place: (place.count("."), place))


def _keys(model: type[BaseModel]) -> dict[str, Any]:
    """A model's keys as the file spells them, and what may stand under each."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models(kind: Any, place: Place) -> Iterator[type[BaseModel]]:
    for option in _options(kind):
        if isinstance(option, type) and issubclass(option, BaseModel):
            if not place:
                yield option
            elif place[0] in (keys := _keys(option)):
                yield from _models(keys[place[0]], place[1:])
        elif get_origin(option) in (dict, list) and place:
            yield from _models(get_args(option)[-1], place[1:])


def _options(kind: Any) -> Iterator[Any]:
    if get_origin(kind) is Annotated:
        yield from _options(get_args(kind)[0])
    elif get_origin(kind) in (Union, types.UnionType):
        for option in get_args(kind):
            yield from _options(option)
    else:
        yield kind


def _places(kind: Any, key: str, path: tuple[str, ...], above: tuple[Any, ...]) -> Iterator[str]:
    for option in _options(kind):
        if isinstance(option, type) and issubclass(option, BaseModel) and option not in above:
            for name, inner in _keys(option).items():
                if name == key:
                    yield ".".join((*path, name))
                yield from _places(inner, key, (*path, name), (*above, option))
        elif get_origin(option) is dict:
            yield from _places(get_args(option)[-1], key, (*path, "..."), above)
        elif get_origin(option) is list:
            yield from _places(get_args(option)[-1], key, path, above)
