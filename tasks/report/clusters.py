"""Clusters by size, of the documents that deduplication leaves: what `dedup: rehydrate` is chosen by, and what it did.

A cluster is a document that stays with those of its own source that left for it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.dedup.survivors import survivors as survivors_stage
from tasks.dedup.verdicts import SIZES
from tasks.report.given import Given, ShardColumns
from tasks.runtime.shards import read, read_column
from tasks.tokens.mixture import mixture as mixture_stage
from tasks.tokens.repeated import often, times_by_size
from tasks.tokens.tokens import Tokenised
from tasks.tokens.tokens import tokens as tokens_stage

LARGE = 1000  # the last size of FineWeb2's table of weights


def times_given(given: Given) -> dict[int, int]:
    """How often documents count by the size of their cluster: conf says it once, for all sources and models."""
    tokens, mixture = given.single(tokens_stage), given.single(mixture_stage)
    return times_by_size(tokens, mixture) if tokens and mixture else {1: 1}


def sizes_shown(given: Given) -> list[int]:
    """From how many documents on a cluster is of this size: common ones, and those that conf names."""
    return sorted({1, *SIZES, LARGE, *times_given(given)})


def count_by_size(columns: ShardColumns) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of the documents of a shard that stay, by size of cluster: (documents, bytes of their text)."""
    sizes = sizes_shown(columns.given)
    survivors = columns.decision(survivors_stage)
    if survivors is None:
        return (0,) * len(sizes), (0,) * len(sizes)
    table = read_column(survivors, columns.shard, ["keep", "copies"])
    kept = table.column("keep").to_numpy()
    copies = table.column("copies").to_numpy()[kept]
    size = np.searchsorted(sizes, copies + 1, side="right") - 1
    each = read(columns.shard, ["bytes"]).column("bytes").to_numpy()[kept]
    documents = np.bincount(size, minlength=len(sizes))
    text = [int(each[size == place].sum()) for place in range(len(sizes))]
    return tuple(documents.tolist()), tuple(text)


def by_size(given: Given, counted: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]) -> list[dict[str, Any]]:
    """A row a size: documents that stay, bytes of their text, and how often they count in training."""
    sizes, times = sizes_shown(given), times_given(given)
    documents, text = (
        np.sum([shard[which] for shard in counted], axis=0, dtype=int).tolist() if counted else [0] * len(sizes)
        for which in (0, 1)
    )
    return [
        {"from": low, "to": high - 1 if high else None, "documents": n, "bytes": size, "times": often(times, low)}
        for low, high, n, size in zip(sizes, (*sizes[1:], 0), documents, text, strict=True)
    ]


def in_training(given: Given) -> list[dict[str, Any]]:
    """A row a size that counts otherwise than the one before: of the train split documents (pieces) and tokens as they
    are written, and as an epoch reads them. Empty where all count once."""
    times = times_given(given)
    if len(times) == 1:
        return []
    parts = [tokens.counts(Tokenised).clusters for tokens in given.named(tokens_stage).values()]
    rows = []
    for (low, each), high in zip(times.items(), (*list(times)[1:], 0), strict=True):
        documents = sum(part[str(low)].documents for part in parts)
        tokens = sum(part[str(low)].tokens for part in parts)
        rows.append(
            {"from": low, "to": high - 1 if high else None, "times": each, "documents": documents, "tokens": tokens}
            | {"documents_read": documents * each, "tokens_read": tokens * each}
        )
    return rows
