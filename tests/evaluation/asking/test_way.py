"""Templates and expressions of a task over a record: what they give, and hostile ones."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conf.task import Task
from tasks.evaluation.asking.filters import detokenised
from tasks.evaluation.asking.way import ENVIRONMENT, Question, Unaskable, Way, alike, asked

CHOICE = {"form": "choice", "question": "{{ q }}", "choices": "c", "gold": "g"}
CLOZE = {"form": "cloze", "question": "{{ q }}", "answer": "{{ a }}"}
FREE = {"form": "free", "question": "{{ q }}", "references": "a"}
REST = {"form": "rest", "before": "{{ b }}", "choices": "c", "rest": "{{ r }}", "gold": "g"}


def way(keys: dict[str, Any], template: str = "default") -> Way:
    return Way(**Task.model_validate({"title": "planted", **keys}).way(template))


def ask(keys: dict[str, Any], **record: Any) -> Question:
    return asked(way(keys), record)


TEXT = st.text(min_size=1, max_size=30)


@settings(deadline=None)  # a busy machine
@given(question=TEXT, choices=st.lists(TEXT, min_size=2, max_size=5, unique=True), data=st.data())
def test_text_is_never_rewritten(question: str, choices: list[str], data: st.DataObject) -> None:
    """Blanks, line ends, braces, markup: what the record says is what is asked, and a record is never a template."""
    gold = data.draw(st.integers(0, len(choices) - 1))
    found = ask(CHOICE, q=question, c=choices, g=gold)
    assert (found.question, list(found.answers), found.gold) == (question, choices, (gold,))
    assert found.solved == question + " " + choices[gold]
    assert ask(CHOICE, q=question, c=choices, g=choices[gold]) == found
    assert ask(CLOZE, q=question, a=choices[0]).solved == question + " " + choices[0]
    assert ask(FREE, q=question, a=choices).references == tuple(choices)
    whole = ask(REST, b=question, c=choices, r=choices[0], g=gold)
    assert whole.solved == question + choices[gold] + choices[0]


def test_a_record_cannot_be_a_template() -> None:
    record = {"q": "{{ 7 * 7 }}{% raw %}<b>&", "a": "{{ a }}"}
    assert ask(CLOZE, **record).solved == "{{ 7 * 7 }}{% raw %}<b>& {{ a }}"


def test_fields_rename_only_what_the_record_has() -> None:
    keys = {**CLOZE, "fields": {"q": "context", "a": "completion"}}
    assert ask(keys, context="1 + 1 =", completion=" 2").answers == (" 2",)
    assert ask(keys, q="1 + 1 =", a=" 2").answers == (" 2",)
    with pytest.raises(Unaskable, match="answer: 'a' is undefined"):
        ask(keys, context="1 + 1 =")


def test_a_template_overrides_only_what_it_says() -> None:
    keys = {**CHOICE, "delimiter": "\n", "templates": {"short": {"question": "?", "gold": "1 - g"}}}
    found = asked(way(keys, "short"), {"q": "long", "c": ["a", "b"], "g": 0})
    assert (found.question, found.gold, found.solved) == ("?", (1,), "?\nb")


def test_binary_labels_are_places() -> None:
    for label, place in ((False, 0), (True, 1), (0, 0), (1, 1)):
        assert ask({**CHOICE, "choices": ["no", "yes"]}, q="?", g=label).gold == (place,)


def test_several_right_choices_are_kept_once() -> None:
    assert ask(CHOICE, q="?", c=["a", "b", "c"], g=["c", 0, "c"]).gold == (2, 0)


def test_a_solution_is_shown_in_examples_and_is_no_reference() -> None:
    found = ask({**FREE, "solution": "{{ why }} so {{ a }}"}, q="1 + 1?", a=2, why="two ones,")
    assert (found.references, found.solved) == (("2",), "1 + 1? two ones, so 2")


def test_a_description_may_tell_of_the_record() -> None:
    found = ask({**CLOZE, "description": "About {{ subject }}.\n\n"}, q="q", a="a", subject="hens")
    assert found.description == "About hens.\n\n"
    assert not found.solved.startswith("About")


def test_what_examples_have_in_common() -> None:
    of = way({**CLOZE, "same": "subject ~ '.' ~ language | default('en')"})
    assert alike(of, {"subject": "law"}) == "law.en"
    assert alike(of, {"subject": "law", "language": "de"}) == "law.de"
    assert alike(way(CLOZE), {}) is None
    with pytest.raises(Unaskable, match="same: 'subject' is undefined"):
        asked(of, {"q": "q", "a": "a"})


@pytest.mark.parametrize(
    ("keys", "record", "said"),
    [
        (CHOICE, {"q": "q", "c": ["a", "b"]}, "gold: g is not in the record"),
        (CHOICE, {"q": "q", "g": 0}, "choices: c is not in the record"),
        (CHOICE, {"c": ["a"], "g": 0}, "question: 'q' is undefined"),
        (CHOICE, {"q": "q", "c": ["a", "b"], "g": 2}, "gold is 2: .*0 to 1"),
        (CHOICE, {"q": "q", "c": ["a", "b"], "g": -1}, "gold is -1"),
        (CHOICE, {"q": "q", "c": ["a", "b"], "g": "z"}, "gold is 'z'"),
        (CHOICE, {"q": "q", "c": ["a", "b"], "g": []}, "gold names no choice"),
        (CHOICE, {"q": "q", "c": ["a", "b"], "g": 0.5}, "gold is 0.5"),
        (CHOICE, {"q": "q", "c": ["a", "b"], "g": None}, "gold: g is not in the record"),
        (CHOICE, {"q": "q", "c": [], "g": 0}, "choices is no list of texts"),
        (CHOICE, {"q": "q", "c": ["a", None], "g": 0}, "choices is no list of texts"),
        (CHOICE, {"q": "q", "c": {"a": 1}, "g": 0}, "choices is no list of texts"),
        (FREE, {"q": "q", "a": []}, "references is no list of texts"),
        (FREE, {"q": "q"}, "references: a is not in the record"),
        (REST, {"b": "b", "c": ["x", "y"], "r": "", "g": 0}, "rest is empty"),
        ({**CLOZE, "answer": "{{ a.b.c }}"}, {"q": "q", "a": {}}, "answer: .*no attribute 'b'"),
        ({**CLOZE, "answer": "{{ a[9] }}"}, {"q": "q", "a": "abc"}, "answer: .*"),
        ({**CLOZE, "answer": "{{ a + 1 }}"}, {"q": "q", "a": "abc"}, "answer: .*"),
        ({**CLOZE, "answer": "{{ 1 // a }}"}, {"q": "q", "a": 0}, "answer: .*zero"),
        ({**CLOZE, "answer": "{{ a.index('z') }}"}, {"q": "q", "a": "abc"}, "answer: substring not found"),
        ({**CLOZE, "answer": "{{ a | sub('x') }}"}, {"q": "q", "a": "abc"}, "answer: .*replacement"),
        ({**CLOZE, "answer": "{{ a | sub('x', 'y') }}"}, {"q": "q", "a": 3}, "answer: "),
        ({**CLOZE, "answer": "{{ a | colours }}"}, {"q": "q", "a": "abc"}, "answer: No filter named 'colours'"),
    ],
)
def test_what_cannot_be_asked_says_why(keys: dict[str, Any], record: dict[str, Any], said: str) -> None:
    with pytest.raises(Unaskable, match=said):
        ask(keys, **record)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ a.__class__ }}",
        "{{ q.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum.__globals__['os'].system('id') }}",
        "{{ self.__dict__ }}",
        "{{ c.append(1) }}",  # a record is not changed
        "{% for i in range(10**9) %}x{% endfor %}",  # the sandbox ends ranges at 100,000
        "{{ range(10**9) | list | length }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os }}",
    ],
)
def test_a_template_stays_in_its_sandbox_and_ends(template: str) -> None:
    record = {"q": "q", "a": "a", "c": ["x"]}
    with pytest.raises(Unaskable):
        asked(way({**CLOZE, "answer": template}), record)
    assert record == {"q": "q", "a": "a", "c": ["x"]}
    assert ENVIRONMENT.loader is None


def test_nul_and_what_is_no_character() -> None:
    assert ask(CLOZE, q="a\0b", a="\0").solved == "a\0b \0"


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("`` Hush , '' said the fox .", '"Hush," said the fox.'),
        ("He did n't , she 'll , it 's .", "He didn't, she'll, it's."),
        ("-LRB- aside -RRB- !", "(aside)!"),
        ("a $ 5 coin", "a $5 coin"),
        ("It was the ", "It was the "),
        (" 's turn ?", "'s turn?"),
        ("plain text.", "plain text."),
    ],
)
def test_detokenised(tokens: str, text: str) -> None:
    assert detokenised(tokens) == text
