"""The page of a run that is going, or was stopped: where it is, and what is known already, of manifests alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tasks.report import lineage
from tasks.report.funnel import FUNNEL, funnel_of
from tasks.report.given import By, Declaration, Given
from tasks.report.lineage import Node
from tasks.report.page import drawn, environment
from tasks.runtime.artifact import Artifact
from tasks.runtime.stage import Stage
from tasks.sources.ingest import ingest
from tasks.tokens.tokens import tokens

REFRESH = 10  # seconds after which a browser loads the page again
SILENCE = 60  # seconds: a run that goes writes its page at least as often


@dataclass(frozen=True)
class Doing:
    """A stage at work: what it is of, since how many seconds, and how far (of its own units) with the time left."""

    stage: str
    name: str
    seconds: float
    done: int = 0
    total: int = 0
    left: str = ""  # in words; "" where nothing tells


@dataclass(frozen=True)
class Standing:
    """A run as it stands. Times are seconds since 1970; `error`: what ended it, None while it goes."""

    title: str
    began: float
    now: float
    doing: Sequence[Doing] = ()
    error: str | None = None


def render(standing: Standing, nodes: Sequence[Node], stages: Mapping[str, Stage], store: str) -> str:
    """The page. `nodes` are the run's artifacts with their states, `stages` theirs, `store` is as people read it."""
    made = environment()
    sections = []
    given = known(nodes, stages)
    if any(given.decisions.values()):
        sections.append(drawn(made, FUNNEL.name, FUNNEL.heading, s=funnel_of(given)))
    if plan := lineage.drawing(nodes):
        told: dict[str, Any] = {"drawing": plan, "nodes": nodes, "store": store}
        shown = {FUNNEL.name: FUNNEL.heading} if sections else {}
        sections.append(drawn(made, lineage.NAME, lineage.HEADING, **told, shown=shown))
    states = [node.state for node in nodes]
    return made.get_template("live.html.j2").render(
        title=standing.title,
        standing=standing,
        sections=sections,
        began=told_time(standing.began),
        now=told_time(standing.now),
        states=states,
        waiting=[node for node in nodes if node.state == "to do"],
        stopped=[node for node in nodes if node.state == "stopped"],
        refresh=REFRESH if standing.error is None else None,
        silence=SILENCE,
    )


def told_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def known(nodes: Sequence[Node], stages: Mapping[str, Stage]) -> Given:
    """What is there of the sources: documents, decisions in the order of the run, and tokens."""
    there = [node.artifact for node in nodes if node.state in ("built", "cached")]
    documents: By = {each.name: each for each in there if each.stage == ingest.name}
    decisions: dict[str, list[Artifact]] = {}
    for each in there:
        if stages[each.stage].kind == "decision" and each.name in documents:
            decisions.setdefault(each.name, []).append(each)
    return Given(
        {source: of for source, of in documents.items() if source in decisions},
        {},
        {source: tuple(of) for source, of in decisions.items()},
        {tokens.name: {each.name: each for each in there if each.stage == tokens.name}},
        {name: Declaration.of(what) for name, what in stages.items()},
        {},
        frozenset(),
    )
