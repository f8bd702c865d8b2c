"""Rewards that a run.yaml of PPO names as `function`: made with the start's folder and `arguments`."""

from collections.abc import Callable, Sequence

Rule = Callable[[Sequence[int], Sequence[int]], float]


def count(start: object, token: int) -> Rule:
    """How often the answer has a token."""
    return lambda prompt, answer: float(list(answer).count(token))


def not_a_number(start: object, after: int) -> Rule:
    """NaN, once so many answers have been scored."""
    seen = iter(range(10**9))
    return lambda prompt, answer: float("nan") if next(seen) >= after else 1.0
