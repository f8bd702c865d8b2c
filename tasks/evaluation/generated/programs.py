"""Problems of graded difficulty, stand-ins for HumanEval at the scale of small models (the pass-rate law needs problems
that a small model sometimes solves).

Two forms of the same kind of chains (steps.py): as a question whose answer is compared word by word, in the form of the
published arithmetic; and as a function to be written from its docstring, in HumanEval's fields (Chen et al. 2021),
whose tests run. Levels 1 to 6 come in turn, in equal numbers.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tasks.evaluation.generated.arithmetic import asked
from tasks.evaluation.generated.draws import Record, distinct
from tasks.evaluation.generated.steps import FIXED, LEVELS, Chain, chains

SHOWN = 2  # of the trials, in a docstring


def questions(seed: int, items: int, *, kind: str) -> Iterator[Record]:
    """`What is (x + 7) * 3 for x = 5?`; or `What is abcde if you reverse it, then put it in capitals?`.

    ValueError: a level has fewer different ones than its part of `items`.
    """

    def told(chain: Chain) -> Record | None:
        value = chain.trials[-1]
        alone = replace(chain, trials=(value,))
        if not alone.needed or alone.of(value) == "":
            return None
        how = f"{chain.code} for x = {value}" if kind == "number" else f"{value} if you {chain.words}"
        return asked(how, chain.of(value))

    return _graded(seed, items, f"{kind}-questions", kind, told)


def functions(seed: int, items: int, *, kind: str) -> Iterator[Record]:
    """Records: task_id, prompt, entry_point, canonical_solution, test. ValueError as `questions`."""

    def told(chain: Chain) -> Record | None:
        if not chain.needed:
            return None
        shown = "".join(
            f"    >>> f({value!r})\n    {chain.of(value)!r}\n" for value in chain.trials[len(FIXED[kind]) :][:SHOWN]
        )
        checks = "".join(f"    assert candidate({value!r}) == {chain.of(value)!r}\n" for value in chain.trials)
        return {
            "prompt": f'def f(x):\n    """Take x, {chain.words}, and return it.\n\n{shown}    """\n',
            "entry_point": "f",
            "canonical_solution": f"    return {chain.code}\n",
            "test": f"def check(candidate):\n{checks}",
        }

    for number, record in enumerate(_graded(seed, items, f"{kind}-functions", kind, told)):
        yield {"task_id": f"{kind}-functions/{number}", **record}


def _graded(seed: int, items: int, name: str, kind: str, told: Callable[[Chain], Record | None]) -> Iterator[Record]:
    """Item i is of level 1 + i % 6."""

    def of_level(level: int) -> Iterator[Record | None]:
        for chain in chains(seed, name, kind, level):
            record = told(chain)
            yield record and {**record, "level": level}

    levels = [distinct(of_level(level), len(range(level - 1, items, LEVELS))) for level in range(1, LEVELS + 1)]
    for number in range(items):
        yield next(levels[number % LEVELS])
