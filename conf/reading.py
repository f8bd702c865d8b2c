"""A YAML file and a schema: what the file says, and every fault of it by file and line."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from conf.keys import Misplaced, Secret
from conf.places import context
from conf.settings import applied, note, origin
from conf.spelling import did_you_mean
from conf.where import keys_at, places_of
from tasks.runtime.errors import Mistake

M = TypeVar("M", bound=BaseModel)
LARGEST = 100_000  # keys and items of a file: a hundred times the largest pipeline; aliases of aliases reach any number
Lines = dict[tuple[Any, ...], int]  # of each key and list item, by where it stands


class Loader(yaml.SafeLoader):
    """YAML whose booleans are true and false alone, as in YAML 1.2: `on: gpu` is a key and `no` is Norwegian."""


BOOL = "tag:yaml.org,2002:bool"
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(BOOL, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def read(
    path: Path,
    schema: type[M],
    what: str,
    folder: Path | None = None,
    settings: Mapping[str, Any] | None = None,
    **defaults: Any,
) -> M:
    """What a file says; `defaults` are keys that it may leave out, `what` it is called in a sentence.

    Relative paths in it begin at `folder`; its own if absent. `settings` are values by dotted keys that take the place
    of the file's (conf/settings.py).

    Raises:
        Mistake: the file is absent, is not YAML, or says something that cannot be; every fault with its line.
    """
    lines: Lines = {(): 1}
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader)
        if node is not None:
            _walk(node, (), lines, path)
        content = yaml.load(text, Loader)
    except OSError as error:
        raise Mistake(f"{path} cannot be read: {error.strerror}; give the path of {what}") from None
    except UnicodeDecodeError as error:
        raise Mistake(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        braces = "; between braces, what holds ${...} wants quotes" if "${" in text.splitlines()[line - 1] else ""
        raise Mistake(f"{path}:{line}: not YAML: {error.problem}{braces}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: what looks like a date and is not, such as 2020-13-45
        raise Mistake(f"{path}: not YAML: {error}") from None
    except RecursionError:
        raise Mistake(f"{path}: not YAML that can be read: it is nested too deeply, or holds itself") from None
    if not isinstance(content, dict):
        raise Mistake(f"{path}:1: {what} is a mapping of keys")
    settings = settings or {}
    content = applied(content, settings, path)
    note(lines, content, settings)
    try:
        return schema.model_validate({**defaults, **content}, context=context(folder or path.absolute().parent))
    except ValidationError as error:
        told = {_told(place, fault, path, lines, content, settings, schema) for place, fault in _meant(error, lines)}
        raise Mistake("\n".join(sentence for _, sentence in sorted(told))) from None


def _told(
    written: tuple[Any, ...],
    fault: Any,
    path: Path,
    lines: Lines,
    content: dict[str, Any],
    settings: Mapping[str, Any],
    schema: type[BaseModel],
) -> tuple[int, str]:
    """A fault's line, and its sentence with where the value was given; `written`: its place in the file."""
    sentence = _sentence(fault, written, schema)
    own, beside = origin(_place(fault), content, settings)
    if own is None and not lines[written]:  # it stands around a setting, and nowhere in the file
        own = beside
    if own is not None:
        return 0, f"--set {own}: {sentence}"
    beside_it = f" (with --set {beside})" if beside is not None else ""
    return lines[written], f"{path}:{lines[written]}: {sentence}{beside_it}"


def _walk(node: yaml.Node, where: tuple[Any, ...], lines: dict[tuple[Any, ...], int], path: Path) -> None:
    """Note the line of every key and list item; a key that stands twice is refused, as YAML itself would."""
    if len(lines) > LARGEST:
        raise Mistake(f"{path}: not YAML that can be read: its aliases (*name) unfold to more than {LARGEST} lines")
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Mistake(f"{path}:{key.start_mark.line + 1}: a key is one word, not a list or a mapping")
            place = (*where, key.value)
            if place in lines:
                raise Mistake(f"{path}:{key.start_mark.line + 1}: {'.'.join(map(str, place))} stands twice")
            lines[place] = key.start_mark.line + 1
            _walk(value, place, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[(*where, index)] = value.start_mark.line + 1
            _walk(value, (*where, index), lines, path)


def _place(fault: Any) -> tuple[Any, ...]:
    """A fault's place; what only the whole pipeline shows says itself where it stands."""
    error = fault.get("ctx", {}).get("error")
    return error.where if isinstance(error, Misplaced) else fault["loc"]


def _meant(error: ValidationError, lines: Lines) -> list[tuple[tuple[Any, ...], Any]]:
    """Faults by their place in the file. Of a value that may be of several types, what is wrong with it as one of them
    is told, and not that it is none of the others."""
    faults = [(_written(_place(fault), lines), fault) for fault in error.errors()]
    inside = [place for place, fault in faults if not _of_another_type(fault)]
    return [
        (place, fault)
        for place, fault in faults
        if not _of_another_type(fault) or not any(other[: len(place)] == place for other in inside)
    ]


def _of_another_type(fault: Any) -> bool:
    return str(fault["type"]).endswith(("_type", "_parsing"))


def _written(where: tuple[Any, ...], lines: Lines) -> tuple[Any, ...]:
    """The deepest part of a fault's place that stands in the file (a union's branch does not)."""
    known: tuple[Any, ...] = ()
    for part in where:
        for written in (part, str(part)):  # a key that is a number is noted as text
            if (*known, written) in lines:
                known = (*known, written)
                break
    return known


def _sentence(fault: Any, written: tuple[Any, ...], schema: type[BaseModel]) -> str:
    parts = [str(part) for part in fault["loc"] if not str(part).startswith(("function-", "literal", "list[", "dict["))]
    place = ".".join(parts)
    if fault["type"] == "extra_forbidden":
        name, meant = ".".join(map(str, written)), _meant_key(schema, written)
        return f"{name} is no key here; docs/configuration.md lists the keys{meant}"
    if (parts[-1:] == ["[key]"] and fault["type"] == "string_type") or fault["type"] == "invalid_key":
        return (
            f"{place.removesuffix('.[key]')}: YAML takes this name for another thing than text; put it between quotes"
        )
    message = fault["msg"].removeprefix("Value error, ")
    hidden = isinstance(fault["input"], dict) or isinstance(fault.get("ctx", {}).get("error"), Secret)
    given = "" if hidden else re.sub(r"//[^/\s@]*@", "//...@", f" (it is {fault['input']!r})")
    if fault["type"] == "literal_error":
        given += did_you_mean(fault["input"], re.findall(r"'([^']*)'", fault["ctx"]["expected"]))
    return f"{place}: {message}{given}" if place else message


def _meant_key(schema: type[BaseModel], written: tuple[Any, ...]) -> str:
    """What an unknown key may be for: one that is nearly so spelt, or one that belongs elsewhere."""
    *above, key = written
    if near := did_you_mean(key, keys_at(schema, tuple(above))):
        return near
    elsewhere = places_of(schema, str(key))[:2]
    return f"; {key} belongs to {' or '.join(elsewhere)}" if elsewhere else ""
