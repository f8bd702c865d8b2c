"""The gap between validation and training loss, by epochs of a group, and while the training goes on."""

import json
from pathlib import Path

import pytest

from tasks.models.gaps import TAIL, Watch, gaps
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


def test_it_is_told_while_the_file_grows(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    watch = Watch(path, MIXED, GROUPS)
    rows = [json.dumps({"step": n, **row}) + "\n" for n, row in enumerate(ROWS, 1)]
    assert watch.told() is None  # it is not there yet
    path.write_text(rows[0] + rows[1][:30])
    assert watch.told() is None
    path.write_text(rows[0] + rows[1])
    first = "step 2, validation less training loss: web +0.200 (epoch 0.15), books +0.100 (epoch 0.50)"
    assert watch.told() == first and watch.told() is None
    path.write_text("".join(rows))
    last = "step 4, validation less training loss: web +1.000 (epoch 0.30), books +1.000 (epoch 1.00)"
    assert watch.told() == last and watch.told() is None
    path.write_text(rows[0])  # the training went back
    assert watch.told() is None
    path.write_text(rows[0] + rows[1])
    assert watch.told() == first
    assert Watch(path, MIXED, {}).told() is None  # of no group's sources there is anything to say


def test_of_a_long_file_the_end_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.jsonl"
    before = {"step": 1, "tokens": 1, "loss_web": 99.0, "more": "x" * 300}
    path.write_text((json.dumps(before) + "\n") * (2 * TAIL // 300))
    watch = Watch(path, MIXED, GROUPS)
    assert watch.told() is None
    assert 0 < len(watch._since) <= TAIL // 300
    with path.open("a") as file:
        file.write(json.dumps({"step": 2, "tokens": 2, "loss_web": 1.0, "validation_a": 99.5}) + "\n")
    assert watch.told() is not None
