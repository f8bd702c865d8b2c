"""Exact counts of the words that a tokenizer is fitted from: a map over shards, and a shuffle.

A task counts the words of a part of a shard in a table of its own and emits each distinct one with its count. A word
goes in rows of a fixed width under a 64-bit hash, with the task and its number there, so that rows of different words
of one hash stay apart; where they meet, words are told apart by their bytes. So the answer depends on the texts alone:
on no sharding, order, engine or number of workers.

A word longer than LONGEST (256) bytes is counted as pieces of at most as many, cut between characters, and only here:
no text is encoded differently for it.

Memory: a task's table, a few times the text of its part (about PART bytes of the file); here, `budget` bytes of words.
Where all do not fit, those of fewer than `least` are left out, the smallest number with which the others fit: a rule
over the counts of the whole corpus. How many words that were, and how often they were met, is told.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels.buffers import buffers
from tasks.kernels.byte_counts import ByteCounts
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.fixed import fixed, unfixed
from tasks.runtime.job import Job
from tasks.tokens.pieces import piece_batches
from tasks.tokens.sample import draws

# Words of English have 8 bytes on average, of CJK (all up to a punctuation mark) 25: most go in one row or two.
WIDTH = 24
BUDGET = 256 << 20  # bytes of words; merging them takes about ten times as much (kernels/merges.py)
WORD = 16  # bytes that a word takes beside its own: its place and its count
PART = 24 << 20  # bytes of a shard's file that a task reads: 64 MB of text, as zstd packs it
TOTALS = -1  # `size` of a row that tells how many documents (key 2n) and bytes (2n + 1) the source n gave
# `place`: the task << 32 | the word's number there. `part`: the row's place in its word, whose length is `size`.
EMITTED = pa.schema([("key", pa.int64()), ("place", pa.int64()), ("part", pa.int16()), ("size", pa.int16()),
                     ("count", pa.int64()), ("bytes", pa.binary(WIDTH))])  # fmt: skip


class Splitter(Protocol):
    """What a text's words are. Picklable."""

    def __call__(self, text: pa.Array, into: ByteCounts) -> None:
        """Count the words of a large_string column."""


def gpt2_pretokens(text: pa.Array, into: ByteCounts) -> None:
    """A Splitter: what GPT-2's pattern finds (kernels/pretokens.py)."""
    into.add_pretokens(*buffers(text))


@dataclass(frozen=True)
class Words:
    """A Splitter by a plain function, picklable: a text's words, of which empty ones do not count."""

    of: Callable[[str], Iterable[str]]

    def __call__(self, text: pa.Array, into: ByteCounts) -> None:
        met = Counter(word for one in text for word in self.of(one.as_py()))
        into.add(*buffers(pa.array(list(met), pa.large_string())), np.array(list(met.values()), np.int64))


@dataclass(frozen=True)
class Counted:
    """Distinct words and how often each was met."""

    words: pa.Array  # large_binary, in the order of their bytes
    counts: np.ndarray  # int64
    documents: dict[str, int]  # that a source gave
    bytes: dict[str, int]
    least: int = 1  # words met less often were left out
    left_out: int = 0  # words
    left_out_met: int = 0  # how often, in all


@dataclass(frozen=True)
class Part:
    """What a task reads: rows of a shard whose draws are `cut` and less."""

    number: int
    source: int
    shard: Shard
    decision: Artifact
    rows: range
    cut: float


