"""Rejects: records of the input that became no document, by reason and source, and what the reasons mean."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import field

from tasks.report.given import Given, ShardColumns
from tasks.report.section import Content, Counted, Section
from tasks.runtime.job import Job
from tasks.runtime.statistics import statistics, total
from tasks.sources.rejects import KINDS, rejects_of

NAME = "rejects"
SHOWN = 8  # reasons in the summary


@statistics
class Rejected:
    """Records by reason."""

    reasons: dict[str, int] = field(default_factory=dict)


def lists_rejects(columns: ShardColumns) -> bool:
    """Whether the stage that read the source says that it lists what it rejects."""
    declared = columns.given.declarations.get(columns.documents.stage)
    return declared is not None and declared.section == NAME


def count(columns: ShardColumns) -> Rejected:
    if not lists_rejects(columns):
        return Rejected()
    reasons = rejects_of(columns.documents, columns.shard, ["reason"]).column("reason")
    return Rejected(dict(Counter(reasons.to_pylist())))


def gather(job: Job, given: Given, counted: list[Counted[Rejected]]) -> Content:
    sources = {
        source: total(Rejected, [each.counts for each in counted if each.of.source == source]).reasons
        for source in given.documents
    }
    reasons: Counter[str] = sum(map(Counter, sources.values()), Counter())
    kinds = {reason: kind for kind, reasons_of in KINDS.items() for reason in reasons_of}
    meanings = {reason: text for each in given.documents.values() for reason, text in given.reasons(each.stage).items()}
    said = {source: documents.manifest["statistics"] for source, documents in given.documents.items()}
    return {
        "sources": sources,
        # What was read, but not as it should have been: pages in a wider way, values of fields not at all.
        "fell_back": {source: counts["fell_back"] for source, counts in said.items() if counts.get("fell_back")},
        "unread": {source: counts["unread"] for source, counts in said.items() if counts.get("unread")},
        "reasons": [
            {
                "reason": reason,
                "records": records,
                "kind": kinds.get(reason, "damage"),
                "meaning": meanings.get(reason, ""),
            }
            for reason, records in sorted(reasons.items(), key=lambda row: (-row[1], row[0]))
        ],
    }


TOLD = {"loss": "Lost although they had a body", "damage": "Damaged", "policy": "Not wanted"}


def lines(content: Content) -> Iterator[str]:
    """A line for what was lost, one for what was damaged, one for what was not wanted."""
    for kind, words in TOLD.items():
        reasons = [row for row in content["reasons"] if row["kind"] == kind]
        if reasons:
            told = ", ".join(f"{row['reason']} {row['records']:,}" for row in reasons[:SHOWN])
            yield f"{words}: {told}" + (" ..." if len(reasons) > SHOWN else "")
    if content["fell_back"]:
        pages = ", ".join(f"{source} {count:,}" for source, count in content["fell_back"].items())
        yield f"Pages without main content, read in a wider way: {pages}"
    for source, fields in content["unread"].items():
        values = ", ".join(f"{name} {count:,}" for name, count in fields.items())
        yield f"Values that could not be read, {source}: {values}"


REJECTS = Section(NAME, "Rejects", gather, count, lines=lines)
