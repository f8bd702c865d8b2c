"""Comparisons, read: several answers to a prompt as one labeler ranked them (comparisons.py has the format).

`judge` says whether a person ranked them: a line that does not say so is a machine's, so that no machine is ever
counted among people.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tasks.evaluation.given import Files
from tasks.judges.comparisons import MACHINE
from tasks.runtime.errors import Mistake
from tasks.sources.input.inside import place_of
from tasks.sources.rows.json_lines import json_lines

PEOPLE = "human"
WORDS = {
    "one": "a comparison",
    "not_json": "not JSON ({}); a file of comparisons has one JSON object a line",
    "files": "`people` of evaluate.alignment",
    "named": "",
}


class Comparison(NamedTuple):
    """One prompt's answers as one labeler ranked them."""

    id: str
    messages: list[dict[str, str]]
    answers: list[str]
    ranks: list[float]
    labeler: str
    judge: str


def comparisons_in(files: Files) -> Iterator[Comparison]:
    """What the files hold, in their order.

    Raises:
        Mistake: a line is no comparison.
    """
    for file in files:
        path = place_of(file, None)
        for number, _, record in json_lines(path, ["answers", "ranks"], **WORDS):
            where = f"{path}:{number}"
            answers, ranks = record["answers"], record["ranks"]
            if not isinstance(answers, list) or not all(isinstance(one, str) for one in answers):
                raise Mistake(f"{where}: answers is no list of texts")
            if not isinstance(ranks, list) or len(ranks) != len(answers):
                raise Mistake(f"{where}: {len(answers)} answers need as many ranks; ranks is {ranks!r:.60}")
            if not all(isinstance(one, int | float) and not isinstance(one, bool) and one >= 1 for one in ranks):
                raise Mistake(f"{where}: a rank is a number from 1 (best) on; ranks is {ranks!r:.60}")
            messages = record.get("messages") or [{"role": "user", "content": record.get("prompt")}]
            if not all(isinstance(one, dict) and isinstance(one.get("content"), str) for one in messages):
                raise Mistake(f"{where}: give the prompt as `prompt`, a text, or `messages` of role and content")
            judge = PEOPLE if record.get("judge") == PEOPLE else MACHINE
            id, labeler = str(record.get("id", f"{path.name}:{number}")), str(record.get("labeler", ""))
            yield Comparison(id, messages, answers, [float(one) for one in ranks], labeler, judge)
