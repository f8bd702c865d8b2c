"""Overlap: the benchmarks against the tokens as trained on, which audits the filter, by each rule that is asked."""

from collections.abc import Iterator

from tasks.evaluation.overlap import Overlapped
from tasks.evaluation.overlap import overlap as overlap_stage
from tasks.evaluation.rules.gpt2 import DIRTY_SHARE
from tasks.report.given import Given
from tasks.report.section import Content, Counted, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import to_json

PAPER = {"problems": 2000, "addition": 17, "subtraction": 2}  # GPT-3, section 3.9.1: three-digit problems met


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content | None:
    audit = given.single(overlap_stage)
    if audit is None:
        return None
    return {**to_json(audit.counts(Overlapped)), "dirty_share": DIRTY_SHARE, "paper": PAPER}


def lines(content: Content) -> Iterator[str]:
    for rule, benchmarks in content["rules"].items():
        for name, row in benchmarks.items():
            states = f"{row['clean']:,} clean, {row['dirty']:,} dirty, {row['uncheckable']:,} uncheckable"
            yield f"Overlap {name} by {rule}: of {row['items']:,} items {states}"
    for name, row in content["arithmetic"].items():
        yield (
            f"Arithmetic {name}: {row['either']:,} of {row['problems']:,} problems stand in training text, "
            f"{row['sign']:,} with a sign, {row['word']:,} in words"
        )


OVERLAP = Section("overlap", "Overlap", gather, lines=lines)
