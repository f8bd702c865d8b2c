"""From a record to what its form reads of it: texts, roles, answers and a label, all seen to; a table, a form a row.

A record is what JSON makes of an object, whatever file it comes from (tasks/sources/rows). Labels are numbers: a
class's place among `classes`, a choice's among its answers.
"""

import json
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from conf.spelling import did_you_mean
from tasks.sources.rejects import Bad
from tasks.sources.rows.fields import MISSING, find, kind

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
ROLES = (SYSTEM, USER, ASSISTANT)
SHOWN = 80  # characters of a value in a sentence
# Beside those of tasks/sources/rejects.py.
REASONS = {
    "no-text": "a text of the form is missing, empty, or no string",
    "label": "the label is no class, or no number, of those that it may be",
    "answers": "the answers are no list of two or more texts",
    "span": "the answer does not stand where the record says, or nowhere in the text",
    "tags": "there are not as many tags as words, or one of either is none",
    "role": "a message has no role, or another than system, user and assistant, or one in a wrong place",
    "no-answer": "a demonstration ends without the assistant's answer, or with an empty one",
    "ranks": "the ranks do not fit the K answers: K whole numbers from 1 to K",
}


class Item(NamedTuple):
    """What a form reads of a record.

    `parts` are its texts in the form's order (of tag: the words); `roles` those of chat forms, a message a part;
    `answers` what stands behind them; `label` as examples' parquet has it, but of span: characters (start, end), (-1,
    -1) where there is no answer.
    """

    parts: tuple[str, ...]
    label: tuple[float, ...] = ()
    roles: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """All text that a model is shown, as it is compared with benchmarks."""
        return "\n".join(text for text in (*self.parts, *self.answers) if text)

    @property
    def asked(self) -> tuple[str, ...]:
        """The texts before what is to be learned: records that share them are on one side of the split."""
        return self.parts[:-1] if self.roles and self.roles[-1] == ASSISTANT else self.parts


class Record(NamedTuple):
    """A record, and how it is read: `fields` by the form's keys (conf/examples.py), `classes`."""

    value: dict[str, Any]
    fields: dict[str, Any]
    classes: tuple[str, ...]

    def get(self, key: str) -> Any:
        """The value of a key's field (the first that it names); MISSING for none, null and ""."""
        named = self.fields[key]
        found = find(self.value, named if isinstance(named, str) else named[0])
        return MISSING if found is None or found == "" else found

    def named(self, key: str) -> str:
        """A key's field, or fields, for a sentence."""
        named = self.fields[key]
        return named if isinstance(named, str) else ", ".join(named)

    def text(self, key: str) -> str:
        """The text of a key's field, or of its fields, joined by a space; not empty."""
        named = self.fields[key]
        found = [find(self.value, path) for path in ([named] if isinstance(named, str) else named)]
        text = " ".join(self.string(value, path) for value, path in zip(found, _listed(named), strict=True))
        if not text.strip():
            raise Bad("no-text", f"the field {self.named(key)!r} is empty")
        return text

    def string(self, value: Any, path: str) -> str:
        if value is MISSING:
            there = ", ".join(sorted(self.value))
            raise Bad("no-text", f"no field {path!r}{did_you_mean(path, self.value)}; the record has {there[:SHOWN]}")
        if isinstance(value, bytes):
            raise Bad("charset", f"the field {path!r} is not UTF-8")
        if not isinstance(value, str):
            raise Bad("no-text", f"the field {path!r} is {kind(value)}, not a string")
        return value

    def place(self, value: Any, key: str, reason: str = "label") -> float:
        """A class's place among `classes`."""
        text = _written(value)
        if text in self.classes:
            return float(self.classes.index(text))
        number = _number(value)
        numbered = any(_number(one) is not None for one in self.classes)
        if number is not None and not numbered and number == int(number) and 0 <= number < len(self.classes):
            return number
        raise Bad(
            reason,
            f"{self.named(key)!r} is {_shown(value)}, none of the classes {', '.join(self.classes)[:SHOWN]}"
            f"{did_you_mean(text, self.classes)}",
        )

    def number(self, key: str) -> float:
        number = _number(self.get(key))
        if number is None:
            raise Bad("label", f"{self.named(key)!r} is {_shown(self.get(key))}, no number")
        return number


