"""Curves of scores: which figures are made of what was asked, and what the tables say, on planted statistics."""

from dataclasses import asdict
from typing import Any

import pytest

from tasks.evaluation.scores import Score, Value
from tasks.report import curves, scores
from tasks.report.figures import draw


def way(value: float | None, shots: int = 0, **more: Any) -> dict[str, Any]:
    of = Value() if value is None else Value(100, value, max(value - 0.1, 0), min(value + 0.1, 1))
    return asdict(Score(shots=shots, all=of, **{"template": "default", "chance": 0.25, **more}))


def model(name: str, parameters: int | None, ways: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    task = {"task": "quiz", "metric": "accuracy", "best": 0.85, "chosen": None, "ways": ways, **more}
    size = None if parameters is None else f"{parameters:,} parameters"
    return {"model": name, "parameters": parameters, "size": size, "perplexity": {}, "tasks": {"quiz": task}}


def content(*models: dict[str, Any]) -> dict[str, Any]:
    return {"models": list(models)}


def test_examples_and_sizes():
    ways = {str(k): way(0.3 + k / 100, k) for k in (0, 1, 32)}
    shown = content(model("a", 1000, ways), model("b", 8000, {"0": way(0.5)}))
    assert list(scores.figures(shown)) == ["tasks", "shots-quiz", "sizes-quiz"]
    assert list(scores.figures(content(model("a", 1000, {"0": way(0.5)})))) == ["tasks"], "one model, one number"
    assert list(scores.figures(content(model("a", None, {"0": way(0.5)}), model("b", None, {"0": way(0.6)})))) == [
        "tasks"
    ]


def test_scores_along_the_training_run_from_chance_to_the_best():
    ways = {"0": way(0.7)} | {f"0.step{n}": way(value, step=n) for n, value in ((1, 0.25), (8, 0.55), (64, 0.85))}
    rows = curves.rows_of(content(model("a", 1000, ways)))
    along = [row for row in rows if row["step"] is not None]
    assert [curves.along_the_way(row) for row in along] == pytest.approx([0, 0.5, 1])
    assert "updates" in dict(curves.figures(rows)) and len(curves.plainly(rows)) == 1


def test_wording_and_draws():
    ways = {
        "1": way(0.4, 1), "1.other": way(0.6, 1, template="other"), "1.draw1": way(0.5, 1, draw=1), "0": way(0.9),
        "1.step8": way(0.1, 1, step=8),
    }  # fmt: skip
    (row,) = curves.sensitivity(curves.rows_of(content(model("a", 1000, ways))))
    assert (row["shots"], row["ways"], row["low"], row["high"], row["best"]) == (1, 3, 0.4, 0.6, "1.other")
    assert row["mean"] == pytest.approx(0.5) and row["values"] == [0.4, 0.6, 0.5]
    plain = curves.plainly(curves.rows_of(content(model("a", 1000, ways))))
    assert sorted(row["label"] for row in plain) == ["0", "1"]


def test_trainings_that_differ_in_their_seed():
    shown = content(
        *(model(f"m{n}", 1000, {"0": way(0.4 + n / 10)}) for n in range(3)), model("big", 9, {"0": way(0.9)})
    )
    (row,) = curves.seeds(curves.rows_of(shown))
    assert row["models"] == ["m0", "m1", "m2"] and row["mean"] == pytest.approx(0.5)
    assert row["deviation"] == pytest.approx(0.1)


def test_calibration_shows_bins_that_hold_something():
    bins = ((0.05, 0.0, 10), (0.0, 0.0, 0), (0.85, 0.9, 20))
    rows = curves.rows_of(content(model("a", 1000, {"0": way(0.5, bins=bins, ece=0.04)})))
    plots = dict(curves.figures(rows))
    (svg,) = draw({"x": plots["calibration"]}).values()
    assert b"ECE 0.040" in svg and draw({"x": plots["calibration"]})["x"] == svg


def test_the_surest_answers():
    by_share = {"0.01": Value(1, 1.0, 0.2, 1.0), "0.1": Value(10, 0.7, 0.4, 0.9), "0.5": Value(50, 0.5)}
    surest = {share: asdict(value) for share, value in by_share.items()}
    ways = {"0": way(0.4, surest=surest), "1": way(0.3, 1, surest=surest)}
    plots = scores.figures(content(model("a", 1000, ways), model("b", 1000, {"0": way(0.4)})))
    (svg,) = draw({"x": plots["surest"]}).values()
    assert svg.partition(b"</metadata>")[2].count(b"a: quiz") == 1, "of each task the first way"
    assert "surest" not in scores.figures(content(model("b", 1000, {"0": way(0.4)})))


def test_nothing_and_next_to_nothing():
    """No item asked, no interval, a perplexity: each is told as what it is."""
    assert scores.figures(content()) == {}
    shown = content(model("a", 1000, {"0": way(None, faults={"too long": 3})}))
    assert scores.figures(shown) == {} and "no item asked" in next(iter(scores.lines(shown)))
    assert scores.value({"value": 0.5, "low": None, "high": None}, "accuracy") == "50.0 % [no interval]"
    assert scores.value({"value": 31.25, "low": 20.0, "high": 44.0}, "perplexity") == "31.25 [20 to 44]"
    texts = content(model("a", 1000, {"0": way(31.25)}, metric="perplexity"))
    assert "tasks" not in scores.figures(texts), "a perplexity is no share"


def test_many_models_and_tasks_stay_readable():
    """Forty tasks, three counts, eight models: twelve tasks are drawn, sixteen bars, the table has all."""
    ways = {str(k): way(0.3, k) for k in (0, 1, 32)}
    task = model("x", 1, ways)["tasks"]["quiz"]
    shown = content(*({**model(f"m{n}", 10**n, ways), "tasks": {f"t{i}": task for i in range(40)}} for n in range(8)))
    rows = curves.rows_of(shown)
    assert len(rows) == 960
    assert len([name for name in scores.figures(shown) if name.startswith("shots-")]) == curves.DRAWN
    overview = scores._overview(rows)
    assert len(overview) == 120 and len(overview[0]["values"]) == 8
    for svg in draw(scores.figures(shown)).values():
        assert svg.startswith(b"<?xml")
