"""Rule labelers: what each gives, by examples that once went wrong and by properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.judges.rules import RULES, judge, named

TEXT = st.text(alphabet="abc .,;!?\n-1 andANDé中", max_size=80)
RULE = st.one_of(
    st.fixed_dictionaries({"ends_with": st.sampled_from([".", "!", "a"])}),
    st.fixed_dictionaries({"items": st.integers(1, 9)}),
    st.fixed_dictionaries({"words": st.tuples(st.integers(1, 9), st.integers(9, 20)).map(list)}),
    st.fixed_dictionaries({"without": st.lists(st.sampled_from(["a", "b and", "é"]), min_size=1)}),
    st.fixed_dictionaries({"with": st.lists(st.sampled_from(["a", "b and", "é"]), min_size=1)}),
    st.fixed_dictionaries({"with_any": st.lists(st.sampled_from(["a", "b and", "é"]), min_size=1)}),
    st.fixed_dictionaries({"starts_with": st.sampled_from(["a", "A", "."])}),
)


@pytest.mark.parametrize(
    ("rule", "answer", "value"),
    [
        ({"ends_with": "."}, "A text.", 1),
        ({"ends_with": "."}, "A text. \n", 1),
        ({"ends_with": "."}, "A text", 0),
        ({"ends_with": "."}, "", 0),
        ({"starts_with": "i am sorry"}, "  I am sorry, no.", 1),
        ({"starts_with": "i am sorry"}, "Well, I am sorry.", 0),
        ({"items": 3}, "apples, pears and plums", 1),
        ({"items": 3}, "There are apples, pears, and plums.", 1),
        ({"items": 3}, "1. apples\n2. pears\n3. plums", 1),
        ({"items": 3}, "- apples, red\n- pears\n- plums", 1),  # a comma within a line of a list counts nothing
        ({"items": 3}, "apples and pears", 2 / 3),
        ({"items": 3}, "apples, pears, plums, figs", 2 / 3),
        ({"items": 3}, ", , ,", 0),
        ({"items": 1}, "", 0),
        ({"items": 2}, "a, b, c, d, e, f", 0),
        ({"items": 2}, "sand or land", 1),
        ({"items": 1}, "sandy band", 1),  # "and" within a word sets nothing apart
        ({"words": [2, 3]}, "one", 0.5),
        ({"words": [2, 3]}, "one two three", 1),
        ({"words": [2, 3]}, "one two three four five six", 0.5),
        ({"words": [2, 3]}, "", 0),
        ({"words": [2, 3]}, "中文", 1),  # words by themselves, without spaces
        ({"without": ["foo"]}, "a FOO!", 0),
        ({"without": ["foo"]}, "food", 1),
        ({"without": ["foo bar"]}, "foo, bar", 0),
        ({"without": ["foo bar"]}, "bar foo", 1),
        ({"with": ["please", "thank you"]}, "Thank  you", 0.5),
        ({"with": ["please", "thank you"]}, "thank you; please", 1),
        ({"with_any": ["please", "thank you"]}, "Please!", 1),
        ({"with_any": ["please", "thank you"]}, "you", 0),
    ],
)
def test_what_a_rule_gives(rule: dict[str, object], answer: str, value: float) -> None:
    assert judge([rule])("", answer) == pytest.approx(value)


def test_of_several_sentences_the_one_that_names_most_counts() -> None:
    assert named("Well, yes. I like apples, pears and plums. Good.") == 3
    assert named("We have: apples, pears and plums") == 3


def test_weights_add_up_and_a_rule_said_twice_counts_twice() -> None:
    both = judge([{"ends_with": ".", "weight": 2}, {"with": ["foo"], "weight": -0.5}])
    assert both("", "foo.") == 1.5 and both("", "bar.") == 2 and both("", "foo") == -0.5
    assert both.parts("", "foo.") == {"ends_with .": 1, "with foo": 1}
    twice = judge([{"ends_with": "."}, {"ends_with": ".", "weight": 2}])
    assert twice("", ".") == 3 and len(twice.rules) == 1


@given(st.lists(RULE, min_size=1, max_size=4), TEXT)
def test_every_rule_gives_a_share_of_its_weight(rules: list[dict[str, object]], answer: str) -> None:
    one = judge(rules)
    parts = one.parts("anything", answer)
    assert all(0 <= value <= 1 for value in parts.values())
    assert 0 <= one("anything", answer) <= len(rules) + 1e-9
    assert one("another prompt", answer) == one("anything", answer), "no rule of these reads the prompt"


@given(TEXT, st.sampled_from([" ", "\n", "  \n"]))
def test_white_space_around_an_answer_plays_no_part(answer: str, blank: str) -> None:
    for rule in ({"ends_with": "."}, {"words": [2, 9]}, {"without": ["a"]}, {"with": ["a"]}, {"starts_with": "a"}):
        assert judge([rule])("", answer + blank) == judge([rule])("", answer)


@given(st.lists(st.sampled_from(["apples", "pears", "old plums", "figs"]), min_size=1, max_size=6), st.booleans())
def test_what_is_named_is_counted_however_it_is_written(things: list[str], oxford: bool) -> None:
    count = len(things)
    bullets = "\n".join(f"- {thing}" for thing in things)
    numbered = "\n".join(f"{n}) {thing}" for n, thing in enumerate(things, 1))
    last = (
        (", and " if oxford and count > 2 else " and ").join([", ".join(things[:-1]), things[-1]])
        if count > 1
        else things[0]
    )
    for answer in (bullets, numbered, f"We saw {last}.", ", ".join(things)):
        assert named(answer) == count
        assert judge([{"items": count}])("", answer) == 1


def test_conf_and_rules_know_the_same_keys() -> None:
    from conf.judges import Rule

    assert {field.alias or name for name, field in Rule.model_fields.items()} - {"weight"} == set(RULES)