def item_of(value: dict[str, Any], form: str, fields: dict[str, Any], classes: tuple[str, ...]) -> Item:
    """What the form reads of a record.

    Raises:
        Bad: one of REASONS, or `charset`: the record is not of this form.
    """
    return ITEMS[form](Record(value, fields, classes))


def user_of(value: dict[str, Any]) -> str | None:
    """Whose prompt a record is, by its field `user`; None where it names nobody."""
    user = value.get("user")
    return str(user) if isinstance(user, str | int) and not isinstance(user, bool) and user != "" else None


def _classify(of: Record) -> Item:
    return Item((of.text("text"),), (of.place(of.get("label"), "label"),))


def _regress(of: Record) -> Item:
    return Item((of.text("text"),), (of.number("label"),))


def _entail(of: Record) -> Item:
    return Item((of.text("premise"), of.text("hypothesis")), (of.place(of.get("label"), "label"),))


def _similar(of: Record) -> Item:
    label = of.place(of.get("label"), "label") if of.classes else of.number("label")
    return Item((of.text("first"), of.text("second")), (label,))


def _choose(of: Record) -> Item:
    document, question = (
        of.text(key) if any(find(of.value, path) not in (MISSING, None, "") for path in _listed(of.fields[key])) else ""
        for key in ("document", "question")
    )
    if not document and not question:
        raise Bad("no-text", f"neither {of.named('document')!r} nor {of.named('question')!r} is in the record")
    answers = _answers(of)
    if not all(answer.strip() for answer in answers):
        raise Bad("answers", "an answer is empty")
    label = of.get("label")
    if of.classes:
        place = of.place(label, "label")
    elif isinstance(label, str) and answers.count(label) == 1:
        place = float(answers.index(label))
    else:
        number = _number(label)
        place = -1.0 if number is None else number
    if place != int(place) or not 0 <= place < len(answers):
        raise Bad("label", f"{of.named('label')!r} is {_shown(label)}, which names none of {len(answers)} answers")
    return Item((document, question), (place,), answers=answers)


def _span(of: Record) -> Item:
    question, text = of.text("question"), of.text("text")
    answer, start = (_first(find(of.value, of.fields[key])) for key in ("answer", "start"))
    if answer is None:
        return Item((question, text), (-1.0, -1.0))  # SQuAD 2: the text does not answer it
    answer = of.string(answer, of.fields["answer"])
    at = text.find(answer) if start is None else _number(start)
    if at is None or at != int(at) or not answer or not text.startswith(answer, int(at)) or at < 0:
        raise Bad("span", f"{_shown(answer)} does not stand in the text at {_shown(at)}")
    return Item((question, text), (float(at), float(at + len(answer))))


def _tag(of: Record) -> Item:
    words, tags = of.get("words"), of.get("tags")
    if not isinstance(words, list) or not isinstance(tags, list) or not words or len(words) != len(tags):
        many = [str(len(one)) if isinstance(one, list) else "no list of" for one in (words, tags)]
        raise Bad("tags", f"{many[0]} words in {of.named('words')!r}, {many[1]} tags in {of.named('tags')!r}")
    if bad := [word for word in words if not isinstance(word, str) or not word.strip()]:
        raise Bad("tags", f"{_shown(bad[0])} is no word")
    return Item(tuple(words), tuple(of.place(tag, "tags", "tags") for tag in tags))


def _chat(of: Record) -> Item:
    messages = _messages(of)
    answer = of.get("answer")
    if answer is not MISSING:
        messages.append((ASSISTANT, of.string(answer, of.fields["answer"])))
    if messages[-1][0] != ASSISTANT or not messages[-1][1].strip():
        raise Bad("no-answer", "the demonstration ends without what the assistant answers")
    return _conversation(messages, ASSISTANT)


