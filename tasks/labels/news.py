"""The second kind of page: the quiz of who wrote a text (evaluation/news), served; ratings are kept as they come."""

from typing import Any

from tasks.evaluation.news.quiz import page
from tasks.evaluation.news.ratings import ANSWERS, FIELDS
from tasks.labels.kept import Kept, Record
from tasks.labels.server import Door, Refused


def key(record: Record) -> tuple[str, ...]:
    """What a rating is about. KeyError where the record is none."""
    about = {name: str(record[name]) for name in FIELDS}
    return about["news"], about["quiz"], about["participant"], about["item"]


class Quiz:
    """The page and its door `say`. `quiz`: of news/quiz.py's content."""

    def __init__(self, quiz: dict[str, Any], kept: Kept, labeler: str) -> None:
        self.quiz, self.kept, self.labeler = quiz, kept, labeler
        self.items = {item["item"]: item for item in quiz["items"]}

    def _about(self, item: str) -> tuple[str, ...]:
        return str(self.quiz["news"]), str(self.quiz["quiz"]), self.labeler, item

    def said(self) -> dict[str, int]:
        """By item, the number of the answer that this labeler gave."""
        there = {item: self.kept.said.get(self._about(item)) for item in self.items}
        return {item: self.quiz["answers"].index(one["answer"]) for item, one in there.items() if one is not None}

    def page(self) -> str:
        return page(self.quiz, {"who": self.labeler, "said": self.said()})

    @property
    def doors(self) -> dict[str, Door]:
        return {"say": self.say}

    def say(self, said: dict[str, Any]) -> dict[str, Any]:
        """{item, answer: its number} -> {}; kept as the page of `millrace quiz` exports it."""
        item, number = said.get("item"), said.get("answer")
        if not isinstance(item, str) or item not in self.items:
            raise Refused("this quiz has no such text")
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(ANSWERS):
            raise Refused(f"an answer is a number from 0 to {len(ANSWERS) - 1}")
        self.kept.keep(
            {
                **{name: self.quiz[name] for name in ("model", "news", "quiz")},
                "participant": self.labeler,
                "item": item,
                "text": self.items[item]["text"],
                "answer": self.quiz["answers"][number],
            }
        )
        return {}
