"""Every form's sequences against ids written by hand; a word is a token, its place in WORDS its id."""

import math
from typing import Any, NamedTuple

import pytest

from conf.examples import FIELDS
from conf.examples import FORMS as NAMES
from tasks.examples.fields import ITEMS, item_of
from tasks.examples.forms import FORMS, OF_CHAT, OF_TASKS, Shown, sequences
from tasks.sources.rejects import Bad

WORDS = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"]
S, D, E = 20, 21, 22  # <|start|>, <|delimiter|>, <|extract|>
SYSTEM, USER, ASSISTANT, END = 20, 21, 22, 23
NAN = math.nan


class Encoded(NamedTuple):
    ids: list[int]
    offsets: list[tuple[int, int]]


def encode(text: str) -> Encoded:
    ids, offsets, at = [], [], 0
    for word in text.split(" "):
        if word:
            ids.append(WORDS.index(word))
            offsets.append((at, at + len(word)))
        at += len(word) + 1
    return Encoded(ids, offsets)


def made(form: str, record: dict[str, Any], classes: tuple[str, ...] = (), context: int = 64, **fields: Any):
    added = {name: 20 + n for n, name in enumerate(OF_CHAT if form in ("chat", "compare", "prompt") else OF_TASKS)}
    named = {key: fields.get(key, key) for key in FIELDS[form].all}
    return sequences(form, item_of(record, form, named, classes), Shown(encode, added, context))


def plain(rows) -> list[tuple]:
    return [(row.tokens, row.loss_mask, row.segment, row.label) for row in rows]


def test_the_tables_have_the_forms_that_conf_has() -> None:
    assert tuple(FORMS) == NAMES == tuple(FIELDS) == tuple(ITEMS)


def test_classify() -> None:
    rows = made("classify", {"text": "a b c", "label": "good"}, ("bad", "good"))
    assert plain(rows) == [([S, 0, 1, 2, E], [0, 1, 1, 1, 1], [0] * 5, [1.0])]


def test_regress() -> None:
    assert plain(made("regress", {"text": "a", "label": "2.5"})) == [([S, 0, E], [0, 1, 1], [0, 0, 0], [2.5])]


def test_entail() -> None:
    record = {"premise": "a b", "hypothesis": "c", "label": "no"}
    (row,) = made("entail", record, ("yes", "no", "maybe"))
    assert row.tokens == [S, 0, 1, D, 2, E] and row.label == [1.0]
    assert row.loss_mask == [0, 1, 1, 1, 1, 1] and row.segment == [0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(("label", "classes", "expected"), [("1", ("0", "1"), 1.0), (3.8, (), 3.8)])
def test_similar_has_both_orders(label: Any, classes: tuple[str, ...], expected: float) -> None:
    rows = made("similar", {"first": "a b", "second": "c", "label": label}, classes)
    assert [row.tokens for row in rows] == [[S, 0, 1, D, 2, E], [S, 2, D, 0, 1, E]]
    assert [row.segment for row in rows] == [[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1]]
    assert [row.label for row in rows] == [[expected]] * 2


@pytest.mark.parametrize("label", [1, "d e", "1"])
def test_choose_has_a_sequence_an_answer(label: Any) -> None:
    record = {"document": "a b", "question": "c", "answers": ["d", "d e", "f"], "label": label}
    rows = made("choose", record)
    assert [row.tokens for row in rows] == [[S, 0, 1, 2, D, 3, E], [S, 0, 1, 2, D, 3, 4, E], [S, 0, 1, 2, D, 5, E]]
    assert [row.label for row in rows] == [[1.0]] * 3
    assert rows[1].segment == [0, 0, 0, 0, 0, 1, 1, 1] and rows[1].loss_mask == [0, *[1] * 7]


def test_choose_of_several_columns_and_named_answers() -> None:
    record = {"one": "a", "two": "b", "first": "c", "second": "d", "right": "2"}
    fields = {"document": ["one", "two"], "answers": ["first", "second"], "label": "right"}
    rows = made("choose", record, ("1", "2"), **fields)
    assert [row.tokens for row in rows] == [[S, 0, 1, D, 2, E], [S, 0, 1, D, 3, E]]
    assert rows[0].label == [1.0]


def test_each_part_is_cut_to_half_the_context_less_two() -> None:
    """transform_roc: max_len = n_ctx // 2 - 2."""
    text = " ".join(WORDS)
    (row,) = made("entail", {"premise": text, "hypothesis": text, "label": "x"}, ("x", "y"), context=16)
    assert row.tokens == [S, 0, 1, 2, 3, 4, 5, D, 0, 1, 2, 3, 4, 5, E] and row.left_out == 28
    (row,) = made("classify", {"text": text, "label": "x"}, ("x", "y"), context=16)
    assert row.tokens == [S, *range(14), E] and row.left_out == 6  # alone, it has the whole context


def test_a_long_document_leaves_the_question_whole() -> None:
    record = {"document": " ".join(WORDS), "question": "s t", "answers": ["a", "b"], "label": 0}
    rows = made("choose", record, context=16)
    assert rows[0].tokens == [S, 0, 1, 2, 3, 18, 19, D, 0, E] and rows[0].left_out == 16


def test_span_is_in_places_of_the_sequence() -> None:
    record = {"question": "a b", "text": "c d e f", "answer": "d e", "start": 2}
    (row,) = made("span", record)
    assert row.tokens == [S, 0, 1, D, 2, 3, 4, 5, E] and row.label == [5.0, 7.0]
    assert row.tokens[5:7] == [3, 4]
    (row,) = made("span", {**record, "answer": None})
    assert row.label == [0.0, 0.0]


def test_span_of_a_long_text_has_windows_of_which_some_hold_the_answer() -> None:
    record = {"question": "a", "text": " ".join(WORDS), "answers": {"text": ["j k"], "answer_start": [18]}}
    rows = made("span", record, context=12, answer="answers.text", start="answers.answer_start")
    assert [row.tokens for row in rows] == [  # 8 tokens a window, a step of 4
        [S, 0, D, *range(at, at + 8), E] for at in (0, 4, 8, 12)
    ]
    assert [row.label for row in rows] == [[0.0, 0.0], [8.0, 10.0], [4.0, 6.0], [0.0, 0.0]]
    assert all(row.tokens[int(row.label[0]) : int(row.label[1])] in ([], [9, 10]) for row in rows)


def test_tag_has_a_class_at_the_first_token_of_each_word() -> None:
    (row,) = made("tag", {"words": ["a", "b c", "d"], "tags": ["O", "B-X", "O"]}, ("O", "B-X"))
    assert row.tokens == [S, 0, 1, 2, 3, E]
    assert row.label[1:3] == [0.0, 1.0] and row.label[4] == 0.0
    assert [math.isnan(label) for label in row.label] == [True, False, False, True, False, True]
    (row,) = made("tag", {"words": WORDS, "tags": ["O"] * 20}, ("O", "B-X"), context=8)
    assert len(row.tokens) == len(row.label) == 8 and row.left_out == 14


MESSAGES = [
    {"role": "system", "content": "a"},
    {"role": "user", "content": "b c"},
    {"role": "assistant", "content": "d e"},
]


def test_chat_counts_the_assistants_tokens_and_the_end_behind_them() -> None:
    (row,) = made("chat", {"messages": MESSAGES})
    assert row.tokens == [SYSTEM, 0, END, USER, 1, 2, END, ASSISTANT, 3, 4, END]
    assert row.loss_mask == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1]
    assert row.segment == [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1] and row.label == []
    for record in ({"messages": MESSAGES[:2], "answer": "d e"}, {"messages": MESSAGES, "answer": None}):
        assert plain(made("chat", record)) == plain([row])


