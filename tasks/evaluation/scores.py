"""Decision: `scores`, what a model's answers to a task are worth. It reads no model: another metric costs seconds.

Each number has its interval: Wilson's, or the bootstrap's by clusters of items that share a passage
(tasks/evaluation/statistics). Beside all items stand those that each rule of contamination finds clean.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from conf.spelling import did_you_mean
from tasks.evaluation.asking.table import FILE, RULES, SCORED, answers_of
from tasks.evaluation.metrics import METRICS, Answer, Metric
from tasks.evaluation.metrics.passes import judged as ran
from tasks.evaluation.overlap import states_of
from tasks.evaluation.statistics import calibration, interval
from tasks.evaluation.surest import confidence, log_probability, surest
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.runtime.job import Job
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

READINGS = ("sum", "token", "byte", "unconditional")


@statistics
class Value:
    """A mean over items, with its 95 % interval; None where there is no item, or no interval can be given."""

    items: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None


@statistics
class Score:
    """Of one way of asking. `step` is a snapshot's; `fitted` is the mean of solved examples that fitted.

    `readings`: the metric by each reading of the log-likelihoods. `rules`: by rule of contamination and state.
    `log_likelihood`: nats a token of the right answers. `ece`: expected calibration error of the choices'
    probabilities, and after one temperature was fitted (`ece_refit`, cross-fitted). `surest`: a metric that is a mean,
    by share of the items: those whose answers the model gives the highest probability. `signature`: how the metric's
    library names what it computed (BLEU). `threshold`: nats a token, fitted on the way's development items.
    """

    shots: int = 0
    template: str = ""
    draw: int = 0
    step: int | None = None
    all: Value = Value()
    faults: dict[str, int] = field(default_factory=dict)
    fitted: float | None = None
    chance: float | None = None
    readings: dict[str, float] = field(default_factory=dict)
    rules: dict[str, dict[str, Value]] = field(default_factory=dict)
    log_likelihood: float | None = None
    ece: float | None = None
    ece_refit: float | None = None
    temperature: float | None = None
    bins: tuple[tuple[float, float, int], ...] = ()
    surest: dict[str, Value] = field(default_factory=dict)
    signature: str | None = None
    threshold: float | None = None


@statistics
class Scored:
    """Of a model and a task, by the ways in which it was asked. `chosen`: the label of the one that scores best on the
    development items; `best`: a result that the task states, for curves from chance to it."""

    model: str = ""
    task: str = ""
    form: str = ""
    metric: str = ""
    reading: str = ""
    benchmark: str = ""
    best: float | None = None
    ways: dict[str, Score] = field(default_factory=dict)
    development: dict[str, Value] = field(default_factory=dict)
    chosen: str | None = None


@stage("scores", kind="decision", section="scores", libraries=("numpy", "scipy", "sacrebleu", "rouge-score"))
def scores(
    job: Job,
    *,
    model: str,
    task: str,
    answers: dict[str, Artifact],
    development: dict[str, Artifact],
    ways: dict[str, dict[str, Any]],
    overlap: Artifact | None,
    benchmark: str,
    form: str,
    metric: str,
    reading: str,
    best: float | None,
    extract: str | None,
    ranked: bool,
    programs: bool,
    seed: int,
) -> Scored:
    """What each answer is worth (items.parquet, SCORED of asking/table.py); the scores are in the statistics.

    `answers`, by the label of the way that was asked, which `ways` describes; `development`: the same ways asked of
    development items, to choose the number of examples by; or, of a metric that has something to fit, to fit it on.
    `ranked`: an item's texts are those of a search, the best
    first, of which the answer is the first in which `extract` finds one; else they are draws, each of them an answer.

    Raises:
        Mistake: there is no such metric, or it is of another form of task, or needs programs to be run.
    """
    how = metric_of(metric, form, programs)
    judge = Judge(how, reading, re.compile(extract, re.DOTALL) if extract else None, ranked, seed)
    states = states_of(overlap) if overlap is not None else {}
    tables = []
    scored: dict[str, Score] = {}
    for number, (label, artifact) in enumerate(answers.items()):
        job.progress(number, len(answers))
        if how.fit:
            judge = replace(judge, fitted=judge.fit(answers_of(development[label]).to_pylist()))
        rows = answers_of(artifact).to_pylist()
        of = [{rule: states.get(rule, {}).get((benchmark, row["item"]), "unchecked") for rule in RULES} for row in rows]
        judged = judge.judged(rows)
        scored[label] = judge.score(judged, of, ways[label])
        tables.append(_table(judged, of, ways[label], how))
    with job.publish(FILE) as file:
        pq.write_table(pa.concat_tables(tables), file)
    if how.fit:  # what it was fitted on chooses nothing
        development = {}
    tried = {label: judge.value(judge.judged(answers_of(one).to_pylist())) for label, one in development.items()}
    values = [one.value for one in tried.values() if one.value is not None]
    most = (min if metric == "perplexity" else max)(values, default=None)
    chosen = next((label for label, one in tried.items() if one.value is not None and one.value == most), None)
    return Scored(model, task, form, metric, reading, benchmark, best, scored, tried, chosen)


def metric_of(name: str, form: str, programs: bool) -> Metric:
    """The metric of that name.

    Raises:
        Mistake: as `scores` does.
    """
    if name not in METRICS:
        raise Mistake(f"there is no metric {name}: there are {', '.join(METRICS)}{did_you_mean(name, METRICS)}")
    metric = METRICS[name]
    takes = {"choice": ("choice", "rest"), "cloze": ("cloze",), "free": ("free",), "program": ("free",)}[metric.of]
    if form not in takes:
        raise Mistake(f"metric {name} is of tasks of form {' or '.join(takes)}; this one has form {form}")
    if metric.of == "program" and not programs:
        raise Mistake(
            f"metric {name} runs what the model wrote: say `programs: true` under `evaluate` to have it run, in a "
            "subprocess with limits and without network"
        )
    return metric


@dataclass(frozen=True)
class Judged:
    """An item's answer, and what it is worth; None where it was not asked. Of several texts, how many are right.
    `sure`: the answer's log-probability, in nats."""

    row: Mapping[str, Any]
    answer: Answer | None = None
    value: float | None = None
    right: int | None = None
    sure: float | None = None


