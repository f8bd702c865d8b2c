"""Decision: `exams`, what a model's scores on tasks are worth as an exam's (GPT-4's technical report, appendix A).

    raw      sum over sections of weight x mean value of its items; an item that was not asked is worth nothing
    score    the value of the exam's scale at the greatest raw points that are not above it
    percentile   likewise by the score: the lower bound of the range of people who reach it

As in the report (appendix C) an exam is scored on all items and on those that its rule of contamination finds clean,
and the lower of the two stands. Intervals draw each section's items again, by passage where items share one.
"""

import bisect
from dataclasses import field
from typing import Any, NamedTuple

import numpy as np

from tasks.evaluation.chosen import rows_of
from tasks.evaluation.statistics.resampling import LEVEL, RESAMPLES, cluster_sums, resampled
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

RULE = "gpt4"  # of contamination: the report's own


@statistics
class Result:
    """Of some of an exam's items. None where a section has none of them, and where there is no scale."""

    items: int = 0
    raw: float | None = None
    raw_low: float | None = None
    raw_high: float | None = None
    score: float | None = None
    percentile: float | None = None
    percentile_low: float | None = None
    percentile_high: float | None = None


@statistics
class Examined:
    """Of an exam: on all items, on clean ones, by guessing; `reported` is the lower of the first two.

    `unasked`: items that were not asked, or are not graded. `most`: raw points of all items right.
    """

    title: str = ""
    most: float = 0.0
    unasked: int = 0
    all: Result = Result()
    clean: Result = Result()
    guessed: Result = Result()
    reported: Result = Result()


@statistics
class Exams:
    """By exam."""

    model: str = ""
    exams: dict[str, Examined] = field(default_factory=dict)


class Graded(NamedTuple):
    """A section's items: what each is worth (None: not asked), its passage, and whether it is clean."""

    weight: float
    values: list[float | None]
    clusters: list[str | None]
    clean: list[bool]


@stage("exams", kind="decision", section="exams", libraries=("numpy",))
def exams(job: Job, *, model: str, exams: dict[str, dict[str, Any]], scores: dict[str, Artifact], seed: int) -> Exams:
    """What a model's exams come to, of their files (conf.exams.Exam.steps) and the scores of their tasks.

    Raises:
        Mistake: an exam names an item that its task does not have.
    """
    tables = {task: rows_of(artifact) for task, artifact in scores.items()}
    return Exams(model, {name: examined(name, exam, tables, seed) for name, exam in exams.items()})


def examined(name: str, exam: dict[str, Any], tables: dict[str, list[dict[str, Any]]], seed: int) -> Examined:
    """An exam's results, of rows of SCORED by task.

    Raises:
        Mistake: as `exams` does.
    """
    sections = [_section(name, section, tables) for section in exam["sections"]]
    steps = exam["scale"], exam["percentiles"]
    every = _result(sections, *steps, seed)
    clean = _result([_clean(section) for section in sections], *steps, seed)
    guess = sum(section["weight"] * exam["chance"] for section in exam["sections"] if section["kind"] == "choice")
    score, percentile = worth(guess, *steps)
    lower = every if clean.raw is None or (every.raw or 0.0) <= clean.raw else clean
    return Examined(
        title=exam["title"],
        most=sum(section.weight for section in sections),
        unasked=sum(value is None for section in sections for value in section.values),
        all=every,
        clean=clean,
        guessed=Result(items=every.items, raw=round(guess, 6), score=score, percentile=percentile),
        reported=lower,
    )


def _section(exam: str, section: dict[str, Any], tables: dict[str, list[dict[str, Any]]]) -> Graded:
    rows = tables[section["task"]]
    if section["items"] is not None:
        by_item = {row["item"]: row for row in rows}
        if missing := [item for item in section["items"] if item not in by_item]:
            raise Mistake(f"exam {exam} names item {missing[0]}, which the task {section['task']} was not given")
        rows = [by_item[item] for item in section["items"]]
    return Graded(
        section["weight"],
        [row["value"] for row in rows],
        [row["cluster"] for row in rows],
        [row[RULE] == "clean" for row in rows],
    )


def _clean(section: Graded) -> Graded:
    kept = [place for place, clean in enumerate(section.clean) if clean]
    return Graded(
        section.weight,
        [section.values[place] for place in kept],
        [section.clusters[place] for place in kept],
        [True] * len(kept),
    )


def _result(sections: list[Graded], scale: Any, percentiles: Any, seed: int) -> Result:
    """Of sections; no points where one of them has no item, or was not asked at all."""
    items = sum(len(section.values) for section in sections)
    if any(all(value is None for value in section.values) for section in sections):
        return Result(items=items)
    raw, drawn = 0.0, np.zeros(RESAMPLES)
    for number, section in enumerate(sections):
        values = np.array([value or 0.0 for value in section.values])
        parts = cluster_sums(np.stack([values, np.ones_like(values)], axis=1), section.clusters)
        sums = resampled(parts, seed + number)
        raw += section.weight * float(values.mean())
        drawn = drawn + section.weight * sums[:, 0] / sums[:, 1]
    low, high = (float(bound) for bound in np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    score, percentile = worth(raw, scale, percentiles)
    return Result(
        items=items,
        raw=round(raw, 6),
        raw_low=round(low, 6),
        raw_high=round(high, 6),
        score=score,
        percentile=percentile,
        percentile_low=worth(low, scale, percentiles)[1],
        percentile_high=worth(high, scale, percentiles)[1],
    )


def worth(raw: float, scale: Any, percentiles: Any) -> tuple[float | None, float | None]:
    """Scaled score and percentile's lower bound of raw points, by rising lists of (from, value).

    Without a scale raw points are the score. Below its first step there is none; below the first percentile it is 0.
    """
    raw = round(raw, 9)  # 59.99999999999999 of sums is 60
    score = raw if scale is None else step(scale, raw)
    if percentiles is None:
        return score, None
    return score, 0.0 if score is None or (found := step(percentiles, score)) is None else found


def step(steps: list[list[float]], at: float) -> float | None:
    """The value of the last step that begins at or before `at`; None before the first."""
    place = bisect.bisect_right([begin for begin, _ in steps], at)
    return steps[place - 1][1] if place else None
