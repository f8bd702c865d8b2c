"""Planted and found: what the demo's input was made with, held against what became of it. Measured, by row.

Copies count as resolved when at most one of the two stays. Since only documents that the decisions before kept reach
deduplication, each count says how many pairs it met; beside that, what the signatures alone say of every pair that was
extracted.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import field
from functools import partial
from typing import Any

import numpy as np

from tasks.decontaminate.benchmark import benchmark as benchmark_stage
from tasks.decontaminate.cuts import cuts as cuts_stage
from tasks.demo.leaks import FORMS
from tasks.demo.sample import planted_in
from tasks.demo.sample import sample as sample_stage
from tasks.evaluation.overlap import overlap as overlap_stage
from tasks.evaluation.overlap import states_of
from tasks.report.chances import found_by_lsh
from tasks.report.duplicates import Deduplication, deduplication
from tasks.report.formats import ratio, share
from tasks.report.given import Given
from tasks.report.palette import MUTED, SERIES
from tasks.report.planted_rows import Damage, LeakRow, PlantedRow, PlantedShard, count, items_by_line
from tasks.report.planted_rules import Item, told
from tasks.report.section import Content, Counted, Plot, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import statistics, to_json, total

EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9)
SHINGLE = 5  # words, of the shingles by which the similarity of planted copies was measured
Planted = dict[str, Any]  # a record of planted.json


@statistics
class Damaged:
    """Damaged records of one kind, those that are listed as rejects, and as what."""

    planted: int = 0
    found: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


@statistics
class Pairs:
    """Pairs planted, extracted, met by deduplication, resolved by it; and found by the signatures alone."""

    planted: int = 0
    extracted: int = 0
    reached: int = 0
    resolved: int = 0
    by_each_other: int = 0
    signatures: int = 0


@statistics
class Leaked:
    """Leaks planted, extracted, seen by hits; dropped by another decision than the cuts, or met: removed, or left.

    clean and dirty are what the audit says of the item.
    """

    planted: int = 0
    extracted: int = 0
    hit: int = 0
    dropped: int = 0
    met: int = 0
    removed: int = 0
    left: int = 0
    clean: int = 0
    dirty: int = 0


def gather(job: Job, given: Given, counted: list[Counted[PlantedShard | None]]) -> Content | None:
    sample = given.single(sample_stage)
    if sample is None:
        return None
    planted = planted_in(sample)
    shards = [each.counts for each in counted if each.counts is not None]
    rows: dict[str, PlantedRow] = {}
    for shard in shards:
        rows = shard.rows | rows
    how = deduplication(given)
    return {
        "how": to_json(how) if how else None,
        "decisions": [{"stage": stage, "title": title} for stage, title in given.titles().items()],
        "damaged": damaged(planted["damaged"], [row for shard in shards for row in shard.damage]),
        "exact": to_json(pairs(planted["exact_copies"], rows, how)),
        "near": near(planted["near_copies"], rows, how),
        "pages": pages(planted["pages"], shards),
        "leaks": _leaks(planted["leaks"], shards, given),
    }


def damaged(planted: list[Planted], listed: list[Damage]) -> dict[str, Any]:
    """Damaged records that a reject for damage overlaps, by kind; and rejects for damage that overlap none."""
    kinds: dict[str, list[Damaged]] = {}
    met: set[int] = set()
    for plant in planted:
        overlapping = [place for place, damage in enumerate(listed) if _overlaps(plant, damage)]
        met.update(overlapping)
        reasons = dict.fromkeys(sorted({listed[place].reason for place in overlapping}), 1)
        kinds.setdefault(plant["kind"], []).append(Damaged(1, int(bool(overlapping)), reasons))
    sums = {kind: total(Damaged, parts) for kind, parts in sorted(kinds.items())}
    return {
        "planted": len(planted),
        "found": sum(each.found for each in sums.values()),
        "others": len(listed) - len(met),
        "kinds": {kind: to_json(each) for kind, each in sums.items()},
    }


def _overlaps(plant: Planted, damage: Damage) -> bool:
    """Files are the same if the shorter path ends the longer one."""
    ours, theirs = plant["file"].split("/"), damage.file.split("/")
    shorter = min(len(ours), len(theirs))
    if ours[-shorter:] != theirs[-shorter:]:
        return False
    end = damage.offset + max(1, damage.length or 1)
    return damage.offset < plant["offset"] + plant["length"] and plant["offset"] < end


def pairs(planted: list[Planted], rows: dict[str, PlantedRow], how: Deduplication | None) -> Pairs:
    counts = [Pairs(planted=len(planted))]
    for plant in planted:
        copy, original = rows.get(plant["url"]), rows.get(plant["of_url"])
        if copy is None or original is None:
            continue
        reached = copy.met and original.met
        counts.append(
            Pairs(
                extracted=1,
                reached=int(reached),
                resolved=int(reached and not (copy.stays and original.stays)),
                by_each_other=int(reached and (copy.duplicate_of == original.id or original.duplicate_of == copy.id)),
                signatures=int(_agree(copy, original, how)),
            )
        )
    return total(Pairs, counts)


def _agree(copy: PlantedRow, original: PlantedRow, how: Deduplication | None) -> bool:
    """Whether two signatures share a band and agree in enough places."""
    if how is None or copy.signature is None or original.signature is None:
        return False
    same = copy.signature == original.signature
    bands = same[: how.bands * how.rows].reshape(how.bands, how.rows)
    return bool(bands.all(axis=1).any() and same.mean() >= how.threshold)


def near(planted: list[Planted], rows: dict[str, PlantedRow], how: Deduplication | None) -> list[dict[str, Any]]:
    """`pairs` by bands of Jaccard similarity, with the share that LSH should find of those extracted."""
    bands = []
    for low, high in zip(EDGES, (*EDGES[1:], 1.01), strict=True):
        here = [plant for plant in planted if low <= plant["jaccard"] < high]
        if not here:
            continue
        chances = [
            found_by_lsh(plant["jaccard"], how.bands, how.rows, how.permutations, how.threshold)
            for plant in here
            if how is not None and how.shingle == SHINGLE and plant["url"] in rows and plant["of_url"] in rows
        ]
        expected = float(np.mean(chances)) if chances else None
        bands.append({"from": low, "to": min(high, 1.0), **to_json(pairs(here, rows, how)), "expected": expected})
    return bands


def pages(planted: dict[str, int], shards: list[PlantedShard]) -> list[dict[str, Any]]:
    """Of each kind of page: responses, documents, and what stays after each decision."""
    counts: dict[str, Counter[str]] = {}
    for shard in shards:
        for kind, of_shard in shard.kinds.items():
            counts.setdefault(kind, Counter()).update(of_shard)
    good = [kind for kind in planted if kind == "good" or kind.startswith(("copy/", "leak/"))]
    rows: list[dict[str, Any]] = []
    for kind in [*good, *(kind for kind in planted if kind not in good)]:
        after = dict(counts.get(kind, {}))
        documents = after.pop("documents", 0)
        rows.append(
            {"kind": kind, "good": kind in good, "responses": planted[kind], "documents": documents, "after": after}
        )
    return rows


def _leaks(planted: list[Planted], shards: list[PlantedShard], given: Given) -> dict[str, Any]:
    """What became of the leaks, what the audit says of their items by its first rule, and what each rule finds."""
    audit = given.single(overlap_stage)
    by_rule = states_of(audit) if audit is not None else {}
    known = items_by_line(tuple(given.named(benchmark_stage).items()))
    items: list[Item | None] = [known.get((plant["benchmark"], plant["line"])) for plant in planted]
    states = next(iter(by_rule.values()), {})
    rows = [row for shard in shards for row in shard.leaks]
    left = {row.leak for row in rows if row.left}
    documents = [(document.leaks, document.looked) for shard in shards for document in shard.documents]
    return {
        **leaks(planted, rows, [states.get(item) if item else None for item in items]),
        "rules": told(planted, items, documents, by_rule, left),
        "order": FORMS,
    }


def leaks(planted: list[Planted], documents: list[LeakRow], states: list[str | None]) -> dict[str, Any]:
    """By form and source."""
    kinds: dict[tuple[str, str], list[Leaked]] = {}
    for number, (plant, state) in enumerate(zip(planted, states, strict=True)):
        rows = [row for row in documents if row.leak == number]
        dropped = bool(rows) and all(row.dropped_by not in (None, cuts_stage.name) for row in rows)
        met = bool(rows) and not dropped
        left = met and any(row.left for row in rows)
        counts = Leaked(
            planted=1,
            extracted=int(bool(rows)),
            hit=int(any(row.hit for row in rows)),
            dropped=int(dropped),
            met=int(met),
            removed=int(met and not left),
            left=int(left),
            clean=int(state == "clean"),
            dirty=int(state == "dirty"),
        )
        kinds.setdefault((plant["source"], plant["form"]), []).append(counts)
    order = {form: place for place, form in enumerate(FORMS)}
    forms = {
        key: total(Leaked, kinds[key]) for key in sorted(kinds, key=lambda key: (key[0], order.get(key[1], 9), key[1]))
    }
    return {
        "forms": [{"form": form, "source": source, **to_json(counts)} for (source, form), counts in forms.items()],
        "total": to_json(total(Leaked, forms.values())) if forms else None,
        "checked": any(states),
    }


def lines(content: Content) -> Iterator[str]:
    yield "Planted / found"
    damage, leaked = content["damaged"], content["leaks"]["total"]
    listed = f"{damage['found']} of {damage['planted']} listed as rejects"
    yield f"  damaged records  {listed}, {damage['others']} others listed"
    yield "  exact copies     " + _told(content["exact"])
    for row in content["near"]:
        line = f"  near {row['from']:.1f} to {row['to']:.1f}  " + _told(row)
        yield line + (f", {share(row['expected'], 0)} expected" if row["expected"] is not None else "")
    for name, good in (("good pages", True), ("junk pages", False)):
        rows = [row for row in content["pages"] if row["good"] is good]
        documents = sum(row["documents"] for row in rows)
        after = []
        for decision in content["decisions"]:
            stay = sum(row["after"].get(decision["stage"], 0) for row in rows)
            after.append(f"{decision['title']} {stay:,} ({share(ratio(stay, documents))})")
        yield f"  {name:<16} {documents:,} documents{'; ' if after else ''}{', '.join(after)}"
    if leaked:
        yield (
            f"  leaks            {leaked['planted']} planted, {leaked['hit']} of {leaked['extracted']} extracted seen "
            f"by hits; {leaked['dropped']} left with their page, {leaked['met']} met: {leaked['removed']} removed, "
            f"{leaked['left']} remain"
        )
        for row in content["leaks"]["rules"]:
            forms = ", ".join(
                f"{form} {row['forms'][form]['found']} of {row['forms'][form]['looked']}"
                for form in content["leaks"]["order"]
                if form in row["forms"]
            )
            yield f"  leaks by {row['rule']:<8} {forms}; {row['alarms']:,} false alarms of {row['absent']:,}"
        if content["leaks"]["checked"]:
            yield f"  leaks by overlap {leaked['dirty']} dirty, {leaked['clean']} clean"


def _told(row: dict[str, Any]) -> str:
    """One line on planted pairs."""
    return (
        f"{row['planted']} planted, {row['reached']} met, {row['resolved']} of them resolved; "
        f"by signatures {row['signatures']} of {row['extracted']} extracted"
    )


def figures(content: Content) -> dict[str, Plot]:
    if not content["near"] or content["how"] is None:
        return {}
    return {"copies": partial(_copies, rows=content["near"], how=Deduplication(**content["how"]))}


def _copies(axes: Any, rows: list[dict[str, Any]], how: Deduplication) -> None:
    grid = [place / 100 for place in range(30, 101)]
    axes.plot(grid, [1 - (1 - j**how.rows) ** how.bands for j in grid], ":", color=MUTED, label="shares a band")
    verified = [found_by_lsh(j, how.bands, how.rows, how.permutations, how.threshold) for j in grid]
    axes.plot(grid, verified, color=SERIES[1], label="and is verified")
    some = [row for row in rows if row["extracted"]]
    where = [(row["from"] + row["to"]) / 2 for row in some]
    shares = [row["signatures"] / row["extracted"] for row in some]
    axes.plot(where, shares, "o", color=SERIES[0], label="planted pairs found")
    axes.set(
        title="Planted near copies, found by signatures", xlabel="Jaccard similarity", ylabel="share", xlim=(0.3, 1)
    )
    axes.legend(loc="upper left")


PLANTED = Section("planted", "Planted / found", gather, count, figures, lines)
