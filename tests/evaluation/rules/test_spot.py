"""The spot check of arithmetic: what counts as a problem that stands in the text."""

import pytest

from tasks.evaluation.rules.rule import Block, Items
from tasks.evaluation.rules.spot import Spot, problem_of


def asked(*texts: str) -> Items:
    return Items([str(n) for n in range(len(texts))], [text.encode() for text in texts])


def spotted(text: str) -> tuple[int, int, int]:
    spot = Spot.of({"sums": asked("Q: What is 556 plus 497? A: 1053", "Q: What is 90 minus 5?\n\nA: 85")})
    met = spot.nothing()
    spot.look(Block(text.encode()), met)
    counts = spot.counts(met)["sums"]
    assert counts.problems == 2
    return counts.sign, counts.word, counts.either


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("556 + 497 = 1053", (1, 0, 1)),
        ("(556 + 497 =", (1, 0, 1)),
        ("556 + 497", (0, 0, 0)),
        ("556 + 497= 1053", (0, 0, 0)),
        ("1556 + 497 = 1", (0, 0, 0)),
        ("556 + 4970 = 1", (0, 0, 0)),
        ("556 plus 497", (0, 1, 1)),
        ("556 plus 4971", (0, 0, 0)),
        ("556 plus 497 and 556 + 497 = ?", (1, 1, 1)),
        ("497 + 556 =, 5 - 90 =", (0, 0, 0)),
        ("90 - 5 = 85; 556 plus 497", (1, 1, 2)),
        ("90 minus 5", (0, 1, 1)),
        ("90 + 5 = 85", (0, 0, 0)),
        ("1 + 2 + 556 + 497 =", (1, 0, 1)),
        (f"{'9' * 40} plus 497", (0, 0, 0)),
        (" plus 497", (0, 0, 0)),
    ],
)
def test_forms(text, found):
    assert spotted(text) == found


def test_a_benchmark_is_arithmetic_where_every_item_is():
    spot = Spot.of({"some": asked("What is 1 plus 2?", "What is a plum?"), "all": asked("what is 1 plus 2 ?")})
    assert set(spot.counts(spot.nothing())) == {"all"}
    assert problem_of(b"What is 1 plus 2? What is 3 plus 4?") is None
    assert problem_of(b"What is (1 plus 2) * 3?") is None


def test_no_arithmetic_costs_nothing():
    spot = Spot.of({"quiz": asked("Who?")})
    assert len(spot.nothing()) == 0 and spot.counts(spot.nothing()) == {}
