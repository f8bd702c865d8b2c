"""A run: call it with a stage, a name and arguments, and it gives the artifact's handle, built where the run builds.

The same functions that read like the DAG (flows/dag) so serve `run` (building), `plan` and `status` (not), and Prefect
(`make` then hands `build` to a Prefect task).
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tasks.runtime.artifact import Artifact
from tasks.runtime.compiling import Compiling
from tasks.runtime.engine import Engine
from tasks.runtime.fingerprint import code_hashes, digest, libraries_of, versions
from tasks.runtime.job import Reporter, Silent, build, inputs_of, leaves
from tasks.runtime.measure import Due
from tasks.runtime.part import Part, placeless
from tasks.runtime.schedule import Schedule
from tasks.runtime.shards import FORMAT
from tasks.runtime.stage import Stage
from tasks.runtime.store import Store, store_at

Make = Callable[..., Artifact]  # (artifact, what, arguments, *measures that are due beside it)


class Group(NamedTuple):
    """Stages that a person would draw as one box: a source's corpus, the evaluation."""

    kind: str
    name: str  # "" where a pipeline has one of the kind


class Run:
    """See the module's head. Without an engine nothing is built; with a `part`, nothing that is outside of it.

    With `side_by_side`, at most so many stages that do not need each other are built at the same time, in threads, and
    `wait` is to be called; with 0 each is built as it is asked for.
    """

    def __init__(
        self,
        store: Store | Path | str,
        engine: Engine | None,
        reporter: Reporter | None = None,
        make: Make | None = None,
        side_by_side: int = 0,
        part: Part | None = None,
    ):
        self.store = store_at(str(store)) if isinstance(store, Path | str) else store
        self.engine, self.reporter = engine, reporter or Silent()
        self.make = make or self._make
        self.schedule = Schedule(side_by_side, self.reporter.log) if side_by_side else None
        self.part = part
        self.artifacts: list[Artifact] = []
        self.lists: dict[str, Any] = {}  # of files, by where each is kept, as they were given to stages
        self.stages: dict[str, Stage] = {}  # those met, by name
        self.groups: dict[str, Group] = {}  # of the artifacts that are in one, by label
        self.followed = threading.Event()  # set when the DAG is: nothing more will be asked for
        self._group: Group | None = None
        self._compiling = Compiling(self.reporter, engine.workers) if engine is not None else None

    @property
    def builds(self) -> bool:
        return self.engine is not None

    def wants(self, artifact: Artifact) -> bool:
        """Whether the run builds this artifact, if it is not there."""
        return self.builds and (self.part is None or self.part.holds(artifact))

    def wants_list(self, place: str) -> bool:
        """Whether a list of files is read by what the run builds."""
        return self.builds and (self.part is None or place not in self.part.idle_lists)

    def __call__(self, what: Stage, name: str, /, **arguments: Any) -> Artifact:
        return self._submit(self._due(what, name, arguments), set(), ())

    @contextmanager
    def group(self, kind: str, name: str = "") -> Iterator[None]:
        """What is asked for within belongs together; of groups within each other the inner one counts."""
        outer, self._group = self._group, Group(kind, name)
        try:
            yield
        finally:
            self._group = outer

    def together(self, name: str, asked: list[tuple[Stage, dict[str, Any]]]) -> list[Artifact]:
        """Measures of one source's documents, in one reading of those that are not there; in the order asked for.

        The first of them waits for the inputs of all and makes the others' shards; then come these. Measures that
        declare no `rows` read for themselves.
        """
        measures = [self._due(what, name, arguments) for what, arguments in asked]
        due = [one for one in measures if self.wants(one.artifact) and one.what.rows and not one.artifact.built]
        needs = {used.label for one in due for used in inputs_of(one.arguments)}
        made = []
        for one in measures:
            if due and one is due[0]:
                made.append(self._submit(one, needs, tuple(due[1:])))
            else:
                made.append(self._submit(one, {due[0].artifact.label} if one in due else set(), ()))
        return made

    def _due(self, what: Stage, name: str, arguments: dict[str, Any]) -> Due:
        artifact = handle(self.store, what, name, arguments)
        self.artifacts.append(artifact)
        self.stages[what.name] = what
        if self._group is not None:
            self.groups.setdefault(artifact.label, self._group)
        return Due(artifact, what, arguments)

    def _submit(self, one: Due, needs: set[str], beside: tuple[Due, ...]) -> Artifact:
        """Make it, now or once what it reads and what it `needs` besides is there."""
        if self.part is not None and not self.part.holds(one.artifact):
            return one.artifact
        if self.schedule is None or not self.builds:
            return self.make(one.artifact, one.what, one.arguments, *beside)
        needs = needs | {used.label for used in inputs_of(one.arguments)}
        make = partial(self.make, one.artifact, one.what, one.arguments, *beside)
        self.schedule.submit(one.artifact.label, needs, make)
        return one.artifact

    def wait(self) -> None:
        """Until everything asked for is built.

        Raises:
            what the first stage that failed raised; the others are stopped.
        """
        self.followed.set()
        if self.schedule is not None:
            self.schedule.wait()

    def close(self) -> None:
        """End what still runs, and the engine with it: that of a run that is given up, or is over."""
        if self.schedule is not None:
            self.schedule.stop.set()
        if self._compiling is not None:
            self._compiling.close()
        if self.engine is not None:
            self.engine.close()
        if self.schedule is not None:
            self.schedule.join()

    def _make(self, artifact: Artifact, what: Stage, arguments: dict[str, Any], *beside: Due) -> Artifact:
        if self.engine is not None:
            self.compile(artifact, what, *beside)
            build(artifact, what, arguments, self.engine, self.reporter, self.stop, beside)
        return artifact

    def compile(self, artifact: Artifact, what: Stage, *beside: Due) -> None:
        """Wait for the kernels of a stage that is not built yet, and have those of the rest compiled meanwhile.

        Raises:
            Failure: the run was given up meanwhile.
        """
        if self._compiling is not None and not artifact.built:
            rest = (one for one in list(self.artifacts) if self.wants(one) and one is not artifact)
            later = ((self.stages[one.stage], one.recipe["parameters"]) for one in rest if not one.built)
            own = [(each.what, each.artifact.recipe["parameters"]) for each in beside]
            self._compiling.ready([(what, artifact.recipe["parameters"]), *own], later)

    @property
    def stop(self) -> threading.Event | None:
        """Set when what runs is to end."""
        return self.schedule.stop if self.schedule is not None else None


