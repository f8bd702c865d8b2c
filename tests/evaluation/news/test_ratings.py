"""What people said: read from what the page exports, told right or wrong, and refused where it cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest
from made_news import rows

from tasks.evaluation.news.quiz import asked
from tasks.evaluation.news.ratings import ANSWERS, key_of, ratings_in
from tasks.runtime.errors import Mistake

HUMAN, MAYBE_HUMAN, NEITHER, MAYBE_MACHINE, MACHINE = ANSWERS
MADE = rows(5, 0.5)


def line(item: int, whose: str, answer: str, **more: Any) -> dict[str, Any]:
    row = MADE[item]
    about = {"model": "small", "news": "f1", "quiz": 1, "participant": "ann"}
    return {**about, "item": row["item"], "text": key_of(row[whose]), "answer": answer, **more}


def read(folder: Path, *lines: dict[str, Any]) -> Any:
    (folder / "r.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    return ratings_in([folder / "r.jsonl"], "small", "f1", MADE)


def test_right_over_what_is_not_neutral(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        line(0, "human", HUMAN),
        line(1, "text", MAYBE_HUMAN),
        line(2, "text", NEITHER),
        line(3, "text", MACHINE),
        line(4, "human", MAYBE_MACHINE),
        line(0, "text", MACHINE, participant="bob"),
        line(1, "human", NEITHER, participant="cat"),
        line(0, "human", HUMAN),  # the same line again
        line(0, "human", MACHINE, model="large"),
        line(0, "human", MACHINE, news="f0"),
        line(0, "text", MAYBE_HUMAN, quiz=2),
    )
    assert found.people == {
        "ann, quiz 1": [True, False, None, True, False],
        "bob, quiz 1": [True],
        "cat, quiz 1": [None],
        "ann, quiz 2": [False],
    }
    assert found.accuracies() == [0.5, 1.0, 0.0], "who says nothing has no accuracy"
    assert found.neutral() == 2 / 8 and found.others == 1


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"answer": "maybe"}, r"r.jsonl:2: answer is 'maybe'; it is one of very likely written by a human, more"),
        ({"text": "0" * 64}, r"r.jsonl:2: the text 000000000000 of 0{32} is none that small's quiz shows"),
        ({"answer": MACHINE}, r"r.jsonl:2: ann answered 0{32} of quiz 1 otherwise before"),
    ],
)
def test_a_line_that_cannot_be(tmp_path: Path, bad: dict[str, Any], said: str) -> None:
    with pytest.raises(Mistake, match=said):
        read(tmp_path, line(0, "human", HUMAN), {**line(0, "human", HUMAN), **bad})


def test_a_field_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="no field 'news'"):
        read(tmp_path, {"model": "small"})


def test_a_text_that_a_model_copied_tells_nothing(tmp_path: Path) -> None:
    copied = [{**MADE[0], "text": MADE[0]["human"]}, *MADE[1:]]
    (tmp_path / "r.jsonl").write_text(json.dumps(line(0, "human", HUMAN)) + "\n")
    assert ratings_in([tmp_path / "r.jsonl"], "small", "f1", copied).people == {}


@pytest.mark.parametrize("count", [4, 5])
def test_a_quiz_shows_half_of_the_titles_with_the_models_text(count: int) -> None:
    made = [*rows(count, 0.5), {**MADE[0], "item": "x", "text": None, "fault": "too long"}]
    halves = []
    for number in range(1, 41):
        quiz = asked(made, "small", "f1", number)
        by = {row["item"]: row for row in made}
        assert {one["item"] for one in quiz["items"]} == by.keys() - {"x"} and len(quiz["items"]) == count
        shown = [one["shown"] == by[one["item"]]["text"] for one in quiz["items"]]
        assert all(one["shown"] in (by[one["item"]]["text"], by[one["item"]]["human"]) for one in quiz["items"])
        assert sum(shown) in (2, (count + 1) // 2)
        halves.append((tuple(one["item"] for one in quiz["items"]), tuple(shown)))
    assert len(set(halves)) > 30, "each number has its own halves and order"
    assert asked(made, "small", "f1", 7) == asked(made[::-1], "small", "f1", 7), "whatever the order of the rows"
