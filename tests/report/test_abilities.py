"""The section on abilities by compute, over made statistics: page, summary and figures."""

import json
from dataclasses import asdict

import pytest

from tasks.models import pass_rates as rates_of
from tasks.models.pass_rates import Bucket, Foreseen
from tasks.models.pass_verdict import Came, Passed
from tasks.models.trends import Point, Trended
from tasks.report.given import Declaration
from tasks.report.page import render
from tasks.report.report import report, summary_of
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import stage

LAW = Bucket(31, 2.0, 1.5, 2.5, 0.25, 0.2, 0.3, 0.4, 0.3, 0.5)
POINTS = [[1e-8, 20.0], [1e-7, 11.0], [1e-6, 6.3]]


@stage("pass-rates", kind="fit", section="abilities", version="1")
def rates(job: Job, *, why: str) -> Foreseen:
    if why:
        with job.publish(rates_of.FILE) as file:
            file.write(json.dumps({"buckets": []}).encode())
        return Foreseen("hard", 200, 3, 1e-4, 3, 0.01, why=why)
    told = [{"items": ["a"], "easiest": 0.9, "hardest": 0.1, "points": POINTS}] * 2
    with job.publish(rates_of.FILE) as file:
        file.write(json.dumps({"buckets": told}).encode())
    return Foreseen("sums", 200, 150, 1e-4, 3, 0.01, {"1": LAW, "2": Bucket(30, why="solved <b> every time")})


@stage("pass-verdict", kind="measure", section="abilities", version="1")
def verdict(job: Job) -> Passed:
    return Passed("sums", {"1": Came(0.4, 0.3, 0.5, 0.45, 2, 1)})


@stage("trend", kind="measure", section="abilities", version="1")
def trend(job: Job, *, task: str, shape: str) -> Trended:
    if not shape:
        return Trended(task, left_out=7)
    scores = {"a": (1e-8, 0.6), "b": (1e-7, 0.3), "c": (1e-6, 0.8)}
    points = {name: Point(cost, score, score - 0.02, score + 0.02) for name, (cost, score) in scores.items()}
    return Trended(task, 400, 0, points, 0.001, 0.002, shape)


@pytest.fixture
def made(run: Run):
    others = {
        "pass-rates": {
            "large.sums": run(rates, "large.sums", why=""),
            "large.hard": run(rates, "large.hard", why="3 of 200 problems were solved"),
        },
        "pass-verdict": {"large.sums": run(verdict, "large.sums")},
        "trend": {
            "hindsight": run(trend, "hindsight", task="hindsight", shape="U"),
            "none": run(trend, "none", task="none", shape=""),
        },
    }
    declared = {name: asdict(Declaration.of(one)) for name, one in run.stages.items()}
    nothing = {"documents": {}, "measures": {}, "decisions": {}, "groups": {}}
    return run(report, "toy", **nothing, others=others, declarations=declared, title="toy")


def test_what_is_told(made):
    told = summary_of(made)
    assert (
        "Pass rates of large on sums: foretold from 3 runs of at most 1 % of its compute; 1 of 1 buckets came" in told
    )
    assert "Pass rates of large on hard: no law, 3 of 200 problems were solved" in told
    assert "Trend of hindsight: falls with compute, then rises: U-shaped (3 models, 400 items; p of never" in told
    assert "p of never falling 0.001, of never rising 0.002)" in told
    assert "Trend of none: no item was asked of every model\n" in told


def test_the_page(made):
    page = render(made, [])
    assert page.count('<svg role="img" data-figure="abilities-') == 2
    assert "0.3 to 0.5</td><td>0.45</td><td>2</td><td>within" in page
    assert "solved &lt;b&gt; every time" in page
    assert "<p>No law: 3 of 200 problems were solved.</p>" in page
    assert "0 (7 not asked of all)" in page
    assert "-mean log(pass rate)" in made.read("figures/abilities-rates-large-sums.svg").decode()
    assert "hindsight: U" in made.read("figures/abilities-trend-hindsight.svg").decode()
