"""Which prompts are left out, and for which reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.examples.prompts import REASONS, Prompt, Rules, left_out


def reasons(texts, rules, users=None, tokens=None):
    users, tokens = users or [None] * len(texts), tokens or [1] * len(texts)
    return left_out([Prompt(*prompt) for prompt in zip(texts, tokens, users, strict=True)], rules)


def test_without_rules_all_stay():
    assert reasons(["a", "a", "call me: joe@example.org"], Rules(), ["u"] * 3, [9999] * 3) == [None] * 3


def test_a_common_prefix_leaves_the_first():
    texts = ["Write a poem about cats", "write  a poem\nabout dogs", "Write a play", "Write a p", "Write a p"]
    assert reasons(texts, Rules(prefix=12)) == [None, "same-prefix", None, None, "same-prefix"]


def test_what_is_left_out_otherwise_takes_nobodys_place():
    """A long prompt is no earlier one for the prefix, nor one of its user's."""
    rules = Rules(tokens=5, prefix=4, per_user=1)
    made = reasons(["abcd 1", "abcd 2", "xyz", "abcd 3"], rules, ["u", "u", "u", "v"], [6, 5, 1, 1])
    assert made == ["long-prompt", None, "user-share", "same-prefix"]


def test_a_user_has_so_many_prompts_and_those_without_a_user_no_bound():
    texts = [str(n) for n in range(6)]
    users = ["u", None, "u", "u", "v", None]
    assert reasons(texts, Rules(per_user=2), users) == [None] * 3 + ["user-share", None, None]


@pytest.mark.parametrize(
    ("text", "kinds", "holds"),
    [
        ("write to joe@example.org about it", ("emails",), True),
        ("write to joe@example.org about it", ("phones",), False),
        ("call +43 660 1234567 now", ("emails", "phones"), True),
        ("write to Joe", ("emails", "phones"), False),
    ],
)
def test_personal_data(text, kinds, holds):
    assert reasons([text, "other"], Rules(pii=kinds)) == ["pii" if holds else None, None]


PROMPTS = st.lists(st.tuples(st.sampled_from(["a b c", "a b d", "A  b", "x", "a@b.org x"]), st.integers(1, 9),
                             st.sampled_from([None, "u", "v"])))  # fmt: skip
RULES = st.builds(
    Rules,
    tokens=st.none() | st.integers(1, 9),
    pii=st.sampled_from([(), ("emails",)]),
    prefix=st.none() | st.integers(1, 6),
    per_user=st.none() | st.integers(1, 3),
)


@given(PROMPTS, RULES)
def test_those_that_stay_keep_the_rules_and_stay_if_asked_again(prompts, rules):
    listed = [Prompt(*prompt) for prompt in prompts]
    made = left_out(listed, rules)
    assert set(made) <= {None, *REASONS}
    staying = [prompt for prompt, reason in zip(listed, made, strict=True) if reason is None]
    assert left_out(staying, rules) == [None] * len(staying)
    if rules.per_user:
        assert all(sum(p.user == user for p in staying) <= rules.per_user for user in ("u", "v"))
