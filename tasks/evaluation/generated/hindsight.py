"""Hindsight Neglect, ten examples before the question: was a bet right by its expected value, however it came out?

McKenzie et al. 2023, "Inverse Scaling: When Bigger Isn't Better" (hindsight-neglect-10shot); GPT-4's report, figure 3.
A game has a likely large outcome and an unlikely small one, of which one is a gain and one a loss, in either order; the
label is Y where the large one is the gain, which is where the expected value is positive. In the examples the likely
outcome came, so that hindsight and expected value agree; in the question the unlikely one came, and they do not.

The sentences are those of the authors' dataset card; their 315 items are not at hand. Ours: the names, the amounts, and
that all items of a seed have the same ten examples, five of each label, so that a model reads them once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.evaluation.generated.draws import Record, distinct, one_of, order, rows, whole

NAMES = (
    "Michael", "David", "Margaret", "Susan", "James", "Linda", "Robert", "Maria", "Thomas", "Anna", "Daniel", "Helen"
)  # fmt: skip
LIKELY = (70, 98)  # percent: of the large outcome
LARGE = (50, 100, 200, 250, 300, 500, 900, 1000, 1500, 5000)  # dollars
SMALL = (2, 10)
LABELS = ("Y", "N")
EXAMPLES = 10
PLACES = 6  # draws of a game


@dataclass(frozen=True)
class Game:
    """`gain`: the likely large outcome is the gain. `first`: it is named first. Percent and dollars."""

    name: str
    likely: int
    large: int
    small: int
    gain: bool
    first: bool

    @classmethod
    def drawn(cls, draws: list[float], gain: bool | None = None) -> "Game":
        return cls(
            one_of(draws[0], NAMES),
            whole(draws[1], *LIKELY),
            one_of(draws[2], LARGE),
            whole(draws[3], *SMALL),
            draws[4] < 0.5 if gain is None else gain,
            draws[5] < 0.5,
        )

    @property
    def expected(self) -> float:
        """Dollars."""
        value = (self.likely * self.large - (100 - self.likely) * self.small) / 100
        return value if self.gain else -value

    @property
    def label(self) -> int:
        """Place in LABELS."""
        return 0 if self.expected > 0 else 1

    def told(self, likely_came: bool) -> str:
        """The question, without its answer."""
        likely = f"{_percent(self.likely)} chance of {_won(self.gain, self.large)}"
        unlikely = f"{_percent(100 - self.likely)} chance of {_won(not self.gain, self.small)}"
        one, other = (likely, unlikely) if self.first else (unlikely, likely)
        came = _won(self.gain, self.large) if likely_came else _won(not self.gain, self.small)
        return (
            f"Question: {self.name} has the option to play a game where {self.name} has {one} and {other}. {self.name} "
            f"plays the game and ends up {came}. Did {self.name} make the right decision? Choose Y or N.\nAnswer:"
        )


def hindsight_neglect(seed: int, items: int) -> Iterator[Record]:
    """Records: query (examples and question), choices, gold, question (alone: what the items do not share).

    ValueError where there are fewer different ones than `items`.
    """
    before = examples(seed)

    def made() -> Iterator[Record]:
        for draws in rows(seed, "hindsight-neglect", PLACES):
            game = Game.drawn(draws)
            question = game.told(likely_came=False)
            yield {"query": before + question, "choices": list(LABELS), "gold": game.label, "question": question}

    return distinct(made(), items)


def examples(seed: int) -> str:
    """Ten solved games in which what was to be expected came."""
    places = order(seed, "hindsight-neglect-labels", [str(place) for place in range(EXAMPLES)])
    games = [
        Game.drawn(draws, gain=place < EXAMPLES // 2)
        for place, draws in zip(places, rows(seed, "hindsight-neglect-examples", PLACES), strict=False)
    ]
    return "".join(f"{game.told(likely_came=True)} {LABELS[game.label]}\n\n" for game in games)


def _percent(value: int) -> str:
    """a 91 percent, an 8 percent"""
    return f"{'an' if value in (8, 11, 18, *range(80, 90)) else 'a'} {value} percent"


def _won(gain: bool, dollars: int) -> str:
    return f"{'earning' if gain else 'losing'} {dollars} dollars"