def counted(
    job: Job,
    documents: dict[str, Artifact],
    decisions: dict[str, Artifact],
    splitter: Splitter,
    *,
    taken: dict[str, float | None],
    validation: float,
    seed: int,
    budget: int = BUDGET,
) -> Counted:
    """The words of the sampled training text of all sources.

    Args:
        decisions: the sources' last ones.
        taken: a source's draw up to which its documents are read (`sample.drawn_up_to`); None: none of them.
        budget: bytes of distinct words, each with WORD beside its own.
    """
    items: list[Part] = []
    for number, (source, artifact) in enumerate(documents.items()):
        cut = taken[source]
        for shard in artifact.shards() if cut is not None else ():
            step = max(1, -(-shard.rows // max(1, -(-shard.file.bytes // PART))))
            for first in range(0, shard.rows, step):
                rows = range(first, min(first + step, shard.rows))
                items.append(Part(len(items), number, shard, decisions[source], rows, cut or 0.0))
    emit = partial(emit_words, splitter=splitter, validation=validation, seed=seed)
    kept = _Kept(budget)
    totals: Counter[int] = Counter()
    for table in job.engine.shuffle(emit, together, items):
        telling = table.column("size").to_numpy() == TOTALS
        for row in table.filter(pa.array(telling)).to_pylist():
            totals[row["key"]] += row["count"]
        kept.add(*strings_of(table.filter(pa.array(~telling))))
    words, counts = kept.in_order()
    return Counted(
        words,
        counts,
        {source: totals[2 * number] for number, source in enumerate(documents)},
        {source: totals[2 * number + 1] for number, source in enumerate(documents)},
        kept.least,
        kept.left_out,
        kept.left_out_met,
    )


def emit_words(item: Part, *, splitter: Splitter, validation: float, seed: int) -> pa.Table:
    """The distinct words of a part, and its totals."""
    wanted = np.zeros(item.shard.rows, bool)
    rows = slice(item.rows.start, item.rows.stop)
    wanted[rows] = draws(item.shard, item.decision, validation, seed)[rows] <= item.cut
    words, documents, size = ByteCounts(), 0, 0
    for batch in piece_batches(item.shard, item.decision, validation, seed, wanted):
        splitter(batch.text, words)
        _, starts, ends = buffers(batch.text)
        documents, size = documents + len(batch.text), size + int((ends - starts).sum())
    place = (item.number << 32) + np.arange(words.used)
    found = rows_of(words.hashes, place, words.data, words.starts, words.counts)
    return pa.concat_tables([totals_of({2 * item.source: documents, 2 * item.source + 1: size}), found])


def together(table: pa.Table) -> pa.Table:
    """Each word once, with the sum of its counts; and of the totals their sums."""
    size = table.column("size").to_numpy()
    telling = table.filter(pa.array(size == TOTALS))
    totals: Counter[int] = Counter()
    for key, count in zip(telling.column("key").to_pylist(), telling.column("count").to_pylist(), strict=True):
        totals[key] += count
    table = table.filter(pa.array(size != TOTALS))
    data, starts, counts = strings_of(table)
    words = ByteCounts()
    words.add(data, starts[:-1], starts[1:], counts)
    keys = words.hashes
    return pa.concat_tables(
        [totals_of(totals), rows_of(keys, _ranks(keys, words), words.data, words.starts, words.counts)]
    )


def _ranks(keys: np.ndarray, words: ByteCounts) -> np.ndarray:
    """int64: each word's place among those of its key, by their bytes: nearly always 0."""
    ranks = np.zeros(len(keys), np.int64)
    order = np.argsort(keys, kind="stable")
    same = np.flatnonzero(keys[order][1:] == keys[order][:-1])
    for key in np.unique(keys[order[same]]):
        numbers = np.flatnonzero(keys == key).tolist()
        bounds = words.starts.tolist()
        spelled = sorted((words.data[bounds[number] : bounds[number + 1]].tobytes(), number) for number in numbers)
        ranks[[number for _, number in spelled]] = np.arange(len(spelled))
    return ranks


# ---- words as rows of fixed width


def rows_of(keys: np.ndarray, places: np.ndarray, data: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> pa.Table:
    """EMITTED rows of words data[starts[i] : starts[i + 1]], one after another in `data`."""
    sizes = np.diff(starts)
    rows = -(-sizes // WIDTH)
    of = np.repeat(np.arange(len(sizes)), rows)
    part = np.arange(len(of)) - np.repeat(np.cumsum(rows) - rows, rows)
    spelled = np.zeros((len(of), WIDTH), np.uint8)
    spelled[np.arange(WIDTH) < (sizes[of] - part * WIDTH)[:, None]] = data
    columns = [keys[of], places[of], part.astype(np.int16), sizes[of].astype(np.int16), counts[of]]
    return pa.table([*map(pa.array, columns), fixed(spelled)], schema=EMITTED)


def strings_of(table: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(data, starts int64 (words + 1,), counts) of the words in EMITTED rows that stand in order."""
    part, size = table.column("part").to_numpy().astype(np.int64), table.column("size").to_numpy().astype(np.int64)
    spelled = unfixed(table.column("bytes"), np.uint8)
    heads = part == 0
    starts = np.concatenate([[0], np.cumsum(size[heads])]).astype(np.int64)
    return spelled[np.arange(WIDTH) < (size - part * WIDTH)[:, None]], starts, table.column("count").to_numpy()[heads]


def totals_of(totals: dict[int, int]) -> pa.Table:
    """EMITTED rows that tell numbers by key."""
    count = len(totals)
    columns = [
        pa.array(list(totals), pa.int64()),
        pa.array(np.zeros(count, np.int64)),
        pa.array(np.zeros(count, np.int16)),
        pa.array(np.full(count, TOTALS, np.int16)),
        pa.array(list(totals.values()), pa.int64()),
        fixed(np.zeros((count, WIDTH), np.uint8)),
    ]
    return pa.table(columns, schema=EMITTED)


# ---- what fits


@dataclass
class _Kept:
    """Words as they come, and the rule which are left out: it depends on the words and not on when they came.

    Words wait until they take a quarter more than the budget. Those that `least` then leaves out could not stay
    later: with more words the number with which all fit is no smaller.
    """

    budget: int
    least: int = 1
    left_out: int = 0
    left_out_met: int = 0
    waiting: int = 0  # bytes
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)  # data, sizes, counts

    def add(self, data: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> None:
        self._take(data, np.diff(starts), counts)
        if self.waiting > self.budget + self.budget // 4:
            self._prune()

    def in_order(self) -> tuple[pa.Array, np.ndarray]:
        """(words, counts) that fit, in the order of their bytes."""
        if self.waiting > self.budget:
            self._prune()
        data, sizes, counts = self._all()
        words = _array(data, sizes)
        order = pc.sort_indices(words)
        return words.take(order), counts[order.to_numpy()]

    def _all(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        none = (np.zeros(0, np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64))
        data, sizes, counts = (np.concatenate(columns) for columns in zip(none, *self.parts, strict=True))
        return data, sizes, counts

    def _take(self, data: np.ndarray, sizes: np.ndarray, counts: np.ndarray) -> None:
        stays = counts >= self.least
        if not stays.all():
            self.left_out += int(np.count_nonzero(~stays))
            self.left_out_met += int(counts[~stays].sum())
            data, sizes, counts = data[np.repeat(stays, sizes)], sizes[stays], counts[stays]
        self.waiting += len(data) + WORD * len(sizes)
        self.parts.append((data, sizes, counts))

    def _prune(self) -> None:
        """Find the smallest `least` with which the words that are here fit, and leave out the others."""
        data, sizes, counts = self._all()
        order = np.argsort(-counts, kind="stable")
        fit = np.cumsum(sizes[order] + WORD) <= self.budget
        if not fit.all():
            self.least = int(counts[order[np.argmin(fit)]]) + 1
        self.parts, self.waiting = [], 0
        self._take(data, sizes, counts)


def _array(data: np.ndarray, sizes: np.ndarray) -> pa.Array:
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(sizes), [None, pa.py_buffer(bounds), pa.py_buffer(np.ascontiguousarray(data))]
    )
