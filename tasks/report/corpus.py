"""The report's sections on the corpus, from manifests and columns: funnel, rejects, quality, copies, contamination."""

from collections import Counter
from functools import partial
from itertools import takewhile
from typing import Any

from tasks.quality.keep import keep_probability
from tasks.report.chances import wilson
from tasks.report.columns import BINS, Place, excerpt, rows_of
from tasks.runtime.shards import add
from tasks.runtime.stage import Artifact, Job
from tasks.sources.rejects import DAMAGE, POLICY

SCORES = (0.0, 0.2, 0.5, 0.8, 0.9)
SIDE_BY_SIDE = 10
CHARACTERS = 200
SIZES = ((2, 2), (3, 3), (4, 4), (5, 9), (10, 99), (100, None))
DECISIONS = ("keep", "survivors", "cuts")


def funnel(places: list[Place], tokens: dict[str, Artifact], groups: dict[str, str]) -> list[dict[str, Any]]:
    """Of each source, documents and bytes after ingest and after each decision, and why the others left."""
    made = []
    for source, place in {place.source: place for place in places}.items():
        steps: list[dict[str, Any]] = []
        for name, artifact in (("keep", place.keeps), ("survivors", place.survivors), ("cuts", place.cuts)):
            if artifact is None:
                continue
            counted = artifact.statistics
            if not steps:
                before = {"documents": counted["documents"], "bytes": counted["bytes"], "reasons": {}, "cut": 0}
                steps.append({"step": "ingest", **before})
            reasons = {reason: count for reason, count in counted["reasons"].items() if count}
            steps.append(
                {
                    "step": name,
                    "documents": counted["kept"],
                    "bytes": counted["kept_bytes"],
                    "reasons": reasons,
                    "cut": counted.get("cut", 0),
                }
            )
        if source in tokens:
            counted = tokens[source].statistics
            steps.append(
                {
                    "step": "tokens",
                    "documents": counted["documents"],
                    "bytes": counted["bytes"],
                    "tokens": counted["train"] + counted["validation"],
                }
            )
        made.append({"source": source, "group": groups.get(source, source), "steps": steps})
    return made


def rejects(facts: list[dict[str, Any]]) -> dict[str, Any]:
    """Records that became no document, by reason and source; and what the reasons mean."""
    sources: dict[str, dict[str, int]] = {}
    for one in facts:
        sources[one["source"]] = add([sources.get(one["source"], {}), one["rejects"]])
    reasons = add(list(sources.values()))
    return {
        "sources": sources,
        "reasons": [
            {
                "reason": reason,
                "records": count,
                "damage": reason in DAMAGE,
                "meaning": {**DAMAGE, **POLICY}.get(reason, ""),
            }
            for reason, count in sorted(reasons.items(), key=lambda row: (-row[1], row[0]))
        ],
    }


def quality(
    facts: list[dict[str, Any]], places: list[Place], classifier: Artifact | None, alpha: float | None
) -> dict[str, Any]:
    """Scores and keep rates of each raw source, expected and realised; the classifier on what it was not fitted on."""
    sources = []
    for source, place in {place.source: place for place in places}.items():
        bins = add([one["scores"] for one in facts if one["source"] == source and "scores" in one])
        if not bins or place.keeps is None:
            continue
        documents, passed = sum(bins["documents"]), sum(bins["passed"])
        row: dict[str, Any] = {"source": source, "documents": documents, "passed": passed, "bins": bins}
        row["rate"] = passed / documents if documents else None
        row["interval"] = wilson(passed, documents)
        if alpha is not None and documents:
            expected = sum(bins["expected"]) / documents
            row |= {"expected": expected, "inside": row["interval"][0] <= expected <= row["interval"][1]}
        sources.append(row)
    table = []
    if alpha is not None:
        import numpy as np

        rates = keep_probability(np.array(SCORES), alpha).tolist()
        table = [{"score": score, "rate": rate} for score, rate in zip(SCORES, rates, strict=True)]
    return {"alpha": alpha, "sources": sources, "table": table, "classifier": classifier and classifier.statistics}


