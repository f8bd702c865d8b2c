"""A task's items, each once: those of one of the ways in which the task was asked."""

from typing import Any

from tasks.evaluation.asking.table import scored_of
from tasks.evaluation.scores import Scored
from tasks.runtime.artifact import Artifact


def rows_of(scores: Artifact) -> list[dict[str, Any]]:
    """The rows of SCORED of the way that did best on development items, where one was so chosen, else of the first."""
    counts = scores.counts(Scored)
    way = counts.ways[counts.chosen or next(iter(counts.ways))]
    wanted = {name: getattr(way, name) for name in ("shots", "template", "draw", "step")}
    return [row for row in scored_of(scores).to_pylist() if all(row[name] == of for name, of in wanted.items())]
