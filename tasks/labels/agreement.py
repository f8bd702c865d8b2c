"""How far labelers agree: pairs of answers that both ranked, per cent and Cohen's kappa; and their qualities.

Each two answers of a prompt that two labelers ranked are one observation: the first better, equal, the second better.
**Agreement** is the share of those that both ranked apart on which they prefer the same (the paper's 72.6 +- 1.5 %
between its labelers, 77.3 +- 1.3 % between others, section 3.4; it does not say what ties are, so they are counted
beside). Its interval draws prompts again whole. **Kappa** (scikit-learn's) is of all three outcomes, ties too; since
which answer is the first is arbitrary, every pair enters in both orders. Quality is an ordinal scale: kappa with
quadratic weights.

Who ranked is a person only where the line says so ("judge": "human"): every other is a machine, and named so.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from tasks.evaluation.statistics import Interval, interval
from tasks.labels.ranking import BEST, PEOPLE
from tasks.runtime.errors import Mistake
from tasks.sources.rows.json_lines import json_lines

PAPER = "72.6 +- 1.5 % between InstructGPT's labelers (section 3.4)"
WORDS = {
    "one": "a comparison",
    "not_json": "is not JSON ({}); see docs/label.md for a line cut by a crash",
    "files": "FILE",
}
FIELDS = ["id", "answers", "ranks", "labeler"]


class Labeler(NamedTuple):
    """Who ranked."""

    person: bool
    name: str

    def told(self) -> str:
        """Its name; a machine's says what it is."""
        return self.name if self.person else f"{self.name} (machine)"


@dataclass(frozen=True)
class Said:
    """One comparison: the rank of each answer, and its quality if all were given one."""

    ranks: list[float]
    likert: list[int | None]


class Item(NamedTuple):
    """What was ranked: labels of the same id with other answers are of something else."""

    id: str
    answers: tuple[str, ...]


Labels = dict[Labeler, dict[Item, Said]]


@dataclass(frozen=True)
class Agreement:
    """Of two labelers, or of all pairs of people together. `apart`: observations that both ranked apart, of `pairs`."""

    who: tuple[Labeler, ...]
    prompts: int
    pairs: int
    apart: int
    agree: float | None
    within: Interval | None
    kappa: float | None
    quality: float | None
    rated: int


def labels_in(paths: Iterable[Path]) -> Labels:
    """What the files hold. Of a labeler's lines on the same the last counts: a file's are never several.

    Raises:
        Mistake: a line is no comparison.
    """
    found: Labels = {}
    for path in paths:
        for number, _, record in json_lines(path, FIELDS, **WORDS):
            where = f"{path}:{number}"
            answers, ranks = record["answers"], record["ranks"]
            if not isinstance(answers, list) or not all(isinstance(one, str) for one in answers):
                raise Mistake(f"{where}: answers is no list of texts")
            if not isinstance(ranks, list) or len(ranks) != len(answers) or not all(map(_rank, ranks)):
                raise Mistake(f"{where}: {len(answers)} answers need as many ranks, from 1 on; ranks is {ranks!r:.60}")
            likert = record.get("likert") or [None] * len(answers)
            if not isinstance(likert, list) or len(likert) != len(answers) or not all(map(_quality, likert)):
                raise Mistake(f"{where}: likert has for each answer null or 1 to {BEST}; it is {likert!r:.60}")
            labeler = Labeler(record.get("judge") == PEOPLE, str(record["labeler"]))
            item = Item(str(record["id"]), tuple(answers))
            found.setdefault(labeler, {})[item] = Said([float(rank) for rank in ranks], likert)
    return found


def _rank(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 1


def _quality(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= BEST)


def agreements(labels: Labels, seed: int) -> list[Agreement]:
    """Of every two labelers with something in common, people first; then of all people, if more than two."""
    order = sorted(labels, key=lambda one: (not one.person, one.name))
    pairs = [pair for pair in combinations(order, 2) if labels[pair[0]].keys() & labels[pair[1]].keys()]
    found = [agreement(labels, [pair], seed) for pair in pairs]
    people = [pair for pair in pairs if all(one.person for one in pair)]
    return [*found, *([agreement(labels, people, seed)] if len(people) > 1 else [])]


def agreement(labels: Labels, pairs: Sequence[tuple[Labeler, Labeler]], seed: int) -> Agreement:
    """Of these pairs of labelers, together."""
    outcomes: list[tuple[int, int]] = []
    alike: list[float] = []
    of: list[str] = []
    qualities: list[tuple[int, int]] = []
    prompts: set[Item] = set()
    for item, one, other in _common(labels, pairs):
        prompts.add(item)
        qualities += [(a, b) for a, b in zip(one.likert, other.likert, strict=True) if a is not None and b is not None]
        for i, j in combinations(range(len(one.ranks)), 2):
            outcome = tuple(_sign(said.ranks[j] - said.ranks[i]) for said in (one, other))
            outcomes.append((outcome[0], outcome[1]))
            if 0 not in outcome:
                alike.append(float(outcome[0] == outcome[1]))
                of.append(repr(item))
    both = [*outcomes, *((-a, -b) for a, b in outcomes)]
    return Agreement(
        who=tuple(dict.fromkeys(one for pair in pairs for one in pair)),
        prompts=len(prompts),
        pairs=len(outcomes),
        apart=len(alike),
        agree=sum(alike) / len(alike) if alike else None,
        within=interval(alike, of, seed),
        kappa=_kappa(both, None),
        quality=_kappa(qualities, "quadratic"),
        rated=len(qualities),
    )


def _common(labels: Labels, pairs: Iterable[tuple[Labeler, Labeler]]) -> Iterator[tuple[Item, Said, Said]]:
    for one, other in pairs:
        for item in labels[one]:
            if item in labels[other]:
                yield item, labels[one][item], labels[other][item]


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _kappa(pairs: Sequence[tuple[int, int]], weights: str | None) -> float | None:
    """None of no observation, and where both always said the same one thing: chance alone explains that."""
    if not pairs or len({value for pair in pairs for value in pair}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    one, other = zip(*pairs, strict=True)
    return float(cohen_kappa_score(one, other, weights=weights))
