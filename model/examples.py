"""Example shards, read: labelled text as padded batches, a pure function of (seed, i), and in the files' order.

An `examples` folder holds token shards (model/token_shards.py) whose streams `tokens`, `loss_mask` and `segment` are
sequences, one behind another; <key>.parquet has a row a sequence: id, split, example (its number in shard and split),
row (which of the example's sequences: two orders, K answers), start, tokens, label. examples.json names all of it.

An example is a row of the training. Row i is of epoch i // n; the examples of an epoch are permuted by its own key, so
that each is read once an epoch, and what is read at i depends on nothing but (seed, i). numpy, and pyarrow for rows.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.files import REMEDY, Bucket, Folder
from model.token_shards import TOKENS, Part, Stream
from model.windows import permute

ABOUT = "examples.json"
FORMAT = 1
STREAMS = (TOKENS, "loss_mask", "segment")
COLUMNS = ["id", "split", "example", "row", "start", "tokens", "label"]


@dataclass(frozen=True)
class Group:
    """All examples under one name."""

    name: str


@dataclass(frozen=True)
class Example:
    """As it is stored, for evaluation: R sequences of token ids, with the masks beside them, and a label each."""

    id: str
    tokens: list[NDArray[np.int64]]
    loss_mask: list[NDArray[np.int64]]
    segment: list[NDArray[np.int64]]
    labels: list[list[float]]


class Examples:
    """The examples of one split. `folder`: a name below the store.

    `form`, `classes`, `vocabulary`, `end_of_text`, `tokenizer` (its fingerprint) and `longest` (tokens of the longest
    sequence) are examples.json's. ValueError where it is absent or of another format, or a file has not the size that
    it promises.
    """

    unit = "examples"
    context = 1  # batches, budgets and schedules count examples
    groups: Sequence[Group] = (Group("examples"),)

    def __init__(self, store: Folder | Bucket, folder: str, split: str, seed: int) -> None:
        self.store, self.folder, self.split, self.seed = store, folder, split, seed
        about, self.sha256 = about_of(store, folder)
        self.about: Mapping[str, Any] = about
        self.form: str = about["form"]
        self.classes: list[str] = about["classes"]
        self.vocabulary: int = about["vocabulary"]
        self.end_of_text: int = about["end_of_text"]
        self.tokenizer: str | None = about["tokenizer"]
        self.longest: int = about["longest"]
        sizes = store.sizes(folder)
        types = {name: np.dtype(about["streams"][name]).newbyteorder("<") for name in STREAMS}
        self._streams = {
            name: Stream(store, [self._part(shard, name, types[name], sizes) for shard in about["shards"]], types[name])
            for name in STREAMS
        }
        self._rows()

    def __len__(self) -> int:
        return len(self.ids)

    def _part(self, shard: Mapping[str, Any], stream: str, dtype: np.dtype[Any], sizes: Mapping[str, int]) -> Part:
        beside = [] if stream == TOKENS else [stream]
        file, tokens = ".".join([shard["key"], self.split, *beside, "bin"]), shard[self.split]
        if tokens and sizes.get(file) != tokens * dtype.itemsize:
            what = f"holds {sizes[file]} bytes" if file in sizes else "is missing"
            raise ValueError(
                f"{self.store.place(f'{self.folder}/{file}')} {what}, but {ABOUT} promises {tokens} tokens of {dtype}: "
                f"{REMEDY}"
            )
        return Part(f"{self.folder}/{file}", tokens, shard.get("_".join([self.split, *beside, "sha256"])))

    def _rows(self) -> None:
        """Of each example its id and where its sequences are: start, tokens and label of each."""
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        self.ids: list[str] = []
        begun = 0
        starts: list[NDArray[np.int64]] = []
        counts: list[NDArray[np.int64]] = []
        firsts: list[NDArray[np.int64]] = []
        self._labels: list[list[float]] = []  # by sequence
        sequences = 0
        for shard in self.about["shards"]:
            name = f"{self.folder}/{shard['key']}.parquet"
            try:
                table = pq.read_table(io.BytesIO(self.store.read(name)), columns=COLUMNS)
            except FileNotFoundError:
                raise ValueError(f"{self.store.place(name)} is missing, but {ABOUT} names it: {REMEDY}") from None
            table = table.filter(pc.equal(table["split"], self.split))
            example = table["example"].to_numpy()
            new = np.flatnonzero(np.diff(example, prepend=-1))
            told = shard[f"{self.split}_examples"]
            if len(new) != told or (len(example) and (example[new] != np.arange(told)).any()):
                raise ValueError(
                    f"{self.store.place(name)} has {len(new)} examples of {self.split}, but {ABOUT} promises {told}: "
                    f"{REMEDY}"
                )
            self.ids += table["id"].take(new).to_pylist()
            starts.append(table["start"].to_numpy() + begun)
            counts.append(table["tokens"].to_numpy().astype(np.int64))
            firsts.append(new + sequences)
            self._labels += table["label"].to_pylist()
            begun, sequences = begun + shard[self.split], sequences + len(example)
        none = np.zeros(0, np.int64)
        self._starts, self._counts = np.concatenate([none, *starts]), np.concatenate([none, *counts])
        self._firsts = np.concatenate([none, *firsts, [sequences]])  # of example n: firsts[n] ... firsts[n + 1] - 1

    def where(self, i: int) -> tuple[int, int, int]:
        """Row i of the training: (group, epoch, number of the example in the files' order)."""
        epoch, nth = divmod(i, len(self))
        return 0, epoch, permute(nth, len(self), self.key(epoch))

    def key(self, epoch: int) -> bytes:
        """What an epoch's order is drawn by."""
        return json.dumps([self.seed, "examples", epoch]).encode()

    def read(self, start: int, stop: int) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
        """Rows start ... stop - 1 as `batch` gives them, and each one's group (B,): all 0."""
        return self.batch([self.where(i)[2] for i in range(start, stop)]), np.zeros(stop - start, np.int64)

    def batch(self, numbers: Sequence[int]) -> dict[str, NDArray[Any]]:
        """The examples of these numbers: `tokens`, `loss_mask`, `segment` (B, R, T) int64, filled up behind with
        end_of_text and 0 to the longest of the batch; `lengths` (B, R), 0 of a sequence that the example does not have;
        `labels` (B, R, L) float64, NaN where there is none."""
        sequences = [range(int(self._firsts[n]), int(self._firsts[n + 1])) for n in numbers]
        B, R = len(numbers), max(map(len, sequences))
        all_of = [s for each in sequences for s in each]
        T, L = int(self._counts[all_of].max()), max(1, *(len(self._labels[s]) for s in all_of))
        out: dict[str, NDArray[Any]] = {name: np.zeros((B, R, T), np.int64) for name in STREAMS}
        out[TOKENS][:] = self.end_of_text
        lengths, labels = np.zeros((B, R), np.int64), np.full((B, R, L), np.nan)
        for b, each in enumerate(sequences):
            for r, s in enumerate(each):
                start, count = int(self._starts[s]), int(self._counts[s])
                for name, stream in self._streams.items():
                    out[name][b, r, :count] = stream.read(start, count)
                lengths[b, r] = count
                labels[b, r, : len(self._labels[s])] = self._labels[s]
        return out | {"lengths": lengths, "labels": labels}

    def labels(self) -> Iterator[list[list[float]]]:
        """Of each example, in the files' order, the labels of its sequences."""
        for first, stop in zip(self._firsts[:-1], self._firsts[1:], strict=True):
            yield self._labels[first:stop]

    def __getitem__(self, number: int) -> Example:
        """In the files' order."""
        which = range(int(self._firsts[number]), int(self._firsts[number + 1]))
        read = {
            of: [stream.read(int(self._starts[s]), int(self._counts[s])) for s in which]
            for of, stream in self._streams.items()
        }
        labels = [list(self._labels[s]) for s in which]
        return Example(self.ids[number], read[TOKENS], read["loss_mask"], read["segment"], labels)

    def __iter__(self) -> Iterator[Example]:
        """In the files' order."""
        return (self[number] for number in range(len(self)))


def about_of(store: Folder | Bucket, folder: str) -> tuple[dict[str, Any], str]:
    """examples.json, and its sha256. ValueError where there is none, or of another format."""
    name = f"{folder}/{ABOUT}"
    try:
        raw = store.read(name)
    except FileNotFoundError:
        raise ValueError(f"{store.place(name)} does not exist: make the examples again, or mend `store`") from None
    about: dict[str, Any] = json.loads(raw)
    if about.get("format") != FORMAT:
        raise ValueError(f"{store.place(name)} has format {about.get('format')}, this code reads {FORMAT}")
    return about, sha256(raw).hexdigest()


def count(about: Mapping[str, Any], split: str = "train") -> int:
    """Examples of a split, by examples.json."""
    return sum(shard[f"{split}_examples"] for shard in about["shards"])
