"""`evaluate.probes`, `evaluate.exams` and `evaluate.by`: what may be asked, and what is refused with its line."""

import json
from pathlib import Path

import pytest
from plain import PLAIN, read

from tasks.runtime.errors import Mistake

EXAM = {"title": "Quiz", "sections": [{"kind": "choice", "weight": 10, "task": "quiz"}], "chance": 0.25}
TASKS = f"{PLAIN}evaluate:\n  folder: FOLDER\n  tasks: [quiz]\n"


def with_tasks(folder: Path) -> str:
    """A pipeline that asks one task, whose file is the user's own."""
    (folder / "tasks").mkdir()
    (folder / "tasks" / "quiz.yaml").write_text(
        "title: Quiz\nform: choice\nquestion: '{{ query }}'\nchoices: choices\ngold: gold\n"
        "metric: accuracy\nsource: mine\nlicence: mine\npaper: none\n"
    )
    return TASKS.replace("FOLDER", str(folder / "tasks"))


def test_the_papers_numbers_are_the_defaults(tmp_path: Path) -> None:
    p = read(tmp_path, f"{PLAIN}evaluate: {{probes: {{}}}}\n")
    probes = p.evaluate.probes
    assert probes is not None and (probes.samples, probes.tokens) == (800, 50)
    assert probes.occupations is probes.winogender is probes.crows_pairs is probes.toxicity is None
    assert read(tmp_path, PLAIN).evaluate.probes is None


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("{samples: -1}", "evaluate.probes.samples"),
        ("{tokens: 0}", "evaluate.probes.tokens"),
        ("{toxicity: {}}", "evaluate.probes.toxicity.rated"),
        ("{temperature: 2}", "temperature"),
    ],
)
def test_what_cannot_be_asked(tmp_path: Path, keys: str, said: str) -> None:
    with pytest.raises(Mistake, match=said):
        read(tmp_path, f"{PLAIN}evaluate: {{probes: {keys}}}\n")


def test_exams_by_the_names_of_their_files(tmp_path: Path) -> None:
    (tmp_path / "biology.json").write_text(json.dumps(EXAM))
    p = read(
        tmp_path, f"{with_tasks(tmp_path)}  exams: [{tmp_path / 'biology.json'}]\n  by: {{quiz: [subject, language]}}\n"
    )
    assert p.evaluate.examined()["biology"].title == "Quiz" and p.evaluate.by == {"quiz": ["subject", "language"]}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("  exams: [FOLDER/other.json]\n", "exam other asks the task other, which is none of evaluate.tasks"),
        ("  exams: [FOLDER/quiz.json, FOLDER/more/quiz.json]\n", "two exams are called quiz"),
        ("  exams: [FOLDER/none.json]\n", "none.json cannot be read: .*give the path of an exam"),
        ("  by: {other: [subject]}\n", "by names other, which is none of evaluate.tasks"),
        ("  by: {quiz: []}\n", "by.quiz names no field"),
        ("  by: {quiz: [a, a]}\n", "by.quiz names no field, or one twice"),
    ],
)
def test_exams_and_fields_that_are_not_there(tmp_path: Path, keys: str, said: str) -> None:
    (tmp_path / "quiz.json").write_text(json.dumps(EXAM))
    other = {**EXAM, "sections": [{"kind": "free", "weight": 1, "task": "other"}]}
    (tmp_path / "other.json").write_text(json.dumps(other))
    with pytest.raises(Mistake, match=said):
        read(tmp_path, with_tasks(tmp_path) + keys.replace("FOLDER", str(tmp_path)))
