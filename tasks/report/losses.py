"""Losses: each decision that takes more than half of what it met of a source, with examples of what left and stayed.

Nothing vanishes without a word: a deduplication that takes a whole library for copies shows here. A draw whose odds are
known (a stage's `drawn`) loses most of a source because it is meant to, and is told without alarm.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.kernels.draw import uniform
from tasks.report.formats import number, share
from tasks.report.given import Given, ShardColumns
from tasks.report.section import Content, Counted, Section
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import decided, loses_most, means_to
from tasks.runtime.job import Job
from tasks.runtime.shards import batches, read, read_column
from tasks.sources.retracted import retracted

SHOWN = 10  # documents of a side
EXCERPT = 80  # characters
Drawn = list[tuple[float, dict[str, str]]]  # examples, each by its draw


@dataclass(frozen=True)
class Sides:
    """Of a shard, the documents of the lowest draws among those that left and among those that stay."""

    left: Drawn
    stayed: Drawn


def losing(given: Given, source: str) -> list[Artifact]:
    """The decisions that take most of a source, in their order.

    Documents that were taken back left because a list names them, and no page shows what they say.
    """
    decisions = [each for each in given.decisions.get(source, ()) if each.stage != retracted.name]
    return [decision for decision in decisions if loses_most(decided(decision))]


def count(columns: ShardColumns) -> dict[str, Sides]:
    """Examples by decision; no text is read where nothing takes most of the source."""
    decisions = losing(columns.given, columns.source)
    if not decisions:
        return {}
    ids = read(columns.shard, ["id"]).column("id")
    draws = uniform(ids, 0, "losses")
    found = {}
    for decision in decisions:
        table = read_column(decision, columns.shard, ["keep", "reason"])
        reasons = table.column("reason")
        sides = (reasons.is_valid().to_numpy(), table.column("keep").to_numpy())
        chosen = [_lowest(draws, side) for side in sides]
        texts = beginnings(columns.shard, sorted({row for rows in chosen for row in rows}))
        found[decision.stage] = Sides(
            *(
                [
                    (
                        float(draws[row]),
                        {"id": ids[row].as_py(), "reason": reasons[row].as_py() or "", "begins": texts[row]},
                    )
                    for row in rows
                ]
                for rows in chosen
            )
        )
    return found


def _lowest(draws: np.ndarray, side: np.ndarray) -> list[int]:
    rows = np.flatnonzero(side)
    chosen: list[int] = rows[np.argsort(draws[rows], kind="stable")[:SHOWN]].tolist()
    return chosen


def beginnings(shard: Shard, rows: list[int]) -> dict[int, str]:
    """The first characters of these rows' texts, white space as single spaces."""
    found, first, waiting = {}, 0, list(rows)
    for batch in batches(shard, ["text"]) if rows else ():
        while waiting and waiting[0] < first + batch.num_rows:
            row = waiting.pop(0)
            text = batch.column("text")[row - first].as_py() or ""
            found[row] = " ".join(text[: 4 * EXCERPT].split())[:EXCERPT]
        first += batch.num_rows
    return found


def gather(job: Job, given: Given, counted: list[Counted[dict[str, Sides]]]) -> Content | None:
    losses = []
    for source in given.documents:
        for decision in losing(given, source):
            sides = [each.counts[decision.stage] for each in counted if each.of.source == source]
            counts = decided(decision)
            losses.append(
                {
                    "source": source,
                    "stage": decision.stage,
                    "documents": counts.documents,
                    "kept": counts.kept,
                    "bytes": counts.bytes,
                    "kept_bytes": counts.kept_bytes,
                    "reasons": {reason: left for reason, left in counts.reasons.items() if left},
                    "meant": means_to(decision, given.declarations[decision.stage].drawn),
                    "expected": decision.manifest["statistics"].get("expected"),
                    "left": _merged([side.left for side in sides]),
                    "stayed": _merged([side.stayed for side in sides]),
                }
            )
    return {"losses": losses} if losses else None


def _merged(parts: list[Drawn]) -> list[dict[str, str]]:
    drawn = sorted((example for part in parts for example in part), key=lambda example: (example[0], example[1]["id"]))
    return [example for _, example in drawn[:SHOWN]]


def sentence(loss: dict[str, Any]) -> str:
    """What was lost, in a line."""
    kept = loss["kept"] / loss["documents"] if loss["documents"] else 0.0
    if loss["meant"]:
        expected = share(loss["expected"] / loss["documents"])
        return (
            f"{loss['source']}: {loss['stage']} leaves {share(kept)} of {number(loss['documents'])} documents, by a "
            f"draw that was to leave {expected}"
        )
    why = ", ".join(f"{reason} {number(left)}" for reason, left in loss["reasons"].items()) or "by cuts"
    lost_bytes = 1 - loss["kept_bytes"] / loss["bytes"] if loss["bytes"] else 0.0
    return (
        f"{loss['source']}: {loss['stage']} drops {share(1 - kept)} of {number(loss['documents'])} documents, "
        f"{share(lost_bytes)} of bytes ({why})"
    )


def lines(content: Content) -> Iterator[str]:
    for loss in content["losses"]:
        if loss["meant"]:
            yield f"Losses   {sentence(loss)}"
        else:
            yield f"WARNING  {sentence(loss)}; see the page for examples of what left and stayed"


def markdown(content: Content) -> str:
    """The section for Prefect: what left beside what stayed, as tables."""
    parts = []
    for loss in content["losses"]:
        parts += ["", f"### {'' if loss['meant'] else 'WARNING '}{_cell(sentence(loss))}", ""]
        parts += ["| left | stayed |", "|---|---|"]
        for row in range(max(len(loss["left"]), len(loss["stayed"]))):
            sides = [side[row] if row < len(side) else None for side in (loss["left"], loss["stayed"])]
            parts.append(f"| {' | '.join(_cell(_told(example)) for example in sides)} |")
    return "\n".join(parts)


def _told(example: dict[str, str] | None) -> str:
    if example is None:
        return ""
    reason = f" ({example['reason']})" if example["reason"] else ""
    return f"{example['id']}{reason} {example['begins']}"


def _cell(text: str) -> str:
    """Text of a document as a cell of a Markdown table: nothing of it is markup."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return "".join(f"\\{char}" if char in "\\`*_{}[]()<>#+!|~" else char for char in plain)


LOSSES = Section("losses", "Losses", gather, count, lines=lines)
