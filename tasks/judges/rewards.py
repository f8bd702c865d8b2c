"""Judges as rewards of PPO: what `function` of its run.yaml names (model/ppo_inputs.py), by a policy's folder.

    function: tasks.judges.rewards:rules
    arguments: {rules: [{ends_with: "."}, {items: 3, weight: 2}]}

Each gives `(prompt's tokens, answer's tokens) -> float`, which PPO adds to its reward model's number, if it has one.
Tokens are read as the policy's own chat tokens, so that rules see what a person would.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.judges.prompts import Chat
from tasks.judges.rubric import Rubric
from tasks.judges.rules import judge
from tasks.runtime.errors import Mistake

RULES = "tasks.judges.rewards:rules"  # as run.yaml names it

if TYPE_CHECKING:
    from model.rubric import Told


def rules(start: Path, *, rules: Sequence[Mapping[str, Any]], weight: float = 1.0) -> "Told":
    """The sum of rules, times a weight."""
    chat, told = Chat.at(Path(start)), judge(rules)
    return lambda prompt, answer: weight * told(chat.text(prompt), chat.text(answer).strip())


def rubric(
    start: Path, *, judge: Mapping[str, Any], prompts: Mapping[str, str], model: str | None = None, weight: float = 1.0
) -> "Told":
    """A rubric's worth, times a weight; 0 of a prompt of no kind that the table names.

    `judge`: as conf's gives it. `prompts`: by kind a JSONL file of {"tokens": [...]}, the prompts that are of it.
    `model`: a folder, whose letters tell the class; None: the rubric's rules do.

    Raises:
        Mistake: a file of prompts is none; a rubric without rules has no model.
    """
    from model.rubric import QUESTION, Added, letters
    from model.rubric import Rubric as Asked
    from model.score import load

    one, chat = Rubric.of(judge), Chat.at(Path(start))
    if model is None and one.rules is None:
        raise Mistake("a rubric without rules needs a model that tells the class")
    kinds = {tokens: kind for kind, path in prompts.items() for tokens in _prompts(Path(path))}
    asked = Asked(one.classes, one.question or QUESTION)
    gpt = load(model) if model is not None else None

    def classify(prompt: str, answer: str) -> str:
        if gpt is not None:
            return letters(gpt[0], gpt[1], asked, [(prompt, answer)])[0].letter
        return one.class_of(prompt, answer)

    return Added(
        lambda prompt, answer: 0.0, classify, chat.text, lambda prompt: kinds.get(tuple(prompt)), one.rewards, weight
    )


def _prompts(path: Path) -> list[tuple[int, ...]]:
    try:
        return [tuple(json.loads(line)["tokens"]) for line in path.read_bytes().splitlines() if line.strip()]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Mistake(f'{path} is no file of prompts, {{"tokens": [...]}} a line: {error}') from None
