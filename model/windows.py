"""The loader: which window of tokens the training reads at index i, as a pure function of (mixture, seed, i).

A window is context + 1 tokens: inputs are all but its last, targets all but its first. A group's train stream is its
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
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b, sha256
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.files import REMEDY, Bucket, Folder, read_given, store_at
from model.tokenizer import require_same

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


# ---- the tokens themselves


@dataclass(frozen=True)
class Part:
    """Of a token file: its name below the store, how many tokens are read, the sha256 of its bytes (hex) where one is
    recorded, and the place of the first token that is read."""

    name: str
    tokens: int
    sha256: str | None = None
    start: int = 0


class Stream:
    """Token files, read as if they were one: each opened (from a URL: brought here) when first touched."""

    def __init__(self, store: Folder | Bucket, parts: Sequence[Part], dtype: np.dtype[Any]) -> None:
        self.store, self.dtype = store, dtype
        self.parts = [part for part in parts if part.tokens]
        ends = np.cumsum([part.tokens for part in self.parts], dtype=np.int64)
        self.starts = np.concatenate([[0], ends]).astype(np.int64)
        self.tokens = int(self.starts[-1])

    def read(self, start: int, length: int) -> NDArray[np.int64]:
        """Tokens start ... start + length - 1, (length,), across files where need be. ValueError for a damaged file."""
        out = np.empty(length, np.int64)
        file, filled = int(np.searchsorted(self.starts, start, side="right")) - 1, 0
        while filled < length:
            part, skipped = self.parts[file], start + filled - int(self.starts[file])
            count = min(length - filled, part.tokens - skipped)
            width = self.dtype.itemsize
            with self.store.open(part.name, part.sha256) as opened:
                raw = os.pread(opened.fileno(), count * width, (part.start + skipped) * width)
            if len(raw) != count * width:
                raise ValueError(
                    f"{self.store.place(part.name)} ends before its {part.start + part.tokens} tokens: {REMEDY}"
                )
            out[filled : filled + count] = np.frombuffer(raw, self.dtype)
            filled, file = filled + count, file + 1
        return out


@dataclass(frozen=True)
class Group:
    name: str
    stream: Stream
    windows: int  # in an epoch


class Windows:
    """The training's windows, in order, and each source's validation windows.

    `mixture`: mixture.json, a path or a name below the store; `store`: the root that its folders are relative to.
    ValueError where there is no such file, the tokens are of another tokenizer or vocabulary, a file has not the
    promised size or content, or a group is too short for a window.
    """

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
        self.groups: list[Group] = []
        self.validation: dict[str, Stream] = {}
        for group in weighted:
            passes: list[list[Part]] = []  # of an epoch: all documents, those that count twice or more, thrice or more
            for source in group["sources"]:
                parts, held_out = self._shards(source, place, vocabulary)
                passes += [[] for _ in range(len(parts) - len(passes))]
                for read, again in zip(passes, parts, strict=False):
                    read += again
                self.validation[source["source"]] = Stream(self.store, held_out, self.dtype)
            stream = Stream(self.store, [part for read in passes for part in read], self.dtype)
            if stream.tokens < context + 1:
                raise ValueError(
                    f"group {group['group']!r} has {stream.tokens} training tokens, fewer than one "
                    f"window of {context + 1}: give it more text, a shorter context, or no weight"
                )
            self.groups.append(Group(group["group"], stream, (stream.tokens - 1) // context))
        self.counts = counts_in_period([group["weight"] for group in weighted])
        self._group, self._nth = schedule(self.counts)

    def _shards(self, source: dict[str, Any], mixture: str, vocabulary: int) -> tuple[list[list[Part]], list[Part]]:
        """A source's train files, by the passes of an epoch, and validation files, as its tokens.json lists them."""
        folder = source["folder"]
        name = f"{folder}/tokens.json"
        place = self.store.place(name)
        try:
            raw = self.store.read(name)
        except FileNotFoundError:
            raise ValueError(
                f"{place}, named by {mixture}, does not exist: tokenise that source again, or mend `store`"
            ) from None
        if source.get("tokens_json_sha256") not in (None, sha256(raw).hexdigest()):
            raise ValueError(f"{place} is not the one that {mixture} was made from (sha256): {REMEDY}")
        about = json.loads(raw)
        require_same(self.tokenizer, about.get("tokenizer"), mixture, place)
        if about["end_of_text"] != self.end_of_text or np.dtype(about["dtype"]).newbyteorder("<") != self.dtype:
            raise ValueError(f"{place} and {mixture} differ in dtype or end_of_text: make the mixture again")
        if about["vocabulary"] > vocabulary:
            raise ValueError(
                f"{place} has a vocabulary of {about['vocabulary']}, the model one of {vocabulary}: raise the model's"
            )
        times = source.get("times", [1])
        if len(times) != len(about.get("sizes", [1])):
            raise ValueError(f"{place} and {mixture} differ in sizes of clusters: make the mixture again")
        sizes = self.store.sizes(folder)
        parts: dict[str, list[Part]] = {"train": [], "validation": []}
        for shard in about["shards"]:
            for split, listed in parts.items():
                file, tokens = f"{shard['key']}.{split}.bin", shard[split]
                if tokens and sizes.get(file) != tokens * self.dtype.itemsize:
                    what = f"holds {sizes[file]} bytes" if file in sizes else "is missing"
                    raise ValueError(
                        f"{self.store.place(f'{folder}/{file}')} {what}, but tokens.json promises {tokens} tokens "
                        f"of {self.dtype}: {REMEDY}"
                    )
                listed.append(Part(f"{folder}/{file}", tokens, shard.get(f"{split}_sha256")))
        passes = [parts["train"], *([] for _ in range(max(times) - 1))]
        for shard, whole in zip(about["shards"], parts["train"], strict=True):
            start = 0
            for tokens, often in zip(shard.get("clusters", [shard["train"]]), times, strict=True):
                for again in passes[1:often]:
                    again.append(Part(whole.name, tokens, whole.sha256, start))
                start += tokens
        return passes, parts["validation"]

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
        """Windows start ... stop - 1: the stream `tokens`, (B, context + 1), and each one's group, (B,)."""
        tokens = np.empty((stop - start, self.context + 1), np.int64)
        groups = np.empty(stop - start, np.int64)
        for row, i in enumerate(range(start, stop)):
            groups[row], _, place = self.where(i)
            tokens[row] = self.groups[groups[row]].stream.read(place * self.context, self.context + 1)
        return {"tokens": tokens}, groups

    def held_out(self, source: str, limit: int) -> Iterator[NDArray[np.int64]]:
        """The source's validation windows in order, at most `limit`; the last may be shorter, down to two tokens."""
        stream = self.validation[source]
        for window in range(limit):
            length = min(self.context + 1, stream.tokens - window * self.context)
            if length < 2:
                return
            yield stream.read(window * self.context, length)
