"""Contamination: benchmark items met in the documents that decontamination met, and what became of these documents."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.decontaminate.cuts import Cut
from tasks.decontaminate.cuts import cuts as cuts_stage
from tasks.decontaminate.frequent import frequent as frequent_stage
from tasks.decontaminate.frequent import frequent_grams
from tasks.decontaminate.grams import Indexed
from tasks.decontaminate.grams import grams as grams_stage
from tasks.decontaminate.hits import hits as hits_stage
from tasks.decontaminate.hits import hits_of
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


def count(columns: ShardColumns) -> dict[str, Met]:
    """By benchmark."""
    hits, cuts = columns.measure(hits_stage), columns.decision(cuts_stage)
    if hits is None or cuts is None:
        return {}
    met = hits_of(hits, columns.shard, ["row", "gram", "benchmark", "item"])
    table = read_column(cuts, columns.shard, ["keep", "reason"])
    keep, whole = table.column("keep").to_numpy(), table.column("reason").is_valid().to_numpy()
    row = met.column("row").to_numpy()
    counts = (keep | whole)[row]  # kept before this decision
    if (frequent := columns.given.single(frequent_stage)) is not None:
        counts &= ~np.isin(met.column("gram").to_numpy(), frequent_grams(frequent))
    met, row = met.filter(pa.array(counts)), row[counts]
    names = met.column("benchmark").to_numpy(zero_copy_only=False)
    items = met.column("item").to_numpy(zero_copy_only=False)
    benchmarks = {}
    for name in sorted(set(names.tolist())):
        touched = np.unique(row[names == name])
        benchmarks[name] = Met(
            frozenset(items[names == name].tolist()), len(touched), int(keep[touched].sum()), int(whole[touched].sum())
        )
    return benchmarks


def gather(job: Job, given: Given, counted: list[Counted[dict[str, Met]]]) -> Content:
    """By benchmark, by source and by length of document."""
    grams = given.single(grams_stage)
    known = grams.counts(Indexed).benchmarks if grams else {}
    benchmarks = []
    for name in list(known) or sorted({name for each in counted for name in each.counts}):
        parts = [each.counts[name] for each in counted if name in each.counts]
        row: dict[str, Any] = {"benchmark": name, **(to_json(known[name]) if name in known else {})}
        row |= {"hit": len(frozenset[str]().union(*(part.items for part in parts)))}
        row |= {"documents": sum(part.documents for part in parts), "cut": sum(part.cut for part in parts)}
        benchmarks.append(row | {"removed": sum(part.removed for part in parts)})
    sources = []
    lengths: dict[int, dict[str, int]] = {}
    for source, cuts in given.decided(cuts_stage).items():
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
    return {
        "benchmarks": benchmarks,
        "reasons": given.reasons(cuts_stage.name),
        "sources": sources,
        "lengths": [{"from": 10**decade, **lengths[decade]} for decade in sorted(lengths)],
    }


def lines(content: Content) -> Iterator[str]:
    for row in content["benchmarks"]:
        yield (
            f"Benchmark {row['benchmark']}: {row['hit']:,} of {row.get('items', 0):,} items met in "
            f"{row['documents']:,} documents, {row['cut']:,} cut, {row['removed']:,} removed"
        )


CONTAMINATION = Section("contamination", "Contamination", gather, count, lines=lines)
