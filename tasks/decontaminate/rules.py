"""Which hits count, by a rule: all grams that are not frequent, or those of items that a document holds enough of.

A rule of grams (GPT-3, appendix C) takes any gram for a leak. A rule with a `share` forgives gaps: an item leaks into
a document that holds at least that share of the item's distinct grams, wherever they stand in it, and no fewer than
an item of `least` words has; only the grams of items that leak count, there. Grams that more than SHARED items have
in common, an instruction say, are no sign of any of them, and are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.decontaminate.frequent import frequent_grams
from tasks.decontaminate.grams import grams_table
from tasks.decontaminate.hits import hit_batches
from tasks.runtime.artifact import Artifact, Shard

SHARED = 100  # items; each (document, gram) is held against as many at most
PAIRS = 1 << 16  # (document, gram) pairs at a time: 2^16 * SHARED numbers of 8 bytes are 52 MB


@dataclass(frozen=True)
class Judged:
    """How hits by a rule are judged."""

    rule: str
    share: float | None  # of an item's grams that a document must hold; None: any gram counts
    least: int  # grams of an item that a document must hold, where there is a share and the item has as many


@dataclass(frozen=True)
class Wanted:
    """What a worker needs to judge hits. Grams are known by their number: their place among the sorted ones."""

    grams: np.ndarray  # int64, sorted
    counts: np.ndarray  # bool: whether the gram counts
    owners: np.ndarray  # item numbers, of gram 0 first
    begin: np.ndarray  # owners[begin[gram] : begin[gram + 1]] are the gram's
    items: pa.Table  # benchmark, item; by item number
    needed: np.ndarray | None  # grams that a document must hold of each item

    def by_benchmark(self) -> Iterator[tuple[str, np.ndarray]]:
        """Each benchmark, and which of the grams are its (bool)."""
        gram = np.repeat(np.arange(len(self.grams)), np.diff(self.begin))
        benchmark = self.items.column("benchmark").take(pa.array(self.owners))
        for name in pc.unique(self.items.column("benchmark")).to_pylist():
            owned = np.zeros(len(self.grams), bool)
            owned[gram[pc.equal(benchmark, name).to_numpy()]] = True
            yield name, owned


@lru_cache(maxsize=8)
def wanted(grams: Artifact, frequent: Artifact, judged: Judged) -> Wanted:
    """What is looked for by a rule, less what is frequent; kept for the worker's next shard."""
    table = grams_table(grams, ["gram", "benchmark", "item"], judged.rule)
    names = [table.column(name).combine_chunks().dictionary_encode() for name in ("benchmark", "item")]
    codes = [name.indices.to_numpy().astype(np.int64) for name in names]
    pair, owners = np.unique(codes[0] * max(1, len(names[1].dictionary)) + codes[1], return_inverse=True)
    of_pair = np.divmod(pair, max(1, len(names[1].dictionary)))
    items = pa.table(
        {
            column: pc.take(name.dictionary, pa.array(code))
            for column, name, code in zip(("benchmark", "item"), names, of_pair, strict=True)
        }
    )
    gram = table.column("gram").to_numpy()
    known, begin = np.unique(gram, return_index=True)
    begin = np.append(begin, len(gram))
    owned = np.diff(begin)
    counts = ~np.isin(known, frequent_grams(frequent))
    needed = None
    if judged.share is not None:
        counts &= owned <= SHARED
        held = np.bincount(owners, weights=np.repeat(counts, owned), minlength=items.num_rows)
        needed = np.maximum(np.ceil(judged.share * held), np.minimum(held, judged.least)).astype(np.int64)
    return Wanted(known, counts, owners, begin, items, needed)


def effective(
    hits: Artifact, shard: Shard, wanted: Wanted, kept: np.ndarray, columns: tuple[str, ...] = ()
) -> Iterator[dict[str, np.ndarray]]:
    """The hits in kept documents of a shard that count, in pieces: `row`, `number` (of the gram), and columns of HITS.

    They come in the order of row and cut_start.
    """
    leaking = None if wanted.needed is None else leaked(hits, shard, wanted, kept)[0]
    for batch, number in _counted(hits, shard, wanted, kept, columns):
        chosen = slice(None) if leaking is None else _among(leaking, batch["row"] * len(wanted.grams) + number)
        yield {name: column[chosen] for name, column in batch.items()} | {"number": number[chosen]}


def leaked(hits: Artifact, shard: Shard, wanted: Wanted, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By a rule with a share: keys of (document, gram) that count, row * grams + number, sorted; and items met."""
    if wanted.needed is None:
        raise ValueError("a rule of single grams has no items that a document holds enough of")
    size = len(wanted.grams)
    found = [np.zeros(0, np.int64)]
    for batch, number in _counted(hits, shard, wanted, kept):
        found.append(np.unique(batch["row"] * size + number))
    pairs = np.unique(np.concatenate(found))  # in documents' order
    effective, items = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    row = pairs // max(1, size)
    at = 0
    while at < len(pairs):  # whole documents, PAIRS or fewer; one with more is taken alone
        to = int(np.searchsorted(row, row[at + PAIRS])) if at + PAIRS < len(pairs) else len(pairs)
        to = to if to > at else int(np.searchsorted(row, row[at], "right"))
        held, met = _of_items(row[at:to], pairs[at:to] % size, wanted, wanted.needed)
        effective.append(pairs[at:to][held])
        items.append(met)
        at = to
    return np.concatenate(effective), np.unique(np.concatenate(items))


def _counted(
    hits: Artifact, shard: Shard, wanted: Wanted, kept: np.ndarray, columns: tuple[str, ...] = ()
) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Hits in kept documents of grams that count by themselves, and the grams' numbers."""
    if not len(wanted.grams):
        return
    for batch in hit_batches(hits, shard, ["row", "gram", *columns]):
        number = np.minimum(np.searchsorted(wanted.grams, batch["gram"]), len(wanted.grams) - 1)
        chosen = (wanted.grams[number] == batch["gram"]) & wanted.counts[number] & kept[batch["row"]]
        yield {name: column[chosen] for name, column in batch.items()}, number[chosen]


def _of_items(row: np.ndarray, number: np.ndarray, wanted: Wanted, needed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of these (document, gram) pairs are of an item that their document holds enough of; and those items."""
    low = wanted.begin[number]
    copies = wanted.begin[number + 1] - low
    pair = np.repeat(np.arange(len(number)), copies)
    item = wanted.owners[np.repeat(low - np.cumsum(copies) + copies, copies) + np.arange(len(pair))]
    _, place, count = np.unique(row[pair] * len(needed) + item, return_inverse=True, return_counts=True)
    enough = count[place] >= needed[item]
    return np.bincount(pair[enough], minlength=len(number)) > 0, np.unique(item[enough])


def _among(sorted_keys: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """bool: which keys are among the sorted ones."""
    if not len(sorted_keys):
        return np.zeros(len(keys), bool)
    place = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    found: np.ndarray = sorted_keys[place] == keys
    return found
