"""The loader: which window of tokens the training reads at index i, as a pure function of (mixture, seed, i).

A window is context + 1 tokens: inputs are all but its last, targets all but its first. Beside `tokens` token shards may
have other streams, aligned with it (`loss_mask`): a window has each, at the same places. A group's train stream is its
sources' shards, one after another; windows tile it (they share one token with their neighbour), and its tail, shorter
than a window, is not read. Where the mixture has a source's documents of large clusters counted several times, the
parts of the shards that hold them follow behind all shards: those that count twice or more, then those that count
thrice or more, and so on. For index i:

    group    a low-discrepancy schedule: after any n windows each group has had its weight x n, within one window
    epoch    how often the group's windows have all been read before
    place    a keyed permutation of the group's windows, another one each epoch: without replacement in an epoch

Nothing is state: to resume takes the one integer i, and ranks and micro-batches only divide the sequence. numpy only.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b, sha256
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.files import Bucket, Folder, read_given, store_at
from model.held_out import HeldOut
from model.token_shards import TOKENS, Part, Stream, read_source

PERIOD = 1 << 16  # windows after which the schedule of groups repeats, where the weights have no shorter one


# ---- which group: the schedule


def counts_in_period(weights: list[float]) -> list[int]:
    """The weights as windows a period: exact where they are fractions of a small sum (60 of 101), else to 1/65,536."""
    exact = [Fraction(weight).limit_denominator(10_000) for weight in weights]
    if sum(exact) == 1 and (period := lcm(*(weight.denominator for weight in exact))) <= PERIOD:
        return [int(weight * period) for weight in exact]
    shares = [Fraction(weight) / sum(map(Fraction, weights)) * PERIOD for weight in weights]
    counts = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda g: counts[g] - shares[g])
    for g in by_remainder[: PERIOD - sum(counts)]:
        counts[g] += 1
    return counts


def schedule(counts: list[int]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Group of each place in a period, and how many of that group come before it.

    A group's j-th window must come after place floor(j period / count) begins and by ceil((j + 1) period / count) for
    every prefix to hold its share within one window. Earliest deadline first meets all of these windows on one
    "processor" (Baruah et al. 1996, proportionate progress).
    """
    period, groups = sum(counts), range(len(counts))
    group, nth = np.zeros(period, np.int32), np.zeros(period, np.int64)
    had = [0] * len(counts)
    for place in range(period):
        due = [g for g in groups if had[g] < counts[g] and had[g] * period // counts[g] <= place]
        g = min(due, key=lambda g: (-(-(had[g] + 1) * period // counts[g]), g))
        group[place], nth[place] = g, had[g]
        had[g] += 1
    return group, nth


# ---- which place: a keyed permutation


def permute(i: int, n: int, key: bytes) -> int:
    """A bijection of 0 ... n - 1: a Feistel network over the next power of four, walked until it lands below n."""
    half = max(1, ((n - 1).bit_length() + 1) // 2)
    low = (1 << half) - 1
    keys = round_keys(key)
    while True:
        left, right = i >> half, i & low
        for k in keys:
            left, right = right, left ^ (mix(right ^ k) & low)
        i = left << half | right
        if i < n:  # at most four times the domain: under four walks on average
            return i


@lru_cache(maxsize=256)
def round_keys(key: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(blake2b(key, digest_size=8, salt=bytes([r])).digest(), "little") for r in range(8))


def mix(x: int) -> int:
    """splitmix64's finaliser: 64 bits in, 64 well-mixed bits out."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return x ^ (x >> 31)


# ---- the windows


@dataclass(frozen=True)
class Group:
    """`stream`: its tokens; `beside`: by name the streams that are aligned with them."""

    name: str
    stream: Stream
    windows: int  # in an epoch
    beside: Mapping[str, Stream] = field(default_factory=dict)


class Windows:
    """The training's windows, in order, and each source's validation windows.

    `mixture`: mixture.json, a path or a name below the store; `store`: the root that its folders are relative to.
    ValueError where there is no such file, the tokens are of another tokenizer or vocabulary, a file has not the
    promised size or content, sources have other streams, or a group is too short for a window.
    """

    unit = "tokens"

    def __init__(
        self, mixture: str | Path, store: str | Path | Folder | Bucket, context: int, vocabulary: int, seed: int
    ) -> None:
        self.store = store_at(store) if isinstance(store, str | Path) else store
        raw, place = read_given(self.store, str(mixture))
        self.mixture_sha256 = sha256(raw).hexdigest()
        about = json.loads(raw)
        self.context, self.seed = context, seed
        self.tokenizer: str | None = about.get("tokenizer")
        self.end_of_text: int = about["end_of_text"]
        self.dtype = np.dtype(about["dtype"]).newbyteorder("<")
        weighted = [group for group in about["groups"] if group["weight"] > 0]
        if not weighted:
            raise ValueError(f"{place} has no group with a weight above 0: there is nothing to train on")
        if about.get("context", context) != context:
            raise ValueError(
                f"{place} was made for a context of {about['context']}, the model's is {context}: make it again"
            )
        self.groups: list[Group] = []
        self.validation: dict[str, HeldOut] = {}
        self.types: Mapping[str, np.dtype[Any]] = {}
        for group in weighted:
            self.groups.append(self._group_of(group, place, vocabulary))
        self.counts = counts_in_period([group["weight"] for group in weighted])
        self._group, self._nth = schedule(self.counts)

    def _group_of(self, group: dict[str, Any], mixture: str, vocabulary: int) -> Group:
        """A group of mixture.json; what its sources hold out is noted."""
        passes: list[dict[str, list[Part]]] = []  # of an epoch: all documents, those that count twice or more, ...
        for entry in group["sources"]:
            source = read_source(
                self.store,
                entry,
                mixture,
                tokenizer=self.tokenizer,
                end_of_text=self.end_of_text,
                dtype=self.dtype,
                vocabulary=vocabulary,
            )
            self.types = self.types or source.types
            if source.types != self.types:
                raise ValueError(
                    f"{source.place} has the streams {_told(source.types)}, another source of {mixture} "
                    f"{_told(self.types)}: a mixture is of sources with the same ones"
                )
            more = len(source.train[TOKENS]) - len(passes)
            passes += [{name: [] for name in self.types} for _ in range(more)]
            for name, parts in source.train.items():
                for read, again in zip(passes, parts, strict=False):
                    read[name] += again
            held_out = Stream(self.store, source.held_out, self.dtype)
            sample = entry.get("sample", [])
            self.validation[entry["source"]] = HeldOut.of(
                held_out, source.held_out_tokens, sample, self.context, self.end_of_text
            )
        streams = {
            name: Stream(self.store, [part for read in passes for part in read[name]], dtype)
            for name, dtype in self.types.items()
        }
        stream = streams.pop(TOKENS)
        if stream.tokens < self.context + 1:
            raise ValueError(
                f"group {group['group']!r} has {stream.tokens} training tokens, fewer than one "
                f"window of {self.context + 1}: give it more text, a shorter context, or no weight"
            )
        return Group(group["group"], stream, (stream.tokens - 1) // self.context, streams)

    def where(self, i: int) -> tuple[int, int, int]:
        """Window i of the training: (group, epoch, place in the group's stream, counted in windows)."""
        rounds, place = divmod(i, len(self._group))
        g = int(self._group[place])
        epoch, nth = divmod(rounds * self.counts[g] + int(self._nth[place]), self.groups[g].windows)
        return g, epoch, permute(nth, self.groups[g].windows, self.key(g, epoch))

    def key(self, g: int, epoch: int) -> bytes:
        """By which the windows of a group's epoch are permuted."""
        return json.dumps([self.seed, self.groups[g].name, epoch]).encode()

    def served(self, total: int) -> list[int]:
        """Of the first `total` windows, how many are each group's."""
        rounds, rest = divmod(total, len(self._group))
        return [rounds * count + int((self._group[:rest] == g).sum()) for g, count in enumerate(self.counts)]

    def read(self, start: int, stop: int) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.int64]]:
        """Windows start ... stop - 1: every stream (B, context + 1), `tokens` first, and each one's group (B,)."""
        length = self.context + 1
        out = {name: np.empty((stop - start, length), np.int64) for name in (TOKENS, *self.groups[0].beside)}
        groups = np.empty(stop - start, np.int64)
        for row, i in enumerate(range(start, stop)):
            g, _, place = self.where(i)
            group, groups[row] = self.groups[g], g
            out[TOKENS][row] = group.stream.read(place * self.context, length)
            for name, stream in group.beside.items():
                out[name][row] = stream.read(place * self.context, length)
        return out, groups


def _told(types: Mapping[str, np.dtype[Any]]) -> str:
    return ", ".join(f"{name} ({dtype})" for name, dtype in types.items())
