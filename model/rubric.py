"""A rubric: which of several classes an answer is of, told by a GPT from the likelihood of the classes' letters.

GPT-4's rule-based reward models (technical report, section 6) are zero-shot classifiers that read the prompt, the
answer and a rubric written as multiple choice. Nothing is generated here: the class is the letter that the model finds
likeliest behind the rubric's last word. What it gives is added to the reward model's number (`Added`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from model.gpt import GPT
from model.likelihood import Asked, likelihoods
from model.tokenizer import Tokenizer

# Ours: the report prints a rubric of its own policy and no wording of the question.
QUESTION = "A user asked, and an assistant answered. Say of which class the answer is."

Told = Callable[[Sequence[int], Sequence[int]], float]  # (prompt's tokens, answer's tokens) -> reward


@dataclass(frozen=True)
class Rubric:
    """What stands before the two texts, and the classes by their letters, in order."""

    classes: Mapping[str, str]
    question: str = QUESTION

    def tokens(self, tokenizer: Tokenizer, prompt: str, answer: str, room: int) -> list[int]:
        """What is read before a letter, of at most `room` tokens: of texts too long the prompt loses its beginning, and
        then the answer its end, since what an answer is shows early.

        Raises:
            ValueError: the rubric alone leaves no room for an answer.
        """
        classes = "\n".join(f"{letter}: {says}" for letter, says in self.classes.items())
        head = tokenizer.encode(f"{self.question}\n{classes}\nPrompt: ")
        middle, tail = tokenizer.encode("\nAnswer: "), tokenizer.encode("\nClass:")
        left = room - len(head) - len(middle) - len(tail)
        if left < 1:
            raise ValueError(
                f"the rubric has {room - left:,} tokens and the model reads {room:,}: shorten the question or the "
                "classes, or name a model of a longer context"
            )
        said = tokenizer.encode(answer)
        before = tokenizer.encode(prompt)
        before = before[len(before) - min(len(before), max(left // 2, left - len(said))) :]
        return [*head, *before, *middle, *said[: left - len(before)], *tail]


class Letter(NamedTuple):
    """The likeliest letter, and each one's probability, normalised over them."""

    letter: str
    shares: dict[str, float]


def letters(gpt: GPT, tokenizer: Tokenizer, rubric: Rubric, pairs: Sequence[tuple[str, str]]) -> list[Letter]:
    """Of each (prompt, answer) its class, by log P(" a"), log P(" b"), ... behind "Class:", each over all its tokens.

    Of equally likely letters the first in the rubric's order. ValueError as `Rubric.tokens` raises it.
    """
    names = list(rubric.classes)
    choices = tuple(tuple(tokenizer.encode(f" {name}")) for name in names)
    room = gpt.architecture.context + 1 - max(map(len, choices))  # the last token is predicted, and not read
    asked = [Asked(tuple(rubric.tokens(tokenizer, *pair, room)), choices) for pair in pairs]
    found = []
    for each in likelihoods(gpt, asked):
        totals = [one.total for one in each]
        raised = [math.exp(total - max(totals)) for total in totals]
        shares = {name: part / sum(raised) for name, part in zip(names, raised, strict=True)}
        found.append(Letter(names[totals.index(max(totals))], shares))
    return found


@dataclass(frozen=True)
class Added:
    """A reward with a rubric's worth added: what PPO takes in place of a reward model.

    `told`: the reward model's number. `classify`: (prompt, answer) as texts -> a letter; `text`: of the policy's
    tokens. `kind`: of a prompt's, in the table; None: the rubric says nothing of it. `rewards`: by kind and letter; a
    letter that is not named is worth 0.
    """

    told: Told
    classify: Callable[[str, str], str]
    text: Callable[[Sequence[int]], str]
    kind: Callable[[Sequence[int]], str | None]
    rewards: Mapping[str, Mapping[str, float]]
    weight: float = 1.0

    def __call__(self, prompt: Sequence[int], answer: Sequence[int]) -> float:
        reward = self.told(prompt, answer)
        kind = self.kind(prompt)
        if kind is None or kind not in self.rewards:
            return reward
        letter = self.classify(self.text(prompt), self.text(answer))
        return reward + self.weight * self.rewards[kind].get(letter, 0.0)
