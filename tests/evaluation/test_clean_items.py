"""The study of clean items beside all, on tables planted by hand."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation.asking.table import SCORED
from tasks.evaluation.clean import Study, change_within, studies
from tasks.evaluation.scores import Score, Scored, Value

# (value, state): 10 items, 4 right of 6 clean, 2 right of 3 dirty, 1 uncheckable and right
PLANTED = [
    *((1.0, "clean"),) * 4, *((0.0, "clean"),) * 2, *((1.0, "dirty"),) * 2, (0.0, "dirty"), (1.0, "uncheckable"),
]  # fmt: skip


def table(rows: list[tuple[float | None, str]], **more: Any) -> pa.Table:
    about = {"shots": 0, "template": "default", "draw": 0, "step": None, **more}
    rows_ = [{"item": str(n), "value": value, "gpt3": state, **about} for n, (value, state) in enumerate(rows)]
    return pa.Table.from_pylist([{name: row.get(name) for name in SCORED.names} for row in rows_], schema=SCORED)


def value_of(rows: list[tuple[float | None, str]], state: str | None = None) -> Value:
    values = [value for value, of in rows if value is not None and state in (None, of)]
    return Value(len(values), round(float(np.mean(values)), 6) if values else None, 0.0, 1.0)


def score_of(rows: list[tuple[float | None, str]], **more: Any) -> Score:
    states = sorted({state for _, state in rows})
    rules = {"gpt3": {state: value_of(rows, state) for state in states}}
    return Score(shots=0, template="default", draw=0, all=value_of(rows), rules=rules, **more)


def study(rows: list[tuple[float | None, str]], metric: str = "accuracy") -> Study:
    scored = Scored("tiny", "quiz", "choice", metric, "token", "quiz", None, {"0": score_of(rows)})
    (found,) = studies(scored, table(rows))
    return found


def test_counts_scores_and_the_change():
    found = study(PLANTED)
    assert (found.model, found.task, found.way, found.rule) == ("tiny", "quiz", "0", "gpt3")
    assert {state: (of.items, of.value) for state, of in found.states.items()} == {
        "clean": (6, 0.666667), "dirty": (3, 0.666667), "uncheckable": (1, 1.0),
    }  # fmt: skip
    assert (found.all.items, found.all.value, found.clean_share) == (10, 0.7, 0.6)
    assert found.change == pytest.approx((4 / 6 - 0.7) / 0.7, abs=2e-6)
    assert found.change_low is not None and found.change_low < found.change < found.change_high
    assert found.lower == "clean" and not found.flagged


def test_the_lower_of_the_two():
    assert study([(1.0, "clean"), (0.0, "dirty")]).lower == "all"
    assert study([(0.0, "clean"), (1.0, "dirty")]).lower == "clean"
    assert study([(1.0, "clean"), (1.0, "dirty")]).lower == "all"  # they are the same


@pytest.mark.parametrize(("dirty", "flagged"), [(5, False), (6, True)])
def test_a_set_is_flagged_above_half(dirty, flagged):
    assert study([(1.0, "dirty")] * dirty + [(1.0, "clean")] * (10 - dirty)).flagged is flagged


def test_where_nothing_can_be_said():
    none_clean = study([(1.0, "dirty"), (0.0, "uncheckable")])
    assert none_clean.change is None and none_clean.states["clean"].items == 0 and none_clean.lower == "all"
    nothing_right = study([(0.0, "dirty"), (0.0, "clean")])
    assert nothing_right.change is None and nothing_right.change_low is None
    all_clean = study([(1.0, "clean"), (0.0, "clean")])
    assert all_clean.change == 0 and all_clean.change_low is None and all_clean.clean_share == 1
    not_asked = Scored("tiny", "quiz", "choice", "accuracy", ways={"0": score_of([(None, "clean")])})
    assert studies(not_asked, table([(None, "clean")])) == []
    unchecked = Scored("tiny", "quiz", "choice", "accuracy", ways={"0": Score(all=Value(2, 0.5))})
    assert studies(unchecked, table([(1.0, "unchecked"), (0.0, "unchecked")])) == []


def test_each_way_is_studied_on_its_own_rows():
    other = [(0.0, "clean"), (1.0, "dirty"), (1.0, "dirty")]
    one, two = score_of(PLANTED), score_of(other)
    two = Score(shots=5, template="plain", draw=2, step=100, all=two.all, rules=two.rules)
    scored = Scored("tiny", "quiz", "choice", "accuracy", ways={"0": one, "5": two})
    rows = pa.concat_tables([table(PLANTED), table(other, shots=5, template="plain", draw=2, step=100)])
    first, second = studies(scored, rows)
    assert first == study(PLANTED)
    assert (second.way, second.change, second.clean_share) == ("5", -1.0, 0.333333)


def test_a_corpus_metric_has_no_interval_of_its_change():
    """BLEU is no mean over items: its values come from the scores, its change has no interval."""
    found = study(PLANTED, metric="bleu")
    assert found.change is not None and found.change_low is None


def test_the_interval_holds_the_true_change_about_as_often_as_it_says():
    """200 sets of 150 items, clean ones right at .4 and dirty ones at .7, half and half: (.4 - .55) / .55 = -.273."""
    draw = np.random.Generator(np.random.PCG64(1))
    held = 0
    for _ in range(200):
        clean = draw.random(150) < 0.5
        right = draw.random(150) < np.where(clean, 0.4, 0.7)
        within = change_within(right.astype(float).tolist(), [None] * 150, ["clean" if c else "dirty" for c in clean])
        assert within is not None
        held += within.low <= (0.4 - 0.55) / 0.55 <= within.high
    assert 178 <= held <= 200  # 95 % of 200 is 190, its standard deviation 3


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from(["clean", "dirty", "uncheckable"])), min_size=1, max_size=12))  # fmt: skip  # noqa: E501
def test_counts_add_up_and_clean_is_never_more_than_all(rows):
    found = study(rows)
    assert sum(of.items for of in found.states.values()) == found.all.items == len(rows)
    assert 0 <= found.clean_share <= 1
    if found.change is not None:
        assert found.change >= -1 and (found.lower == "clean") == (found.change < 0)
