"""The generators by name. conf/benchmarks.py lists the same names, since conf knows no stage."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tasks.evaluation.generated.arithmetic import three_digits, two_operands
from tasks.evaluation.generated.draws import Record
from tasks.evaluation.generated.hindsight import hindsight_neglect
from tasks.evaluation.generated.programs import functions, questions
from tasks.evaluation.generated.scrambling import Way, cycled, interspersed, reversed_, scrambled, shuffled


@dataclass(frozen=True)
class Generator:
    """`records(seed, items)` gives different records, and ValueError where there are not so many; with `words`, it
    takes a list of `words` as well. `text`: the fields that must not be trained on."""

    meaning: str
    records: Callable[..., Iterator[Record]]
    text: tuple[str, ...] = ("context", "completion")
    words: bool = False


NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
SUMS = {"addition": "plus", "subtraction": "minus"}
ARITHMETIC = {
    f"{NUMBERS[digits]}-digit-{name}": Generator(
        f"{digits}D{'+' if name == 'addition' else '-'} of GPT-3",
        partial(two_operands, digits=digits, operation=operation),
    )
    for name, operation in SUMS.items()
    for digits in NUMBERS
} | {
    "two-digit-multiplication": Generator("2Dx of GPT-3", partial(two_operands, digits=2, operation="times")),
    "single-digit-three-ops": Generator(
        "1DC of GPT-3 as published: brackets round the first two, digits from 1", partial(three_digits, last=False)
    ),
    "single-digit-three-ops-last": Generator(
        "1DC of GPT-3 as the paper says: brackets round the last two, digits from 0", partial(three_digits, last=True)
    ),
}
WAYS: dict[str, tuple[str, Way]] = {
    "cycle-letters-in-word": ("CL", cycled),
    "mid-word-1-anagrams": ("A1", partial(shuffled, kept=1)),
    "mid-word-2-anagrams": ("A2", partial(shuffled, kept=2)),
    "random-insertion-in-word": ("RI", interspersed),
    "reversed-words": ("RW", reversed_),
}
SCRAMBLED = {
    name: Generator(f"{short} of GPT-3", partial(scrambled, name=name, way=way), words=True)
    for name, (short, way) in WAYS.items()
}
HINDSIGHT = {
    "hindsight-neglect": Generator("was a bet right, however it came out?", hindsight_neglect, ("question",)),
}
GRADED = {
    "number-questions": Generator("1 to 6 steps of arithmetic on x, asked", partial(questions, kind="number")),
    "text-questions": Generator("1 to 6 edits of a text, asked", partial(questions, kind="text")),
    "number-functions": Generator(
        "1 to 6 steps of arithmetic, as a function to write",
        partial(functions, kind="number"),
        ("prompt", "canonical_solution"),
    ),
    "text-functions": Generator(
        "1 to 6 edits of a text, as a function to write",
        partial(functions, kind="text"),
        ("prompt", "canonical_solution"),
    ),
}
GENERATED: dict[str, Generator] = {**ARITHMETIC, **SCRAMBLED, **HINDSIGHT, **GRADED}
