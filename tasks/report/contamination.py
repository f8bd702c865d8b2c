"""Contamination: benchmark items met in the documents that decontamination met, and what became of these documents."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.decontaminate.cuts import Cut
from tasks.decontaminate.cuts import cuts as cuts_stage
from tasks.decontaminate.frequent import frequent as frequent_stage
from tasks.decontaminate.grams import Grams, Indexed
from tasks.decontaminate.grams import grams as grams_stage
from tasks.decontaminate.hits import hits as hits_stage
from tasks.decontaminate.rules import Judged, effective, leaked, wanted
from tasks.report.given import Given, ShardColumns
from tasks.report.section import Content, Counted, Section
from tasks.runtime.job import Job
from tasks.runtime.shards import read_column
from tasks.runtime.statistics import to_json


@dataclass(frozen=True)
class Met:
    """Of one benchmark: its items, the documents that hold them, and those of these that were cut, or removed whole."""

    items: frozenset[str]
    documents: int
    cut: int
    removed: int


@dataclass(frozen=True)
class MetShard:
    """By benchmark, what the rule that cuts met; and the kept documents in which just these rules find something."""

    benchmarks: dict[str, Met]
    together: dict[tuple[str, ...], int]


def count(columns: ShardColumns) -> MetShard:
    """What a shard's hits and cuts say."""
    hits, cuts = columns.measure(hits_stage), columns.decision(cuts_stage)
    grams, frequent = columns.given.single(grams_stage), columns.given.single(frequent_stage)
    if hits is None or cuts is None or grams is None or frequent is None:
        return MetShard({}, {})
    table = read_column(cuts, columns.shard, ["keep", "reason", "found_by"])
    keep, whole = table.column("keep").to_numpy(), table.column("reason").is_valid().to_numpy()
    how = cuts.manifest["parameters"]
    sought = wanted(grams, frequent, Judged(how["rule"], **how["judged"][how["rule"]]))
    owned = dict(sought.by_benchmark())
    touched = {name: np.zeros(columns.shard.rows, bool) for name in owned}
    before = keep | whole  # kept before this decision
    numbers = np.zeros(len(sought.grams), bool)
    for batch in effective(hits, columns.shard, sought, before):
        numbers[batch["number"]] = True
        for name in owned:
            touched[name][batch["row"][owned[name][batch["number"]]]] = True
    if sought.needed is None:
        items = np.unique(sought.owners[np.repeat(numbers, np.diff(sought.begin))])
    else:
        items = leaked(hits, columns.shard, sought, before)[1]
    met = sought.items.take(pa.array(items))
    return MetShard(
        {
            name: Met(
                frozenset(met.filter(pc.equal(met.column("benchmark"), name)).column("item").to_pylist()),
                int(rows.sum()),
                int((rows & keep).sum()),
                int((rows & whole).sum()),
            )
            for name, rows in sorted(touched.items())
            if rows.any()
        },
        dict(Counter(tuple(found) for found in table.column("found_by").to_pylist() if found)),
    )


def gather(job: Job, given: Given, counted: list[Counted[MetShard]]) -> Content:
    """By benchmark, by source, by length of document, and by rule."""
    grams = given.single(grams_stage)
    decided = given.decided(cuts_stage)
    rule = next((cuts.manifest["parameters"]["rule"] for cuts in decided.values()), "")
    rules = grams.counts(Indexed).rules if grams else {}
    known = rules.get(rule, {})
    benchmarks = []
    for name in list(known) or sorted({name for each in counted for name in each.counts.benchmarks}):
        parts = [each.counts.benchmarks[name] for each in counted if name in each.counts.benchmarks]
        row: dict[str, Any] = {"benchmark": name, **(to_json(known[name]) if name in known else {})}
        row |= {"hit": len(frozenset[str]().union(*(part.items for part in parts)))}
        row |= {"documents": sum(part.documents for part in parts), "cut": sum(part.cut for part in parts)}
        benchmarks.append(row | {"removed": sum(part.removed for part in parts)})
    sources = []
    lengths: dict[int, dict[str, int]] = {}
    for source, cuts in decided.items():
        counts = cuts.counts(Cut)
        for decade, of_length in counts.lengths.items():
            row = lengths.setdefault(int(decade), {"touched": 0, "removed": 0})
            row["touched"] += of_length.touched
            row["removed"] += of_length.removed
        sources.append(
            {
                "source": source,
                "documents": counts.documents,
                "touched": sum(of_length.touched for of_length in counts.lengths.values()),
                "cut": counts.cut,
                "reasons": counts.reasons,
                "bytes": counts.bytes - counts.kept_bytes,
            }
        )
    together: Counter[tuple[str, ...]] = Counter()
    for each in counted:
        together.update(each.counts.together)
    return {
        "rule": rule,
        "benchmarks": benchmarks,
        "reasons": given.reasons(cuts_stage.name),
        "sources": sources,
        "lengths": [{"from": 10**decade, **lengths[decade]} for decade in sorted(lengths)],
        "rules": _rules(rule, rules, together),
    }


def _rules(rule: str, known: dict[str, dict[str, Grams]], together: Counter[tuple[str, ...]]) -> list[dict[str, Any]]:
    """Of each rule, the documents in which it finds benchmark text, of these those that the one that cuts finds too,
    and those that no other does; nothing where there is one rule alone."""
    if len(known) < 2:
        return []
    return [
        {
            "rule": name,
            "cuts": name == rule,
            "too_short": sum(each.too_short for each in by_benchmark.values()),
            "grams": sum(each.grams for each in by_benchmark.values()),
            "documents": sum(count for found, count in together.items() if name in found),
            "shared": sum(count for found, count in together.items() if name in found and rule in found),
            "alone": together[(name,)],
        }
        for name, by_benchmark in known.items()
    ]


def lines(content: Content) -> Iterator[str]:
    for row in content["benchmarks"]:
        yield (
            f"Benchmark {row['benchmark']}: {row['hit']:,} of {row.get('items', 0):,} items met in "
            f"{row['documents']:,} documents, {row['cut']:,} cut, {row['removed']:,} removed"
        )
    for row in content["rules"]:
        yield (
            f"Rule {row['rule']}{' (cuts)' if row['cuts'] else ''}: {row['documents']:,} documents, "
            f"{row['alone']:,} by no other rule"
        )


CONTAMINATION = Section("contamination", "Contamination", gather, count, lines=lines)
