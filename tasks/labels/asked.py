"""Prompts with answers, as people are asked of them: JSON lines {id, prompt | messages, answers: [K], models?}.

`models`, if there, name who wrote each answer; that is kept with what is said, and never shown. The order in which a
labeler sees the answers is a hash of the seed, the prompt's id, the labeler and the answer's place.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tasks.kernels.draw import uniform
from tasks.runtime.errors import Mistake
from tasks.runtime.visible import visible
from tasks.sources.rows.json_lines import json_lines

MOST = 9  # answers a prompt: the paper's K is 4 to 9, and a key on the keyboard stands for each
ROLES = ("system", "user", "assistant")
WORDS = {
    "one": "a prompt",
    "not_json": "is not JSON ({}); a file of prompts has one JSON object a line",
    "files": "PROMPTS",
}


@dataclass(frozen=True)
class Asked:
    """A prompt and its answers. `prompt`: as the record has it, {"prompt": text} or {"messages": [...]}."""

    id: str
    prompt: dict[str, Any]
    answers: list[str]
    models: list[str] | None = None

    @property
    def messages(self) -> list[dict[str, str]]:
        """The prompt as messages; one of text alone is a user's."""
        text = self.prompt.get("prompt")
        return [{"role": "user", "content": text}] if text is not None else self.prompt["messages"]

    def order(self, labeler: str, seed: int) -> list[int]:
        """Which answer stands first, second, ... for this labeler."""
        names = [f"{labeler}\x1f{self.id}\x1f{n}" for n in range(len(self.answers))]
        return [int(n) for n in np.argsort(uniform(names, seed, "label: order"), kind="stable")]

    def shown(self, labeler: str, seed: int) -> dict[str, Any]:
        """What a page shows: roles and texts, with what hides in them made visible."""
        return {
            "prompt": [{"role": one["role"], "text": visible(one["content"])} for one in self.messages],
            "answers": [visible(self.answers[n]) for n in self.order(labeler, seed)],
        }


def prompts_in(path: Path, answered: bool = True) -> list[Asked]:
    """What a file asks; `answered`: every prompt needs answers.

    Raises:
        Mistake: a line is not as it should be, two have the same id, or there is none.
    """
    found: dict[str, Asked] = {}
    for number, _, record in json_lines(path, ["answers"] if answered else [], **WORDS):
        one = _asked(record, f"{path}:{number}", f"{path.name}:{number}", answered)
        if one.id in found:
            raise Mistake(f"{path}:{number}: id {one.id!r} stands there before: give each prompt its own")
        found[one.id] = one
    if not found:
        raise Mistake(f"{path} holds no prompt")
    return list(found.values())


def _asked(record: dict[str, Any], where: str, otherwise: str, answered: bool) -> Asked:
    answers, models = record.get("answers", []), record.get("models")
    if not isinstance(answers, list) or not all(isinstance(one, str) for one in answers):
        raise Mistake(f"{where}: answers is no list of texts")
    if answered and not 1 <= len(answers) <= MOST:
        raise Mistake(f"{where}: {len(answers)} answers; 1 to {MOST} can be shown")
    if models is not None and (not isinstance(models, list) or len(models) != len(answers)):
        raise Mistake(f"{where}: models names who wrote each of the {len(answers)} answers; it is {models!r:.60}")
    if isinstance(record.get("prompt"), str):
        prompt: dict[str, Any] = {"prompt": record["prompt"]}
    else:
        messages = record.get("messages")
        right = isinstance(messages, list) and all(
            isinstance(one, dict) and one.get("role") in ROLES and isinstance(one.get("content"), str)
            for one in messages
        )
        if not right or not messages:
            raise Mistake(
                f"{where}: give the prompt as `prompt`, a text, or `messages` of role ({', '.join(ROLES)}) and content"
            )
        prompt = {"messages": [{"role": one["role"], "content": one["content"]} for one in messages]}
    named = [str(one) for one in models] if models is not None else None
    return Asked(str(record.get("id", otherwise)), prompt, answers, named)
