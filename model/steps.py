"""Which update of a training reads which tokens: the loader's arithmetic, walked backwards. torch-free.

windows.py goes from i, the number of a window in the training, to (group, epoch, place); the loop takes windows into
updates in their order, as many as the batch has by then (config.py). Both are functions of mixture, seed and
configuration alone, and both can be inverted: so a training need not have run, nor a log of it be kept, to say what its
step 1,200 reads, or which steps read a document.

A step is an update, counted from 1 as metrics.jsonl counts. A window is context + 1 tokens, the first of which is only
seen and the last only predicted: a token that two windows share is read by both.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from model.config import Training, Updates
from model.windows import Windows, mix, round_keys, schedule


def unpermute(place: int, n: int, key: bytes) -> int:
    """The i of 0 ... n - 1 for which permute(i, n, key) == place: the same Feistel network, its rounds backwards.

    `permute` walks on until it lands below n; backwards, the first number below n is the one where that walk began.
    """
    half = max(1, ((n - 1).bit_length() + 1) // 2)
    low = (1 << half) - 1
    keys = round_keys(key)[::-1]
    while True:
        left, right = place >> half, place & low
        for k in keys:
            left, right = right ^ (mix(left ^ k) & low), left
        place = left << half | right
        if place < n:
            return place


@dataclass(frozen=True)
class Span:
    """Tokens start ... stop - 1 of a token file (a name below the store); the first is token `at` of a window."""

    file: str
    start: int
    stop: int
    at: int


@dataclass(frozen=True)
class Reading:
    """One reading of some tokens: by which window of the training, in which update; `at` is the tokens' first place in
    the window, `tokens` how many of them stand in it."""

    step: int
    i: int
    group: int
    epoch: int
    place: int
    at: int
    tokens: int


class Steps:
    """A training's reading, forwards and backwards; `skipped`: steps that were passed over (model/divergence.py)."""

    def __init__(self, windows: Windows, training: Training, skipped: Collection[int] = ()) -> None:
        self.windows, self.updates, self.skipped = windows, Updates(training, windows.context), frozenset(skipped)
        group, _ = schedule(windows.counts)
        self._period = len(group)
        self._places = [np.flatnonzero(group == g) for g in range(len(windows.groups))]  # in a period, a group's
        self._served = windows.served(self.updates.windows)
        # Where each file lies in the groups' streams: (group, place of its part's first token in the stream, part).
        self._files: dict[str, list[tuple[int, int, int]]] = {}
        for g, found in enumerate(windows.groups):
            for number, part in enumerate(found.stream.parts):
                self._files.setdefault(part.name, []).append((g, int(found.stream.starts[number]), number))

    def index(self, group: int, epoch: int, place: int) -> int:
        """The i for which Windows.where(i) == (group, epoch, place)."""
        n = self.windows.groups[group].windows
        served = epoch * n + unpermute(place, n, self.windows.key(group, epoch))  # of the group before this window
        rounds, nth = divmod(served, self.windows.counts[group])
        return rounds * self._period + int(self._places[group][nth])

    def spans(self, i: int) -> Iterator[Span]:
        """The tokens of window i of the training, as they lie in files; context + 1 together."""
        group, _, place = self.windows.where(i)
        stream, start, left = self.windows.groups[group].stream, place * self.windows.context, self.windows.context + 1
        number, at = int(np.searchsorted(stream.starts, start, side="right")) - 1, 0
        while left:
            part, skipped = stream.parts[number], start - int(stream.starts[number])
            count = min(left, part.tokens - skipped)
            yield Span(part.name, part.start + skipped, part.start + skipped + count, at)
            start, at, left, number = start + count, at + count, left - count, number + 1

    def readings(self, file: str, start: int, stop: int) -> Iterator[Reading]:
        """Every reading of some of the tokens start ... stop - 1 of a file: none where the file is not of the mixture,
        nor by steps that were passed over.

        They come part by part of an epoch (tokens that count several times stand in several), not in order of steps.
        """
        context = self.windows.context
        for group, begins, number in self._files.get(file, ()):
            of, part = self.windows.groups[group], self.windows.groups[group].stream.parts[number]
            first, last = max(start, part.start), min(stop, part.start + part.tokens)
            if first >= last:
                continue
            low, high = begins + first - part.start, begins + last - part.start  # in the group's stream
            # Window w holds the tokens w x context ... (w + 1) x context: its last one is the next one's first.
            for place in range(max(0, (low - 1) // context), min((high - 1) // context, of.windows - 1) + 1):
                at = max(low - place * context, 0)
                tokens = min(high - place * context, context + 1) - at
                for epoch in range(-(-self._served[group] // of.windows)):
                    i = self.index(group, epoch, place)
                    if i < self.updates.windows and (step := self.updates.step(i)) not in self.skipped:
                        yield Reading(step, i, group, epoch, place, at, tokens)