@dataclass(frozen=True)
class Judge:
    """A metric under one reading."""

    metric: Metric
    reading: str
    extract: re.Pattern[str] | None
    ranked: bool
    seed: int
    fitted: float | None = None  # on development items, of a metric that has something to fit

    def fit(self, rows: Sequence[Mapping[str, Any]]) -> float:
        """Of development items' answers, what the metric is told of them."""
        assert self.metric.fit is not None
        return self.metric.fit.value([self._answer(row, self.reading) for row in rows if row["fault"] is None])

    def judged(self, rows: Sequence[Mapping[str, Any]]) -> list[Judged]:
        """Each item's worth; of several texts of free form their mean."""
        return [self._judged(row) if row["fault"] is None else Judged(row) for row in rows]

    def _judged(self, row: Mapping[str, Any]) -> Judged:
        answer = self._answer(row, self.reading)
        if self.metric.of == "program":
            return Judged(row, answer, float(self.metric.item(answer)), sum(one.passed for one in ran(answer)))
        if len(answer.texts) > 1:
            each = [float(self.metric.item(answer._replace(texts=[text]))) for text in answer.texts]
            return Judged(row, answer, float(np.mean(each)), sum(one == 1 for one in each))
        return Judged(row, answer, float(self.metric.item(answer)), sure=log_probability(answer, self.metric))

    def value(self, judged: Sequence[Judged]) -> Value:
        """Over the items that were asked."""
        asked = [one for one in judged if one.answer is not None]
        if not asked:
            return Value()
        values = [one.value for one in asked if one.value is not None]
        answers = [one.answer for one in asked if one.answer is not None]
        if self.metric.corpus is None:
            mean, within = float(np.mean(values)), interval(values, [one.cluster for one in answers], self.seed)
        else:
            mean, within = self.metric.corpus(answers), self.metric.interval(answers, self.seed)
            if np.isnan(mean):  # nothing that counts is among them
                return Value(len(asked))
        return Value(len(asked), _rounded(mean), *((_rounded(within.low), _rounded(within.high)) if within else ()))

    def score(self, judged: Sequence[Judged], states: Sequence[Mapping[str, str]], way: Mapping[str, Any]) -> Score:
        """All that is said of one way of asking."""
        asked = [one for one in judged if one.answer is not None]
        faults: dict[str, int] = {}
        for one in judged:
            if one.answer is None:
                faults[_kind(one.row["fault"])] = faults.get(_kind(one.row["fault"]), 0) + 1
        rules = {
            rule: {
                state: self.value([one for one, of in zip(judged, states, strict=True) if of[rule] == state])
                for state in sorted({of[rule] for of in states})
            }
            for rule in RULES
            if any(of[rule] != "unchecked" for of in states)
        }
        confident = [(list(p), one.row["gold"][0]) for one in asked if (p := confidence(one.row, self.metric))]
        fit = calibration([p for p, _ in confident], [gold for _, gold in confident])
        return Score(
            **way,
            all=self.value(judged),
            signature=self._signature(asked),
            threshold=None if self.fitted is None else _rounded(self.fitted),
            faults=dict(sorted(faults.items())),
            fitted=_mean([one.row["shots"] for one in asked]),
            chance=self._chance(asked),
            readings=self._readings(asked),
            rules=rules,
            log_likelihood=_mean(list(_right(asked))),
            surest=self._surest(asked),
            ece=_rounded(fit.ece) if fit else None,
            ece_refit=_rounded(fit.ece_refit) if fit and fit.ece_refit is not None else None,
            temperature=_rounded(fit.temperature) if fit else None,
            bins=tuple((_rounded(b.confidence or 0.0), _rounded(b.right or 0.0), b.cases) for b in fit.bins)
            if fit
            else (),
        )

    def _chance(self, asked: Sequence[Judged]) -> float | None:
        """Of one who guesses."""
        if self.metric.guessed is not None:
            return self.metric.guessed
        return _mean([len(one.row["gold"]) / len(one.row["choices"]) for one in asked]) if self._chooses else None

    def _signature(self, asked: Sequence[Judged]) -> str | None:
        answers = [one.answer for one in asked if one.answer is not None]
        return self.metric.signature(answers) if self.metric.signature and answers else None

    def _surest(self, asked: Sequence[Judged]) -> dict[str, Value]:
        """The mean over the surest items; a number over all items is none of some."""
        if self.metric.corpus is not None:
            return {}
        by_share = surest([one.sure for one in asked])
        return {f"{share:g}": self.value([asked[place] for place in places]) for share, places in by_share}

    @property
    def _chooses(self) -> bool:
        return self.metric.of == "choice"

    def _readings(self, asked: Sequence[Judged]) -> dict[str, float]:
        """The metric under each reading that the answers allow."""
        if not self._chooses or not asked:
            return {}
        names = [name for name in READINGS if name != "unconditional" or asked[0].row["unconditional"] is not None]
        by_reading = {name: [self._answer(one.row, name) for one in asked] for name in names}
        over = self.metric.corpus or (lambda answers: float(np.mean([self.metric.item(one) for one in answers])))
        return {name: _rounded(over(answers)) for name, answers in by_reading.items()}

    def _answer(self, row: Mapping[str, Any], reading: str) -> Answer:
        texts, sure = row["texts"] or [], row["text_log_likelihoods"]
        if self.extract is not None:
            texts = [found[1] if (found := self.extract.search(text)) else "" for text in texts]
        if self.ranked:
            first = next((n for n, text in enumerate(texts) if text), None)
            texts = [""] if first is None else [texts[first]]
            sure = None if sure is None or first is None else [sure[first]]
        answer = Answer(**{**row, "texts": texts, "text_log_likelihoods": sure, "marks": marks(row, reading)})
        return answer if self.fitted is None or not self.metric.fit else self.metric.fit.read(answer, self.fitted)


