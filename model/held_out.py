"""Validation: a source's held-out windows, as mixture.json lists them, and the loss over them with its standard error.

The list is a sample drawn by hash (tasks/tokens/validation.py states the rule): a window holds tokens of one document,
and the first k windows are a sample as well. A mixture made by hand may list none: then nothing is validated. numpy
only.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Tokens(Protocol):
    """Tokens by place; model.windows.Stream is one."""

    tokens: int

    def read(self, start: int, length: int) -> NDArray[np.int64]: ...


@dataclass(frozen=True)
class Window:
    """`tokens` of a document (its id) are predicted, from `start` in the source's stream on; `first`: its beginning."""

    document: str
    start: int
    tokens: int
    first: bool


class HeldOut:
    """A source's validation windows."""

    def __init__(self, stream: Tokens, windows: Sequence[Window], end_of_text: int) -> None:
        self.stream, self.windows, self.end_of_text = stream, windows, end_of_text

    @classmethod
    def of(
        cls, stream: Tokens, shards: Mapping[str, int], sample: Sequence[Mapping[str, Any]], context: int, end: int
    ) -> "HeldOut":
        """`shards`: tokens held out by the shard's key, in the stream's order; `sample`: as mixture.json has it.

        ValueError where a window lies outside its shard, or is longer than `context`.
        """
        ends = dict(zip(shards, np.cumsum(list(shards.values()), dtype=np.int64).tolist(), strict=True))
        windows = []
        for each in sample:
            key, start, tokens = each["shard"], each["start"], each["tokens"]
            if not (1 <= tokens <= context and 0 <= start <= start + tokens <= shards.get(key, 0)):
                raise ValueError(
                    f"window {each['window']} of {each['id']} is tokens {start} to {start + tokens} of shard {key}, "
                    f"which holds out {shards.get(key, 0)}, at a context of {context}: make the mixture again"
                )
            # Pieces of one document, <id>#<n>, are one document.
            document = str(each["id"]).partition("#")[0]
            windows.append(Window(document, ends[key] - shards[key] + start, tokens, each["window"] == 0))
        return cls(stream, windows, end)

    def read(self, limit: int | None = None) -> Iterator[NDArray[np.int64]]:
        """The first `limit` windows (all if None) with the token before each, (2 ... context + 1,)."""
        for window in self.windows[:limit]:
            if window.first:
                yield np.concatenate([[self.end_of_text], self.stream.read(window.start, window.tokens)])
            else:
                yield self.stream.read(window.start - 1, window.tokens + 1)

    def documents(self, limit: int | None = None) -> list[str]:
        """The document of each of these windows."""
        return [window.document for window in self.windows[:limit]]


def validation_of(row: Mapping[str, Any]) -> dict[str, tuple[float, float | None]]:
    """By source the loss and its standard error that a row of metrics.jsonl has: `validation_<source>` and, beside it,
    `validation_stderr_<source>`. No source's name has a _, so that what else has one is another figure, such as
    validation_of_accuracy."""
    prefix, of_stderr = "validation_", "validation_stderr_"
    return {
        key.removeprefix(prefix): (loss, row.get(of_stderr + key.removeprefix(prefix)))
        for key, loss in row.items()
        if key.startswith(prefix) and "_" not in key.removeprefix(prefix)
    }


class Estimate(NamedTuple):
    """Loss in nats a token; its standard error, None where one document alone tells of it; what it was read from."""

    loss: float
    stderr: float | None
    tokens: int
    windows: int
    documents: int


def estimate(losses: Sequence[tuple[float, int]], documents: Sequence[str]) -> Estimate | None:
    """The loss a token over sampled windows of (nats, tokens), each of one of the documents; None where there is none.

    Windows differ in length, so the loss is a ratio of sums, L = sum of nats / sum of tokens. Windows of one document
    say much the same, so a document is one observation, of y nats and x tokens together (G of them):

        stderr = sqrt(G / (G - 1) x sum over documents of (y - L x)^2) / sum of x

    (Ratio estimates over clusters: Cochran 1977, Sampling Techniques, chapters 6 and 9A; for evaluations: Miller 2024,
    "Adding Error Bars to Evals", on clustered standard errors.) It is the error as to the source's text at large, of
    which what is held out is itself a draw by hash; so it does not vanish where all that is held out was read.
    """
    if not losses:
        return None
    names, document = np.unique(np.asarray(documents), return_inverse=True)
    nats, tokens = np.zeros(len(names)), np.zeros(len(names))
    np.add.at(nats, document, [each for each, _ in losses])
    np.add.at(tokens, document, [count for _, count in losses])
    loss, count = float(nats.sum() / tokens.sum()), len(names)
    squares = float(((nats - loss * tokens) ** 2).sum())
    stderr = sqrt(count / (count - 1) * squares) / float(tokens.sum()) if count > 1 else None
    return Estimate(loss, stderr, int(tokens.sum()), len(losses), count)
