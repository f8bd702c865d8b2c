"""The gap between validation and training loss, by epochs of a group."""

import pytest

from tasks.report.overfitting import gaps
from tasks.tokens.mixture import Mixed, Share, Source
from tasks.tokens.validation import HeldOut

GROUPS = {"a": "web", "b": "web", "c": "books"}
MIXED = Mixed(
    groups={"web": Share(weight=0.75, held=1000), "books": Share(weight=0.25, held=100)},
    sources={name: Source(held_out=HeldOut(tokens=tokens)) for name, tokens in (("a", 30), ("b", 10), ("c", 5))},
)
ROWS = [
    {"tokens": 100, "loss_web": 5.0, "loss_books": 4.0},
    {"tokens": 200, "loss_web": 4.0, "loss_books": None, "validation_a": 4.6, "validation_b": 5.0, "validation_c": 4.1},
    {"tokens": 300, "loss_web": None, "loss_books": 3.0},
    {"tokens": 400, "loss_web": 3.0, "loss_books": 2.0, "validation_a": 4.0, "validation_b": 4.0, "validation_c": 3.5},
]


def test_each_group_since_its_last_validation():
    found = gaps(ROWS, MIXED, GROUPS)
    # web: (4.6 x 30 + 5 x 10) / 40 = 4.7 less (5 + 4) / 2, at 200 x .75 / 1,000 epochs; then 4 less 3
    assert found["web"] == [[0.15, pytest.approx(0.2)], [0.3, pytest.approx(1.0)]]
    # books: 4.1 less 4, at 200 x .25 / 100 epochs; then 3.5 less (3 + 2) / 2
    assert found["books"] == [[0.5, pytest.approx(0.1)], [1.0, pytest.approx(1.0)]]


def test_a_group_that_is_not_validated_has_none():
    rows = [{key: value for key, value in row.items() if key != "validation_c"} for row in ROWS]
    assert gaps(rows, MIXED, GROUPS).keys() == {"web"}
