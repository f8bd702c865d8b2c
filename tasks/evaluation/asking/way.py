"""How a task asks: a task file's keys that shape a prompt or an answer, with one of its templates (conf/task.py).

Templates are Jinja2, in its sandbox and with the filters of filters.py, over the fields of a record. `description`,
`question`, `answer`, `before`, `rest`, `solution` and each of a list of `choices` are templates, and give text;
`choices` as one text, `gold`, `references`, `cluster` and `same` are expressions, and give a value. Text is used as it
is: nothing is stripped, escaped or cut.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from jinja2 import StrictUndefined, TemplateError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError

from tasks.evaluation.asking.filters import FILTERS

Form = Literal["choice", "cloze", "rest", "free"]


@dataclass(frozen=True)
class Way:
    """See conf/task.py, where each key is described; no key has a default here."""

    form: Form
    fields: Mapping[str, str]  # by the name that the templates use, the record's own
    description: str
    question: str
    delimiter: str
    between: str
    answer: str | None
    choices: str | list[str] | None
    gold: str | None
    before: str | None
    rest: str | None
    scored: Literal["rest", "choice and rest"]
    references: str | None
    solution: str | None
    cluster: str | None
    neutral: str | None
    draw: Literal["item", "task"]
    same: str | None
    length: int
    stop: list[str]
    beams: int
    penalty: float
    temperature: float
    top_k: int | None
    top_p: float | None
    samples: int


Reason = Literal["record", "empty", "too long"]


class Unaskable(ValueError):
    """A record that cannot be asked as the task says: why, in a word and in a sentence."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True)
class Question:
    """A record as it is asked. `answers`: what is scored (choices, or the one answer), in the record's own spelling."""

    description: str  # what stands before everything
    question: str  # what stands before the answer; of form `rest`, before the choice
    answers: tuple[str, ...]
    gold: tuple[int, ...]  # places in `answers` of the right ones
    rest: str  # of form `rest`: what follows the choice
    references: tuple[str, ...]  # right answers of form `free`; of `cloze` the text's label, if it has one
    cluster: str | None
    solved: str  # the record as a solved example


def asked(way: Way, record: Mapping[str, Any]) -> Question:
    """A record, by the templates.

    Raises:
        Unaskable: a field is missing, or what a template gives is not what its key wants.
    """
    fields = _fields(way, record)
    cluster = None if way.cluster is None else str(value(way.cluster, fields, "cluster"))
    description = text(way.description, fields, "description")
    alike(way, record)  # an item that does not say has no examples
    if way.form == "free":
        references = _texts(value(way.references, fields, "references"), "references")
        question = text(way.question, fields, "question")
        shown = references[0] if way.solution is None else text(way.solution, fields, "solution")
        return Question(description, question, (), (), "", references, cluster, question + way.delimiter + shown)
    if way.form == "cloze":
        question, answer = text(way.question, fields, "question"), text(way.answer, fields, "answer")
        label = () if way.references is None else _texts(value(way.references, fields, "references"), "references")
        return Question(description, question, (answer,), (0,), "", label, cluster, question + way.delimiter + answer)
    if isinstance(way.choices, list):
        choices = tuple(text(choice, fields, "choices") for choice in way.choices)
    else:
        choices = _texts(value(way.choices, fields, "choices"), "choices")
    gold = _places(value(way.gold, fields, "gold"), choices)
    right = choices[gold[0]]
    if way.form == "choice":
        question = text(way.question, fields, "question")
        return Question(description, question, choices, gold, "", (), cluster, question + way.delimiter + right)
    before, rest = text(way.before, fields, "before"), text(way.rest, fields, "rest")
    if not rest and way.scored == "rest":
        raise Unaskable("empty", "rest is empty: nothing of it can be scored")
    return Question(description, before, choices, gold, rest, (), cluster, before + right + rest)


def alike(way: Way, record: Mapping[str, Any]) -> str | None:
    """What a record and its solved examples have in common; None: nothing need be.

    Raises:
        Unaskable: the record does not say.
    """
    return None if way.same is None else str(value(way.same, _fields(way, record), "same"))


def _fields(way: Way, record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, **{name: record[theirs] for name, theirs in way.fields.items() if theirs in record}}


FAULTS = (TemplateError, SecurityError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


def text(template: str | None, fields: Mapping[str, Any], key: str) -> str:
    """What a template gives."""
    assert template is not None  # the task file's schema has seen to it
    try:
        return _template(template).render(fields)
    except FAULTS as error:
        raise Unaskable("record", f"{key}: {error}") from None


def value(expression: str | None, fields: Mapping[str, Any], key: str) -> Any:
    """What an expression gives."""
    assert expression is not None
    try:
        found = _expression(expression)(fields)
    except FAULTS as error:
        raise Unaskable("record", f"{key}: {error}") from None
    if found is None or isinstance(found, Undefined):
        raise Unaskable("record", f"{key}: {expression} is not in the record")
    return found


ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
ENVIRONMENT.filters |= FILTERS


@cache
def _template(source: str) -> Any:
    return ENVIRONMENT.from_string(source)


@cache
def _expression(source: str) -> Any:
    return ENVIRONMENT.compile_expression(source, undefined_to_none=False)


def _texts(found: Any, key: str) -> tuple[str, ...]:
    """A list of texts; one text is a list of one, and a number its digits."""
    listed = [found] if isinstance(found, str | int | float) else list(found) if isinstance(found, list | tuple) else []
    for one in listed:
        if isinstance(one, Undefined):
            raise Unaskable("record", f"{key}: {one._undefined_message}")
    if not listed or not all(isinstance(one, str | int | float) and not isinstance(one, bool) for one in listed):
        raise Unaskable("record", f"{key} is no list of texts")
    return tuple(str(one) for one in listed)


def _places(found: Any, choices: tuple[str, ...]) -> tuple[int, ...]:
    """The right choices' places: a number from 0, a choice's text, or a list of those."""
    places = []
    for one in found if isinstance(found, list | tuple) else [found]:
        if isinstance(one, str) and one in choices:
            places.append(choices.index(one))
        elif isinstance(one, int) and 0 <= int(one) < len(choices):  # true and false are 1 and 0: binary tasks
            places.append(int(one))
        else:
            raise Unaskable(
                "record", f"gold is {one!r}: it is the right choice's place, 0 to {len(choices) - 1}, or its text"
            )
    if not places:
        raise Unaskable("record", "gold names no choice")
    return tuple(dict.fromkeys(places))
