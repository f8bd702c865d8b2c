"""One reading of a shard for all measures that are due: each takes the same batches and writes its own file.

A measure that can share says how in a class (`@stage(..., rows=Scoring)`), and its function is `job.measure(documents,
...)`. When several of a source are due (`Run.together`), the first that is built makes the others' shards, too; their
own builds find these finished, as after a kill, and seal them. So there are as many artifacts, fingerprints and tasks
as measures, a measure that is due alone is made by the same code, and the bytes are the same either way.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

import pyarrow as pa

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.shards import Declared, Output, Part, batches, finished
from tasks.runtime.stage import Stage


class Rows(Protocol):
    """What a measure makes of one shard's rows. Made in the worker, from the stage's arguments without `documents`.

    `shared` is a dictionary of all measures of the reading, by which one uses what another has made of a batch.
    """

    def __init__(self, out: Output, shard: Shard, shared: dict[str, Any], **arguments: Any): ...

    def take(self, text: pa.Array) -> None:
        """The next rows, large_string; first an empty array, so that a shard without rows has its column, too."""
        ...

    def counts(self) -> Any:
        """The shard's statistics; called once, after the last rows."""
        ...


@dataclass(frozen=True)
class Due:
    """A measure that is asked for and not yet made."""

    artifact: Artifact
    what: Stage
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Member:
    """A measure of a reading, as the worker gets it."""

    artifact: Artifact
    rows: type[Rows]
    declared: Declared
    arguments: dict[str, Any]


def member(artifact: Artifact, what: Stage, arguments: dict[str, Any]) -> Member:
    assert what.rows is not None, f"{what.name} declares no rows"
    own = {key: value for key, value in arguments.items() if key != "documents"}
    return Member(artifact, what.rows, what.declared, own)


def measure_shard(task: tuple[str, Shard], *, members: list[Member]) -> Part:
    """Make what is not there of the members' files for a shard; answers the first member's. Runs in a worker."""
    key, shard = task
    parts = {one.artifact.label: finished(one.artifact, key) for one in members}
    due = [one for one in members if parts[one.artifact.label] is None]
    with ExitStack() as open_files:
        outs, measures = [], []
        shared: dict[str, Any] = {}
        for one in due:
            out = Output(one.artifact, key, open_files.enter_context(one.artifact.store.scratch()), one.declared)
            open_files.callback(out.close)
            outs.append(out)
            measures.append(one.rows(out, shard, shared, **one.arguments))
        for text in _texts(shard) if due else ():
            for one, rows in zip(due, measures, strict=True):
                try:
                    rows.take(text)
                except (Mistake, Failure) as error:
                    if one is not members[0]:
                        error.args = (f"{one.artifact.stage}, made in the same reading: {error}",)
                    raise
        for one, out, rows in zip(due, outs, measures, strict=True):
            parts[one.artifact.label] = out.finish(rows.counts())
    part = parts[members[0].artifact.label]
    assert part is not None
    return part


def _texts(shard: Shard) -> Iterable[pa.Array]:
    nothing = pa.array([], pa.large_string())
    return chain([nothing], (batch.column("text") for batch in batches(shard, ["text"])))
