"""The section `overlap`: what clean items score beside all, arithmetic met in training text, and what is named."""

from typing import Any

import pytest
from matplotlib.figure import Figure

from tasks.report.overlap import figures, lines


def study(task: str, rule: str, change: float | None, share: float, flagged: bool) -> dict[str, Any]:
    low, high = (None, None) if change is None else (change - 0.1, change + 0.1)
    return {
        "model": "tiny", "task": task, "way": "0", "rule": rule, "all": {"items": 10, "value": 0.5},
        "states": {"dirty": {"items": 7 if flagged else 1}}, "clean_share": share, "flagged": flagged,
        "change": change, "change_low": low, "change_high": high, "lower": "all",
    }  # fmt: skip


CONTENT: dict[str, Any] = {
    "rules": {},
    "arithmetic": {"sums": {"problems": 2000, "sign": 12, "word": 6, "either": 17}},
    "studies": [
        study("good", "gpt3", 0.02, 0.9, False),
        study("leaked", "gpt3", -0.25, 0.3, True),
        study("nothing-clean", "gpt3", None, 0.0, True),
        study("good", "gpt4", 0.1, 0.8, False),
    ],
}


def test_a_point_a_score_and_the_flagged_ones_named() -> None:
    plots = figures(CONTENT)
    assert list(plots) == ["clean-gpt3", "clean-gpt4"]
    axes = Figure().subplots()
    plots["clean-gpt3"](axes)
    points = [tuple(map(float, (x[0], y[0]))) for x, y in (line.get_data() for line in axes.lines) if len(x) == 1]
    assert points == [(90.0, 2.0), (30.0, -25.0)]
    bars = sorted(float(y) for x, ys in (line.get_data() for line in axes.lines[1:]) if len(x) == 2 for y in ys)
    assert bars == pytest.approx([-35, -15, -8, 12])
    assert [text.get_text() for text in axes.texts] == ["tiny: leaked, 0"]


def test_no_change_no_figure() -> None:
    assert figures({"studies": [study("x", "gpt3", None, 0.0, True)]}) == {}


def test_what_the_summary_tells() -> None:
    told = list(lines(CONTENT))
    assert told == [
        "Arithmetic sums: 17 of 2,000 problems stand in training text, 12 with a sign, 6 in words",
        "Overlap tiny: leaked, 0: 7 of 10 items are dirty by gpt3; clean ones score -25.0 % beside all",
        "Overlap tiny: nothing-clean, 0: 7 of 10 items are dirty by gpt3; clean ones score - beside all",
    ]


def test_the_scores_of_a_run_are_studied(made: Any) -> None:
    content = made.sections["overlap"]
    (found,) = content["studies"]  # the other task has no state of contamination
    assert (found["task"], found["way"], found["rule"]) == ("cloze", "0", "gpt3")
    assert (found["change"], found["clean_share"], found["lower"]) == (-0.2, 0.833333, "clean")
    assert found["change_low"] < -0.2 < found["change_high"]
