"""Funnel: of each source, what every decision left of its documents, and why the others left."""

from collections.abc import Iterator
from typing import Any

from tasks.report.formats import number, size
from tasks.report.given import Given
from tasks.report.section import Content, Counted, Section
from tasks.runtime.decisions import decided
from tasks.runtime.job import Job
from tasks.tokens.tokens import Tokenised
from tasks.tokens.tokens import tokens as tokens_stage

INGEST, TOKENS = "ingest", "tokens"  # the steps before the first decision and behind the last


def gather(job: Job, given: Given, counted: list[Counted[None]]) -> Content:
    return funnel_of(given)


def funnel_of(given: Given) -> Content:
    """A row a source, a step a decision; the decisions in their order, with titles and what their reasons mean."""
    tokens = given.named(tokens_stage)
    rows = []
    for source in given.documents:
        steps: list[dict[str, Any]] = []
        for decision in given.decisions.get(source, ()):
            counts = decided(decision)
            if not steps:
                before = {"documents": counts.documents, "bytes": counts.bytes, "reasons": {}, "cut": 0}
                steps.append({"step": INGEST, **before})
            steps.append(
                {
                    "step": decision.stage,
                    "documents": counts.kept,
                    "bytes": counts.kept_bytes,
                    "reasons": {reason: count for reason, count in counts.reasons.items() if count},
                    "cut": counts.cut,
                }
            )
        if source in tokens:
            packed = tokens[source].counts(Tokenised)
            total = packed.train + packed.validation
            steps.append({"step": TOKENS, "documents": packed.documents, "bytes": packed.bytes, "tokens": total})
        rows.append({"source": source, "group": given.groups.get(source, source), "steps": steps})
    titles = given.titles()
    order = sorted(titles, key=lambda stage: _depth(given, stage))
    return {
        "sources": rows,
        "decisions": [{"stage": stage, "title": titles[stage], "reasons": _asked(given, stage)} for stage in order],
    }


def _asked(given: Given, stage: str) -> dict[str, str]:
    """The reasons that a decision counted on any source, be they none: of its rules, those that conf gives limits."""
    counted = {
        reason
        for decisions in given.decisions.values()
        for decision in decisions
        if decision.stage == stage
        for reason in decided(decision).reasons
    }
    return {reason: meaning for reason, meaning in given.reasons(stage).items() if reason in counted}


def _depth(given: Given, stage: str) -> int:
    """How far down a source's list a decision stands, at most: sources may lack some."""
    return max(
        number
        for decisions in given.decisions.values()
        for number, decision in enumerate(decisions)
        if decision.stage == stage
    )


def lines(content: Content) -> Iterator[str]:
    rows = content["sources"]
    titles = {INGEST: "ingested"} | {
        each["stage"]: each["title"].removeprefix("after ") for each in content["decisions"]
    }
    if not content["decisions"]:
        return
    wide = {step: max(16, len(title) + 1) for step, title in titles.items()}
    yield (
        "Documents "
        + " " * 14
        + "".join(f"{title:>{wide[step]}}" for step, title in titles.items())
        + f"{'tokens':>16}"
    )
    for row in rows:
        steps = {step["step"]: step for step in row["steps"]}
        counts = "".join(
            f"{number(steps[step]['documents']) if step in steps else '-':>{wide[step]}}" for step in titles
        )
        yield f"  {row['source']:<22}{counts}{number(steps[TOKENS]['tokens']) if TOKENS in steps else '-':>16}"
    totals = {
        step: sum(each["bytes"] for row in rows for each in row["steps"] if each["step"] == step) for step in titles
    }
    yield f"  {'bytes':<22}" + "".join(f"{size(total):>{wide[step]}}" for step, total in totals.items())


def tiles(content: Content) -> list[tuple[str, str]]:
    """Documents ingested, those in the corpus, and tokens; nothing where there are no sources."""
    if not content["sources"]:
        return []
    documents = [[step for step in row["steps"] if step["step"] != TOKENS] for row in content["sources"]]
    first, last = [[steps[place] for steps in documents if steps] for place in (0, -1)]
    tokens = sum(step.get("tokens", 0) for row in content["sources"] for step in row["steps"])
    of_documents = [
        (
            number(sum(step["documents"] for step in first)),
            f"documents ingested, {size(sum(step['bytes'] for step in first))}",
        ),
        (
            number(sum(step["documents"] for step in last)),
            f"documents in the corpus, {size(sum(step['bytes'] for step in last))}",
        ),
    ]
    return [*of_documents, (number(tokens), "tokens")] if tokens else of_documents


FUNNEL = Section("funnel", "Funnel", gather, lines=lines, tiles=tiles)
