"""What the report is given: artifacts by what they are, and what their stages declare of themselves."""

from dataclasses import dataclass, field
from typing import Any

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.stage import Stage

By = dict[str, Artifact]  # by the name of a source, benchmark or model


@dataclass(frozen=True)
class DeclaredColumn:
    """A column that a stage writes for each shard, row by row; its type as Arrow prints it, "" where it varies."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Declaration:
    """What the report knows of a stage; see tasks/runtime/stage.py for what the fields mean."""

    kind: str
    title: str = ""
    section: str = ""
    purpose: str = ""
    reasons: dict[str, str] = field(default_factory=dict)
    columns: tuple[DeclaredColumn, ...] = ()
    drawn: tuple[str, ...] = ()

    @classmethod
    def of(cls, what: Stage) -> "Declaration":
        columns = tuple(
            DeclaredColumn(column.name, str(column.type) if column.type is not None else "", column.meaning)
            for column in what.columns
        )
        return cls(what.kind, what.title, what.section, what.purpose, dict(what.reasons), columns, what.drawn)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Declaration":
        """As the stage's parameter holds it: `dataclasses.asdict` of one."""
        columns = tuple(DeclaredColumn(**column) for column in value["columns"])
        return cls(**{**value, "columns": columns, "drawn": tuple(value["drawn"])})


@dataclass(frozen=True)
class Given:
    """A run's artifacts. Dictionaries by source are in priority order; a source's decisions in the order of the DAG."""

    documents: By
    measures: dict[str, By]  # by source, then by stage
    decisions: dict[str, tuple[Artifact, ...]]
    others: dict[str, By]  # by stage, then by name
    declarations: dict[str, Declaration]  # by stage
    groups: dict[str, str]  # of sources
    sections: frozenset[str]  # names of those that a stage may declare

    def single(self, what: Stage) -> Artifact | None:
        """What a stage made that makes one thing for the whole run; None where it was not asked."""
        return next(iter(self.named(what).values()), None)

    def named(self, what: Stage) -> By:
        """What a stage made that is no measure or decision of a source, by name."""
        return self.others.get(what.name, {})

    def measured(self, what: Stage) -> By:
        """A measure, of the sources that have it."""
        return {source: by[what.name] for source, by in self.measures.items() if what.name in by}

    def decided(self, what: Stage) -> By:
        """A decision, of the sources that have it."""
        return {
            source: decision
            for source, decisions in self.decisions.items()
            for decision in decisions
            if decision.stage == what.name
        }

    def title(self, stage: str) -> str:
        """What the funnel calls the documents that a decision leaves."""
        declared = self.declarations.get(stage)
        return (declared.title if declared else "") or f"after {stage}"

    def titles(self) -> dict[str, str]:
        """Of every decision on a source, in the order in which they are met."""
        return {decision.stage: self.title(decision.stage) for each in self.decisions.values() for decision in each}

    def reasons(self, stage: str) -> dict[str, str]:
        """Why a decision drops a document, or an input lists no document of a record: each reason with its meaning."""
        declared = self.declarations.get(stage)
        return declared.reasons if declared else {}

    def shards(self) -> list["ShardColumns"]:
        """Every shard of every source, in order."""
        return [
            ShardColumns(source, shard, self)
            for source, artifact in self.documents.items()
            for shard in artifact.shards()
        ]


@dataclass(frozen=True)
class ShardColumns:
    """A shard of a source, and the way to its columns. A worker gets it."""

    source: str
    shard: Shard
    given: Given

    @property
    def documents(self) -> Artifact:
        return self.given.documents[self.source]

    @property
    def decisions(self) -> tuple[Artifact, ...]:
        return self.given.decisions.get(self.source, ())

    def measure(self, what: Stage) -> Artifact | None:
        return self.given.measures.get(self.source, {}).get(what.name)

    def decision(self, what: Stage) -> Artifact | None:
        return next((decision for decision in self.decisions if decision.stage == what.name), None)
