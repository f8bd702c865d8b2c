"""What an artifact holds, counted where it is built: the sizes that a plan reckons with."""

from dataclasses import dataclass, replace
from typing import Any

from tasks.runtime.artifact import Artifact


@dataclass(frozen=True)
class Held:
    """None: not known. `by`: what the figures rest on that were not counted; empty where all were."""

    input: float | None = None  # bytes of the files that were read
    documents: float | None = None  # of a decision: those that stay
    text: float | None = None  # bytes of their text
    tokens: float | None = None
    disk: float | None = None  # bytes of the artifact
    kind: str = ""  # of input, as ratios and paces know it: warc, wet, jsonl ...
    by: tuple[str, ...] = ()

    def but(self, **changed: Any) -> "Held":
        return replace(self, **changed)

    @property
    def estimated(self) -> bool:
        return bool(self.by)


NOTHING = Held()


def counted(artifact: Artifact) -> Held:
    """Of a built artifact, by its manifest and its list of files.

    Raises:
        Failure: it is not built, or damaged.
    """
    manifest = artifact.manifest
    held = of_statistics(artifact.stage, manifest["statistics"], manifest["parameters"])
    return held.but(disk=float(sum(row.bytes for row in artifact.files().values())))


def of_statistics(stage: str, told: dict[str, Any], parameters: dict[str, Any]) -> Held:
    """What a stage counted."""
    if stage == "ingest":
        kind = kind_of(parameters, "conversion" in (told.get("records") or {}))
        return Held(told.get("bytes"), told.get("documents"), told.get("text_bytes"), kind=kind)
    if stage == "select":
        return Held(told.get("asked"))
    if stage == "labelled":
        return Held(told.get("bytes"), told.get("documents"), told.get("text_bytes"))
    if stage == "tokens":
        tokens = told.get("train", 0) + told.get("validation", 0)
        return Held(None, told.get("documents"), told.get("bytes"), tokens)
    if stage == "buckets":
        return Held(documents=told.get("classes"))
    if "kept" in told:
        kept = told["kept"]
        return Held(None, kept, told.get("kept_bytes")) if isinstance(kept, int) else NOTHING
    if stage == "mixture":
        return Held(tokens=told.get("budget"))
    items = told.get("items", told.get("documents"))
    return Held(documents=items) if isinstance(items, int) else NOTHING


def kind_of(parameters: dict[str, Any], wet: bool) -> str:
    """The kind of an ingest's input; of WARC files, whether they hold pages or their text."""
    kind = str(parameters.get("kind", ""))
    return "wet" if kind == "warc" and wet else kind
