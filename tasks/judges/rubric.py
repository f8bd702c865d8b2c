"""A rubric as a judge has it: the class of an answer by a model's letters, or by rules, which are its truth beside it.

With rules alone it is a classifier for toys: what a model makes of the letters can be held against it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.judges.prompts import Chat
from tasks.judges.rules import judge
from tasks.models.loaded import loaded
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake

if TYPE_CHECKING:
    from model.rubric import Told


@dataclass(frozen=True)
class Rubric:
    """`classes`: what is said of each letter; `rules`: of each its rules, None: it takes the rest; None: no rules."""

    classes: Mapping[str, str]
    rules: Mapping[str, list[dict[str, Any]] | None] | None
    rewards: Mapping[str, Mapping[str, float]]
    refuses: tuple[str, ...]
    question: str | None = None

    @classmethod
    def of(cls, how: Mapping[str, Any]) -> "Rubric":
        """As conf's judge gives it."""
        return cls(how["classes"], how["rules"], how["rewards"], tuple(how["refuses"]), how["question"])

    def truth(self, prompt: str, answer: str) -> str | None:
        """The first class all of whose rules an answer obeys, else the one without rules; None where there is none."""
        if self.rules is None:
            return None
        for letter, rules in self.rules.items():
            if rules is not None and all(value == 1 for value in judge(rules).parts(prompt, answer).values()):
                return letter
        return next((letter for letter, rules in self.rules.items() if rules is None), None)

    def class_of(self, prompt: str, answer: str) -> str:
        """As `truth`. Mistake where no class takes the answer."""
        letter = self.truth(prompt, answer)
        if letter is None:
            raise Mistake(f"no class of the rubric takes the answer {answer[:60]!r}: give a last one without rules")
        return letter

    def told(self, model: Artifact, pairs: Sequence[tuple[str, str]]) -> list[str]:
        """The letters that a model finds likeliest for (prompt, answer).

        Raises:
            Mistake: the rubric does not fit the model's context.
        """
        from model.rubric import QUESTION, letters
        from model.rubric import Rubric as Asked

        gpt, tokenizer = loaded(model)
        try:
            found = letters(gpt, tokenizer, Asked(self.classes, self.question or QUESTION), pairs)
        except ValueError as error:
            raise Mistake(f"{model.name}: {error}") from error
        return [one.letter for one in found]

    def reward(self, kind: str | None, letter: str) -> float:
        """What a letter is worth for a kind of prompt; 0 of a kind that the table does not name."""
        return self.rewards.get(kind or "", {}).get(letter, 0.0)


def rubric(
    told: "Told", how: Mapping[str, Any], chat: Chat, kind: Callable[[Sequence[int]], str | None],
    model: Artifact | None = None, weight: float = 1.0,
) -> "Told":  # fmt: skip
    """The reward `told` with a rubric's worth added, for PPO: `(prompt ids, answer ids) -> float` (model/rubric.py).

    `how`: conf's judge. `chat`: the policy's. `kind`: of a prompt, by its tokens. `model`: whose letters tell the
    class; None: the rules do.
    """
    from model.rubric import Added

    one = Rubric.of(how)

    def classify(prompt: str, answer: str) -> str:
        return one.class_of(prompt, answer) if model is None else one.told(model, [(prompt, answer)])[0]

    return Added(told, classify, chat.text, kind, how["rewards"], weight)
