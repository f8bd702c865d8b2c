"""Keys that are set beside a pipeline's file, by where they stand: `{"dedup.threshold": .8}`.

A value takes the place of the file's, or of the default, and is checked as if it stood in the file. Parts of a key are
joined by dots; an item of a list is named by its number, from 0. Names may hold dots themselves (a model called 0.1b):
of what the file has, the longest name that fits is meant.
"""

import copy
from collections.abc import Mapping
from typing import Any

from tasks.runtime.errors import Mistake

NAMED = ("sources", "benchmarks", "models")  # maps by names of the user's own: a key below a name needs that name


def applied(content: dict[str, Any], settings: Mapping[str, Any], path: object) -> dict[str, Any]:
    """What a file says, with the settings in it; `path` is the file, for sentences. `content` stays as it is.

    The order in which they are given plays no part: shorter keys go first, so `dedup` and `dedup.threshold` add up.

    Raises:
        Mistake: a key leads through a value that has no keys, or past the end of a list, or below a name that is not
            there; or it is none, such as `.a` and `a..b`.
    """
    content = copy.deepcopy(content)
    for key in sorted(settings, key=lambda key: (key.count("."), key)):
        _put(content, key, settings[key], path)
    return content


def place_of(content: Any, key: str) -> tuple[Any, ...]:
    """Where a dotted key stands: the names on the way, as the content spells them."""
    parts, place = key.split("."), []
    while parts:
        count = next((n for n in range(len(parts), 1, -1) if _name(content, ".".join(parts[:n])) is not None), 1)
        joined = ".".join(parts[:count])
        name = _name(content, joined)
        name = joined if name is None else name
        place.append(name)
        parts = parts[count:]
        content = content[name] if _holds(content, name) else None
    return tuple(place)


def note(lines: dict[tuple[Any, ...], int], content: Any, settings: Mapping[str, Any]) -> None:
    """Give every key that a setting brought the line 0, beside the file's own lines; names stand as text in them."""
    for key in settings:
        place = tuple(name if isinstance(name, int) else str(name) for name in place_of(content, key))
        for depth in range(1, len(place)):
            lines.setdefault(place[:depth], 0)
        _note(lines, settings[key], place)


def _note(lines: dict[tuple[Any, ...], int], value: Any, place: tuple[Any, ...]) -> None:
    lines[place] = 0
    if isinstance(value, dict):
        for name, inner in value.items():
            _note(lines, inner, (*place, str(name)))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _note(lines, inner, (*place, number))


def origin(place: tuple[Any, ...], content: Any, settings: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Which setting a fault at a place of the merged content is of: the one that gave the value, else the one that
    changed something beside it."""
    own = beside = None
    for key in settings:
        given = place_of(content, key)
        if tuple(map(str, place[: len(given)])) == tuple(map(str, given)):
            own = key
        elif place[:1] == given[:1]:
            beside = key
    return own, None if own else beside


def _put(content: dict[str, Any], key: str, value: Any, path: object) -> None:
    if not all(key.split(".")):
        raise Mistake(f"--set {key}: a key is names joined by dots, such as dedup.threshold")
    *way, last = place_of(content, key)
    held: Any = content
    for depth, name in enumerate(way):
        if isinstance(held, dict) and held.get(name) is None:
            if depth == 1 and way[0] in NAMED:
                there = ", ".join(map(str, content[way[0]])) or "none"
                raise Mistake(
                    f"--set {key}: {path} has no {way[0]}.{name} (there are {there}); to add it, set all of its keys: "
                    f"--set '{way[0]}.{name}={{...}}'"
                )
            held[name] = {}
        held = held[name] if _holds(held, name) else _none(key, ".".join(map(str, way[: depth + 1])), path)
    if isinstance(held, list):
        if not _holds(held, last):
            _none(key, key, path)
        held[last] = copy.deepcopy(value)
    elif isinstance(held, dict):
        held[last] = copy.deepcopy(value)
    else:
        raise Mistake(f"--set {key}: {'.'.join(map(str, way))} has no keys of its own in {path}; set it whole")


def _none(key: str, place: str, path: object) -> Any:
    raise Mistake(f"--set {key}: {path} has no {place} to go into: set what is around it whole")


def _name(content: Any, written: str) -> Any:
    """The name of a mapping, or the number of a list's item, that a part of a key means; None where there is none."""
    if isinstance(content, dict):
        return next((name for name in content if str(name) == written), None)
    if isinstance(content, list) and written.isdecimal() and int(written) < len(content):
        return int(written)
    return None


def _holds(content: Any, name: Any) -> bool:
    if isinstance(content, list):
        return isinstance(name, int) and 0 <= name < len(content)
    return isinstance(content, dict) and name in content
