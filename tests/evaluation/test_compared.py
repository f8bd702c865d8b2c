"""Two models compared: planted tables joined by item and way; differences that are there, and that are not; a page."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from corpora import workers
from typer.testing import CliRunner

from flows import cli
from tasks.evaluation.answers import Answered
from tasks.evaluation.asking.table import SCORED, answers_table
from tasks.evaluation.compared import Task, Way, compared, sentence, told
from tasks.evaluation.scores import scores
from tasks.evaluation.statistics import false_discovery, wilson
from tasks.evaluation.statistics.pairs import mcnemar
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import Output
from tasks.runtime.stage import stage


def table(values: list[float | None], **more: Any) -> list[dict[str, Any]]:
    usual = {"shots": 0, "template": "default", "draw": 0}
    return [{"item": str(n), "value": value, **usual, **more} for n, value in enumerate(values)]


def task(*rows: list[dict[str, Any]], metric: str = "accuracy") -> Task:
    every = [{name: row.get(name) for name in SCORED.names} for part in rows for row in part]
    return Task(pa.Table.from_pylist(every, schema=SCORED), metric)


RIGHTS_A = [1.0] * 60 + [0.0] * 40
RIGHTS_B = [1.0] * 55 + [0.0] * 5 + [1.0] * 25 + [0.0] * 15  # 5 only a's, 25 only b's


def test_a_difference_that_is_there() -> None:
    (row,) = compared({"quiz": task(table(RIGHTS_A))}, {"quiz": task(table(RIGHTS_B))}, 1)
    assert (row.task, row.metric, row.way) == ("quiz", "accuracy", Way(0, "default", 0))
    assert (row.a, row.b, row.a_interval, row.b_interval) == (0.6, 0.8, wilson(60, 100), wilson(80, 100))
    assert (row.paired.only_a, row.paired.only_b, row.paired.p) == (5, 25, mcnemar(5, 25)[0])
    assert row.told and row.apart == 0 and row.adjusted_p == row.paired.p and not row.of_items
    assert sentence(row, "small", "large").startswith("quiz (0 examples): large is above small by 0.200 (95 %: 0.1")
    (turned,) = compared({"quiz": task(table(RIGHTS_B))}, {"quiz": task(table(RIGHTS_A))}, 1)
    assert turned.paired.difference == -row.paired.difference
    assert sentence(turned, "large", "small").startswith("quiz (0 examples): large is above small by 0.200 (95 %: 0.1")


def test_a_difference_that_cannot_be_told() -> None:
    (row,) = compared({"quiz": task(table([1.0, 0.0] * 20))}, {"quiz": task(table([0.0, 1.0] * 19 + [1.0, 1.0]))}, 1)
    assert not row.told
    said = sentence(row, "a", "b")
    assert "a and b cannot be told apart; they differ by 0.025" in said
    assert f"40 items show a difference of {row.paired.minimum_detectable:.3f} four times in five" in said


def test_of_few_items_that_agree_nothing_is_said_but_that() -> None:
    (row,) = compared({"quiz": task(table([1.0, 0.0, 0.0]))}, {"quiz": task(table([1.0, 0.0, 0.0]))}, 1)
    bound = wilson(0, 3).high
    assert sentence(row, "a", "b") == (
        f"quiz (0 examples): a and b cannot be told apart; they differ by 0.000 (95 %: {-bound:.3f} to {bound:.3f}); "
        "3 items are too few to show one"
    )


def test_among_many_comparisons_one_that_is_small_by_itself_tells_nothing() -> None:
    """20 tasks of which one has p .039: among 20 that is to be expected."""
    same, better = [0.0] * 30, [1.0] * 9 + [0.0] * 21
    a = {f"t{n:02}": task(table(same if n else [0.0] * 9 + [1.0] + [0.0] * 20)) for n in range(20)}
    b = {f"t{n:02}": task(table(same if n else better)) for n in range(20)}
    rows = compared(a, b, 1)
    assert rows[0].paired.p == mcnemar(1, 9)[0] and rows[0].paired.p < 0.05
    assert [row.adjusted_p for row in rows] == false_discovery([row.paired.p for row in rows])
    assert not rows[0].told and "p 0.021, which as one of so many comparisons" in sentence(rows[0], "a", "b")


def test_items_are_joined_by_id_not_by_place() -> None:
    a = table([1.0, 0.0, 1.0, None, 1.0])
    b = [*reversed(table([1.0, 0.0, 0.0, 1.0, None])), {**table([1.0])[0], "item": "only b's"}]
    (row,) = compared({"quiz": task(a)}, {"quiz": task(b)}, 1)
    assert (row.paired.items, row.a, row.b, row.apart) == (3, 2 / 3, 1 / 3, 3)
    assert (row.paired.only_a, row.paired.only_b) == (1, 0)


def test_records_that_are_alike_have_one_id_and_are_told_by_number() -> None:
    alike = [{**row, "item": "same"} for row in table([1.0, None, 0.0])]
    others = [{**row, "item": "same"} for row in table([0.0, 1.0, 0.0])]
    (row,) = compared({"quiz": task(alike)}, {"quiz": task(others)}, 1)
    assert (row.paired.items, row.paired.only_a, row.paired.only_b, row.apart) == (2, 1, 0, 1)


def test_each_way_is_a_row_and_snapshots_are_none() -> None:
    few, other = table(RIGHTS_A, shots=5), table(RIGHTS_A, template="terse", draw=2)
    snapshot = table([0.0] * 100, step=10)
    a = task(table(RIGHTS_A), few, other, snapshot)
    b = task(snapshot, table(RIGHTS_B), few, other, table(RIGHTS_A, shots=64))
    rows = compared({"quiz": a, "only a": task(few)}, {"quiz": b, "only b": task(few)}, 1)
    ways = [Way(0, "default", 0), Way(5, "default", 0), Way(0, "terse", 2)]
    assert [row.way for row in rows] == ways and [row.told for row in rows] == [True, False, False]
    assert sentence(rows[2], "a", "b").startswith("quiz (0 examples, terse, draw 2): ")


def test_clusters_values_that_are_no_rights_and_metrics_that_are_no_means() -> None:
    values = np.random.default_rng(1).uniform(0, 1, 40)
    a = [{**row, "cluster": str(n // 4)} for n, row in enumerate(table(values.tolist()))]
    b = [{**row, "cluster": str(n // 4)} for n, row in enumerate(table((values + 0.1).tolist()))]
    (row,) = compared({"quiz": task(a, metric="bleu")}, {"quiz": task(b, metric="bleu")}, 1)
    assert row.of_items and row.paired.test == "sign flips" and row.paired.mcnemar_p is None
    assert row.paired.p == pytest.approx(2 / 2**10, abs=0.001) and row.told
    assert not compared({"quiz": task(a, metric="bleu")}, {"quiz": task(b, metric="rouge1")}, 1)
    assert not compared({"quiz": task(table([None]))}, {"quiz": task(table([1.0]))}, 1)
    (said,) = told([row], "x", "y")
    assert json.loads(json.dumps(said))["mean_of_items"] and said["b"]["model"] == "y" and said["mcnemar_p"] is None


# ---- through the command


@stage("answers", kind="measure", version="said")
def said(job: Job, *, rows: list[dict[str, Any]]) -> Answered:
    return job.total(block, [("00000", rows)])


def block(out: Output, rows: list[dict[str, Any]]) -> Answered:
    out.write(answers_table(rows))
    return Answered(len(rows))


def planted(run: Run, model: str, rights: list[float]) -> None:
    rows = [
        {
            "item": str(n), "prompt": "q", "prompt_sha256": "", "shots": 0, "choices": ["x", "y"], "gold": [0],
            "log_likelihoods": [-1.0, -2.0 if right else -0.5], "tokens": [1, 1], "bytes": [1, 1],
            "greedy": [False, True],
        }
        for n, right in enumerate(rights)
    ]  # fmt: skip
    run(
        scores, f"{model}.quiz", model=model, task="quiz", answers={"0": run(said, f"{model}.quiz.0", rows=rows)},
        development={}, ways={"0": {"shots": 0, "template": "default", "draw": 0, "step": None}}, overlap=None,
        benchmark="quiz", form="choice", metric="accuracy", reading="sum", best=None, extract=None, ranked=False,
        programs=False, seed=1,
    )  # fmt: skip


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`millrace compare` of a store with the scores of two models; its arguments -> exit status and output."""
    run = Run(tmp_path, workers(1))
    planted(run, "small", RIGHTS_A)
    planted(run, "large", RIGHTS_B)
    monkeypatch.setattr(cli, "followed", lambda pipeline: run)
    return lambda *arguments: CliRunner().invoke(cli.app, ["compare", *arguments])


def test_the_command(ask: Any) -> None:
    result = ask("small", "large")
    assert result.exit_code == 0, result.output
    assert "large - small" in result.output and "0.800 (0.711 to 0.867)" in result.output
    assert "quiz (0 examples): large is above small by 0.200" in result.output
    (row,) = json.loads(ask("small", "large", "demo", "--json").output)
    assert (row["a"]["value"], row["b"]["value"], row["only_b"], row["told"]) == (0.6, 0.8, 25, True)
    assert row["a"]["interval"] == list(wilson(60, 100))


def test_the_command_refuses_a_model_without_scores(ask: Any) -> None:
    result = ask("small", "huge")
    assert (
        result.exit_code == 2 and "huge has no scores that are built (there are those of small, large)" in result.output
    )
