"""Prompts as tokens: the boundary between context and answer, what fits, and what leaves first."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conf.task import Task
from model.tokenizer import Tokenizer
from tasks.evaluation.asking.prompts import Prompt, pair, prompt
from tasks.evaluation.asking.way import Unaskable, Way, asked

CLOZE = {"form": "cloze", "question": "{{ q }}", "answer": "{{ a }}"}
CHOICE = {"form": "choice", "question": "{{ q }}", "choices": "c", "gold": "g"}
FREE = {"form": "free", "question": "{{ q }}", "references": "a"}
WORDS = st.text(alphabet="the mill rivr.'?\n\tA:é", max_size=25)


def way(keys: dict[str, Any]) -> Way:
    return Way(**Task.model_validate({"title": "planted", **keys}).way("default"))


def made(
    tokenizer: Tokenizer, keys: dict[str, Any], record: dict[str, Any], context: int, examples: list[str] | None = None
) -> Prompt:
    how = way(keys)
    return prompt(how, asked(how, record), examples or [], tokenizer, context)


def harness_pair(tokenizer: Tokenizer, context: str, answer: str) -> tuple[list[int], list[int]]:
    """lm-evaluation-harness's rule (lm_eval/api/model.py, `_encode_pair`, for models of one direction), in our words:
    the blanks at the context's end go to the answer; both are encoded as one text, of which the answer's tokens are
    those behind as many as the context alone has."""
    blanks = len(context) - len(context.rstrip())
    if blanks:
        context, answer = context[:-blanks], context[-blanks:] + answer
    alone = tokenizer.encode(context)
    return alone, tokenizer.encode(context + answer)[len(alone) :]


@settings(deadline=None)  # a busy machine
@given(context=WORDS, answer=WORDS.filter(bool))
def test_the_boundary_is_lm_evals(small: Tokenizer, context: str, answer: str) -> None:
    before, after = pair(small, context, answer)
    theirs = harness_pair(small, context, answer)
    assert list(before) == theirs[0]
    if theirs[1]:
        assert list(after) == theirs[1]
    else:  # they would score nothing: here the answer is encoded by itself
        assert list(after) == small.encode(context[len(context.rstrip()) :] + answer)
    assert after


def test_the_blank_before_an_answer_is_the_answers(small: Tokenizer) -> None:
    for context, answer in (("the mill", " turns"), ("the mill ", "turns")):
        before, after = pair(small, context, answer)
        assert (small.decode(before), small.decode(after)) == ("the mill", " turns")


def test_an_answer_may_begin_within_a_word(small: Tokenizer) -> None:
    before, after = pair(small, "the jacket", "'s mill")
    assert small.decode(before) + small.decode(after) == "the jacket's mill"


def test_where_the_context_ends_in_its_own_tokens_only(small: Tokenizer) -> None:
    """Each choice may have another boundary: its tokens are what exceeds the context's."""
    found = made(small, CHOICE, {"q": "the", "c": [" mill", "re"], "g": 0}, 64)
    for (before, after), answer in zip(found.pairs, (" mill", "re"), strict=True):
        assert list(before) == small.encode("the")
        assert list(after) == small.encode("the " + answer)[len(before) :]


def test_prompts_are_description_examples_question(small: Tokenizer) -> None:
    keys = {**CLOZE, "description": "Say it.\n", "between": "##", "delimiter": "="}
    found = made(small, keys, {"q": "q", "a": "a"}, 200, ["x=y", "z=w"])
    assert found.text == "Say it.\nx=y##z=w##q"
    assert (found.shots, list(found.tokens)) == (2, small.encode(found.text))
    ((before, after),) = found.pairs
    assert small.decode(before + after) == "Say it.\nx=y##z=w##q=a"


def test_of_form_rest_the_rest_is_scored_or_the_choice_with_it(small: Tokenizer) -> None:
    keys = {"form": "rest", "before": "{{ b }}", "choices": "c", "rest": "{{ r }}", "gold": "g"}
    record = {"b": "the ", "c": ["mill", "river"], "r": " rests.", "g": 0}
    for scored, texts in (("rest", [" rests."] * 2), ("choice and rest", [" mill rests.", " river rests."])):
        found = made(small, {**keys, "scored": scored}, record, 64)
        assert [small.decode(after) for _, after in found.pairs] == texts
        whole = [small.decode(before + after) for before, after in found.pairs]
        assert whole == ["the mill rests.", "the river rests."]


