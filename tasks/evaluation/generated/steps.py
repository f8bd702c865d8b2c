"""What graded problems are made of: chains of 1 to 6 steps on a number or on a text, told in words and as Python.

The number of steps is the level, so a chain counts only if it needs all of them: without any run of them, some of its
trials comes out otherwise (two reversals one behind the other are none). No trial may come out longer than 24 letters.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tasks.evaluation.generated.draws import one_of, rows, whole

LEVELS = 6
LETTERS = "abcde"  # few, so that to replace one changes most texts
PLACES = 3  # draws of a step
TRIALS = 7  # drawn inputs, beside the fixed ones
LONGEST = 24  # letters of what becomes of a trial: four times the longest that is drawn
FIXED: dict[str, tuple[Any, ...]] = {"number": (0, 1, -3, 10), "text": ("", "a", "edcba")}


@dataclass(frozen=True)
class Step:
    """`code`: an expression that holds one {}, what the step is done to. `closed`: it needs no brackets inside one."""

    words: str
    code: str
    does: Callable[[Any], Any]
    closed: bool = False


@dataclass(frozen=True)
class Chain:
    """Steps one after the other, and the inputs they are tried on."""

    steps: tuple[Step, ...]
    trials: tuple[Any, ...]

    def of(self, value: Any, without: range = range(0)) -> Any:
        """What becomes of a value; `without` the steps of these places."""
        for place, step in enumerate(self.steps):
            if place not in without:
                value = step.does(value)
        return value

    @property
    def words(self) -> str:
        """add 7, then multiply it by 3"""
        return ", then ".join(step.words for step in self.steps)

    @property
    def code(self) -> str:
        """(x + 7) * 3"""
        code, closed = "x", True
        for step in self.steps:
            code, closed = step.code.format(code if closed else f"({code})"), step.closed
        return code

    @property
    def needed(self) -> bool:
        """Whether no run of steps can be left out (all of them are a run, so something changes), and nothing grows too
        long."""
        whole_chain = [self.of(value) for value in self.trials]
        if any(isinstance(value, str) and len(value) > LONGEST for value in whole_chain):
            return False
        count = len(self.steps)
        runs = [range(start, stop) for start in range(count) for stop in range(start + 1, count + 1)]
        return all([self.of(value, without) for value in self.trials] != whole_chain for without in runs)


def chains(seed: int, name: str, kind: str, level: int) -> Iterator[Chain]:
    """Chains of `level` steps on a `number` or a `text`, tried on what is FIXED and on TRIALS that are drawn."""
    step, drawn = KINDS[kind]
    places = level * PLACES
    for draws in rows(seed, f"{name}-{level}", places + TRIALS):
        steps = tuple(step(draws[at : at + PLACES]) for at in range(0, places, PLACES))
        yield Chain(steps, FIXED[kind] + tuple(drawn(draw) for draw in draws[places:]))


def on_number(draws: list[float]) -> Step:
    """Plus or minus 2 to 199, times 2 to 9."""
    sign = one_of(draws[0], "+-*")
    by = whole(draws[1], 2, 10 if sign == "*" else 200)
    if sign == "+":
        return Step(f"add {by}", f"{{}} + {by}", lambda value: value + by)
    if sign == "-":
        return Step(f"subtract {by}", f"{{}} - {by}", lambda value: value - by)
    return Step(f"multiply by {by}", f"{{}} * {by}", lambda value: value * by)


def on_text(draws: list[float]) -> Step:
    """One of nine edits."""
    one, other, many = one_of(draws[1], LETTERS), one_of(draws[2], LETTERS), whole(draws[1], 1, 4)
    edits = (
        lambda: Step("reverse it", "{}[::-1]", lambda text: text[::-1], True),
        lambda: Step("put it in capitals", "{}.upper()", str.upper, True),
        lambda: Step(f"repeat it {many + 1} times", f"{{}} * {many + 1}", lambda text: text * (many + 1)),
        lambda: Step(f"remove {_letters('first', many)}", f"{{}}[{many}:]", lambda text: text[many:], True),
        lambda: Step(f"remove {_letters('last', many)}", f"{{}}[:-{many}]", lambda text: text[:-many], True),
        lambda: Step(f"keep {_letters('first', many)}", f"{{}}[:{many}]", lambda text: text[:many], True),
        lambda: Step(f"put {one} before it", f'"{one}" + {{}}', lambda text: one + text),
        lambda: Step(f"put {one} after it", f'{{}} + "{one}"', lambda text: text + one),
        lambda: Step(
            f"replace {one} by {other}",
            f'{{}}.replace("{one}", "{other}")',
            lambda text: text.replace(one, other),
            True,
        ),
    )
    return one_of(draws[0], edits)()


def _letters(which: str, many: int) -> str:
    return f"the {which} letter" if many == 1 else f"the {which} {many} letters"


def some_number(draw: float) -> int:
    return whole(draw, 2, 100)


def some_text(draw: float) -> str:
    """3 to 6 of the letters."""
    size, rest = 3 + int(draw * 4), draw * 4 % 1
    text = ""
    for _ in range(size):
        rest *= len(LETTERS)
        text += LETTERS[int(rest)]
        rest %= 1
    return text


KINDS: dict[str, tuple[Callable[[list[float]], Step], Callable[[float], Any]]] = {
    "number": (on_number, some_number),
    "text": (on_text, some_text),
}
