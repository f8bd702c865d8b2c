"""Which training documents a fit reads: those of smallest draw, up to a number of bytes.

A draw is a hash of (seed, the fit's name, id), so the sample depends neither on order nor on workers, and a larger one
holds a smaller one. Validation documents and those that the decisions drop are never of it.
"""

from functools import partial

import numpy as np

from tasks.kernels.draw import uniform
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import kept_before
from tasks.runtime.job import Job
from tasks.runtime.shards import read
from tasks.tokens.pieces import held_out

PURPOSE = "tokenizer"
NOT_TAKEN = 2.0  # past every draw
_BINS = 1 << 16  # of draws: what a task answers with, 512 KB, and what the last bin holds, are both small
_TASKS = 64  # each reads many shards: what is gathered does not grow with their number


def drawn_up_to(
    job: Job, documents: Artifact, decision: Artifact, size: int, validation: float, seed: int
) -> float | None:
    """The draw of the document with which the sample reaches `size` bytes (before cuts); None where it takes none.

    The sample is the documents whose draws (`draws`) are this and less. A source smaller than `size` gives all.
    """
    shards = documents.shards()
    parts = [shards[start::_TASKS] for start in range(min(_TASKS, len(shards)))]
    by_draw = partial(_bytes_by_draw, decision=decision, validation=validation, seed=seed)
    bins = sum(job.engine.map(by_draw, parts), np.zeros(_BINS, np.int64))
    if size <= 0 or not bins.any():
        return None
    reached = np.cumsum(bins)
    if reached[-1] <= size:
        return 1.0
    last = int(np.searchsorted(reached, size))
    within = partial(_within, number=last, decision=decision, validation=validation, seed=seed)
    found = job.engine.map(within, parts)
    values, sizes = (np.concatenate([part[side] for part in found]) for side in (0, 1))
    order = np.argsort(values, kind="stable")
    place = np.searchsorted(np.cumsum(sizes[order]), size - (reached[last] - bins[last]))
    return float(values[order[place]])


def draws(shard: Shard, decision: Artifact, validation: float, seed: int) -> np.ndarray:
    """float64 (rows,): the draws of a shard's rows, NOT_TAKEN for those that are no training text."""
    ids = read(shard, ["id"]).column("id")
    taken = kept_before(decision, shard) & ~held_out(ids, validation, seed)
    return np.where(taken, uniform(ids, seed, PURPOSE), NOT_TAKEN)


def _training(shard: Shard, decision: Artifact, validation: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(draws, sizes in bytes int64) of a shard's training documents."""
    values = draws(shard, decision, validation, seed)
    taken = values < NOT_TAKEN
    return values[taken], read(shard, ["bytes"]).column("bytes").to_numpy()[taken]


def _bytes_by_draw(shards: list[Shard], *, decision: Artifact, validation: float, seed: int) -> np.ndarray:
    """int64 (_BINS,): the bytes of the documents whose draws fall into each bin."""
    answer = np.zeros(_BINS, np.int64)
    for shard in shards:
        values, sizes = _training(shard, decision, validation, seed)
        np.add.at(answer, (values * _BINS).astype(np.int64), sizes)
    return answer


def _within(
    shards: list[Shard], *, number: int, decision: Artifact, validation: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draws and sizes of the documents of one bin."""
    values, sizes = [np.zeros(0)], [np.zeros(0, np.int64)]
    for shard in shards:
        drawn, told = _training(shard, decision, validation, seed)
        here = (drawn * _BINS).astype(np.int64) == number
        values.append(drawn[here])
        sizes.append(told[here])
    return np.concatenate(values), np.concatenate(sizes)
