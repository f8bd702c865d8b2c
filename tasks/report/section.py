"""What a section of the report is. One file a section: tasks/report/<name>.py, and html/<name>.html.j2 for the page.

Its name is what stages declare as `section=`; it is shown where a stage of the run declares it (sections.py).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from tasks.report.given import Given, ShardColumns
from tasks.runtime.job import Job

C = TypeVar("C")  # what it counts of one shard: a small frozen dataclass
Plot = Callable[[Any], None]  # draws on an Axes
Content = dict[str, Any]  # JSON: what report.json holds of the section, and its template shows


class Counted(NamedTuple, Generic[C]):
    """A shard, and what the section counted of it."""

    of: ShardColumns
    counts: C


def _no_plots(content: Content) -> dict[str, Plot]:
    return {}


def _no_lines(content: Content) -> Iterator[str]:
    return iter(())


def _no_tiles(content: Content) -> list[tuple[str, str]]:
    return []


@dataclass(frozen=True)
class Section(Generic[C]):
    """A section's parts, all but `gather` optional.

    `count` runs in a worker, for every shard of every source. `gather` adds up what was counted, in the order of the
    shards, and reads statistics; None where there is nothing to show. `figures` are by name, `lines` stand in the
    summary, and `tiles` (a figure in words, what it is) at the head of the page.
    """

    name: str
    heading: str
    gather: Callable[[Job, Given, list[Counted[C]]], Content | None]
    count: Callable[[ShardColumns], C] | None = None
    figures: Callable[[Content], dict[str, Plot]] = _no_plots
    lines: Callable[[Content], Iterator[str]] = _no_lines
    tiles: Callable[[Content], list[tuple[str, str]]] = _no_tiles
