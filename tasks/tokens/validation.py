"""On which windows of a source's held-out text a model is validated: a sample drawn by hash, whatever the shards.

A held-out document (or piece of one) of n tokens, its <|endoftext|> among them, has ceil(n / context) windows: window j
predicts its tokens j context ... (j + 1) context - 1, each from those before it in the window; before window 0 stands
<|endoftext|>, before another one the token that comes before it in the document. So every held-out token is predicted
once, no window holds two documents, and what a window is depends on its document alone.

Each window draws a number, a hash of (seed, id of its document, j), and those of the smallest draws are the sample. So
every window of a source is as likely to be in it as any other; a source that is sharded otherwise, or whose documents
come in another order, has the same sample; the first k of n windows are the sample of k; and a document that leaves
(another threshold, `millrace retract`) takes its own windows with it and moves no other.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Shard
from tasks.runtime.shards import read
from tasks.runtime.statistics import statistics


@statistics
class HeldOut:
    """Of a source: held-out documents (pieces), their tokens, the windows these have, and how many are the sample."""

    documents: int = 0
    tokens: int = 0
    windows: int = 0
    sample: int = 0


@dataclass(frozen=True, order=True)
class Window:
    """A window of the sample, in the order of draws: `tokens` are predicted, from `start` in the shard's stream on."""

    draw: float
    id: str
    window: int
    shard: str
    start: int
    tokens: int


@dataclass(frozen=True)
class Found:
    """Of a shard: documents of train, what is held out, and the windows of the smallest draws."""

    train: int
    held_out: HeldOut
    windows: list[Window]


def windows_of(shard: Shard, *, context: int, most: int, seed: int) -> Found:
    """The held-out windows of a shard of token shards, of which the `most` smallest draws are given."""
    rows = read(shard, ["id", "split", "start", "tokens"])
    held_out = rows.filter(pc.equal(rows.column("split"), "validation"))
    tokens = held_out.column("tokens").to_numpy().astype(np.int64)
    of_document = -(-tokens // context)  # windows
    row = np.repeat(np.arange(len(tokens)), of_document)
    number = np.arange(len(row)) - np.repeat(np.cumsum(of_document) - of_document, of_document)
    ids = held_out.column("id").cast(pa.large_string()).take(pa.array(row))
    windows = pa.array(number).cast(pa.large_string())
    draws = uniform(pc.binary_join_element_wise(ids, windows, pa.scalar("@", pa.large_string())), seed, "validation")
    starts = held_out.column("start").to_numpy().astype(np.int64)[row] + number * context
    lengths = np.minimum(tokens[row] - number * context, context)
    chosen = np.argsort(draws, kind="stable")[:most].tolist()
    found = [
        Window(float(draws[n]), ids[n].as_py(), int(number[n]), shard.key, int(starts[n]), int(lengths[n]))
        for n in chosen
    ]
    counted = HeldOut(held_out.num_rows, int(tokens.sum()), len(row))
    return Found(rows.num_rows - held_out.num_rows, counted, found)


def sample_of(parts: Iterable[Found], most: int) -> list[Window]:
    """A source's sample, of those of its shards."""
    return sorted(window for part in parts for window in part.windows)[:most]