def test_chat_of_prompt_and_answer_and_of_several_turns() -> None:
    (row,) = made("chat", {"prompt": "b c", "answer": "d"})
    assert row.tokens == [USER, 1, 2, END, ASSISTANT, 3, END]
    (row,) = made("chat", {"messages": [*MESSAGES, {"role": "user", "content": "f"}], "answer": "g"})
    assert row.tokens[-6:] == [USER, 5, END, ASSISTANT, 6, END]
    assert row.loss_mask == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1]


def test_compare_has_a_sequence_an_answer_with_its_rank() -> None:
    rows = made("compare", {"prompt": "a", "answers": ["b", "", "c d"], "ranks": [2, 3, 1]})
    assert plain(rows) == [
        ([USER, 0, END, ASSISTANT, 1, END], [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1], [2.0]),
        ([USER, 0, END, ASSISTANT, END], [0, 0, 0, 0, 1], [0, 0, 0, 1, 1], [3.0]),
        ([USER, 0, END, ASSISTANT, 2, 3, END], [0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1], [1.0]),
    ]


def test_what_an_assistant_said_before_a_compared_answer_does_not_count() -> None:
    record = {"messages": [*MESSAGES, {"role": "user", "content": "f"}], "answers": ["a", "b"], "ranks": [1, 1]}
    rows = made("compare", record)
    assert [sum(row.loss_mask) for row in rows] == [2, 2] and rows[0].loss_mask[-2:] == [1, 1]


def test_prompt_ends_where_the_assistant_begins() -> None:
    (row,) = made("prompt", {"messages": MESSAGES[:2]})
    assert row.tokens == [SYSTEM, 0, END, USER, 1, 2, END, ASSISTANT]
    assert row.loss_mask == [0] * 8 and row.label == []


@pytest.mark.parametrize(
    ("form", "record"),
    [
        ("chat", {"prompt": "a b c d", "answer": "e"}),
        ("compare", {"prompt": "a b c d", "answers": ["e", "f"], "ranks": [1, 2]}),
        ("prompt", {"prompt": "a b c d e f g"}),
    ],
)
def test_what_is_longer_than_the_context_is_refused_where_it_cannot_be_cut(form: str, record: dict) -> None:
    longest = max(len(row.tokens) for row in made(form, record))
    assert made(form, record, context=longest)
    with pytest.raises(Bad) as error:
        made(form, record, context=longest - 1)
    assert error.value.reason == "too-long" and str(longest) in error.value.detail
