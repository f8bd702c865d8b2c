"""What an export came from, out of manifests: artifacts back to the inputs, and what each decision left of each source.

Paths of this machine are left out: a local file is named as its documents' ids name it, and by its checksum.
"""

from dataclasses import dataclass
from typing import Any

from tasks.export.files import Made
from tasks.export.rows import Leaving
from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.decisions import chain, decided
from tasks.runtime.job import leaves
from tasks.sources.ingest import Ingested
from tasks.sources.remote.bring import is_remote

PLACES = ("path", "base")  # parameters that say where files lie: of a listed one, and of a crawl's


@dataclass(frozen=True)
class About:
    """What the pipeline's file says of a source."""

    kind: str
    group: str
    licence: str | None  # SPDX
    crawl: str | None  # of Common Crawl


@dataclass(frozen=True)
class Told:
    """What only the user knows, for whom it is to be told."""

    url: str | None = None  # where the export will be found
    creator: str | None = None
    published: str | None = None  # a date, ISO 8601


@dataclass(frozen=True)
class Step:
    """What a decision left of a source's documents (`ingest`: what there was of them); bytes of text in UTF-8."""

    stage: str
    fingerprint: str
    documents: int
    bytes: int
    reasons: dict[str, int]  # why others left
    cut: int  # documents that stay without some of their text


@dataclass(frozen=True)
class Exported:
    """An export as it is told of: by source what the pipeline says, what was read, and what each step left; files."""

    title: str
    form: str
    identity: str  # a hash of all that its bytes depend on
    version: str  # of Millrace
    told: Told
    about: dict[str, About]
    read: dict[str, Ingested]
    steps: dict[str, list[Step]]
    files: list[Made]

    @property
    def sources(self) -> list[str]:
        """Those of which anything left."""
        there = {made.source for made in self.files}
        return [source for source in self.about if source in there]

    def of(self, source: str) -> list[Made]:
        return [made for made in self.files if made.source == source]


def funnel(leaving: Leaving) -> list[Step]:
    """From all documents of a source to those that leave."""
    documents, counts = leaving.documents, leaving.documents.counts(Ingested)
    steps = [Step("ingest", documents.fingerprint, counts.documents, counts.text_bytes, {}, 0)]
    for decision in reversed(list(chain(leaving.decision))):
        found = decided(decision)
        reasons = {reason: count for reason, count in found.reasons.items() if count}
        steps.append(Step(decision.stage, decision.fingerprint, found.kept, found.kept_bytes, reasons, found.cut))
    return steps


def ancestors(leaving: list[Leaving]) -> list[dict[str, Any]]:
    """Every artifact that had a part in what leaves, in the order of labels: what went into its fingerprint."""
    found: dict[str, Artifact] = {}
    waiting = [part for each in leaving for part in (each.documents, each.decision, each.score) if part is not None]
    while waiting:
        artifact = waiting.pop()
        if artifact.label not in found:
            found[artifact.label] = artifact
            inputs = leaves(artifact.manifest["inputs"])
            waiting.extend(artifact_at(label, artifact.store) for label in inputs)
    return [_told(found[label]) for label in sorted(found)]


def _told(artifact: Artifact) -> dict[str, Any]:
    manifest = artifact.manifest
    return {
        "stage": manifest["stage"],
        "name": manifest["name"],
        "fingerprint": manifest["fingerprint"],
        "files": manifest["files"],
        "inputs": manifest["inputs"],
        "parameters": _placeless(manifest["parameters"]),
        "libraries": manifest["libraries"],
        "code": manifest["code"],
    }


def _placeless(value: Any) -> Any:
    """Parameters without the folders of the machine: of a file that was listed, its name and checksum stay."""
    if isinstance(value, dict):
        return {key: _placeless(item) for key, item in value.items() if key not in PLACES or is_remote(str(item))}
    return [_placeless(item) for item in value] if isinstance(value, list) else value