def handle(store: Store | Path, what: Stage, name: str, arguments: dict[str, Any]) -> Artifact:
    """The inert handle of what a stage makes from these arguments."""
    store = store_at(str(store)) if isinstance(store, Path) else store
    inputs = {key: _labels(value) for key, value in arguments.items() if _is_input(value)}
    module = what.function.__module__
    recipe = {
        "stage": what.name,
        "name": name,
        "parameters": {
            key: placeless(value) for key, value in arguments.items() if key not in inputs and key not in what.judges
        },
        "inputs": inputs,
        "libraries": versions(what.libraries if what.version else libraries_of(module, what.libraries)),
        "code": {"version": what.version} if what.version else code_hashes(module),
        "format": FORMAT,
    }
    return Artifact(what.name, name, digest(recipe), store, recipe)


def _is_input(value: Any) -> bool:
    """Whether a value is an artifact, or lists and dictionaries of them and of nothing else.

    Empty ones alone count as values; the fingerprint is the same either way.
    """
    held = list(leaves(value))
    return bool(held) and all(isinstance(leaf, Artifact) for leaf in held)


def _labels(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _labels(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_labels(item) for item in value]
    return value.label


if sys.platform != "linux":  # flock, prctl and O_DIRECTORY are used as Linux has them
    raise ImportError("Millrace runs on Linux; on another system use a container or WSL")
