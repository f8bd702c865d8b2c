"""Building an artifact: take the lease, look for the manifest, run the stage's function if there is none, seal.

The manifest alone decides whether a stage is cached; shards that a killed run finished are kept.
"""

import errno
import json
import platform
import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar, cast

from tasks.runtime import artifact as artifacts
from tasks.runtime import statistics
from tasks.runtime.artifact import RUN, Artifact, File, counted
from tasks.runtime.engine import Engine
from tasks.runtime.errors import REMEDIES, Failure, Mistake, of_system
from tasks.runtime.measure import Due, Member, measure_shard, member
from tasks.runtime.shards import Part, describe, make_shard
from tasks.runtime.stage import Stage, returned
from tasks.runtime.store import Lease, Store, write

S = TypeVar("S")
PARTS = "run.parts.json"  # how many shards the work has, while it goes on
PASSING = (errno.EIO, errno.ESTALE, errno.ENOTCONN)  # of a disk that may come back: Prefect tries such a stage again
SHARE = "run.share.json"  # of a measure made in another's reading: its share of the seconds


class Reporter(Protocol):
    """Whoever watches a run: the terminal, Prefect, or nobody.

    `compiling` is told of the run's kernels: modules compiled, of how many, and seconds since the first was begun.
    """

    def started(self, artifact: Artifact) -> None: ...
    def progress(self, artifact: Artifact, done: int, total: int, documents: int) -> None: ...
    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None: ...
    def compiling(self, done: int, total: int, seconds: float) -> None: ...
    def log(self, text: str) -> None: ...


class Silent:
    """A reporter that says nothing."""

    def started(self, artifact: Artifact) -> None: ...
    def progress(self, artifact: Artifact, done: int, total: int, documents: int) -> None: ...
    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None: ...
    def compiling(self, done: int, total: int, seconds: float) -> None: ...
    def log(self, text: str) -> None: ...


class Job:
    """What a stage's function is handed: the engine, where its files go, and a way to say how far it is."""

    def __init__(
        self,
        artifact: Artifact,
        what: Stage,
        engine: Engine,
        reporter: Reporter,
        lease: Lease,
        stop: threading.Event | None = None,
        beside: tuple[Due, ...] = (),
    ):
        self.beside = beside  # measures that are made in the same reading
        self.artifact, self.what, self.engine, self.reporter, self.lease = artifact, what, engine, reporter, lease
        self.stop = stop or threading.Event()  # set: end what runs beside us
        self.timing: dict[str, Any] = {}  # goes to run.json, outside of the artifact's bytes
        self.files: dict[str, File] = {}

    @property
    def store(self) -> Store:
        return self.artifact.store

    @property
    def workspace(self) -> Path:
        """A local folder that outlives a killed attempt and is gone once the artifact is sealed."""
        return self.store.workspace(self.artifact.label)

    def map(self, function: Callable[..., S], items: list[tuple[str, Any]], **arguments: Any) -> list[S]:
        """Run `function(out, item, **arguments)` for every (key, item); finished shards are not made again.

        Returns the shards' statistics in the items' order.
        """
        kind = cast(type[S], returned(function))
        call = partial(
            make_shard, function=function, artifact=self.artifact, arguments=arguments, declared=self.what.declared
        )
        parts = self._parts(call, items, [self.artifact])
        return [statistics.from_json(kind, part.statistics, self.artifact.label) for part in parts]

    def total(self, function: Callable[..., S], items: list[tuple[str, Any]], **arguments: Any) -> S:
        """`map`, and the sum of the statistics."""
        return statistics.total(cast(type[S], returned(function)), self.map(function, items, **arguments))

    def measure(self, documents: Artifact, **arguments: Any) -> Any:
        """The stage's `rows` over every shard of the documents, and over the same reading those of the measures beside.

        Returns the sum of its own statistics.
        """
        members: list[Member] = [member(self.artifact, self.what, arguments)]
        members += [member(due.artifact, due.what, due.arguments) for due in self.beside]
        items: list[tuple[str, Any]] = [(shard.key, shard) for shard in documents.shards()]
        parts = self._parts(partial(measure_shard, members=members), items, [one.artifact for one in members])
        kind = self.what.statistics
        return statistics.total(
            kind, [statistics.from_json(kind, part.statistics, self.artifact.label) for part in parts]
        )

    def _parts(
        self, call: Callable[[Any], Part], items: list[tuple[str, Any]], artifacts: list[Artifact]
    ) -> list[Part]:
        for one in artifacts:
            write(self.store, one.name_of(PARTS), json.dumps({"shards": len(items)}).encode(), replace=True)
        documents = 0

        def progress(done: int, total: int, part: Any) -> None:
            nonlocal documents
            count = part.statistics.get("documents", 0) if isinstance(part, Part) else 0
            documents += count if isinstance(count, int) else 0
            self.progress(done, total, documents)

        parts: list[Part] = self.engine.map(call, items, progress)
        for part in parts:
            self.files |= {file.file: file for file in part.files}
        return parts

    @contextmanager
    def publish(self, name: str) -> Iterator[IO[bytes]]:
        """A file of the artifact, by its name; it appears whole when the block ends."""
        with self.store.scratch() as scratch:
            path = scratch / Path(name).name
            with path.open("wb") as file:
                yield file
            self._publish(name, path)

    def put(self, name: str, path: Path) -> None:
        """A finished local file as a file of the artifact; it stays where it is."""
        import shutil

        with self.store.scratch() as scratch:
            copy = scratch / Path(name).name
            shutil.copyfile(path, copy)
            self._publish(name, copy)

    def _publish(self, name: str, path: Path) -> None:
        if counted(name):
            self.files[name] = describe(path, name)
        # An earlier attempt may have published it: the bytes are the same, but for run.*, whose newest count.
        self.store.publish(self.artifact.name_of(name), path, replace=True)

    def progress(self, done: int, total: int, documents: int = 0) -> None:
        self.reporter.progress(self.artifact, done, total, documents)

    def log(self, text: str) -> None:
        self.reporter.log(text)


