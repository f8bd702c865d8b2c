"""Which step of a model read which document: model/steps.py over the artifacts of a pipeline.

Indexes of token shards are read, and no tokens; a model need not be trained, only its mixture built.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model.config import Training
from model.steps import Reading, Steps
from tasks.models.loader import windows_of
from tasks.runtime.artifact import MANIFEST, Artifact, Shard, artifact_at
from tasks.runtime.shards import read
from tasks.runtime.stage import Place
from tasks.runtime.store import Damaged, Store
from tasks.sources.records import Record, records
from tasks.tokens.tokens import TokenShards

SHAPES_NO_BYTES = True
FIRST, LAST = 4, 2  # readings of a document that are listed, of many


def mixture_of(model: Artifact) -> Artifact:
    """The mixture that a model, built or not, is trained on. `model` is a run's handle, which has its recipe."""
    return artifact_at(model.recipe["inputs"]["mixture"], model.store)


def begins_with(model: Artifact) -> str | None:
    """The sentence on a model that goes on from another, whose steps are told beside its own; None of others."""
    start = model.recipe["inputs"].get("start")
    return None if start is None else f"{model.name}: begins with the weights of {start}, and with what those learned"


@contextmanager
def steps_of(model: Artifact) -> Iterator[Steps]:
    """A model's reading of its mixture.

    Raises:
        Failure: the mixture is not built, or its tokens are not as it says.
    """
    training = Training(**model.recipe["parameters"]["training"])
    architecture = model.recipe["parameters"]["architecture"]
    with windows_of(mixture_of(model), architecture["context"], architecture["vocabulary"], training.seed) as windows:
        skipped = [step for spike in passed_over(model) for step in range(spike["first"], spike["last"] + 1)]
        yield Steps(windows, training, skipped)


def passed_over(model: Artifact) -> list[dict[str, Any]]:
    """The spikes whose steps a trained model passed over: `first` and `last` of each, and the `reason`."""
    from tasks.models.pretrain import skipped_of  # which tells of its steps by this module

    return skipped_of(model) if model.built else []


@dataclass(frozen=True)
class Index:
    """The train stream of a token shard, in its order: ids of documents (pieces), and where each begins and ends."""

    ids: pa.ChunkedArray
    start: np.ndarray
    stop: np.ndarray

    def overlapping(self, start: int, stop: int) -> range:
        """The documents that have tokens in start ... stop - 1."""
        return range(
            int(np.searchsorted(self.stop, start, side="right")), int(np.searchsorted(self.start, stop, side="left"))
        )


@lru_cache(maxsize=64)
def index_of(tokens: Artifact, key: str) -> Index:
    """Raises Damaged where there is no such shard."""
    table = read(_shard(tokens, key), ["id", "split", "start", "tokens"])
    table = table.filter(pc.equal(table.column("split"), "train")).sort_by("start")
    start = table.column("start").to_numpy()
    return Index(table.column("id"), start, start + table.column("tokens").to_numpy())


def train_file(tokens: Artifact, key: str) -> str:
    """The name below the store of a shard's train stream."""
    return next(tokens.name_of(name) for name in _train_files(tokens) if name.partition(".")[0] == key)


@lru_cache(maxsize=64)
def _train_files(tokens: Artifact) -> list[str]:
    return TokenShards.of(tokens).files("train")


@dataclass(frozen=True)
class Written:
    """A document, or a piece of one, in a token shard; `tokens` count its end."""

    id: str
    split: str
    tokens: int


def written(tokens: Artifact, key: str, document: str) -> list[Written]:
    """A document of a shard's, or its pieces, as they were written; none where it is not in the corpus."""
    table = _written(tokens, key)
    here = table.filter(_of(table.column("id"), document))
    return [Written(row["id"], row["split"], row["tokens"]) for row in here.to_pylist()]


@lru_cache(maxsize=8)
def _written(tokens: Artifact, key: str) -> pa.Table:
    return read(_shard(tokens, key), ["id", "split", "tokens"])


def _shard(tokens: Artifact, key: str) -> Shard:
    return Shard(tokens.store, tokens.label, key, tokens.file(f"{key}.parquet"))


def _of(ids: pa.ChunkedArray, document: str) -> pa.ChunkedArray:
    return pc.or_(pc.equal(ids, document), pc.starts_with(ids, f"{document}#"))


def other_models(store: Store, stage: str, known: Collection[str]) -> list[Artifact]:
    """Models of a store that are built and not among the `known` labels: of other pipelines, or of earlier runs.

    `stage` is that of models. One whose manifest is damaged is left out: `millrace verify` is who tells of it.
    """
    found = []
    for entry in store.list(stage):
        label, _, file = entry.name.rpartition("/")
        if file == MANIFEST and label not in known:
            model = artifact_at(label, store)
            with suppress(Damaged):
                found.append(Artifact(model.stage, model.name, model.fingerprint, store, model.manifest))
    return sorted(found, key=lambda model: model.label)


