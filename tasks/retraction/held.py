"""What holds documents of a corpus beside their source: token shards, and the models whose steps read them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tasks.models.steps import Written, mixture_of, readings_of, steps_of, written
from tasks.retraction.difference import Change
from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.errors import Failure

SHAPES_NO_BYTES = True


@dataclass(frozen=True)
class Readings:
    """Of one document by one model: in how many steps and windows, how many of its tokens (those of all readings
    together), and the first and the last step."""

    steps: int
    windows: int
    tokens: int
    first: int
    last: int


@dataclass(frozen=True)
class Reader:
    """A model that reads tokens: what it reads of each document, by id, and of all of them together.

    `untold`: why nothing can be said of it; "" where it can. `start`: the model whose weights it began with, and what
    that one read with them; "" where it began with none.
    """

    label: str
    name: str
    trained: bool
    of: int = 0  # steps of its training
    steps: int = 0  # those of them that read any of the documents
    windows: int = 0
    documents: dict[str, Readings] = field(default_factory=dict)
    untold: str = ""
    start: str = ""


def tokens_written(tokens: Artifact, documents: Sequence[Change]) -> dict[str, list[Written]]:
    """By id the pieces of a source's documents in its token shards; nothing where there are none yet."""
    if not tokens.built:
        return {}
    return {each.id: found for each in documents if (found := written(tokens, each.key, each.id))}


def reader(model: Artifact, documents: Sequence[Change], ingested: dict[str, Artifact]) -> Reader:
    """What a model read, or would read, of these documents. `ingested`: the sources that they are of."""
    about = model.label, model.name, model.built
    start = model.recipe["inputs"].get("start", "")
    try:
        if not (mixture := mixture_of(model)).built:
            return Reader(*about, untold="its mixture is not built", start=start)
        found: dict[str, Readings] = {}
        steps_met: set[int] = set()
        windows_met: set[int] = set()
        with steps_of(model) as steps:
            of_source = {
                name: artifact_at(label, model.store) for name, label in mixture.manifest["inputs"]["tokens"].items()
            }
            for each in documents:
                if each.source not in of_source:
                    continue
                tokens = of_source[each.source]
                # Made of another reading of the source, a document may lie in another shard there.
                same = tokens.manifest["inputs"]["documents"] == ingested[each.source].label
                keys = [each.key] if same else [shard.key for shard in tokens.shards()]
                readings = [reading for key in keys for _, reading in readings_of(steps, tokens, key, each.id)]
                if readings:
                    numbers, windows = {each.step for each in readings}, {each.i for each in readings}
                    total = sum(reading.tokens for reading in readings)
                    found[each.id] = Readings(len(numbers), len(windows), total, min(numbers), max(numbers))
                    steps_met |= numbers
                    windows_met |= windows
            return Reader(*about, steps.updates.count, len(steps_met), len(windows_met), found, start=start)
    except (Failure, KeyError, TypeError) as error:  # tokens that are gone; a recipe of an earlier version's keys
        return Reader(*about, untold=str(error).partition("\n")[0] or type(error).__name__, start=start)
