"""Rule labelers: pure functions of (prompt, answer) that give known truth, at no cost (shared/SPECS.md 2.7).

Each rule gives a number from 0 to 1, and 1 says that it is obeyed; what lies between is how near the answer comes, so
that one who learns from the numbers has a way to go. A judge is a list of rules with weights; its number is their sum.
Words are those of docs/words.md (evaluation/plain.py), so that case, marks and widths play no part. Torch-free.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.evaluation.plain import words

Rule = Callable[[str, str], float]  # (prompt, answer) -> 0..1

# "1.", "2)", "-", "*" and their like before a line of a list
BULLET = re.compile(r"^\s*(?:\d+[.)]|[-*\u2022\u2013])\s+\S", re.MULTILINE)
# What stands between things that a sentence names. An Oxford comma is one mark with its "and".
BETWEEN = re.compile(r"\s*[,;]\s*(?:and|or)\s+|\s*[,;]\s*|\s+(?:and|or)\s+", re.IGNORECASE)


def ends_with(ending: str) -> Rule:
    """The answer's last characters, white space behind them left out."""
    return lambda prompt, answer: float(answer.rstrip().endswith(ending))


def starts_with(beginning: str) -> Rule:
    """Its first characters, white space before them left out; case plays no part."""
    return lambda prompt, answer: float(answer.lstrip().casefold().startswith(beginning.casefold()))


def items(count: int) -> Rule:
    """So many things are named: of a list its lines, else what stands between commas and "and"; 1 - off / count."""
    return lambda prompt, answer: max(0.0, 1 - abs(named(answer) - count) / count)


def named(answer: str) -> int:
    """How many things an answer names. Of several sentences the one that names most; none is of no word."""
    if bullets := BULLET.findall(answer):
        return len(bullets)
    sentences = re.split(r"[.!?:\n]+(?:\s+|$)", answer)
    return max(sum(bool(words(part)) for part in BETWEEN.split(sentence)) for sentence in sentences)


def length(fewest: int, most: int) -> Rule:
    """From `fewest` to `most` words; outside the ratio of the bound that is broken and the length."""

    def rule(prompt: str, answer: str) -> float:
        count = len(words(answer))
        return min(1.0, count / fewest if count < fewest else most / max(count, 1))

    return rule


def without(forbidden: Sequence[str]) -> Rule:
    """None of these words, or words in a row, stands in the answer."""
    phrases = [words(phrase) for phrase in forbidden]
    return lambda prompt, answer: float(not any(holds(words(answer), phrase) for phrase in phrases))


def having(required: Sequence[str]) -> Rule:
    """The share of these words, or words in a row, that stand in the answer."""
    phrases = [words(phrase) for phrase in required]
    return lambda prompt, answer: sum(holds(words(answer), phrase) for phrase in phrases) / len(phrases)


def having_any(wanted: Sequence[str]) -> Rule:
    """Whether one of them does."""
    phrases = [words(phrase) for phrase in wanted]
    return lambda prompt, answer: float(any(holds(words(answer), phrase) for phrase in phrases))


def holds(text: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether words stand in a row in others."""
    size = len(phrase)
    return any(list(text[at : at + size]) == list(phrase) for at in range(len(text) - size + 1))


# By the key of `judges` that asks for it; the argument is the key's value.
RULES: Mapping[str, Callable[[Any], Rule]] = {
    "ends_with": ends_with,
    "starts_with": starts_with,
    "items": items,
    "words": lambda bounds: length(*bounds),
    "without": without,
    "with": having,
    "with_any": having_any,
}


@dataclass(frozen=True)
class Judge:
    """Rules by name, with their weights."""

    rules: tuple[tuple[str, Rule, float], ...]

    def parts(self, prompt: str, answer: str) -> dict[str, float]:
        """What each rule gives, 0..1, without its weight."""
        return {name: rule(prompt, answer) for name, rule, _ in self.rules}

    def __call__(self, prompt: str, answer: str) -> float:
        """The sum over rules of weight x what it gives."""
        given = self.parts(prompt, answer)
        return sum(weight * given[name] for name, _, weight in self.rules)


def judge(rules: Sequence[Mapping[str, Any]]) -> Judge:
    """A judge of conf's rules, each {key of RULES: its value, weight: number (1)}. Rules that read alike are told apart
    by what they say: `with sorry` and `with please`."""
    made: dict[str, tuple[str, Rule, float]] = {}
    for given in rules:
        ((key, value),) = [(key, value) for key, value in given.items() if key != "weight"]
        name = f"{key} {said(value)}"
        made[name] = (name, RULES[key](value), made[name][2] if name in made else 0.0)
        made[name] = (*made[name][:2], made[name][2] + float(given.get("weight", 1.0)))
    return Judge(tuple(made.values()))


def said(value: Any) -> str:
    """A rule's value as it is written in names."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
