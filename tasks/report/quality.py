"""Quality: scores and keep rates of each scored source, expected and realised; the classifier on what was held out."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from tasks.quality.classifier import Fitted
from tasks.quality.classifier import classifier as classifier_stage
from tasks.quality.given import Given as GivenClassifier
from tasks.quality.given import given_classifier
from tasks.quality.keep import keep as keep_stage
from tasks.quality.keep import keep_probability
from tasks.quality.labels import Judged
from tasks.quality.labels import labels as labels_stage
from tasks.quality.score import score as score_stage
from tasks.report.chances import wilson
from tasks.report.figures import BINS, middles
from tasks.report.formats import share
from tasks.report.given import Given, ShardColumns
from tasks.report.palette import LINE, MUTED, SERIES
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.artifact import Artifact
from tasks.runtime.job import Job
from tasks.runtime.shards import read_column
from tasks.runtime.statistics import statistics, to_json, total

EXAMPLES = (0.0, 0.2, 0.5, 0.8, 0.9)  # scores whose keep rate is told
NOTHING = (0.0,) * BINS
IN_A_LINE = 12  # words for, and against, that the summary tells


@statistics
class Scored:
    """Of each twentieth of the score: documents met, those that quality let pass, and how many were expected to."""

    documents: tuple[int, ...] = (0,) * BINS
    passed: tuple[int, ...] = (0,) * BINS
    expected: tuple[float, ...] = NOTHING


def alpha_of(keep: Artifact) -> float | None:
    """The Pareto distribution's exponent by which a source was drawn."""
    alpha = keep.manifest["parameters"].get("pareto")
    return None if alpha is None else float(alpha)


def count(columns: ShardColumns) -> Scored:
    scores, keep = columns.measure(score_stage), columns.decision(keep_stage)
    if scores is None or keep is None:
        return Scored()
    score = read_column(scores, columns.shard, ["score"]).column("score").to_numpy()
    table = read_column(keep, columns.shard, ["keep", "reason"])
    reason = table.column("reason").to_numpy(zero_copy_only=False)
    met = table.column("keep").to_numpy() | table.column("reason").is_valid().to_numpy()
    bin = np.minimum((score * BINS).astype(int), BINS - 1)
    expected = NOTHING
    if (alpha := alpha_of(keep)) is not None:
        sums = np.bincount(bin[met], weights=keep_probability(score[met], alpha), minlength=BINS)
        expected = tuple(round(value, 9) for value in sums.tolist())
    return Scored(
        tuple(np.bincount(bin[met], minlength=BINS).tolist()),
        tuple(np.bincount(bin[met & (reason != "quality")], minlength=BINS).tolist()),
        expected,
    )


def gather(job: Job, given: Given, counted: list[Counted[Scored]]) -> Content:
    scored, kept = given.measured(score_stage), given.decided(keep_stage)
    sources = []
    alphas = []
    for source in given.documents:
        if source not in scored or source not in kept:
            continue
        alphas.append(alpha_of(kept[source]))
        counts = total(Scored, [each.counts for each in counted if each.of.source == source])
        sources.append(_row(source, counts, alphas[-1]))
    alpha = next((alpha for alpha in alphas if alpha is not None), None)
    rates = keep_probability(np.array(EXAMPLES), alpha).tolist() if alpha is not None else []
    classifier, users, labels = (given.single(each) for each in (classifier_stage, given_classifier, labels_stage))
    return {
        "alpha": alpha,
        "sources": sources,
        "table": [{"score": score, "rate": rate} for score, rate in zip(EXAMPLES, rates, strict=False)],
        "classifier": to_json(classifier.counts(Fitted)) if classifier else None,
        "given": to_json(users.counts(GivenClassifier)) if users else None,
        "labels": to_json(labels.counts(Judged)) if labels else None,
    }


def _row(source: str, counts: Scored, alpha: float | None) -> dict[str, Any]:
    documents, passed = sum(counts.documents), sum(counts.passed)
    bins: dict[str, list[float]] = {"documents": list(counts.documents), "passed": list(counts.passed)}
    row: dict[str, Any] = {"source": source, "documents": documents, "passed": passed, "bins": bins}
    row |= {"rate": passed / documents if documents else None, "interval": wilson(passed, documents)}
    if alpha is not None:
        bins["expected"] = list(counts.expected)
    if alpha is not None and documents:
        expected = sum(counts.expected) / documents
        row |= {"expected": expected, "inside": row["interval"][0] <= expected <= row["interval"][1]}
    return row


