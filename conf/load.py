"""Find a pipeline's YAML, and read it.

A pipeline is named by its path, or else by the name of one that Millrace brings along: `demo` and `conf/demo.yaml` are
the packaged demo wherever the working directory holds no such file. Relative paths in it begin at its folder; in one
that Millrace brings along, where one runs, since nobody keeps a store within an installed package.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conf.months import unfolded
from conf.pipeline import Pipeline
from conf.reading import read
from conf.spelling import did_you_mean
from tasks.runtime.errors import Mistake

PACKAGED = Path(__file__).parent


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
        f"(there are {', '.join(packaged)}){did_you_mean(path.stem, packaged)}"
    )


def declared(path: Path, settings: Mapping[str, Any] | None = None) -> Pipeline:
    """The pipeline as a file says it: a source whose crawl is `latest` is still one.

    Raises:
        Mistake: as `load`.
    """
    return read(path, Pipeline, "a pipeline such as conf/demo.yaml", folder_of(path), settings, title=path.stem)


def load(conf: Path | str, settings: Mapping[str, Any] | None = None) -> Pipeline:
    """The pipeline in a YAML file, which `find` finds; with a source for each crawl that was taken (conf/months.py).

    `settings` are values by dotted keys, in place of the file's.

    Raises:
        Mistake: the file is absent, is not YAML, or says something that cannot be; every fault with its line.
    """
    path = find(conf)
    pipeline = unfolded(declared(path, settings), path)
    pipeline.retracted()  # what is wrong with the list is told before anything runs
    return pipeline


def folder_of(path: Path) -> Path:
    """Where relative paths in a pipeline's file begin."""
    folder = path.absolute().parent
    return Path.cwd() if folder.resolve() == PACKAGED.resolve() else folder
