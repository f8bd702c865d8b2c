"""Records of other projects as ours, by name of their format: comparisons, demonstrations and prompts.

Pure functions, a record of theirs -> records of ours (an `answers` of K with their `ranks`, or an `answer`, after
`messages`); the form that asks takes what it needs: `prompt` the messages alone. A record that is not what its format
says, or says nothing, is `Bad` for a named reason.

    hh-rlhf                   {chosen, rejected}: two dialogues (Bai et al. 2022, github.com/anthropics/hh-rlhf)
    summarize-from-feedback   {info, summaries, choice, worker}: comparisons (Stiennon et al. 2020, of OpenAI's release)
    self-instruct             {instruction, instances}: seed tasks (Wang et al. 2022, github.com/yizhongw/self-instruct)
    t0                        {prompt, completion}: filled templates, as self-instruct's repository has them
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tasks.sources.rejects import Bad

Record = dict[str, Any]

# Beside those of the forms (fields.py), of which `no-answer` and `no-text` are used here too.
REASONS = {
    "not-of-format": "it is no record of the `format` that conf names",
    "turns-differ": "two dialogues that differ before their last answer: they do not compare answers to one prompt",
    "same-answers": "two answers that are one text",
}


@dataclass(frozen=True)
class Format:
    """`forms`: of examples that its records make. `needed`, `optional`: the fields of a record that are read."""

    forms: tuple[str, ...]
    needed: tuple[str, ...]
    optional: tuple[str, ...]
    records: Callable[[Mapping[str, Any]], list[Record]]


def hh_rlhf(record: Mapping[str, Any]) -> list[Record]:
    """Two dialogues that begin alike: their common turns are the prompt, the last turn of each is an answer."""
    chosen, rejected = (_turns(key, _text(record, key)) for key in ("chosen", "rejected"))
    shared = 0
    while shared < min(len(chosen), len(rejected)) and chosen[shared] == rejected[shared]:
        shared += 1
    if shared == len(chosen) == len(rejected):
        raise Bad("same-answers", "chosen and rejected are the same dialogue")
    ends = chosen[shared:], rejected[shared:]
    if any(len(end) != 1 or end[0]["role"] != "assistant" for end in ends) or not shared:
        raise Bad(
            "turns-differ", f"behind {shared} turns in common chosen has {len(ends[0])} and rejected {len(ends[1])}"
        )
    return [_compared(chosen[:shared], [chosen[-1]["content"], rejected[-1]["content"]], [1, 2])]


def summarize_from_feedback(record: Mapping[str, Any]) -> list[Record]:
    """A post (or article) and two summaries, of which a worker chose one. The prompt is the released code's query."""
    info, summaries, choice = record.get("info"), record.get("summaries"), record.get("choice")
    if not isinstance(info, Mapping) or not isinstance(summaries, list) or len(summaries) != 2:
        raise Bad("not-of-format", "it has no `info` and two `summaries`")
    if choice not in (0, 1) or isinstance(choice, bool):
        raise Bad("not-of-format", f"its choice is {choice!r}: it must be 0 or 1")
    if info.get("post"):
        heads = (f"{name.upper()}: {mark}{_text(info, name)}" for name, mark in (("subreddit", "r/"), ("title", "")))
        query = "\n\n".join([*heads, f"POST: {_text(info, 'post')}", "TL;DR:"])
    else:
        query = f"Article:\n\n{_text(info, 'article')}\n\nTL;DR:"
    answers = [_text(summary, "text").strip() for summary in summaries if isinstance(summary, Mapping)]
    if len(answers) < 2 or not all(answers):
        raise Bad("no-answer", "one of its summaries is empty")
    if answers[0] == answers[1]:
        raise Bad("same-answers", "its two summaries are the same text")
    made = _compared([{"role": "user", "content": query}], answers, [1, 2] if choice == 0 else [2, 1])
    return [made | ({"labeler": str(record["worker"])} if record.get("worker") is not None else {})]


def self_instruct(record: Mapping[str, Any]) -> list[Record]:
    """A task: each of its instances is a demonstration, the instruction and its input after a blank line."""
    instruction, instances = _text(record, "instruction").strip(), record.get("instances")
    if not isinstance(instances, list) or not instances:
        raise Bad("no-answer", "it has no instances")
    made = []
    for number, instance in enumerate(instances):
        if not isinstance(instance, Mapping):
            raise Bad("not-of-format", f"instance {number} is {type(instance).__name__}, and no record")
        given, name = _text(instance, "input").strip(), record.get("id")
        named = {"id": name if len(instances) == 1 else f"{name}#{number}"} if isinstance(name, str) else {}
        prompt = f"{instruction}\n\n{given}" if given else instruction
        made.append(named | _shown(prompt, _text(instance, "output")))
    return made


def t0(record: Mapping[str, Any]) -> list[Record]:
    """A filled template; the completion ends with <|endoftext|>, which is not its text."""
    return [_shown(_text(record, "prompt").strip(), _text(record, "completion").removesuffix("<|endoftext|>"))]


FORMATS: dict[str, Format] = {
    "hh-rlhf": Format(("compare", "prompt"), ("chosen", "rejected"), (), hh_rlhf),
    "self-instruct": Format(("chat", "prompt"), ("instruction", "instances"), ("id",), self_instruct),
    "summarize-from-feedback": Format(
        ("compare", "prompt"), ("info", "summaries", "choice"), ("worker",), summarize_from_feedback
    ),
    "t0": Format(("chat", "prompt"), ("prompt", "completion"), (), t0),
}

ROLES = {"Human": "user", "Assistant": "assistant"}  # of hh-rlhf
TURN = re.compile(r"\n\n(Human|Assistant):")


def _turns(key: str, dialogue: str) -> list[dict[str, str]]:
    before, *rest = TURN.split(dialogue)
    if before.strip() or not rest:
        raise Bad("not-of-format", f"{key} does not begin with a blank line and `Human:`")
    turns = [{"role": ROLES[who], "content": said.strip()} for who, said in zip(rest[::2], rest[1::2], strict=True)]
    if empty := [str(number) for number, turn in enumerate(turns, 1) if not turn["content"]]:
        last = empty == [str(len(turns))]
        raise Bad("no-answer" if last else "no-text", f"of {key} nothing is said in turn {', '.join(empty)}")
    return turns


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str):
        what = f"is {type(value).__name__}" if key in record else "is not there"
        raise Bad("not-of-format", f"its {key} {what}: it must be text")
    return value


def _compared(messages: list[dict[str, str]], answers: list[str], ranks: list[int]) -> Record:
    return {"messages": messages, "answers": answers, "ranks": ranks}


def _shown(prompt: str, answer: str) -> Record:
    if not answer.strip():
        raise Bad("no-answer", "its answer is empty")
    return {"messages": [{"role": "user", "content": prompt}], "answer": answer.strip()}
