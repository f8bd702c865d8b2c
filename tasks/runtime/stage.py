"""A stage: a pure function of input artifacts and parameters that makes one artifact.

`@stage("score")` above a function makes it a Stage; calling a `Run` with it makes an inert handle whose fingerprint
says all that went into it, and, where the run builds, makes the artifact: take the lease, look for the manifest,
run the function if there is none, seal. The manifest alone decides whether a stage is cached; shards that a killed run
finished are kept.

    @stage("score", libraries=("numpy",))
    def score(job: Job, *, documents: Artifact, classifier: Artifact) -> dict: ...

    run = Run(store, engine, building=True)
    scores = run(score, "cc", documents=documents, classifier=classifier)
"""

import errno
import json
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol

from tasks.runtime import store
from tasks.runtime.engine import Engine
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.fingerprint import code_hash, digest, versions
from tasks.runtime.shards import FORMAT, Output, make_shard
from tasks.runtime.store import Artifact, Shard, publish

__all__ = ["Artifact", "Job", "Output", "Run", "Shard", "Stage", "stage"]


@dataclass(frozen=True)
class Stage:
    """A stage's name, its function, and what of its surroundings enters the fingerprint."""

    name: str
    function: Callable[..., dict[str, Any]]
    libraries: tuple[str, ...]
    version: str | None  # a number by hand instead of the code's hash (pretrain)
    judges: tuple[str, ...]  # parameters that may stop the stage and never change a byte: not in the fingerprint


def stage(
    name: str, libraries: tuple[str, ...] = (), version: str | None = None, judges: tuple[str, ...] = ()
) -> Callable[[Callable[..., dict]], Stage]:
    """Make a function `(job, *, inputs and parameters) -> statistics` a stage."""
    return lambda function: Stage(name, function, libraries, version, judges)


class Reporter(Protocol):
    """Whoever watches a run: the terminal, Prefect, or nobody."""

    def started(self, artifact: Artifact) -> None: ...
    def progress(self, artifact: Artifact, done: int, total: int, documents: int) -> None: ...
    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None: ...
    def log(self, text: str) -> None: ...


class Silent:
    """A reporter that says nothing."""

    def started(self, artifact: Artifact) -> None: ...
    def progress(self, artifact: Artifact, done: int, total: int, documents: int) -> None: ...
    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None: ...
    def log(self, text: str) -> None: ...


