"""docs/commands.md, from the command line itself: `python -m flows.commands` writes it, a test holds it up to date."""

import inspect
import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from typer.models import ArgumentInfo, OptionInfo

from conf.reference import escaped
from flows.cli import STATUSES, app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
WORDS: dict[Any, str] = {int: "NUMBER", float: "NUMBER", Path: "PATH"}
HEAD = f"""# The commands

`millrace COMMAND --help` says the same. CONF is the path of a pipeline's YAML, or the name of one that comes with
Millrace, such as `demo`.

{STATUSES}

`--set KEY=VALUE` changes a key of CONF for this once: any key, its parts joined by dots, its value as YAML; an empty
value is the default. It counts as if it stood in the file, in fingerprints too, so that a pipeline and its variants
share the store and all that the change does not touch.

    millrace run my.yaml --set dedup.threshold=.8 --set 'mixture={{a: 1, b: 3}}'
    millrace plan my.yaml --set sources.cc.files=3 --set evaluate.tasks.0.shots=5

`--until` and `--only` name a stage of docs/stages.md, for all that it is made of (`--until keep`), or for one source,
benchmark or model (`--until pretrain:small`). The report is built where neither is given, or by `--until report`.

`--json` prints one object on standard output, and nothing else there; its `version` grows when a key changes its
meaning or goes.

Commands, pipelines, stages and models are completed by the shell once `millrace --install-completion` was called.

This page is made from the command line by `python -m flows.commands`; edit flows/cli.py instead.
"""


def page() -> str:
    """The whole page, as Markdown."""
    commands = [one.callback for one in app.registered_commands]
    return "\n".join([HEAD, *(part for command in commands if command for part in _command(command))])


def _command(command: Callable[..., Any]) -> Iterator[str]:
    name = command.__name__.replace("_", "-")
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    arguments = [one for one in parameters if isinstance(_info(one), ArgumentInfo)]
    usage = " ".join(["millrace", name, *map(_argument, arguments)])
    yield f"## millrace {name}\n\n`{usage}`\n\n{_text(command.__doc__)}\n"
    yield "| | default | |\n|---|---|---|"
    for one in [*arguments, *(one for one in parameters if one not in arguments)]:
        shown = _argument(one) if one in arguments else _option(one)
        yield f"| `{escaped(shown)}` | {_default(one)} | {escaped(_text(_info(one).help))} |"
    yield ""


def _info(parameter: inspect.Parameter) -> Any:
    """What a parameter's annotation says to typer."""
    return next(one for one in get_args(parameter.annotation) if isinstance(one, ArgumentInfo | OptionInfo))


def _argument(parameter: inspect.Parameter) -> str:
    written = str(_info(parameter).metavar or parameter.name.upper())
    required = parameter.default is inspect.Parameter.empty
    return written if required or written.startswith("[") else f"[{written}]"


def _option(parameter: inspect.Parameter) -> str:
    info, kind = _info(parameter), get_args(parameter.annotation)[0]
    # In an annotation the first name stands where a default would.
    given = [one for one in (info.default, *(info.param_decls or ())) if isinstance(one, str)]
    names = ", ".join(given or [f"--{parameter.name.replace('_', '-')}"])
    if kind is bool:
        return names
    kinds = [one for one in get_args(kind) if one is not type(None)] if get_origin(kind) is UnionType else [kind]
    if get_origin(kind) is Literal:
        value = "|".join(get_args(kind))
    elif isinstance(kind, type) and issubclass(kind, StrEnum):
        value = "|".join(kind)
    else:
        value = info.metavar or WORDS.get(kinds[0], "TEXT")
    return f"{names} {value}"


def _default(parameter: inspect.Parameter) -> str:
    value = parameter.default
    if value is inspect.Parameter.empty:
        return "*required*"
    return "" if value is None or value is False else f"`{value}`"


def _text(text: str | None) -> str:
    return re.sub(r"[ \n]*\n[ \n]*", " ", inspect.cleandoc(text or ""))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
