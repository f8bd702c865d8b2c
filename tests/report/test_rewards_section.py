"""The section of rewards: agreement by K and by labeler, and the step that a tuned model is taken at."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpora import workers
from matplotlib.figure import Figure

from tasks.examples.examples import Made, Written
from tasks.examples.examples import examples as examples_stage
from tasks.models.chosen_step import Chosen, Mean, chosen_step
from tasks.models.reward_accuracy import Accuracy, Agreed, reward_accuracy
from tasks.report.given import Declaration
from tasks.report.page import render
from tasks.report.report import report, summary_of
from tasks.report.rewards import _steps
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage

AGREED = Accuracy(
    prompts=50,
    answers=300,
    ties=12,
    all=Agreed(400, 290.0),
    by_answers={"4": Agreed(100, 75.0), "9": Agreed(300, 215.0), "5": Agreed(0, 0.0)},
    by_labeler={"ann": Agreed(250, 200.0), "<b>bob": Agreed(150, 90.0)},
)
STEPS = Chosen(24, 48, {"12": Mean(-0.2, 0.1, 30, 2.0), "24": Mean(0.4, 0.1, 30, 2.2), "48": Mean(0.3, 0.1, 30, 2.6)})


@stage("reward-accuracy", kind="measure", version="said")
def agreed(job: Job, *, none: bool) -> Accuracy:
    return Accuracy() if none else AGREED


@stage("chosen-step", kind="decision", version="said")
def taken(job: Job) -> Chosen:
    return STEPS


@stage("examples", kind="measure", version="said")
def labelled(job: Job, *, form: str) -> Made:
    return Made(500, 30, {"too-long": 5}, Written(400, 400, 9000, 4000), Written(65, 65, 900, 400))


def shown(folder: Path, made: list[tuple[Any, Any, str, dict[str, Any]]]) -> tuple[str, str]:
    run = Run(folder / "store", workers(1))
    others: dict[str, dict[str, Artifact]] = {}
    for what, _, name, arguments in made:
        others.setdefault(what.name, {})[name] = run(what, name, **arguments)
    told = run(
        report, "x", documents={}, measures={}, decisions={}, others=others, groups={}, title="x",
        declarations={real.name: asdict(Declaration.of(real)) for _, real, _, _ in made},
    )  # fmt: skip
    return render(told, []), summary_of(told)


def test_rewards(tmp_path: Path) -> None:
    page, summary = shown(
        tmp_path,
        [
            (agreed, reward_accuracy, "reward", {"none": False}),
            (taken, chosen_step, "sft", {}),
            (labelled, examples_stage, "demos", {"form": "chat"}),
            (labelled, examples_stage, "sentiment", {"form": "classify"}),
        ],
    )
    assert "demonstrations" in page and "12,725" in page and "1,653" in page and "33,207" not in page
    assert page.count("<svg") == 3
    assert "Reward reward: agrees with 72.5 % of 400 held-out pairs, of 50 prompts" in summary
    assert "Rewards of sft: highest after update 24 of 48 (0.400, standard error 0.100)" in summary
    assert "75.0 %" in page and "80.0 %" in page and "&lt;b&gt;bob" in page and "<b>bob" not in page
    assert "24 <b>taken</b>" in page and "72.4 %" in page and "69.6 %" in page


def test_of_no_pair_nothing_is_claimed(tmp_path: Path) -> None:
    page, summary = shown(tmp_path, [(agreed, reward_accuracy, "reward", {"none": True})])
    assert "agrees with" not in summary and page.count("<svg") == 0


def test_steps_are_drawn_in_the_order_of_numbers() -> None:
    """A manifest's keys are texts, sorted as such: "100" stands before "25"."""
    figure = Figure()
    of = {"step": 100, "steps": {step: {"reward": float(step), "stderr": 0.1, "loss": 1.0} for step in ("100", "25")}}
    _steps(figure.subplots(), "sft", of)
    assert [list(axes.lines[0].get_xdata()) for axes in figure.axes] == [[25, 100], [25, 100]]
