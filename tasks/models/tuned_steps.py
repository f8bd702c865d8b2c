"""Which step of a model that learns from examples reads which record, and the other way round.

As of windows (steps.py) both are arithmetic on examples, seed and configuration: a model need not be trained, only its
examples made. Of examples their rows are read, and no tokens.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from model.config import Training, Updates
from model.examples import Examples
from model.files import Unreachable
from model.files import store_at as files_at
from model.presets import over_epochs
from model.steps import unpermute
from tasks.examples.names import said
from tasks.models.loader import reading
from tasks.models.steps import FIRST, LAST, passed_over
from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.errors import Failure
from tasks.runtime.shards import read
from tasks.runtime.stage import Place
from tasks.sources.origins import origins_of

SHAPES_NO_BYTES = True


def examples_of(model: Artifact) -> Artifact:
    """The examples that a model, built or not, learns from. `model` is a run's handle, which has its recipe."""
    return artifact_at(model.recipe["inputs"]["examples"], model.store)


@dataclass(frozen=True)
class Read:
    """An example of a step: its number in the training, its epoch, its number among the examples of train, and its
    record's id."""

    i: int
    epoch: int
    number: int
    id: str


class TunedSteps:
    """The reading of a model's examples, forwards and backwards."""

    def __init__(self, examples: Examples, training: Training) -> None:
        self.examples, self.updates = examples, Updates(training, examples.context)

    def of(self, step: int) -> list[Read]:
        """What a step reads, in its order. ValueError where the training has no such step."""
        found = []
        for i in self.updates.of(step):
            _, epoch, number = self.examples.where(i)
            found.append(Read(i, epoch, number, self.examples.ids[number]))
        return found

    def reading(self, record: str) -> list[tuple[int, Read]]:
        """(step, example) of each time that a record is read, in the order of the training; none of one that is held
        out, or of which no example was made."""
        count, found = len(self.examples), []
        for number in (n for n, id in enumerate(self.examples.ids) if id == record):
            for epoch in range(-(-self.updates.windows // count)):
                i = epoch * count + unpermute(number, count, self.examples.key(epoch))
                if i < self.updates.windows:
                    found.append((self.updates.step(i), Read(i, epoch, number, record)))
        return sorted(found, key=lambda each: each[1].i)


@contextmanager
def tuned_steps_of(model: Artifact) -> Iterator[TunedSteps]:
    """A model's reading of its examples, which are there.

    Raises:
        Failure: they are not as they say.
    """
    told, how = model.recipe["parameters"], reading(model.store)
    try:
        files = files_at(how["store"], Path(how.get("cache", "")), how.get("cache_bytes", 0))
        budget = told["training"]
        examples = Examples(files, examples_of(model).label, "train", budget["seed"])
        if told["epochs"] is not None:
            budget = over_epochs(budget, told["epochs"], len(examples))
        yield TunedSteps(examples, Training(**budget))
    except (ValueError, Unreachable) as error:
        raise Failure(str(error)) from error


def places_of(examples: Artifact, ids: list[str]) -> dict[str, str]:
    """`line 12 of nli.jsonl`, by a record's id."""
    records = artifact_at(examples.manifest["inputs"]["records"], examples.store)
    found: dict[str, str] = {}
    for shard in records.shards():
        table = read(shard, ["id", "line"])
        rows = pc.indices_nonzero(pc.is_in(table.column("id"), pa.array(ids, pa.string())))
        if len(rows):
            files = origins_of(records, shard, ["file"]).column("file").take(rows).to_pylist()
            for file, row in zip(files, table.take(rows).to_pylist(), strict=True):
                found[row["id"]] = f"{said(file, row['line'])} of {file}"
    return found


def tell_tuned(model: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """The steps of a model, trained or not, that read a labelled record; nothing of what is none of its records."""
    examples = examples_of(model)
    if examples.name != place.source:
        return
    if not examples.built:
        yield f"{model.name}: not built, nor its examples"
        return
    with tuned_steps_of(model) as steps:
        found, count = steps.reading(place.id), steps.updates.count
    passed = {n for spike in passed_over(model) for n in range(spike["first"], spike["last"] + 1)}
    found = [(step, each) for step, each in found if step not in passed]
    future = "" if model.built else "; it is not trained yet"
    if not found:
        yield f"{model.name}: no step of {count:,} reads it{future}"
        return
    yield f"{model.name}: {len({step for step, _ in found}):,} of {count:,} steps read it{future}"
    for place_in, (step, each) in enumerate(found):
        if place_in < FIRST or place_in >= len(found) - LAST:
            yield f"{model.name}: step {step:,}, epoch {each.epoch}, as example {each.i:,} of the training"
        elif place_in == FIRST:
            yield f"{model.name}: ... and {len(found) - FIRST - LAST:,} more readings ..."
