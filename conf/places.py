"""Paths and URLs as a pipeline writes them, made whole: `~`, `$HOME`, `${DATA}`, `${DATA:-default}`, and relative ones.

A relative path begins at the folder of the file that holds it, so that a pipeline means the same wherever one stands. A
URL, and what begins with {sample}, is left as it is. The folder is handed to the schema as validation's context: where
there is none (a part of a pipeline made in code) a path stays as written.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationInfo

URL = re.compile(
    r"[a-zA-Z][a-zA-Z0-9+.-]*:/"
)  # one slash too: `s3:/x` is told to be a mistyped URL, by whoever takes it
MADE = "{sample}"  # the demo's input: no folder of the user's
VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\}|(?P<plain>[A-Za-z_]\w*))")
FOLDER = "folder"  # of the context


def absolute(written: str, info: ValidationInfo) -> str:
    """A path with its variables replaced, from the root on; globs stay globs.

    ValueError where a variable is not set, the user has no home, or it can be no path.
    """
    if not written or "\0" in written:
        raise ValueError("the path is missing" if not written else "a path holds no zero byte")
    folder = (info.context or {}).get(FOLDER)
    if folder is None or URL.match(written) or written.startswith(MADE):
        return written
    path = expanded(written, os.environ)
    if URL.match(path):
        return path
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    return os.path.join(folder, path)  # noqa: PTH118 (Path would lose `**/`)


def expanded(written: str, environment: Mapping[str, str]) -> str:
    """The text with the environment's values in place of `$NAME`, `${NAME}` and `${NAME:-default}`, and a home for `~`.

    As in a shell the default also counts where the variable is empty. ValueError as `absolute` has it.
    """

    def value(found: re.Match[str]) -> str:
        name, default = found["braced"] or found["plain"], found["default"]
        if name in environment and (environment[name] or default is None):
            return environment[name]
        if default is None:
            raise ValueError(f"{found[0]}: {name} is not set in the environment; set it, or write ${{{name}:-a/path}}")
        return default

    path = VARIABLE.sub(value, written)
    if not path.startswith("~"):
        return path
    home = os.path.expanduser(path)  # noqa: PTH111 (Path would lose `**/`)
    if home.startswith("~"):
        raise ValueError(f"{path.partition('/')[0]}: there is no such home folder; write the path out")
    return home


def context(folder: Any) -> dict[str, Any]:
    """For validation: where relative paths begin."""
    return {FOLDER: str(folder)}
