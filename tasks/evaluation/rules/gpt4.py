"""GPT-4's report, appendix C: an item is dirty if one of three of its substrings stands in a training document.

Both are stripped of all but letters and digits (plain.letters); a substring has 50 characters, an item that has fewer
is one whole. Characters are code points, case counts, and a substring is looked for as its UTF-8, in which no character
begins within another. The draws are hashes of (seed, item).

A rolling hash of the substring's first bytes finds where it may stand, a hash of all of it that it does, and the bytes
decide. Those first bytes are 50, or fewer in powers of two where an item is short.
"""

from dataclasses import dataclass

import numpy as np

from tasks.evaluation.plain import letters
from tasks.evaluation.rolling import Sums, whole
from tasks.evaluation.rules.rule import CLEAN, DIRTY, UNCHECKABLE, Benchmarks, Block, Verdict
from tasks.kernels.draw import uniform

CHARACTERS, SUBSTRINGS = 50, 3
WINDOWS = (50, 32, 16, 8, 4, 2, 1)  # bytes of a substring that the rolling hash is of
AT_ONCE = 1_000_000  # bytes searched at a time
BITS = 22  # of a hash that say where it is in the table of those looked for: 4 MB


@dataclass(frozen=True)
class Needles:
    """Substrings whose first `window` bytes are hashed; sorted by that hash."""

    window: int
    numbers: np.ndarray  # int64: their places among all substrings
    firsts: np.ndarray  # uint64: of the first bytes, in order
    sums: np.ndarray  # uint64: of the whole
    sizes: np.ndarray  # int64: bytes
    table: np.ndarray  # bool (2^BITS,)

    @classmethod
    def of(cls, window: int, numbers: list[int], substrings: list[bytes]) -> "Needles":
        bytes_ = [np.frombuffer(substrings[number], np.uint8) for number in numbers]
        firsts = np.array([whole(one[:window]) for one in bytes_], np.uint64)
        order = np.argsort(firsts, kind="stable")
        table = np.zeros(1 << BITS, bool)
        table[_slots(firsts)] = True
        sums = np.array([whole(one) for one in bytes_], np.uint64)
        sizes = np.array([len(one) for one in bytes_], np.int64)
        return cls(window, np.array(numbers, np.int64)[order], firsts[order], sums[order], sizes[order], table)

    def likely(self, sums: Sums, size: int) -> tuple[np.ndarray, np.ndarray]:
        """(place in the text, place here) of every substring whose hash stands in a text of `size` bytes."""
        firsts = sums.windows(self.window)
        places = np.flatnonzero(self.table[_slots(firsts)])
        firsts = firsts[places]
        low = np.searchsorted(self.firsts, firsts)
        found = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        while len(places):  # once, but for substrings that begin alike
            inside = low < len(self.firsts)
            places, firsts, low = places[inside], firsts[inside], low[inside]
            same = self.firsts[low] == firsts
            places, firsts, low = places[same], firsts[same], low[same]
            fits = places + self.sizes[low] <= size
            at, which = places[fits], low[fits]
            equal = sums.between(at, at + self.sizes[which]) == self.sums[which]
            found.append((at[equal], which[equal]))
            low = low + 1
        return np.concatenate([at for at, _ in found]), np.concatenate([which for _, which in found])


@dataclass(frozen=True)
class Gpt4:
    """The distinct substrings, and of each benchmark its items' places among them."""

    substrings: list[bytes]
    needles: list[Needles]
    items: dict[str, list[np.ndarray]]

    @classmethod
    def of(cls, benchmarks: Benchmarks, seed: int) -> "Gpt4":
        drawn = {
            name: [sorted(set(some)) for some in substrings_of(items.ids, items.texts, seed)]
            for name, items in benchmarks.items()
        }
        substrings = sorted({one for items in drawn.values() for some in items for one in some})
        place = {one: number for number, one in enumerate(substrings)}
        by_window: dict[int, list[int]] = {}
        for number, one in enumerate(substrings):
            by_window.setdefault(next(window for window in WINDOWS if window <= len(one)), []).append(number)
        needles = [Needles.of(window, numbers, substrings) for window, numbers in sorted(by_window.items())]
        places = {
            name: [np.array([place[one] for one in some], np.int64) for some in items] for name, items in drawn.items()
        }
        return cls(substrings, needles, places)

    def nothing(self) -> np.ndarray:
        return np.zeros(len(self.substrings), bool)

    def look(self, block: Block, met: np.ndarray) -> None:
        text = letters(block.text)
        longest = max(map(len, self.substrings), default=1)
        for start in range(0, len(text), AT_ONCE):
            part = text[start : start + AT_ONCE + longest - 1]
            sums = Sums.of(np.frombuffer(part, np.uint8))
            for needles in self.needles:
                if met[needles.numbers].all():
                    continue
                for at, which in zip(*needles.likely(sums, len(part)), strict=True):
                    number = needles.numbers[which]
                    if not met[number]:
                        met[number] = part.startswith(self.substrings[number], at)

    def size(self, benchmark: str) -> int:
        return CHARACTERS

    def verdicts(self, benchmark: str, met: np.ndarray) -> list[Verdict]:
        found = [(len(places), int(met[places].sum())) for places in self.items[benchmark]]
        return [Verdict(DIRTY if of else CLEAN if all_ else UNCHECKABLE, all_, of) for all_, of in found]


def substrings_of(ids: list[str], texts: list[bytes], seed: int) -> list[list[bytes]]:
    """Of each item, what is looked for: SUBSTRINGS draws, the whole item, or (where no letter is in it) nothing."""
    stripped = [letters(text).decode() for text in texts]
    draws = [uniform(ids, seed, f"overlap gpt4 {number}") for number in range(SUBSTRINGS)]
    found = []
    for item, text in enumerate(stripped):
        last = len(text) - CHARACTERS
        starts = [int(draw[item] * (last + 1)) for draw in draws] if last > 0 else [0]
        found.append([text[start : start + CHARACTERS].encode() for start in starts] if text else [])
    return found


def _slots(hashes: np.ndarray) -> np.ndarray:
    return (hashes >> np.uint64(64 - BITS)).astype(np.int64)
