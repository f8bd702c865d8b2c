"""Rule gpt4 beside a plain search of the substrings in stripped text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation.plain import letters
from tasks.evaluation.rules import gpt4
from tasks.evaluation.rules.gpt4 import CHARACTERS, Gpt4, substrings_of
from tasks.evaluation.rules.rule import Block, Items

CHARACTER = st.sampled_from([*"ab1", "é", "漢", "𐍈", " ", ".", "\n", "\u0301", "–"])
LONG = st.integers(0, 3).flatmap(lambda n: st.text(CHARACTER, min_size=n, max_size=80 if n == 3 else 6))


def rule_of(items: list[str], seed: int = 1) -> Gpt4:
    return Gpt4.of({"quiz": Items([f"id{n}" for n in range(len(items))], [item.encode() for item in items])}, seed)


def states(items: list[str], texts: list[str]) -> list[str]:
    rule = rule_of(items)
    met = rule.nothing()
    for text in texts:
        rule.look(Block(text.encode()), met)
    return [verdict.state for verdict in rule.verdicts("quiz", met)]


def plainly(items: list[str], texts: list[str]) -> list[str]:
    stripped = [letters(text.encode()).decode() for text in texts]
    drawn = substrings_of([f"id{n}" for n in range(len(items))], [item.encode() for item in items], 1)
    return [
        "uncheckable" if not some
        else "dirty" if any(one.decode() in text for one in some for text in stripped)
        else "clean"
        for some in drawn
    ]  # fmt: skip


@given(st.lists(LONG, max_size=6), st.lists(LONG, max_size=4), st.integers(1, 9))
def test_it_finds_what_a_plain_search_finds(items, texts, size):
    texts = [*texts, "".join(items[:1]) + ". " + "".join(texts)]
    found, before = plainly(items, texts), gpt4.AT_ONCE
    try:
        for gpt4.AT_ONCE in (before, size):  # and where the text is searched in small pieces
            assert states(items, texts) == found
    finally:
        gpt4.AT_ONCE = before


def test_substrings_are_of_the_item_and_drawn_by_seed_and_item():
    texts = ["".join(chr(0x4E00 + n) for n in range(200)), "Abc. " * 30, "x" * 50, "short one", "?!"]
    items = [text.encode() for text in texts]
    ids = [f"{n}" for n in range(len(texts))]
    drawn = substrings_of(ids, items, 1)
    assert [len(some) for some in drawn] == [3, 3, 1, 1, 0]
    assert {len(one.decode()) for some in drawn[:3] for one in some} == {CHARACTERS}
    assert all(one in letters(item) for some, item in zip(drawn, items, strict=True) for one in some)
    assert drawn[3] == [b"shortone"]
    assert drawn == substrings_of(ids, items, 1) and drawn[0] != substrings_of(ids, items, 2)[0]
    assert drawn[0] != substrings_of(["other"], items[:1], 1)[0]
    assert drawn[::-1] == substrings_of(ids[::-1], items[::-1], 1)


def test_draws_reach_every_place_of_an_item():
    text = "".join(chr(0x4E00 + n) for n in range(53))  # four places
    ids = [f"{n}" for n in range(400)]
    drawn = substrings_of(ids, [text.encode()] * 400, 1)
    starts = [text.index(one.decode()[0]) for some in drawn for one in some]
    counts = [starts.count(place) for place in range(4)]
    assert sum(counts) == 1200 and min(counts) > 300 - 5 * 15  # 15: the binomial's standard deviation


@pytest.mark.parametrize(
    ("item", "text", "state"),
    [
        ("A small item.", "some such as mall item", "clean"),  # the text's letters go on, the item's begin before
        ("A small item.", "was A-sm(all) item", "dirty"),
        ("A small item.", "was a small item", "clean"),  # case counts
        ("naïve", "nai\u0308ve", "clean"),  # code points as they stand
        ("7 8", "1789", "dirty"),
        ("...", "...", "uncheckable"),
        ("e" * 60, "e" * 49, "clean"),
        ("e" * 60, "e" * 50, "dirty"),
    ],
)
def test_what_counts(item, text, state):
    assert states([item], [text]) == [state]


def test_items_that_begin_alike_are_told_apart():
    items = [f"{'same beginning ' * 3}{n}" for n in range(30)]
    found = states(items, [f"x {items[7]}, {items[21]}"])
    # 7 stands in 7 alone; 2 begins 21: its letters are there
    assert [n for n, state in enumerate(found) if state == "dirty"] == [2, 7, 21]


def test_nothing_stands_over_two_documents():
    from tasks.evaluation.decoded import BETWEEN

    item = "abcdefghij" * 3
    rule = rule_of([item])
    met = rule.nothing()
    rule.look(Block(item[:9].encode() + BETWEEN + item[9:].encode()), met)
    assert not met.any()
    rule.look(Block(item[:9].encode() + b" \n " + item[9:].encode()), met)
    assert met.all()
