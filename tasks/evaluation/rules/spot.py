"""The spot check of arithmetic (GPT-3, section 3.9.1): do sums of a benchmark stand in training text with their signs?

The paper searched its three-digit problems "in both the forms <NUM1> + <NUM2> = and <NUM1> plus <NUM2>", and found 17
of 2,000 additions and 2 of 2,000 subtractions. For these the forms are those with - and minus (*ours*: the paper names
the first two alone). A number is whole: no digit stands beside it.
"""

import re
from dataclasses import dataclass

import numpy as np

from tasks.evaluation.rules.rule import Benchmarks, Block
from tasks.runtime.statistics import statistics

# As the published problems ask: "Q: What is 556 plus 497?"
PROBLEM = re.compile(rb"what is (\d+) (plus|minus) (\d+) ?\?", re.IGNORECASE)
FORMS = ("sign", "word")
_SIGNS = {b"plus": b"+", b"minus": b"-"}
_BEFORE = re.compile(rb"(?<!\d)\d+\Z")
_SIGNED, _SAID = re.compile(rb"(\d+) ="), re.compile(rb"(\d+)(?!\d)")
DIGITS = 20  # at most, of a number that is looked at

Problem = tuple[bytes, bytes, bytes]  # number, plus or minus, number


@statistics
class Spotted:
    """Of a benchmark's problems, those met with a sign and an equals sign, those met in words, and those met at all."""

    problems: int = 0
    sign: int = 0
    word: int = 0
    either: int = 0


@dataclass(frozen=True)
class Spot:
    """The distinct problems of the benchmarks that are arithmetic, and each one's items' places among them."""

    places: dict[Problem, int]
    items: dict[str, np.ndarray]

    @classmethod
    def of(cls, benchmarks: Benchmarks) -> "Spot":
        """A benchmark is arithmetic where each of its items asks one sum or difference."""
        asked = {name: [problem_of(text) for text in items.texts] for name, items in benchmarks.items()}
        known = {name: [one for one in some if one] for name, some in asked.items() if some and all(some)}
        every = sorted({one for some in known.values() for one in some})
        places = {one: number for number, one in enumerate(every)}
        return cls(places, {name: np.array([places[one] for one in some]) for name, some in known.items()})

    def nothing(self) -> np.ndarray:
        """bool (2 * problems,): with a sign, then in words."""
        return np.zeros(len(FORMS) * len(self.places), bool)

    def look(self, block: Block, met: np.ndarray) -> None:
        if not self.places:
            return
        text = block.text
        for word, sign in _SIGNS.items():
            for form, (between, after) in enumerate(((sign, _SIGNED), (word, _SAID))):
                at = text.find(b" %b " % between)
                while at >= 0:
                    left = _BEFORE.search(text, max(0, at - DIGITS), at)
                    right = after.match(text, at + len(between) + 2)
                    if left and right:
                        place = self.places.get((left[0], word, right[1]))
                        if place is not None:
                            met[form * len(self.places) + place] = True
                    at = text.find(b" %b " % between, at + 1)

    def counts(self, met: np.ndarray) -> dict[str, Spotted]:
        """By benchmark that is arithmetic."""
        sign, word = met[: len(self.places)], met[len(self.places) :]
        return {
            name: Spotted(
                len(places), int(sign[places].sum()), int(word[places].sum()), int((sign | word)[places].sum())
            )
            for name, places in self.items.items()
        }


def problem_of(text: bytes) -> Problem | None:
    """The sum or difference that an item asks, if it asks one."""
    found = PROBLEM.findall(text)
    return (found[0][0], found[0][1].lower(), found[0][2]) if len(found) == 1 else None