def duplicates(job: Job, facts: list[dict[str, Any]], places: list[Place]) -> dict[str, Any]:
    """Removals by reason, the sizes of clusters (a document that stays and its copies), and some removals' texts."""
    sources = []
    for source, place in {place.source: place for place in places}.items():
        if place.survivors is not None:
            counted = place.survivors.statistics
            row = {key: counted[key] for key in ("documents", "kept", "candidates", "buckets", "skipped")}
            sources.append({"source": source, **row, "reasons": counted["reasons"]})
    witnesses: Counter[str] = Counter()
    near = [0] * BINS
    for one in facts:
        if "duplicates" in one:
            witnesses.update(one["duplicates"]["witnesses"])
            near = [a + b for a, b in zip(near, one["duplicates"]["near"], strict=True)]
    sizes = Counter(count + 1 for count in witnesses.values())
    largest = sorted(witnesses.items(), key=lambda row: (-row[1], row[0]))[:5]
    return {
        "sources": sources,
        "clusters": [
            {"from": low, "to": high, "clusters": sum(n for size, n in sizes.items() if low <= size <= (high or size))}
            for low, high in SIZES
        ],
        "largest": [{"id": id, "size": count + 1} for id, count in largest],
        "near": near,
        "threshold": next((one.survivors.manifest["parameters"]["threshold"] for one in places if one.survivors), None),
        "shown": _side_by_side(job, facts, places),
    }


def _side_by_side(job: Job, facts: list[dict[str, Any]], places: list[Place]) -> list[dict[str, Any]]:
    """Up to ten near removals, spread over the similarities, each beside the document that stays."""
    rows = [
        {"source": one["source"], **row} for one in facts if "duplicates" in one for row in one["duplicates"]["shown"]
    ]
    rows.sort(key=lambda row: (row["similarity"], row["id"]))
    count = min(SIDE_BY_SIDE, len(rows))
    chosen = [rows[round(number * (len(rows) - 1) / max(1, count - 1))] for number in range(count)]
    documents = {place.source: place.documents for place in places}
    shards = {source: [place.shard for place in places if place.source == source] for source in documents}
    where: dict[str, tuple[str, int]] = {}
    for source in documents:
        ids = sorted({row["duplicate_of"] for row in chosen if row["duplicate_of"].partition(":")[0] == source})
        if ids:
            for found in job.engine.map(partial(rows_of, ids=ids), shards[source]):
                where |= found
    made = []
    for row in chosen:
        text = excerpt(documents[row["source"]], row["key"], row["row"])
        other = row["duplicate_of"].partition(":")[0]
        place = where.get(row["duplicate_of"])
        witness = excerpt(documents[other], *place) if place and other in documents else ""
        at = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, witness, strict=False)))
        made.append(
            {key: row[key] for key in ("id", "duplicate_of", "similarity")}
            | {"text": text[:CHARACTERS], "witness": witness[:CHARACTERS], "differs": at}
            | {"text_there": _from(text, at), "witness_there": _from(witness, at)}
        )
    return made


def _from(text: str, at: int) -> str:
    """What stands where two texts first differ, if that is behind what is shown of their beginnings."""
    return text[at - 20 : at + CHARACTERS - 20] if at > CHARACTERS - 40 else ""


def contamination(facts: list[dict[str, Any]], places: list[Place], grams: Artifact | None) -> dict[str, Any]:
    """By benchmark, by source and by length of document: what was met, cut and removed."""
    known = grams.statistics["benchmarks"] if grams else {}
    names = list(known) or sorted({name for one in facts for name in one.get("contamination", {})})
    benchmarks = []
    for name in names:
        parts = [one["contamination"][name] for one in facts if name in one.get("contamination", {})]
        counts = {key: sum(part[key] for part in parts) for key in ("documents", "cut", "removed")}
        hit = len(set().union(*(part["items"] for part in parts)))
        benchmarks.append({"benchmark": name, **known.get(name, {}), "hit": hit, **counts})
    sources = []
    lengths: dict[str, dict[str, int]] = {}
    for source, place in {place.source: place for place in places}.items():
        if place.cuts is not None:
            counted = place.cuts.statistics
            lengths = add([lengths, counted.get("lengths", {})])
            sources.append(
                {
                    "source": source,
                    "documents": counted["documents"],
                    "touched": sum(row["touched"] for row in counted.get("lengths", {}).values()),
                    "cut": counted.get("cut", 0),
                    "reasons": counted["reasons"],
                    "bytes": counted["bytes"] - counted["kept_bytes"],
                }
            )
    return {
        "benchmarks": benchmarks,
        "sources": sources,
        "lengths": [{"from": 10 ** int(key), **lengths[key]} for key in sorted(lengths, key=int)],
    }
