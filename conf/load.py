"""Find a pipeline's YAML, and read it.

A pipeline is named by its path, or else by the name of one that Millrace brings along: `demo` and `conf/demo.yaml` are
the packaged demo wherever the working directory holds no such file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conf.pipeline import Pipeline
from conf.reading import read
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
        f"(there are {', '.join(packaged)})"
    )


def load(conf: Path | str, settings: Mapping[str, Any] | None = None) -> Pipeline:
    """The pipeline in a YAML file, which `find` finds; `settings` are values by dotted keys, in place of the file's.

    Raises:
        Mistake: the file is absent, is not YAML, or says something that cannot be; every fault with its line.
    """
    path = find(conf)
    pipeline = read(path, Pipeline, "a pipeline such as conf/demo.yaml", title=path.stem, settings=settings)
    if pipeline.without is not None:
        pipeline = pipeline.model_copy(update={"without": str(path.parent.absolute() / pipeline.without)})
        pipeline.retracted()  # what is wrong with the list is told before anything runs
    return pipeline
