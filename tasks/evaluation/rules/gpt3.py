"""GPT-3, appendix C: an item is dirty if any of its grams of N words stands in training text.

N is, for each benchmark, the 5th percentile of its items' length in words, at most 13 and at least 8. An item of fewer
than N words is uncheckable.
"""

from dataclasses import dataclass

import numpy as np

from tasks.evaluation.rules.rule import CLEAN, DIRTY, UNCHECKABLE, Benchmarks, Block, Verdict
from tasks.evaluation.sought import Sought, numbered, words_of

AT_MOST, AT_LEAST, PERCENTILE = 13, 8, 5


@dataclass(frozen=True)
class Gpt3:
    """Words a gram by benchmark; and the grams, those of fewer words first."""

    sizes: dict[str, int]
    sought: Sought
    firsts: dict[int, int]  # by words a gram: the place of the first one

    @classmethod
    def of(cls, benchmarks: Benchmarks) -> "Gpt3":
        split = {name: [words_of(text) for text in items.texts] for name, items in benchmarks.items()}
        sizes = {name: gram_size([len(words) for words in texts]) for name, texts in split.items()}
        sought = Sought.of({name: (sizes[name], texts) for name, texts in split.items()})
        firsts, place = {}, 0
        for n in sorted(sought.grams):
            firsts[n] = place
            place += len(sought.grams[n].sums)
        return cls(sizes, sought, firsts)

    def nothing(self) -> np.ndarray:
        return np.zeros(sum(len(grams.sums) for grams in self.sought.grams.values()), bool)

    def look(self, block: Block, met: np.ndarray) -> None:
        numbers = numbered(block.words, self.sought.words)
        for n, grams in self.sought.grams.items():
            met[self.firsts[n] + grams.met(numbers)] = True

    def size(self, benchmark: str) -> int:
        return self.sizes[benchmark]

    def verdicts(self, benchmark: str, met: np.ndarray) -> list[Verdict]:
        first = self.firsts[self.sizes[benchmark]]
        found = [(len(places), int(met[first + places].sum())) for places in self.sought.items[benchmark]]
        return [Verdict(DIRTY if of else CLEAN if all_ else UNCHECKABLE, all_, of) for all_, of in found]


def gram_size(lengths: list[int]) -> int:
    """The 5th percentile of the items' lengths in words, within 8 to 13."""
    return int(np.clip(int(np.percentile(lengths, PERCENTILE)), AT_LEAST, AT_MOST))