@pytest.mark.parametrize("keys", [CLOZE, FREE])
def test_what_fits_exactly_and_one_token_more(small: Tokenizer, keys: dict[str, Any]) -> None:
    record = {"q": "the mill turns, and the river rests", "a": "at the mill."}
    found = made(small, keys, record, 1000)
    # The last token of an answer is predicted and not read; of free form there must be room for a token at least.
    needed = len(found.tokens) + 1 if keys is FREE else sum(map(len, found.pairs[0])) - 1
    assert made(small, keys, record, needed) == found
    with pytest.raises(Unaskable, match=f"it needs {needed} tokens, and the model reads {needed - 1}") as caught:
        made(small, keys, record, needed - 1)
    assert caught.value.reason == "too long"


def test_examples_leave_room_for_the_answer_that_is_to_be_written(small: Tokenizer) -> None:
    record, examples = {"q": "what is", "a": "it"}, ["the mill=1", "the mill=2"]
    long = {**FREE, "length": 20}
    whole = len(made(small, long, record, 1000, examples).tokens)
    assert made(small, long, record, whole + 20, examples).shots == 2
    assert made(small, long, record, whole + 19, examples).shots == 1
    alone = len(made(small, long, record, 1000).tokens)
    assert made(small, long, record, alone + 1, examples).shots == 0  # it is asked, and its answer may be short


def test_the_longest_example_leaves_first_and_of_equals_the_first(small: Tokenizer) -> None:
    examples = ["the mill=1", "the river rests at the mill=2", "the mill=3", "the mill=4"]
    record = {"q": "what is", "a": "it"}
    whole = made(small, CLOZE, record, 1000, examples)
    assert whole.shots == 4
    fitted = []
    for context in range(len(small.encode(whole.text)) + 4, 0, -1):
        try:
            found = made(small, CLOZE, record, context, examples)
        except Unaskable:
            break
        assert sum(map(len, found.pairs[0])) - 1 <= context
        if not fitted or found.text != fitted[-1]:
            fitted.append(found.text)
    left = [["the mill=1", "the mill=3", "the mill=4"], ["the mill=3", "the mill=4"], ["the mill=4"], []]
    assert fitted == [whole.text, *("".join(f"{one}\n\n" for one in kept) + "what is" for kept in left)]


@settings(deadline=None)  # a busy machine
@given(examples=st.lists(WORDS, max_size=6), question=WORDS, answer=WORDS.filter(bool), context=st.integers(1, 60))
def test_nothing_is_cut(small: Tokenizer, examples: list[str], question: str, answer: str, context: int) -> None:
    """Whole examples leave, or the item is not asked."""
    how = way(CLOZE)
    asking = asked(how, {"q": question, "a": answer})
    try:
        found = prompt(how, asking, examples, small, context)
    except Unaskable as error:
        assert error.reason == "too long"
        assert sum(map(len, pair(small, question, " " + answer))) - 1 > context
        return
    assert found.text.endswith(question) and found.shots <= len(examples)
    ((before, after),) = found.pairs
    assert small.decode(before + after).endswith(" " + answer)
    assert len(before) + len(after) <= context + 1
    kept = found.text[: len(found.text) - len(question)]
    for example in examples:  # what is before the question is examples, whole and in their order
        if kept.startswith(example + "\n\n"):
            kept = kept[len(example) + 2 :]
    assert kept == ""


def test_an_item_of_100_000_tokens_is_not_asked_and_as_an_example_it_leaves(small: Tokenizer) -> None:
    long = "the mill " * 50_000
    with pytest.raises(Unaskable, match=r"it needs 1\d{5} tokens, and the model reads 1024"):
        made(small, CLOZE, {"q": long, "a": "it"}, 1024)
    found = made(small, CLOZE, {"q": "the", "a": "mill"}, 1024, [long, "the river", long])
    assert found.text == "the river\n\nthe"


def test_an_empty_answer_needs_a_delimiter(small: Tokenizer) -> None:
    found = made(small, CHOICE, {"q": "q", "c": ["", "mill"], "g": 1}, 64)
    assert [small.decode(after) for _, after in found.pairs] == [" ", " mill"]
    with pytest.raises(Unaskable, match="an answer is empty") as caught:
        made(small, {**CHOICE, "delimiter": ""}, {"q": "q", "c": ["", "mill"], "g": 1}, 64)
    assert caught.value.reason == "empty"


def test_an_empty_question_and_text_that_spells_the_end(small: Tokenizer) -> None:
    ((before, after),) = made(small, CLOZE, {"q": "", "a": "mill"}, 64).pairs
    assert (before, small.decode(after)) == ((), " mill")
    ((before, after),) = made(small, CLOZE, {"q": "a\0<|endoftext|>", "a": "b"}, 64).pairs
    assert small.end_of_text not in before + after
    assert small.decode(before) == "a\0<|endoftext|>"
