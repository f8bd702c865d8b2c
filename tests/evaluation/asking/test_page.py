"""docs/evaluation.md: its programs make, of files in the publishers' own form, lines that the tasks ask; what it says
of keys, filters and tasks is so."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml
from corpora import ROOT

from conf.evaluation import Asked
from conf.task import Task, files, load
from tasks.evaluation.asking.filters import FILTERS
from tasks.evaluation.asking.way import Question, Way, asked

PAGE = (ROOT / "docs" / "evaluation.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.S)
TSV = 'index\tsentence1\tsentence2\tlabel\n57\tA "hen sang.\tIt woke.\tnot_entailment\n'
COQA = {
    "data": [
        {
            "id": "3a",
            "story": "Helsinki is in Finland.",
            "questions": [{"input_text": "where?"}, {"input_text": "what?"}],
            "answers": [{"input_text": "Finland"}, {"input_text": "a city"}],
            "additional_answers": {"0": [{"input_text": "in Finland"}, {"input_text": "city"}]},
        }
    ]
}
QUAC = {
    "data": [
        {
            "title": "William Perry",
            "section_title": "Career",
            "paragraphs": [
                {
                    "id": "C_1",
                    "context": "He was selected. CANNOTANSWER",
                    "qas": [
                        {"question": "by whom?", "answers": [{"text": "CANNOTANSWER"}],
                         "orig_answer": {"text": "CANNOTANSWER"}},
                        {"question": "was he?", "answers": [{"text": "yes"}, {"text": "He was"}],
                         "orig_answer": {"text": "yes"}},
                    ],
                }
            ],
        }
    ]
}  # fmt: skip
RACE = {
    "id": "high1.txt",
    "article": "Rain fell.",
    "questions": ["What fell?", "It _ ."],
    "options": [["rain", "snow", "hail", "sun"], ["rose", "fell", "sang", "ran"]],
    "answers": ["A", "B"],
}


def made(program: int, given: str) -> list[dict[str, Any]]:
    """The lines that the page's program writes."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS[program]], input=given, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def question(task: str, record: dict[str, Any]) -> Question:
    return asked(Way(**load(files()[task]).way("default")), record)


def test_a_tsv() -> None:
    (record,) = made(0, TSV)
    found = question("rte", record)
    assert found.question == 'A "hen sang.\nquestion: It woke. True or False?\nanswer:' and found.gold == (1,)


def test_coqa() -> None:
    first, second = (question("coqa", record) for record in made(1, json.dumps(COQA)))
    assert first.question == "Helsinki is in Finland.\n\nQ: where?\n\nA:"
    assert second.question == "Helsinki is in Finland.\n\nQ: where?\n\nA: Finland\n\nQ: what?\n\nA:"
    assert second.references == ("a city", "city") and first.cluster == second.cluster == "3a"


def test_quac() -> None:
    first, second = (question("quac", record) for record in made(2, json.dumps(QUAC)))
    assert first.references == ("CANNOTANSWER",)
    assert second.question == (
        "TITLE: William Perry - Career\nPARAGRAPH: He was selected.\n\nQ: by whom?\n\nA: CANNOTANSWER\n\n"
        "Q: was he?\n\nA:"
    )
    assert second.references == ("yes", "He was") and first.cluster == second.cluster


def test_race() -> None:
    first, second = (question("race-h", record) for record in made(3, json.dumps(RACE) + "\n"))
    assert first.gold == (0,) and second.gold == (1,)
    assert second.question == "Article:\nRain fell.\n\nQ: What fell?\n\nA: rain\n\nQ: It _ .\n\nA:"


def test_each_program_is_run_here() -> None:
    assert len(PROGRAMS) == 4


@pytest.mark.parametrize("name", ["sub", "places", "detokenised"])
def test_it_names_the_filters(name: str) -> None:
    assert set(FILTERS) == {"sub", "places", "detokenised"} and f"`{name}" in PAGE


def test_its_own_task_can_be_asked() -> None:
    block = next(block for block in re.findall(r"\n\n((?:    .*\n)+)", PAGE) if "title: Proverbs" in block)
    task = Task.model_validate(yaml.safe_load(block))
    found = asked(Way(**task.way("default")), {"question": "who wakes?", "right": "the hen", "wrong": "the mill"})
    assert (found.question, found.answers, found.gold) == ("Q: who wakes?\nA:", ("the hen", "the mill"), (0,))


def test_its_keys_are_those_of_asked() -> None:
    table = PAGE[PAGE.index("## Asking a task") : PAGE.index("## Task files")]
    named = {key for row in table.splitlines() if row.startswith("| `") for key in re.findall(r"`(\w+)", row)}
    assert named == set(Asked.model_fields) - {"task"}