def _compare(of: Record) -> Item:
    asked = _conversation(_messages(of), USER)
    answers = _answers(of)
    ranks = of.get("ranks")
    numbers = [_number(rank) for rank in ranks] if isinstance(ranks, list) else []
    fit = [number for number in numbers if number is not None and number == int(number) and 1 <= number <= len(answers)]
    if len(fit) != len(answers) or len(numbers) != len(answers):
        raise Bad("ranks", f"{of.named('ranks')!r} is {_shown(ranks)}, no rank from 1 to {len(answers)} an answer")
    return asked._replace(answers=answers, label=tuple(fit))


def _prompt(of: Record) -> Item:
    return _conversation(_messages(of), USER)


ITEMS: dict[str, Callable[[Record], Item]] = {
    "classify": _classify,
    "regress": _regress,
    "entail": _entail,
    "similar": _similar,
    "choose": _choose,
    "span": _span,
    "tag": _tag,
    "chat": _chat,
    "compare": _compare,
    "prompt": _prompt,
}


def _messages(of: Record) -> list[tuple[str, str]]:
    """(role, content) of `messages`, or of `prompt`, which the user says."""
    listed = of.get("messages")
    if listed is MISSING:
        if of.get("prompt") is MISSING:
            raise Bad("no-text", f"neither {of.named('messages')!r} nor {of.named('prompt')!r} is in the record")
        return [(USER, of.text("prompt"))]
    if not isinstance(listed, list) or not listed:
        raise Bad("no-text", f"{of.named('messages')!r} is {kind(listed)}, no list of {{role, content}}")
    return [_message(of, one) for one in listed]


def _message(of: Record, message: Any) -> tuple[str, str]:
    if not isinstance(message, dict):
        raise Bad("role", f"a message is {kind(message)}, no {{role, content}}")
    role = message.get("role")
    if role not in ROLES:
        meant = did_you_mean(role, ROLES) if isinstance(role, str) else ""
        raise Bad("role", f"the role of a message is {_shown(role)}; there are {', '.join(ROLES)}{meant}")
    return role, of.string(message.get("content", MISSING), "content")


def _conversation(messages: list[tuple[str, str]], last: str) -> Item:
    """Messages whose last one is of a role; a system's message comes first, and none is empty."""
    roles, contents = zip(*messages, strict=True)
    if roles[-1] != last:
        raise Bad("role", f"the last message is the {roles[-1]}'s, not the {last}'s")
    if SYSTEM in roles[1:]:
        raise Bad("role", "a system's message stands behind others")
    if USER not in roles:
        raise Bad("role", "no message is the user's")
    if not all(content.strip() for content in contents):
        raise Bad("no-text", "a message is empty")
    return Item(contents, roles=roles)


def _answers(of: Record) -> tuple[str, ...]:
    """Two texts or more, of a list or of several fields."""
    named = of.fields["answers"]
    found = find(of.value, named) if isinstance(named, str) else [find(of.value, path) for path in named]
    if not isinstance(found, list) or len(found) < 2 or not all(isinstance(answer, str) for answer in found):
        raise Bad("answers", f"{of.named('answers')!r} is {_shown(found)}, no two texts or more")
    return tuple(found)


def _first(value: Any) -> Any:
    """The value, or a list's first one; None for none."""
    if isinstance(value, list):
        value = value[0] if value else None
    return None if value is MISSING or value == "" else value


def _number(value: Any) -> float | None:
    """A finite number, also where it is spelled; None for what is none. True is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _written(value: Any) -> str:
    """A label's name: as JSON has it, where it is no string."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _shown(value: Any) -> str:
    text = "missing" if value is MISSING else repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def _listed(named: Any) -> list[str]:
    return [named] if isinstance(named, str) else list(named)
