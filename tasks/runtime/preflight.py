"""Whether a worker on another machine sees what this process sees. Imports nothing that a worker may lack.

Each Python worker of a cluster asks once, before its first task: also one whose executor joined an hour after the
start.
"""

import hashlib
import importlib.metadata
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from tasks.runtime.errors import Mistake

PACKAGES = ("conf", "flows", "model", "tasks")  # what executors get of us
LIBRARIES = ("numba", "numpy", "pyarrow")  # whose versions bytes may depend on
REMEDY = "every executor must reach it: a folder mounted at the same path on all hosts, or an object store"
passed: set[str] = set()  # checks that this process has passed


@dataclass(frozen=True)
class Check:
    """What the driver has and sees; called on a worker, it compares."""

    probe: Callable[[], dict[str, Any]] | None
    have: dict[str, str]
    see: dict[str, Any]
    name: str  # of this check: a worker process passes it once

    def __call__(self) -> None:
        """Compare.

        Raises:
            Mistake: this machine has other versions or code, or sees something else; it names the host.
        """
        if self.name in passed:
            return
        host = platform.node()
        for what, ours in self.have.items():
            theirs = surroundings().get(what)
            if theirs != ours:
                raise Mistake(
                    f"the Spark executor on {host} has {what} {theirs}, and the driver {ours}: give both the same "
                    "Python environment (spark.pyspark.python, PYSPARK_PYTHON or one image) and no other Millrace"
                )
        try:
            seen = self.probe() if self.probe else {}
        except Exception as error:  # whatever keeps it from seeing the store
            raise Mistake(
                f"the Spark executor on {host} does not see the store ({type(error).__name__}: {error}): {REMEDY}"
            ) from error
        for what in sorted({*self.see, *seen}):
            if seen.get(what) != self.see.get(what):
                raise Mistake(
                    f"the Spark executor on {host} does not see the driver's store ({what} is {seen.get(what)!r} "
                    f"there and {self.see.get(what)!r} here): {REMEDY}"
                )
        passed.add(self.name)


@cache
def surroundings() -> dict[str, str]:
    """Versions that must be alike, and the hash of our code."""

    def version(of: str) -> str:
        try:
            return importlib.metadata.version(of)
        except importlib.metadata.PackageNotFoundError:
            return "absent"

    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python, **{name: version(name) for name in LIBRARIES}, "Millrace's code": code()}


def code() -> str:
    """16 hex digits of all our modules as they would be imported here, from a folder or a zip."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for name, module in sorted(_modules(files(package), package)):
            content = module.read_bytes()
            digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _modules(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        path = f"{name}/{entry.name}"
        if entry.is_dir():
            yield from _modules(entry, path)
        elif entry.name.endswith(".py"):
            yield path, entry