def lines(content: Content) -> Iterator[str]:
    for row in content["sources"]:
        line = f"Quality  {row['source']}: {share(row['rate'], 2)} of {row['documents']:,} kept"
        if row["interval"]:
            line += f" ({share(row['interval'][0], 2)} to {share(row['interval'][1], 2)})"
        if "expected" in row:
            line += f", {share(row['expected'], 2)} expected: {'inside' if row['inside'] else 'OUTSIDE'}"
        yield line
    judged = content["classifier"]
    if judged:
        yield f"  classifier on {judged['held_out']:,} held out: AUC {judged['auc']:.3f}, F1 {judged['f1']:.3f}"
        for name, words in (("for", judged["positive"]), ("against", judged["negative"])):
            yield f"  words {name}: {' '.join(word['word'] or '(empty)' for word in words[:IN_A_LINE])}"
    people = content["labels"]
    if people:
        yield (
            f"  on {people['documents']:,} documents that people labelled: "
            f"AUC {people['auc']:.3f} ± {people['auc_error']:.3f}, "
            f"by length alone {people['length_auc']:.3f} ± {people['length_error']:.3f}"
        )


def figures(content: Content) -> dict[str, Plot]:
    plots: dict[str, Plot] = {}
    for row in content["sources"]:
        plots[f"scores-{row['source']}"] = partial(_scores, row=row)
        if "expected" in row:
            plots[f"rates-{row['source']}"] = partial(_rates, row=row, alpha=content["alpha"])
    if content["classifier"]:
        plots["calibration"] = partial(_calibration, rows=content["classifier"]["calibration"])
    return plots


def _scores(axes: Any, row: dict[str, Any]) -> None:
    axes.bar(middles(), row["bins"]["documents"], 0.9 / BINS, color=SERIES[0], alpha=0.35, label="scored")
    axes.bar(middles(), row["bins"]["passed"], 0.9 / BINS, color=SERIES[0], label="kept by quality")
    axes.set(title=f"Scores of {row['source']}", xlabel="score", ylabel="documents (log)", yscale="symlog", xlim=(0, 1))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend(loc="upper center")


def _rates(axes: Any, row: dict[str, Any], alpha: float) -> None:
    grid = [number / 200 for number in range(201)]
    axes.plot(grid, [(2 - score) ** -alpha for score in grid], color=SERIES[1], label=f"(2 − score)^−{alpha:g}")
    bins = row["bins"]
    with_any = [n for n in range(BINS) if bins["documents"][n]]
    rates = [bins["passed"][n] / bins["documents"][n] for n in with_any]
    errors = [(rate * (1 - rate) / bins["documents"][n]) ** 0.5 * 1.96 for rate, n in zip(rates, with_any, strict=True)]
    where = [middles()[n] for n in with_any]
    axes.errorbar(where, rates, errors, fmt="o", markersize=4, color=SERIES[0], elinewidth=1, label="realised, 95 %")
    axes.set(title=f"Keep rate by score, {row['source']}", xlabel="score", ylabel="share kept")
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02))
    axes.legend(loc="upper left")


def _calibration(axes: Any, rows: list[dict[str, Any]]) -> None:
    some = [row for row in rows if row["documents"]]
    where = [row["from_score"] + 0.05 for row in some]
    shares = [row["good"] / row["documents"] for row in some]
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1)
    axes.plot(where, shares, "o-", color=SERIES[0])
    for row, place in zip(some, zip(where, shares, strict=True), strict=True):
        how = {"textcoords": "offset points", "fontsize": 7, "color": MUTED, "ha": "center"}
        axes.annotate(f"{row['documents']:,}", place, (0, 6), **how)
    axes.set(
        title="Calibration, held out", xlabel="score", ylabel="share that is good", xlim=(0, 1), ylim=(-0.05, 1.12)
    )


QUALITY = Section("quality", "Quality", gather, count, figures, lines)
