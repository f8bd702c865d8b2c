"""The sections of probes and exams: what they show of what was measured, on the page and in the summary."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from corpora import workers

from tasks.evaluation.exams import Examined, Exams, Result
from tasks.evaluation.exams import exams as exams_stage
from tasks.evaluation.parts import Field, Parts
from tasks.evaluation.parts import parts as parts_stage
from tasks.evaluation.probes.bias import FILE, Biased
from tasks.evaluation.probes.bias import bias as bias_stage
from tasks.evaluation.probes.toxicity import Learned, toxicity_classifier
from tasks.evaluation.scores import Value
from tasks.report.given import Declaration
from tasks.report.page import render
from tasks.report.report import report, summary_of
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.stage import Stage, stage
from tasks.runtime.statistics import from_json


def estimate(value: float, low: float | None = None, high: float | None = None, of: int = 100) -> dict[str, Any]:
    return {
        "value": value,
        "low": value - 0.1 if low is None else low,
        "high": value + 0.1 if high is None else high,
        "of": of,
    }


ENDS = [["miner", -3.0], ["nurse", 1.5]]


def told(parameters: int, shift: float) -> dict[str, Any]:
    """What bias.json holds of a model."""
    word = {"word": "<b>lazy", "texts": 20, "others": 10, "ratio": 2.0, "low": 1.1, "high": 4.0}
    return {
        "parameters": parameters,
        "occupations": {
            kind: {"log_ratio": estimate(-1 + shift), "male_leaning": estimate(0.83), "ends": ENDS}
            for kind in ("neutral", "competent", "incompetent")
        },
        "winogender": {kind: {"right": estimate(0.6), "by_sum": estimate(0.5)} for kind in ("all", "male", "female")},
        "pairs": {"crows-pairs": {"all": {"bits": estimate(0.4), "first": estimate(0.6)}}},
        "words": {
            "race": {
                "Asian": {"texts": 2400, "words": [word], "sentiment": estimate(20.0, 10.0, 30.0)},
                "White": {"texts": 2400, "words": [], "sentiment": None},
            }
        },
        "toxicity": {"basic": estimate(0.2), "biased": estimate(0.3)},
        "tagger": "the tagger",
        "lexicon": "the lexicon",
        "unfit": [{"probe": "winogender", "item": "x", "fault": "80 tokens to read; the context has 64"}],
        "short": 300,
    }  # fmt: skip


@stage("bias", kind="decision", version="said")
def biased(job: Job, *, parameters: int, shift: float) -> Biased:
    with job.publish(FILE) as file:
        file.write(json.dumps(told(parameters, shift)).encode())
    return Biased()


@stage("toxicity-classifier", kind="fit", version="said")
def learned(job: Job) -> Learned:
    return Learned(texts=3600, contexts=100, r2=0.27, correlation=0.53, groups=36, rank_correlation=0.66)


@stage("exams", kind="decision", version="said")
def sat(job: Job, *, model: str, exams: dict[str, Any]) -> Exams:
    return Exams(model, {name: from_json(Examined, one, name) for name, one in exams.items()})


@stage("parts", kind="decision", version="said")
def parted(job: Job, *, fields: dict[str, Any]) -> Parts:
    return Parts("small", "mmlu", "subject", {name: from_json(Field, one, name) for name, one in fields.items()})


def shown(folder: Path, made: list[tuple[Stage, Stage, str, dict[str, Any]]]) -> tuple[str, str]:
    """Page and summary of a run of these artifacts: of a stage, as the real one declares itself."""
    run = Run(folder / "store", workers(1))
    others: dict[str, dict[str, Artifact]] = {}
    for what, _, name, arguments in made:
        others.setdefault(what.name, {})[name] = run(what, name, **arguments)
    declarations = {real.name: asdict(Declaration.of(real)) for _, real, _, _ in made}
    told = run(
        report,
        "x",
        documents={},
        measures={},
        decisions={},
        others=others,
        declarations=declarations,
        groups={},
        title="x",
    )
    return render(told, []), summary_of(told)


def test_probes(tmp_path: Path) -> None:
    page, summary = shown(
        tmp_path,
        [
            (biased, bias_stage, "large", {"parameters": 2_000_000, "shift": -0.5}),
            (biased, bias_stage, "small", {"parameters": 90_000, "shift": 0.0}),
            (learned, toxicity_classifier, "toxicity", {}),
        ],
    )
    assert page.index(">small<") < page.index(">large<"), "by size"
    assert page.count("<svg") == 4
    assert '-1.50 <span class="muted">[-1.60, -1.40]</span>' in page and "83.0 %" in page
    assert "&lt;b&gt;lazy" in page and "<b>lazy" not in page
    assert "What this does not measure." in page and "the tagger" in page and "the lexicon" in page
    assert "A stand-in, for trends only." in page and "R2 0.27 and correlation 0.53" in page
    assert "80 tokens to read" in page and "300 may have fewer tokens" in page
    assert "log P(female) / P(male) after an occupation -1.000 [-1.100, -0.900], 83.0 % of 100 lean male" in summary
    assert "toxicity by a stand-in (R2 0.27 where held out; for trends only): basic 0.200 [0.100, 0.300]" in summary


def test_probes_that_were_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = {**told(90_000, 0.0), "winogender": {}, "pairs": {}, "words": {}, "toxicity": {}, "unfit": [], "short": 0}
    monkeypatch.setattr(f"{__name__}.told", lambda *_: bare)
    page, summary = shown(tmp_path, [(biased, bias_stage, "small", {"parameters": 1, "shift": 0.0})])
    assert page.count("<svg") == 1 and "Winogender" not in page and "stand-in, for trends" not in page
    assert "toxicity" not in summary


def result(raw: float, score: float | None, percentile: float | None) -> Result:
    return Result(60, raw, raw - 5, raw + 5, score, percentile, percentile, percentile)


def test_exams_stand_in_the_order_of_the_first_model(tmp_path: Path) -> None:
    def exam(title: str, *worth: Any) -> dict[str, Any]:
        of = result(*worth)
        return asdict(Examined(title, 120.0, 0, all=of, clean=Result(items=0), guessed=Result(raw=15.0), reported=of))

    first = {"bio": exam("AP Biology", 96.0, 5.0, 85.0), "bar": exam("Bar <i>exam", 60.0, None, 10.0)}
    second = {"bio": exam("AP Biology", 50.0, 3.0, 38.0), "bar": exam("Bar <i>exam", 90.0, None, 90.0)}
    page, summary = shown(
        tmp_path,
        [
            (sat, exams_stage, "small", {"model": "small", "exams": first}),
            (sat, exams_stage, "large", {"model": "large", "exams": second}),
        ],
    )
    assert page.index("Bar &lt;i&gt;exam") < page.index("AP Biology") and "<i>exam" not in page
    assert page.count("<svg") == 1 and '96 <span class="muted">[91, 101]</span>' in page
    assert "Exam AP Biology, small: 96 [91, 101] of 120 points, score 5, 85th percentile or above" in summary
    assert "Exam AP Biology, large: 50 [45, 55] of 120 points, score 3, 38th percentile or above" in summary


def test_an_exam_without_a_result(tmp_path: Path) -> None:
    none = asdict(Examined("Essay", 10.0, 3, guessed=Result(raw=0.0)))
    page, summary = shown(tmp_path, [(sat, exams_stage, "small", {"model": "small", "exams": {"e": none}})])
    assert "Exam Essay, small: no result" in summary and page.count("<svg") == 0


def test_subjects(tmp_path: Path) -> None:
    of = Field(
        Value(6, 0.625, 0.4, 0.8),
        Value(6, 0.5, 0.2, 0.8),
        {"law": Value(4, 0.25, 0.1, 0.6), "art": Value(2, 1.0, 0.4, 1.0)},
    )
    page, summary = shown(tmp_path, [(parted, parts_stage, "small.mmlu", {"fields": {"subject": asdict(of)}})])
    assert '62.5 % <span class="muted">[40.0 %, 80.0 %]</span>' in page and page.count("<svg") == 1
    assert "Scores small: mmlu, mean over 2 values of subject 62.5 % [40.0 %, 80.0 %], over 6 items 50.0 %" in summary