def build(
    artifact: Artifact,
    what: Stage,
    arguments: dict[str, Any],
    engine: Engine,
    reporter: Reporter,
    stop: threading.Event | None = None,
    beside: tuple[Due, ...] = (),
) -> bool:
    """Make an artifact unless it is there. True if it was.

    `beside` are measures whose shards are made in the same reading; each is to be built itself thereafter.

    Raises:
        Mistake, Failure: as the stage raises them, with the stage's name before; a full disk is a Failure.
        Damaged: the artifact, or an input, is there and not as it was written.
    """
    with _sentences(artifact):
        if artifact.built:
            _ = artifact.manifest  # a damaged one is not taken for a cached stage
            artifact.store.clear(artifact.label)  # of a run that was killed after its last word
            reporter.finished(artifact, True, 0.0)
            return True
        with artifact.store.lease(artifact.label, reporter.log) as lease:
            if artifact.built:
                reporter.finished(artifact, True, 0.0)
                return True
            reporter.started(artifact)
            start = time.time()
            consumed = {used.label: _sound(used).content for used in inputs_of(arguments)}
            beside = tuple(due for due in beside if not due.artifact.built)
            if beside:
                names = " and ".join(due.what.name for due in beside)
                reporter.log(f"{what.name} of {artifact.name}: {names} made in the same reading")
            job = Job(artifact, what, engine, reporter, lease, stop, beside)
            counts = what.function(job, **arguments)
            seconds = time.time() - start
            trace = json.dumps(_trace(job, start, seconds), indent=1).encode()
            write(artifact.store, artifact.name_of(RUN), trace, replace=True)
            _drop_strangers(job)
            artifacts.seal(artifact, list(job.files.values()), statistics.to_json(counts), consumed)
            artifact.store.clear(artifact.label)
        reporter.finished(artifact, False, seconds)
        return False


def _sound(used: Artifact) -> Artifact:
    """An input whose manifest and listing are as they were written; its files are checked as they are read."""
    used.files()
    return used


def _drop_strangers(job: Job) -> None:
    """Remove what an earlier attempt published and this one did not (one of another version of the code)."""
    prefix = f"{job.artifact.label}/"
    for entry in job.store.list(job.artifact.label):
        name = entry.name.removeprefix(prefix)
        if counted(name) and name not in job.files:
            job.store.delete(entry.name)


def leaves(value: Any) -> Iterator[Any]:
    """What lists and dictionaries hold, however deep; another value is its own leaf."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value


def inputs_of(arguments: dict[str, Any]) -> Iterator[Artifact]:
    """The artifacts among a stage's arguments."""
    return (leaf for leaf in leaves(arguments) if isinstance(leaf, Artifact))


def _share(job: Job, seconds: float) -> float:
    """The seconds that are the measure's own: of a common reading equal parts, each told to whom it is of."""
    own = seconds / (1 + len(job.beside))
    for due in job.beside:
        share = json.dumps({"seconds": own, "with": job.artifact.label}).encode()
        write(job.store, due.artifact.name_of(SHARE), share, replace=True)
    try:
        return own + float(json.loads(job.store.read(job.artifact.name_of(SHARE)))["seconds"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # damaged: it stands outside of the checksums
        return own


def _trace(job: Job, start: float, seconds: float) -> dict[str, Any]:
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "started": round(start, 3),
        "seconds": round(_share(job, seconds), 3),
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
        if error.errno not in REMEDIES or error.errno in PASSING:
            raise
        told = of_system(error, artifact.where())
        raise Failure(f"stage {artifact.stage} of {artifact.name}: {told}") from error
