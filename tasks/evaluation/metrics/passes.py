"""pass@k: whether one of k programs would pass its tests, estimated from n of them (Chen et al. 2021, section 2.1).

An item's last reference is its tests, Python that raises where they fail. What stands before the text is the first of
two references (HumanEval's prompt), or else the item's prompt, which then must show no solved examples.
"""

from collections.abc import Callable
from functools import lru_cache
from math import comb

from tasks.evaluation.metrics.answer import Answer
from tasks.evaluation.metrics.programs import Outcome, outcomes
from tasks.runtime.errors import Mistake


def pass_at(n: int, right: int, k: int) -> float:
    """1 - C(n - c, k) / C(n, k), unbiased, of n programs of which c are right.

    Raises:
        ValueError: k programs cannot be drawn from n, or more are right than there are.
    """
    if not 0 <= right <= n or not 1 <= k <= n:
        raise ValueError(f"pass@{k} cannot be told of {n} programs with {right} right")
    return 1 - comb(n - right, k) / comb(n, k)


def programs_of(answer: Answer) -> tuple[str, ...]:
    """Each sample as a whole program: beginning, text, tests."""
    *before, tests = answer.references
    beginning = before[0] if before else answer.prompt or ""
    return tuple(f"{beginning}{text}\n{tests}\n" for text in answer.texts)


def judged(answer: Answer) -> tuple[Outcome, ...]:
    """What became of each sample's program; the same programs are run once.

    Raises:
        Mistake: programs cannot be run apart from the rest of this machine.
    """
    return _judged(programs_of(answer))


@lru_cache(maxsize=4096)
def _judged(programs: tuple[str, ...]) -> tuple[Outcome, ...]:
    return tuple(outcomes(programs))


def passes(k: int) -> Callable[[Answer], float]:
    """pass@k of an item."""

    def item(answer: Answer) -> float:
        if len(answer.texts) < k:
            raise Mistake(
                f"pass@{k} needs at least {k} texts an item, and item {answer.item} has {len(answer.texts)}: "
                f"say `samples: {k}` in the task's file, or more"
            )
        found = judged(answer)
        return pass_at(len(found), sum(one.passed for one in found), k)

    return item
