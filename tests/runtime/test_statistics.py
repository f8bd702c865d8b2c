"""Statistics: shards' sums, JSON that comes back as what it was, and what is no statistics is told."""

from dataclasses import field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.runtime.errors import Failure
from tasks.runtime.statistics import from_json, statistics, to_json, total


@statistics
class Deep:
    x: float = 0.0


@statistics
class Counted:
    documents: int = 0
    by: dict[str, int] = field(default_factory=dict)
    histogram: tuple[int, ...] = (0, 0, 0)
    deep: Deep = field(default_factory=Deep)


def test_the_sum_of_numbers_tuples_dictionaries_and_what_is_nested():
    parts = [
        Counted(2, {"quality": 1}, (1, 0, 2), Deep(0.5)),
        Counted(3, {"language": 4, "quality": 2}, (1, 1, 1), Deep(0.25)),
        Counted(),
    ]
    summed = total(Counted, parts)
    assert summed == Counted(5, {"language": 4, "quality": 3}, (2, 1, 3), Deep(0.75))
    assert list(summed.by) == ["language", "quality"]
    assert total(Counted, []) == Counted()
    assert parts[0].by == {"quality": 1}  # untouched
    with pytest.raises(ValueError, match=r"shorter|longer"):
        total(Counted, [Counted(histogram=(1,))])


counts = st.builds(
    Counted,
    st.integers(0, 2**53),
    st.dictionaries(st.text(max_size=5), st.integers(0, 9), max_size=4),
    st.tuples(*[st.integers(0, 9)] * 3),
    st.builds(Deep, st.integers(-8, 8).map(lambda n: n / 4)),
)


@given(st.lists(counts, max_size=5), st.randoms())
def test_no_order_of_the_shards_shows(parts, order):
    summed = total(Counted, parts)
    order.shuffle(parts)
    again = total(Counted, parts)
    assert again == summed and list(again.by) == list(summed.by)


@given(counts)
def test_what_was_written_comes_back(value):
    assert from_json(Counted, to_json(value), "manifest.json") == value


@pytest.mark.parametrize(
    "value",
    [
        {"documents": "3"},
        {"documents": 1.5},
        {"another": 1},
        {"by": {"x": None}},
        {"deep": {"y": 1.0}},
        [],
        None,
    ],
)
def test_other_statistics_are_another_versions(value):
    with pytest.raises(Failure, match=r"manifest.json does not hold Counted .*: another version of the stage"):
        from_json(Counted, value, "manifest.json")


def test_every_statistic_begins_at_zero():
    with pytest.raises(TypeError, match=r"Bare\.count has no default"):

        @statistics
        class Bare:
            count: int
