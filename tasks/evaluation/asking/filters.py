"""Jinja2 filters of task files, beside Jinja2's own: what the papers' prompts need and templates cannot say."""

import re
from collections.abc import Callable, Sequence
from typing import Any

BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}


def sub(text: str, pattern: str, replacement: str) -> str:
    """`text | sub('<.*?>', '')`: every match of a regular expression replaced."""
    return re.sub(pattern, replacement, text)


def places(marks: Sequence[Any]) -> list[int]:
    """`labels | places`: where a list of 0 and 1 (or false and true) has 1."""
    return [place for place, mark in enumerate(marks) if mark]


def detokenised(text: str) -> str:
    """Text of the Children's Book Test as it is written: the Penn Treebank's brackets, quotes and blanks undone (GPT-2,
    section 3.2). It is not reversible; perplexities have others, which are."""
    for token, sign in BRACKETS.items():
        text = text.replace(token, sign)
    text = re.sub(r"`` ?", '"', text)
    text = re.sub(r" ?''", '"', text)
    text = re.sub(r"` (?=\w)", "'", text)
    text = re.sub(r" (n't|'(?:s|m|d|re|ve|ll))\b", r"\1", text, flags=re.IGNORECASE)
    text = re.sub(r" ([.,;:!?%)\]}])", r"\1", text)
    return re.sub(r"([(\[{$]) ", r"\1", text)


FILTERS: dict[str, Callable[..., Any]] = {"sub": sub, "places": places, "detokenised": detokenised}
