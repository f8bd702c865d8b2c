"""Find a pipeline's YAML, read it, and say what is wrong with it by file and line.

A pipeline is named by its path, or else by the name of one that Millrace brings along: `demo` and `conf/demo.yaml` are
the packaged demo wherever the working directory holds no such file.
"""

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from conf.keys import Misplaced, Secret
from conf.pipeline import Pipeline
from tasks.runtime.errors import Mistake

PACKAGED = Path(__file__).parent


class Loader(yaml.SafeLoader):
    """YAML whose booleans are true and false alone, as in YAML 1.2: `on: gpu` is a key and `no` is Norwegian."""


BOOL = "tag:yaml.org,2002:bool"
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(BOOL, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def find(conf: Path | str) -> Path:
    """The file of a pipeline, by path or else by name.

    Raises:
        Mistake: there is neither such a file nor such a name.
    """
    path = Path(conf)
    if path.exists() and not (path.is_dir() and path.parent == Path()):  # a folder called demo hides no pipeline
        return path
    packaged = {file.stem: file for file in sorted(PACKAGED.glob("*.yaml"))}
    if path.parent in (Path(), Path("conf")) and path.suffix in ("", ".yaml") and path.stem in packaged:
        return packaged[path.stem]
    raise Mistake(
        f"{path} cannot be read: No such file, and no pipeline of that name comes with Millrace "
        f"(there are {', '.join(packaged)})"
    )


def load(conf: Path | str) -> Pipeline:
    """The pipeline in a YAML file, which `find` finds.

    Raises:
        Mistake: the file is absent, is not YAML, or says something that cannot be; every fault with its line.
    """
    path = find(conf)
    lines: dict[tuple[Any, ...], int] = {(): 1}
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader)
        if node is not None:
            _walk(node, (), lines, path)
        content = yaml.load(text, Loader)
    except OSError as error:
        raise Mistake(
            f"{path} cannot be read: {error.strerror}; give the path of a pipeline such as conf/demo.yaml"
        ) from None
    except UnicodeDecodeError as error:
        raise Mistake(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Mistake(f"{path}:{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: what looks like a date and is not, such as 2020-13-45
        raise Mistake(f"{path}: not YAML: {error}") from None
    except RecursionError:
        raise Mistake(f"{path}: not YAML that can be read: it is nested too deeply, or holds itself") from None
    if not isinstance(content, dict):
        raise Mistake(f"{path}:1: a pipeline is a mapping of keys such as store, sources and models")
    try:
        pipeline = Pipeline.model_validate({"title": path.stem, **content})
    except ValidationError as error:
        faults = sorted({(_line(_place(fault), lines), _sentence(fault)) for fault in error.errors()})
        raise Mistake("\n".join(f"{path}:{line}: {sentence}" for line, sentence in faults)) from None
    if pipeline.without is not None:
        pipeline = pipeline.model_copy(update={"without": str(path.parent.absolute() / pipeline.without)})
        pipeline.retracted()  # what is wrong with the list is told before anything runs
    return pipeline


def _walk(node: yaml.Node, where: tuple[Any, ...], lines: dict[tuple[Any, ...], int], path: Path) -> None:
    """Note the line of every key and list item; a key that stands twice is refused, as YAML itself would."""
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


def _line(where: tuple[Any, ...], lines: dict[tuple[Any, ...], int]) -> int:
    """The line of the deepest part of a fault's place that stands in the file (a union's branch does not)."""
    known: tuple[Any, ...] = ()
    for part in where:
        for written in (part, str(part)):  # a key that is a number is noted as text
            if (*known, written) in lines:
                known = (*known, written)
                break
    return lines[known]


def _sentence(fault: Any) -> str:
    parts = [str(part) for part in fault["loc"] if not str(part).startswith(("function-", "literal", "list[", "dict["))]
    place = ".".join(parts)
    if fault["type"] == "extra_forbidden":
        return f"{place} is no key here; docs/configuration.md lists the keys"
    message = fault["msg"].removeprefix("Value error, ")
    hidden = isinstance(fault["input"], dict) or isinstance(fault.get("ctx", {}).get("error"), Secret)
    given = "" if hidden else re.sub(r"//[^/\s@]*@", "//...@", f" (it is {fault['input']!r})")
    return f"{place}: {message}{given}" if place else message
