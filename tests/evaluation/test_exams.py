"""Exams from scores: points, scale and percentile by hand, the lower of two, and MMLU's macro average by subject."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import workers

from conf.exams import Exam, exam
from tasks.decontaminate.benchmark import benchmark, items_of
from tasks.evaluation.asking.table import FILE, SCORED
from tasks.evaluation.chosen import rows_of
from tasks.evaluation.exams import Exams, examined, exams, worth
from tasks.evaluation.parts import Parts, by_value, parts
from tasks.evaluation.scores import Score, Scored
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage

# AP Biology as the College Board weighs it: 60 multiple-choice questions and 6 free answers, half of the points each.
# GPT-4 reached 5 of 5, the 85th to 100th percentile (table 1). The raw bounds are illustrative, not the Board's.
BIOLOGY = {
    "title": "AP Biology",
    "sections": [
        {"kind": "choice", "weight": 60, "task": "choice"},
        {"kind": "free", "weight": 60, "task": "free"},
    ],
    "scale": {"0": 1, "29": 2, "47": 3, "65": 4, "81": 5},
    "percentiles": {"1": 0, "2": 14, "3": 38, "4": 62, "5": 85},
    "chance": 0.25,
}


def rows(values: list[float | None], states: str = "clean", **more: Any) -> list[dict[str, Any]]:
    """Rows of SCORED, items 0, 1, ...; states in turn."""
    named = states.split()
    return [
        {
            "item": str(n), "cluster": None, "shots": 0, "template": "default", "draw": 0, "step": None, "value": value,
            "gpt4": named[n % len(named)], **more,
        }
        for n, value in enumerate(values)
    ]  # fmt: skip


def sat(given: dict[str, Any], **tables: list[dict[str, Any]]) -> Any:
    return examined("exam", Exam.model_validate(given).steps(), tables, 1)


def test_ap_biology() -> None:
    """5 of 5, the 85th percentile: 54 of 60 questions and 4.2 of 6 answers are 54 + 42 = 96 points."""
    choice = rows([1.0] * 54 + [0.0] * 6)
    free = rows([1.0, 1.0, 0.8, 0.6, 0.5, 0.3])
    found = sat(BIOLOGY, choice=choice, free=free)
    assert (found.all.raw, found.all.score, found.all.percentile) == (96.0, 5.0, 85.0)
    assert found.all.raw_low < 96 < found.all.raw_high and found.all.percentile_high == 85.0
    assert found.most == 120 and found.unasked == 0 and found.all.items == 66
    assert (found.guessed.raw, found.guessed.score, found.guessed.percentile) == (15.0, 1.0, 0.0)
    assert found.reported == found.all == found.clean


def test_the_lower_of_all_and_clean_is_reported() -> None:
    """Half of the choice items were seen in training, and those are the right ones."""
    choice = rows([1.0, 0.0] * 30, states="dirty clean")
    found = sat(BIOLOGY, choice=choice, free=rows([1.0] * 6))
    assert (found.all.raw, found.all.score) == (90.0, 5.0)
    assert (found.clean.raw, found.clean.score, found.clean.percentile, found.clean.items) == (60.0, 3.0, 38.0, 36)
    assert found.reported == found.clean
    choice = rows([0.0, 1.0] * 30, states="dirty clean")
    assert (reported := sat(BIOLOGY, choice=choice, free=rows([1.0] * 6))).reported == reported.all


@pytest.mark.parametrize("state", ["unchecked", "dirty", "uncheckable"])
def test_without_a_clean_item_nothing_is_called_clean(state: str) -> None:
    found = sat(BIOLOGY, choice=rows([1.0] * 4, states=state), free=rows([1.0] * 6))
    assert found.clean.raw is None and found.clean.items == 6 and found.reported == found.all


def test_what_was_not_asked_is_worth_nothing_and_what_is_not_graded_is_no_result() -> None:
    found = sat(BIOLOGY, choice=rows([1.0, None, 1.0, 0.0]), free=rows([1.0]))
    assert found.all.raw == 30 + 60 and found.unasked == 1
    found = sat(BIOLOGY, choice=rows([1.0]), free=rows([None, None]))
    assert found.all.raw is None is found.all.score and found.unasked == 2 and found.reported.raw is None


def test_some_items_of_a_task() -> None:
    given = {**BIOLOGY, "sections": [{"kind": "choice", "weight": 10, "task": "choice", "items": ["1", "3"]}]}
    assert sat(given, choice=rows([0.0, 1.0, 0.0, 0.5])).all.raw == 7.5
    with pytest.raises(Mistake, match="exam exam names item 3, which the task choice was not given"):
        sat(given, choice=rows([0.0, 1.0]))


def test_worth() -> None:
    scale, percentiles = [[0.0, 200.0], [10.0, 400.0]], [[400.0, 40.0]]
    assert worth(9.99, scale, percentiles) == (200.0, 0.0)
    assert worth(10.0, scale, percentiles) == (400.0, 40.0) == worth(sum([0.1] * 100), scale, percentiles)
    assert worth(-1.0, scale, percentiles) == (None, 0.0)
    assert worth(33.0, None, None) == (33.0, None) and worth(450.0, None, percentiles) == (450.0, 40.0)


def test_items_that_share_a_passage_are_drawn_together() -> None:
    given = {"title": "reading", "sections": [{"kind": "choice", "weight": 100, "task": "choice"}]}
    values = [1.0] * 20 + [0.0] * 20
    alone = sat(given, choice=rows(values)).all
    shared = rows(values)
    for place, row in enumerate(shared):
        row["cluster"] = f"passage {place // 10}"
    together = sat(given, choice=shared).all
    assert alone.raw == together.raw == 50 == alone.score and alone.percentile is None
    assert together.raw_high - together.raw_low > 1.5 * (alone.raw_high - alone.raw_low)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scale": {"0": 2, "10": 1}}, "a better result must not be worth less"),
        ({"percentiles": {"1": 0, "5": 850}}, "percentiles are from 0 to 100"),
        ({"sections": []}, "sections"),
        ({"chance": 1}, "chance"),
        ({"sections": [{"kind": "essay", "weight": 1, "task": "t"}]}, "kind"),
    ],
)
def test_an_exam_that_cannot_be(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "exam.json"
    path.write_text(json.dumps({**BIOLOGY, **change}, indent=1))
    with pytest.raises(Mistake, match=rf"exam.json:\d+: .*{said}"):
        exam(path)


def test_an_exams_file(tmp_path: Path) -> None:
    path = tmp_path / "biology.json"
    path.write_text(json.dumps(BIOLOGY))
    assert exam(path).steps()["scale"] == [[0, 1], [29, 2], [47, 3], [65, 4], [81, 5]]


# ---- by subject and language

SUBJECTS = {"0": "law", "1": "law", "2": "law", "3": "law", "4": "art", "5": "art"}


def test_the_macro_average() -> None:
    """law 1 of 4, art 2 of 2: .625, where over items it is .5."""
    found = by_value(rows([1.0, 0.0, 0.0, 0.0, 1.0, 1.0]), SUBJECTS, 1)
    assert {name: (part.items, part.value) for name, part in found.parts.items()} == {"art": (2, 1.0), "law": (4, 0.25)}
    assert found.macro.value == 0.625 and found.micro.value == 0.5
    assert found.macro.low < 0.625 < found.macro.high and found.macro.items == found.micro.items == 6
    assert found.parts["law"].low < 0.25 < found.parts["law"].high


def test_what_was_not_asked_is_left_out() -> None:
    found = by_value(rows([None, 1.0, None, None, None, None]), SUBJECTS, 1)
    assert found.parts.keys() == {"law"} and found.macro.items == 1
    assert by_value(rows([None] * 6), SUBJECTS, 1).macro.value is None


def test_the_macro_averages_interval_covers_it() -> None:
    """10 subjects of 30 items, each with its own accuracy: their mean is held in about 95 of 100 draws."""
    draw = np.random.default_rng(3)
    truth = np.linspace(0.2, 0.9, 10)
    values = {str(n): f"s{n // 30}" for n in range(300)}
    held = 0
    for _ in range(60):
        right = draw.random(300) < np.repeat(truth, 30)
        found = by_value(rows([float(one) for one in right]), values, 1).macro
        held += found.low <= truth.mean() <= found.high
    assert held >= 51  # of a binomial of 60 and .95, below in one case of 900


# ---- the stages


@stage("scores", kind="decision", version="said")
def said(job: Job, *, ways: dict[str, list[dict[str, Any]]], chosen: str | None) -> Scored:
    """Scores of ways that differ in their examples."""
    found = [{**row, "shots": int(label)} for label, given in ways.items() for row in given]
    with job.publish(FILE) as file:
        pq.write_table(pa.Table.from_pylist(found, schema=SCORED), file)
    return Scored(
        task="quiz", ways={label: Score(shots=int(label), template="default") for label in ways}, chosen=chosen
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "store", workers(1))


@pytest.mark.parametrize(("chosen", "raw"), [(None, 25.0), ("5", 75.0)])
def test_the_way_that_was_chosen_counts(run: Run, chosen: str | None, raw: float) -> None:
    ways = {"0": rows([1.0, 0.0, 0.0, 0.0]), "5": rows([1.0, 1.0, 1.0, 0.0])}
    scores = run(said, "quiz", ways=ways, chosen=chosen)
    assert [row["value"] for row in rows_of(scores)] == (
        [1.0, 0.0, 0.0, 0.0] if chosen is None else [1.0, 1.0, 1.0, 0.0]
    )
    given = {"title": "t", "sections": [{"kind": "choice", "weight": 100, "task": "quiz"}]}
    steps = {"t": Exam.model_validate(given).steps()}
    made = run(exams, "small", model="small", exams=steps, scores={"quiz": scores}, seed=1)
    assert made.counts(Exams).exams["t"].all.raw == raw and made.counts(Exams).model == "small"


def quiz(run: Run, folder: Path, records: list[dict[str, Any]]) -> Artifact:
    path = folder / "quiz.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return run(benchmark, "quiz", files=[{"path": str(path)}], inside=None, text=["q"])


def test_by_subject_and_language(run: Run, tmp_path: Path) -> None:
    records = [
        {"q": f"{n}", "subject": "law" if n < 4 else "art", "language": "de" if n % 2 else "en"} for n in range(6)
    ]
    items = quiz(run, tmp_path, records)
    given = rows([1.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    for row, item in zip(given, items_of(items, ["item"]).column("item").to_pylist(), strict=True):
        row["item"] = item
    scores = run(said, "quiz", ways={"0": given}, chosen=None)
    made = run(
        parts, "small.quiz", model="small", task="quiz", scores=scores, benchmark=items,
        fields=["subject", "language"], seed=1,
    ).counts(Parts)  # fmt: skip
    assert made.fields["subject"].macro.value == 0.625
    # en: law 1 of 2, art 1 of 1; de: law 0 of 2, art 1 of 1
    assert {name: value.value for name, value in made.within["language"].items()} == {"de": 0.5, "en": 0.75}
    assert {name: part.value for name, part in made.fields["language"].parts.items()} == {
        "de": pytest.approx(1 / 3, abs=1e-6), "en": pytest.approx(2 / 3, abs=1e-6),
    }  # fmt: skip


def test_a_record_without_the_field(run: Run, tmp_path: Path) -> None:
    items = quiz(run, tmp_path, [{"q": "a", "subject": "law"}, {"q": "b"}])
    scores = run(said, "quiz", ways={"0": rows([1.0, 0.0])}, chosen=None)
    with pytest.raises(Mistake, match=r"quiz.jsonl:2: subject is None; evaluate.by needs"):
        run(parts, "p", model="m", task="quiz", scores=scores, benchmark=items, fields=["subject"], seed=1)
