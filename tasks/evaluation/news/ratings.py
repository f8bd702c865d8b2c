"""What people said of who wrote a text: the lines that the page of `millrace quiz` exports, JSONL.

Each line names the artifact of texts that was shown, so that what was said of other texts is not mixed in. The page
holds no key: whose a text is stands in the artifact alone.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.runtime.errors import Mistake
from tasks.sources.rows.json_lines import json_lines

KEY = "evaluate.news.ratings"
# The paper's five answers, and what each says of the text: True the model's, False a person's, None neither.
ANSWERS: dict[str, bool | None] = {
    "very likely written by a human": False,
    "more likely written by a human": False,
    "I don't know": None,
    "more likely written by a machine": True,
    "very likely written by a machine": True,
}
FIELDS = ("model", "news", "quiz", "participant", "item", "text", "answer")
WORDS = {
    "one": "a rating",
    "not_json": "is not JSON ({}); ratings are the lines that a quiz's page exports",
    "files": KEY,
}


@dataclass
class Ratings:
    """By participant, each answer: whether it is right, None for neither. `others`: lines on other texts of this
    model than it has now."""

    people: dict[str, list[bool | None]] = field(default_factory=dict)
    others: int = 0

    def accuracies(self) -> list[float]:
        """Of each participant right answers over those that say something; of none that says nothing."""
        said = [[one for one in answers if one is not None] for answers in self.people.values()]
        return [sum(one) / len(one) for one in said if one]

    def neutral(self) -> float | None:
        """The share of answers that say nothing; None of no answer."""
        answers = [one for each in self.people.values() for one in each]
        return answers.count(None) / len(answers) if answers else None


def key_of(text: str) -> str:
    """How a page and its export name a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def ratings_in(paths: list[Path], model: str, fingerprint: str, rows: list[dict[str, Any]]) -> Ratings:
    """What people said, in all of these files, of a model's news, whose artifact has this fingerprint and these rows
    (news.written_in).

    A line that stands there twice counts once. Where a model wrote word for word what a person did, its title is left
    out.

    Raises:
        Mistake: a line is not what the page exports, is of a text that was not shown, or contradicts another.
    """
    whose: dict[tuple[str, str], bool] = {}
    for row in rows:
        if row["fault"] is None:
            whose[row["item"], key_of(row["human"])] = False
            whose[row["item"], key_of(row["text"])] = True
    same = {row["item"] for row in rows if row["human"] == row["text"]}
    found = Ratings()
    seen: dict[tuple[str, str, str], tuple[str, str]] = {}
    lines = ((path, *line) for path in paths for line in json_lines(path, list(FIELDS), **WORDS))
    for path, number, _, record in lines:
        where = f"{path}:{number}"
        if record["model"] != model:
            continue
        if record["news"] != fingerprint:
            found.others += 1
            continue
        values = {name: str(record[name]) for name in FIELDS}
        if values["answer"] not in ANSWERS:
            raise Mistake(f"{where}: answer is {values['answer']!r}; it is one of {', '.join(ANSWERS)}")
        if (values["item"], values["text"]) not in whose:
            raise Mistake(
                f"{where}: the text {values['text']:.12} of {values['item']} is none that {model}'s quiz shows"
            )
        if values["item"] in same:
            continue
        key, said = (values["participant"], values["quiz"], values["item"]), (values["text"], values["answer"])
        if key in seen:
            if seen[key] != said:
                raise Mistake(f"{where}: {key[0]} answered {key[2]} of quiz {key[1]} otherwise before: keep one line")
            continue
        seen[key] = said
        verdict = ANSWERS[said[1]]
        right = None if verdict is None else verdict == whose[key[2], said[0]]
        found.people.setdefault(f"{key[0]}, quiz {key[1]}", []).append(right)
    return found