def marks(row: Mapping[str, Any], reading: str) -> list[float]:
    """The choices' log-likelihoods as a reading compares them (GPT-3, section 2.4)."""
    sums = row["log_likelihoods"] or []
    if reading == "sum":
        return list(sums)
    if reading == "unconditional":
        return [total - alone for total, alone in zip(sums, row["unconditional"] or [], strict=True)]
    # An empty choice has no byte: only its delimiter was scored.
    return [total / max(count, 1) for total, count in zip(sums, row[f"{reading}s"] or [], strict=True)]


def _right(asked: Sequence[Judged]) -> Iterator[float]:
    """Nats a token of each item's right answer; of several, of the likeliest."""
    for one in asked:
        if one.row["log_likelihoods"] is not None:
            by_token = marks(one.row, "token")
            yield max(by_token[place] for place in one.row["gold"])


def _table(
    judged: Sequence[Judged], states: Sequence[Mapping[str, str]], way: Mapping[str, Any], metric: Metric
) -> pa.Table:
    rows = []
    for one, of in zip(judged, states, strict=True):
        row = {**way, **of, "item": one.row["item"], "cluster": one.row["cluster"], "value": one.value}
        row |= {"fault": one.row["fault"], "log_probability": one.sure}
        if one.answer is not None and one.row["gold"]:
            row["gold"] = one.row["gold"][0]
        if one.answer is not None and one.right is not None:
            row |= {"right": one.right, "samples": len(one.answer.texts)}
        if confident := confidence(one.row, metric):
            row["confidence"] = confident
        rows.append({name: row.get(name) for name in SCORED.names})
    return pa.Table.from_pylist(rows, schema=SCORED)


def _kind(fault: str) -> str:
    """A fault without what is the item's own: its numbers."""
    return re.sub(r"\d+", "N", fault)


def _mean(values: Sequence[float]) -> float | None:
    return _rounded(float(np.mean(values))) if values else None


def _rounded(value: float) -> float:
    return round(value, 6)
