"""Rules: what was counted of documents for the rules of `keep`, by source, and what each rule drops.

A rule's documents are told twice: those that break it, whatever else they break, and those that are told to have left
for it, because it is the first that they break.
"""

from collections.abc import Iterator
from dataclasses import field

import numpy as np

from tasks.quality.harm_classifier import Fitted, harm_classifier
from tasks.quality.keep import keep as keep_stage
from tasks.quality.rules import REASONS, RULES, reason_of, stays, value_of
from tasks.report.formats import ratio, share
from tasks.report.given import Given, ShardColumns
from tasks.report.section import Content, Counted, Section
from tasks.runtime.decisions import decided
from tasks.runtime.job import Job
from tasks.runtime.shards import read_column
from tasks.runtime.statistics import statistics, to_json, total

TOLD = 6  # rules of a source in the summary


@statistics
class Valued:
    """Documents that the decision met; those of a value above 0, the sum of values, and those that break the rule."""

    documents: int = 0
    above_zero: int = 0
    sum: float = 0.0
    broken: int = 0


@statistics
class Ruled:
    """By reason."""

    rules: dict[str, Valued] = field(default_factory=dict)


def count(columns: ShardColumns) -> Ruled:
    keep = columns.decision(keep_stage)
    measures = columns.given.measures.get(columns.source, {})
    if keep is None or not RULES.keys() & measures.keys():
        return Ruled()
    answer = read_column(keep, columns.shard, ["keep", "reason"])
    met = answer.column("keep").to_numpy() | answer.column("reason").is_valid().to_numpy()
    limits = keep.manifest["parameters"].get("rules") or {}
    found = {}
    for measure, rules in RULES.items():
        if measure not in measures:
            continue
        table = read_column(measures[measure], columns.shard)
        for name, rule in rules.items():
            values = value_of(rule, table)[met]
            broken = ~stays(values, limits.get(measure, {}).get(name, {}))
            whole = float(np.round(values.astype(np.float64).sum(), 6))
            found[reason_of(measure, name)] = Valued(len(values), int((values > 0).sum()), whole, int(broken.sum()))
    return Ruled(found)


def gather(job: Job, given: Given, counted: list[Counted[Ruled]]) -> Content | None:
    kept = given.decided(keep_stage)
    sources = []
    for source in given.documents:
        found = total(Ruled, [each.counts for each in counted if each.of.source == source]).rules
        if not found:
            continue
        limits = kept[source].manifest["parameters"].get("rules") or {}
        reasons = decided(kept[source]).reasons
        rules = [
            {
                "reason": reason_of(measure, name),
                "limits": limits.get(measure, {}).get(name),
                "mean": values.sum / values.documents if values.documents else None,
                "above_zero": values.above_zero,
                "broken": values.broken,
                "dropped": reasons.get(reason_of(measure, name), 0),
            }
            for measure, known in RULES.items()
            for name in known
            if (values := found.get(reason_of(measure, name))) is not None
        ]
        documents = next(iter(found.values())).documents
        sources.append({"source": source, "documents": documents, "rules": rules})
    fitted = given.single(harm_classifier)
    return {
        "sources": sources,
        "harm": to_json(fitted.counts(Fitted)) if fitted else None,
        "meanings": REASONS,
    }


def lines(content: Content) -> Iterator[str]:
    for row in content["sources"]:
        asked = [rule for rule in row["rules"] if rule["limits"]]
        if not asked:
            continue
        dropped = sorted((-rule["dropped"], rule["reason"]) for rule in asked if rule["dropped"])
        whole = share(ratio(-sum(negative for negative, _ in dropped), row["documents"]))
        told = ", ".join(f"{reason} {-negative:,}" for negative, reason in dropped[:TOLD])
        yield (
            f"Rules    {row['source']}: {whole} of {row['documents']:,} dropped"
            + (f": {told}" if told else "")
            + (" ..." if len(dropped) > TOLD else "")
        )
    judged = content["harm"]
    if judged:
        yield (
            f"  harm classifier on {judged['held_out']:,} held out: AUC {judged['auc']:.3f}, "
            f"by length alone {judged['length_auc']:.3f}"
        )


RULED: Section[Ruled] = Section("rules", "Rules", gather, count, lines=lines)