# ---- a step's documents


@dataclass(frozen=True)
class Passage:
    """What a window holds of a document (or a piece of one): `tokens` of it from token `at` of the window on, which are
    those from `start` on of the document's `of`."""

    id: str
    at: int
    start: int
    tokens: int
    of: int
    record: Record


@dataclass(frozen=True)
class Read:
    """A window of a step: its number in the training, group, epoch, place in the group's stream, and its passages."""

    i: int
    group: str
    epoch: int
    place: int
    passages: list[Passage]


def windows_read(steps: Steps, step: int, model: Artifact) -> Iterator[Read]:
    """The windows of a step, in order.

    Raises:
        ValueError: the training has no such step.
    """
    known: dict[tuple[str, str], dict[str, Record]] = {}
    numbers = steps.updates.of(step)
    found = [(i, [_met(model, span.file, span.start, span.stop, span.at) for span in steps.spans(i)]) for i in numbers]
    wanted: dict[tuple[str, str], set[str]] = {}
    for _, parts in found:
        for part in parts:
            for tokens, key, passage in part:
                wanted.setdefault((tokens.label, key), set()).add(document_of(passage[0]))
    for (label, key), ids in wanted.items():
        known[label, key] = _records(artifact_at(label, model.store), key, ids)
    for i, parts in found:
        group, epoch, place = steps.windows.where(i)
        passages = [
            Passage(*passage, known[tokens.label, key][document_of(passage[0])])
            for part in parts
            for tokens, key, passage in part
        ]
        yield Read(i, steps.windows.groups[group].name, epoch, place, passages)


Met = tuple[Artifact, str, tuple[str, int, int, int, int]]  # tokens, a shard's key, and the beginning of a Passage


def _met(model: Artifact, file: str, start: int, stop: int, at: int) -> list[Met]:
    label, _, name = file.rpartition("/")
    tokens, key = artifact_at(label, model.store), name.partition(".")[0]
    index = index_of(tokens, key)
    met = []
    for row in index.overlapping(start, stop):
        begins, ends = int(index.start[row]), int(index.stop[row])
        first, last = max(start, begins), min(stop, ends)
        passage = (index.ids[row].as_py(), at + first - start, first - begins, last - first, ends - begins)
        met.append((tokens, key, passage))
    return met


def _records(tokens: Artifact, key: str, ids: set[str]) -> dict[str, Record]:
    documents = artifact_at(tokens.manifest["inputs"]["documents"], tokens.store)
    shard = next(shard for shard in documents.shards() if shard.key == key)
    return {record.id: record for record in records(documents, shard, ids)}


def document_of(id: str) -> str:
    """The document that a piece `<id>#<n>` is of."""
    return id.partition("#")[0]


# ---- a document's steps


def readings_of(steps: Steps, tokens: Artifact, key: str, document: str) -> list[tuple[str, Reading]]:
    """(piece, reading) of all readings of a document of a shard's, in the order of the training."""
    index, file = index_of(tokens, key), train_file(tokens, key)
    rows = pc.indices_nonzero(_of(index.ids, document))
    found = [
        (index.ids[row].as_py(), reading)
        for row in rows.to_pylist()
        for reading in steps.readings(file, int(index.start[row]), int(index.stop[row]))
    ]
    return sorted(found, key=lambda each: (each[1].i, each[1].at))


def tell_steps(model: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """The steps of a model, trained or not, that read a document; nothing of a labelled record (tuned_steps.py)."""
    if ("labelled", place.source) in others:
        return
    if begins := begins_with(model):
        yield begins
    mixture = mixture_of(model)
    if not mixture.built:
        yield f"{model.name}: not built, nor its mixture"
        return
    tokens = artifact_at(mixture.manifest["inputs"]["tokens"][place.source], model.store)
    with steps_of(model) as steps:
        found = readings_of(steps, tokens, place.shard.key, place.id)
    future = "" if model.built else "; it is not trained yet"
    if not found:
        yield f"{model.name}: no step of {steps.updates.count:,} reads it{future}"
        return
    numbers = {reading.step for _, reading in found}
    yield (
        f"{model.name}: {len(numbers):,} of {steps.updates.count:,} steps read it, in "
        f"{len({reading.i for _, reading in found}):,} windows{future}"
    )
    listed = found if len(found) <= FIRST + LAST else [*found[:FIRST], None, *found[-LAST:]]
    for each in listed:
        if each is None:
            yield f"{model.name}: ... and {len(found) - FIRST - LAST:,} more readings ..."
            continue
        id, reading = each
        yield (
            f"{model.name}: step {reading.step:,}, window {reading.i:,}, epoch {reading.epoch}: {reading.tokens:,} "
            f"tokens, from {reading.at:,} of the window" + (f" ({id})" if id != place.id else "")
        )
