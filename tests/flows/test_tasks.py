"""`millrace tasks`: what can be asked, of what the data are there, and one task with its prompt; `plan` counts absent
data."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from corpora import workers
from rich.console import Console

from conf.load import load
from conf.task import files
from flows.budget import make
from flows.cli import followed
from flows.dag.built import Built
from flows.dag.corpus import items
from flows.plan import show as plan
from flows.stores import store_of
from flows.tasks import show
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run

COPA = [
    {"query": f"The hen {n} sang, therefore", "choices": ["it slept.", "all woke."], "gold": n % 2} for n in range(3)
]
CONF = """\
sources:
  books: {kind: text, files: "*.txt"}
benchmarks:
  copa: {files: copa.jsonl, text: [query]}
  piqa: {files: piqa.jsonl, text: [goal]}
  two-digit-addition: {generate: two-digit-addition, items: 40}
evaluate:
  folder: mine
  tasks: [{task: copa, templates: [mosaic]}, piqa, two-digit-addition, {task: mill, benchmark: copa}]
"""
MINE = """\
title: <b>the mill</b>
form: choice
fields: {asked: query}
question: "Q: {{ asked }}"
choices: choices
gold: gold
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "books.txt").write_text("the mill turns\n")
    (tmp_path / "copa.jsonl").write_text("".join(json.dumps(record) + "\n" for record in COPA))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "mill.yaml").write_text(MINE)
    (tmp_path / "quiz.yaml").write_text(CONF)
    return tmp_path


def said(*what: str) -> str:
    out = io.StringIO()

    def told(conf: Path) -> Any:
        pipeline = load(conf)
        return pipeline, followed(pipeline)

    show(Console(file=out, width=200), list(what), told)
    return out.getvalue()


def test_all_tasks_are_listed_without_a_pipeline() -> None:
    text = said()
    for name in files():
        assert f"\n{name} " in text
    assert f"{len(files())} tasks" in text


def test_one_task_says_what_to_put_where() -> None:
    text = said("winogrande")
    assert "JSONL with sentence (_ is the gap), option1, option2, answer (1 or 2)" in text
    assert "templates  default, lm-eval" in text
    assert "an item" not in text


def row(text: str, task: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"{task} "))


def test_a_pipeline_says_which_data_are_there(folder: Path) -> None:
    text = said("quiz.yaml")
    assert "not read yet" in row(text, "copa") and "not read yet" in row(text, "mill")
    assert "its files are missing" in row(text, "piqa")
    assert "40 items, not made yet" in row(text, "two-digit-addition")
    assert " - " in row(text, "hellaswag")
    below = text[text.index("not declared under `benchmarks`") :]
    assert "  hellaswag: JSONL with activity_label" in below
    assert "  copa: " not in below and "  piqa: " not in below


def test_an_item_is_shown_as_it_is_asked(folder: Path) -> None:
    """From the file, and from the artifact once it is built; after one solved example."""
    expected = (
        "The hen 1 sang, therefore all woke.\n\nThe hen 0 sang, therefore\n\nanswers, after ' ':\n"
        "* 'it slept.'\n  'all woke.'\n"
    )
    assert expected in said("quiz.yaml", "copa").replace(" \n", "\n")
    pipeline = load(Path("quiz.yaml"))
    items(Run(store_of(pipeline), workers(1)), pipeline, "copa", pipeline.benchmarks["copa"], Built())
    assert "copa: 3 items" in said("quiz.yaml", "copa")
    assert expected in said("quiz.yaml", "copa")


def test_a_task_of_ones_own(folder: Path) -> None:
    text = said("quiz.yaml", "mill")
    assert "<b>the mill</b>" in text
    assert "Q: The hen 1 sang, therefore all woke.\n\nQ: The hen 0 sang, therefore" in text
    assert "benchmark  copa: " in text


def test_records_that_do_not_fit_say_so(folder: Path) -> None:
    (folder / "piqa.jsonl").write_text('{"goal": "sing"}\n')
    assert "none of the first records can be asked: choices: 'sol1' is undefined" in said("quiz.yaml", "piqa")


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        (["nothing"], "nothing is neither a task .* nor a pipeline's YAML"),
        (["quiz.yaml", "nothing"], "there is no task nothing"),
        (["copa", "piqa"], "give a pipeline's YAML, a task's name, or one of each"),
        (["quiz.yaml", "quiz.yaml"], "give a pipeline's YAML"),
        (["absent.yaml"], "absent.yaml"),
    ],
)
def test_mistakes(folder: Path, what: list[str], fault: str) -> None:
    with pytest.raises(Mistake, match=fault):
        said(*what)


def test_plan_counts_what_is_absent(folder: Path) -> None:
    out = io.StringIO()
    pipeline = load(Path("quiz.yaml"))
    plan(Console(file=out, width=200), pipeline, make(followed(pipeline), pipeline))
    assert "1 benchmarks have no file yet: piqa (`millrace tasks` says what to put there)" in out.getvalue()
