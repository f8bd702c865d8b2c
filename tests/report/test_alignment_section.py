"""The sections of judges and of rewards: what they show, with what is absent; a machine is never printed as people."""

import json
from pathlib import Path
from typing import Any

from corpora import Counted
from matplotlib.figure import Figure
from test_probes_section import shown

from tasks.judges.estimates import Estimate
from tasks.judges.grounded import Grounded, grounded
from tasks.judges.refusals import Kind, Refused, refusals
from tasks.judges.steering import Steered, steering
from tasks.judges.win_rate import Won, win_rate
from tasks.report.alignment import _won
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import from_json, to_json


def of(value: float, count: int = 50) -> Estimate:
    return Estimate(value, value - 0.1, value + 0.1, count, count)


@stage("win-rate", kind="decision", version="said")
def won(job: Job, *, told: dict[str, Any]) -> Won:
    return from_json(Won, told, "said")


@stage("refusals", kind="decision", version="said")
def refused(job: Job, *, told: dict[str, Any]) -> Refused:
    return from_json(Refused, told, "said")


@stage("grounded", kind="decision", version="said")
def made_up(job: Job, *, told: dict[str, Any]) -> Grounded:
    return from_json(Grounded, told, "said")


@stage("steering", kind="measure", version="said")
def steered(job: Job, *, told: dict[str, Any]) -> Steered:
    return from_json(Steered, told, "said")


def a_win(model: str, method: str, parameters: int, **more: Any) -> tuple[Any, Any, str, dict[str, Any]]:
    judge = more.pop("judge", "polite")
    told = Won(model, judge, more.pop("kind", "rules"), method, "sft", parameters, of(1.25), **more)
    return won, win_rate, f"{model}.{judge}", {"told": to_json(told)}


def test_every_part(tmp_path: Path) -> None:
    disallowed = Kind((("a", 30), ("c", 20)), of(0.6), of(0.4), of(0.35), of(0.9), of(0.2))
    safe = Kind((("d", 9),), of(0.1), of(0.1))
    page, summary = shown(
        tmp_path,
        [
            a_win("ppo", "ppo", 1_350_000, rate=of(0.81), won=40, lost=8, equal=2, alone=3, obeyed=of(0.7),
                  rules=(("ends_with <b>.", of(0.9)),), agreement=of(0.66, 120), labelers=4),
            a_win("ppo", "ppo", 1_350_000, rate=of(0.7), judge="reward", kind="reward model"),
            a_win("ppo-large", "ppo", 5_000_000, rate=of(0.9)),
            a_win("small", "lm", 1_350_000, rate=Estimate(0.2, None, None, 1, 1)),
            (won, win_rate, "sft.polite", {"told": to_json(Won("sft", "polite", "rules", "sft", None, 1_350_000))}),
            (refused, refusals, "ppo",
             {"told": to_json(Refused("ppo", "refusal", "ppo", "small", disallowed, safe))}),
            (made_up, grounded, "ppo", {"told": to_json(Grounded("ppo", "ppo", 2, of(0.3), of(0.05)))}),
            (steered, steering, "ppo", {"told": to_json(Steered("ppo", "ppo", "polite", (of(0.9), of(0.5)), 1))}),
        ],
    )  # fmt: skip
    assert page.count("<svg") == 4, "a figure a judge, refusals, steering"
    assert "polite (machine: rules)" in page and "reward (machine: reward model)" in page
    assert "Every judge below is a machine" in page and "ends_with &lt;b&gt;." in page
    assert '81.0 % <span class="muted">[71.0 %, 91.0 %]</span>' in page and "40, 2, 8" in page
    assert "3 prompts were asked of only one of ppo and sft" in page and "letters of small" in page
    assert "Win rate ppo against sft by polite (a machine: rules): 81.0 % [71.0 %, 91.0 %] of 50 pairs" in summary
    assert "Win rate small against sft by polite (a machine: rules): 20.0 % of 1 pairs" in summary
    assert "Win rate sft" not in summary
    assert "Judge polite (a machine) agrees with 4 people in 66.0 % [56.0 %, 76.0 %] of 120 pairs" in summary
    assert "Refusals ppo by refusal (letters of small): of disallowed prompts 60.0 % [50.0 %, 70.0 %]" in summary
    assert "Made up ppo: 30.0 % [20.0 %, 40.0 %] of answers" in summary
    assert "in turn 1 by 90.0 % [80.0 %, 100.0 %], in turn 2 by 50.0 % [40.0 %, 60.0 %]" in summary


def test_without_people_it_says_so(tmp_path: Path) -> None:
    page, summary = shown(tmp_path, [a_win("ppo", "ppo", 1_350_000, rate=of(0.5))])
    assert "No comparisons of people were given" in page and "agrees with" not in summary
    assert page.count("<svg") == 1 and "Refusals</h3>" not in page and "Steering</h3>" not in page


@stage("ppo", kind="fit", section="ppo", version="said")
def trained(job: Job, *, rows: list[dict[str, Any]]) -> Counted:
    with job.publish("metrics.jsonl") as file:
        file.write(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    return Counted()


def test_ppo_by_episode(tmp_path: Path) -> None:
    """The columns of model/ppo_loop.py; a run without pretraining windows has no lm_loss."""
    rows = [{"step": n, "episodes": 64 * n, "score": n / 10, "kl": n / 100, "beta": 0.02} for n in range(1, 301)]
    with_ptx = [row | {"lm_loss": 2.5} for row in rows[:3]]
    page, summary = shown(
        tmp_path,
        [(trained, trained, "ppo", {"rows": rows}), (trained, trained, "ppo-ptx", {"rows": with_ptx})],
    )
    assert page.count("<svg") == 3 and "Weight of the KL" in page and "Length of answers" not in page
    assert "PPO ppo: over 19,200 episodes score 0.1 to 30, kl 0.01 to 3\n" in summary
    assert "PPO ppo-ptx: over 192 episodes score 0.1 to 0.3, kl 0.01 to 0.03, lm loss 2.5 to 2.5\n" in summary


def test_ppo_without_such_metrics_shows_nothing(tmp_path: Path) -> None:
    page, _ = shown(tmp_path, [(trained, trained, "ppo", {"rows": [{"step": 1, "loss": 2.0}]})])
    assert "PPO, by episode" not in page and "<svg" not in page


def test_models_of_one_method_and_nearly_one_size_have_a_place_each() -> None:
    """The tokens of roles make a tuned model 512 parameters larger than its start: no line by size is of that."""
    rate = to_json(of(0.6))
    rows = [
        {"model": model, "method": method, "against": "sft", "judge": "task", "parameters": size, "rate": rate}
        for model, method, size in (("small", "lm", 1_350_400), ("ppo", "ppo", 1_350_912), ("ptx", "ppo", 1_350_912))
    ]
    axes = Figure().subplots()
    _won(axes, rows)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["small", "ppo", "ptx"]
