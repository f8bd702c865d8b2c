"""Draws of solved examples: never the item, never one twice, and nothing but seed, item and number moves them."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.evaluation.asking.shots import drawn

IDS = st.lists(st.sampled_from([f"item{n}" for n in range(12)]), max_size=30)  # with repetitions, as files have them


@settings(deadline=None)  # a busy machine
@given(
    pool=IDS, item=st.sampled_from([f"item{n}" for n in range(14)]), count=st.integers(0, 20), seed=st.integers(0, 9)
)
def test_never_the_item_never_one_twice(pool: list[str], item: str, count: int, seed: int) -> None:
    places = drawn(pool, frozenset(pool), item, count, seed, item)
    examples = [pool[place] for place in places]
    assert item not in examples
    assert len(set(examples)) == len(examples) == min(count, len(set(pool) - {item}))


@settings(deadline=None)  # a busy machine
@given(pool=IDS, few=st.integers(0, 6), more=st.integers(0, 6))
def test_fewer_examples_are_the_first_of_more(pool: list[str], few: int, more: int) -> None:
    """So that a curve over K adds examples, and exchanges none."""
    many = drawn(pool, frozenset(pool), "asked", few + more, 1, "asked")
    assert drawn(pool, frozenset(pool), "asked", few, 1, "asked") == many[:few]


def test_each_item_has_its_own_and_a_task_has_one_draw() -> None:
    pool = [f"item{n}" for n in range(500)]
    known = frozenset(pool)
    own = {item: drawn(pool, known, item, 5, 1, item) for item in pool[:20]}
    assert len({tuple(places) for places in own.values()}) == 20
    assert drawn(pool, known, "item3", 5, 2, "item3") != own["item3"]
    shared = {tuple(drawn(pool, known, item, 5, 1, "all items")) for item in pool[:20]}
    assert len(shared) == 1  # none of the twenty happens to be among the five


def test_a_shared_draw_passes_over_the_item_itself() -> None:
    pool = [f"item{n}" for n in range(40)]
    first = drawn(pool, frozenset(pool), "another", 5, 1, "all items")
    inside = pool[first[2]]
    places = drawn(pool, frozenset(pool), inside, 5, 1, "all items")
    assert places[:4] == [place for place in first if pool[place] != inside]


def test_each_example_is_as_likely_as_another() -> None:
    """3,000 draws of 1 of 10: chi-square of 9 degrees stays below 27.9 (p = .001); the seed is fixed."""
    pool = [f"item{n}" for n in range(10)]
    counts = Counter(drawn(pool, frozenset(pool), f"x{n}", 1, 7, f"x{n}")[0] for n in range(3000))
    assert sum((counts[place] - 300) ** 2 / 300 for place in range(10)) < 27.9


@pytest.mark.parametrize("pool", [[], ["item"], ["item", "item"]])
def test_where_there_is_no_other_there_is_no_example(pool: list[str]) -> None:
    assert drawn(pool, frozenset(pool), "item", 3, 1, "item") == []
