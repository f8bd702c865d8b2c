"""Overlap: the benchmarks against the tokens as trained on, which audits the filter."""

from collections.abc import Iterator

from tasks.evaluation.overlap import Overlapped
from tasks.evaluation.overlap import overlap as overlap_stage
from tasks.report.given import Given
from tasks.report.section import Content, Counted, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    audit = given.single(overlap_stage)
    return to_json(audit.counts(Overlapped)) if audit else None


def lines(content: Content) -> Iterator[str]:
    for name, row in content["benchmarks"].items():
        states = f"{row['clean']:,} clean, {row['dirty']:,} dirty, {row['uncheckable']:,} uncheckable"
        yield f"Overlap {name}: of {row['items']:,} items {states}"


OVERLAP = Section("overlap", "Overlap", gather, lines=lines)