class Job:
    """What a stage's function is handed: its folder, the engine, and a way to say how far it is."""

    def __init__(self, artifact: Artifact, root: Path, engine: Engine, reporter: Reporter, lease: int):
        self.artifact, self.root, self.engine, self.reporter = artifact, root, engine, reporter
        self.lease = lease  # the lease's descriptor, for a process that may outlive this one
        self.folder = artifact.folder
        self.timing: dict[str, Any] = {}  # goes to run.json, outside of the artifact's bytes
        self.described: list[dict[str, Any]] = []

    def map(
        self, function: Callable[..., dict], items: list[tuple[str, Any]], **arguments: Any
    ) -> list[dict[str, Any]]:
        """Run `function(out, item, **arguments)` for every (key, item); finished shards are not made again.

        Returns the shards' statistics in the items' order.
        """
        (self.folder / "run.parts.json").write_text(json.dumps({"shards": len(items)}))
        documents = 0

        def progress(done: int, total: int, part: dict[str, Any]) -> None:
            nonlocal documents
            count = part.get("statistics", {}).get("documents", 0)
            documents += count if isinstance(count, int) else 0
            self.progress(done, total, documents)

        call = partial(make_shard, function=function, folder=self.folder, arguments=arguments)
        parts = self.engine.map(call, items, progress)
        for part in parts:
            self.described.extend(part["files"])
        return [part["statistics"] for part in parts]

    def publish(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file of the artifact, by its name in the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return publish(path)

    def progress(self, done: int, total: int, documents: int = 0) -> None:
        self.reporter.progress(self.artifact, done, total, documents)

    def log(self, text: str) -> None:
        self.reporter.log(text)


def build(
    artifact: Artifact, what: Stage, arguments: dict[str, Any], root: Path, engine: Engine, reporter: Reporter
) -> bool:
    """Make an artifact unless it is there. True if it was.

    Raises:
        Mistake, Failure: as the stage raises them, with the stage's name before; a full disk is a Failure.
    """
    if artifact.built:
        reporter.finished(artifact, True, 0.0)
        return True
    with _sentences(artifact), store.lease(artifact.folder, reporter.log) as held:
        if artifact.built:
            reporter.finished(artifact, True, 0.0)
            return True
        reporter.started(artifact)
        start = time.time()
        artifact.folder.mkdir(parents=True, exist_ok=True)
        for left in artifact.folder.rglob(".*.tmp"):
            left.unlink()
        job = Job(artifact, root, engine, reporter, held)
        statistics = what.function(job, **arguments)
        seconds = time.time() - start
        with publish(artifact.folder / store.RUN) as file:
            file.write(json.dumps(_trace(job, start, seconds), indent=1).encode())
        store.seal(artifact, job.described, statistics)
        reporter.finished(artifact, False, seconds)
        return False


def _trace(job: Job, start: float, seconds: float) -> dict[str, Any]:
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "started": round(start, 3),
        "seconds": round(seconds, 3),
        "workers": job.engine.workers,
        "host": platform.node(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "peak_bytes": peak * 1024,  # ru_maxrss is in KiB on Linux
        "timing": job.timing,
    }


@contextmanager
def _sentences(artifact: Artifact) -> Iterator[None]:
    """Put the stage's name before sentences of ours; make a sentence of what the operating system says of disks."""
    try:
        yield
    except (Mistake, Failure) as error:
        error.args = (f"stage {artifact.stage} of {artifact.name}: {error}",)
        raise
    except OSError as error:
        remedies = {
            errno.ENOSPC: "the disk is full; make room and run again: finished work is kept",
            errno.EDQUOT: "the disk quota is used up; make room and run again: finished work is kept",
            errno.EFBIG: "a file grew past the allowed size; raise the limit (ulimit -f) and run again",
            errno.EACCES: "permission denied; make the store writable and run again",
            errno.EROFS: "the file system is read-only; give `store:` another folder",
        }
        remedy = remedies.get(error.errno or 0)
        if remedy is None:
            raise
        raise Failure(
            f"stage {artifact.stage} of {artifact.name}: {error.filename or artifact.folder}: {remedy}"
        ) from error


class Run:
    """Call it with a stage, a name and arguments: it gives the artifact's handle, built where the run builds.

    The same function that reads like the DAG (flows/dag.py) so serves `run` (building), `plan` and `status` (not), and
    Prefect (`make` then hands `build` to a Prefect task).
    """

    def __init__(
        self,
        root: Path,
        engine: Engine | None,
        reporter: Reporter | None = None,
        make: Callable[[Artifact, Stage, dict[str, Any]], Artifact] | None = None,
    ):
        self.root, self.engine, self.reporter = root, engine, reporter or Silent()
        self.make = make or self._make
        self.artifacts: list[Artifact] = []

    def __call__(self, what: Stage, name: str, /, **arguments: Any) -> Artifact:
        artifact = handle(self.root, what, name, arguments)
        self.artifacts.append(artifact)
        return self.make(artifact, what, arguments)

    def _make(self, artifact: Artifact, what: Stage, arguments: dict[str, Any]) -> Artifact:
        if self.engine is not None:
            build(artifact, what, arguments, self.root, self.engine, self.reporter)
        return artifact


def handle(root: Path, what: Stage, name: str, arguments: dict[str, Any]) -> Artifact:
    """The inert handle of what a stage makes from these arguments."""
    inputs = {key: _labels(value) for key, value in arguments.items() if _is_input(value)}
    recipe = {
        "stage": what.name,
        "name": name,
        "parameters": {key: value for key, value in arguments.items() if key not in inputs and key not in what.judges},
        "inputs": inputs,
        "libraries": versions(what.libraries),
        "code": what.version or code_hash(what.function.__module__),
        "format": FORMAT,
    }
    fingerprint = digest(recipe)
    return Artifact(what.name, name, fingerprint, root / what.name / f"{name}-{fingerprint}", recipe)


def _is_input(value: Any) -> bool:
    if isinstance(value, Artifact):
        return True
    if isinstance(value, dict):
        value = list(value.values())
    # An empty list of artifacts and an empty list of values have the same fingerprint either way.
    return isinstance(value, list) and bool(value) and all(isinstance(item, Artifact) for item in value)


def _labels(value: Any) -> Any:
    if isinstance(value, Artifact):
        return value.label
    if isinstance(value, dict):
        return {key: item.label for key, item in value.items()}
    return [item.label for item in value]


if sys.platform != "linux":  # flock, prctl and O_DIRECTORY are used as Linux has them
    raise ImportError("Millrace runs on Linux; on another system use a container or WSL")
