"""One document's fate: what each stage that declares itself says of it, and whose copy it was taken for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from tasks.runtime.artifact import Artifact
from tasks.runtime.decisions import tell_decision, tell_measure
from tasks.runtime.run import Run
from tasks.runtime.shards import read_column
from tasks.runtime.stage import Place, Stage, Tell

WORDS = 20_000  # of either text that are compared: difflib's time grows faster than the texts
SPACED = re.compile(r"\S+\s*")


@dataclass(frozen=True)
class Told:
    """What an artifact says of a document: lines, and its columns' values in the document's row (None where it has no
    such row); `built` or not."""

    stage: str
    label: str
    built: bool
    says: list[str]
    columns: dict[str, Any] | None


def fate(run: Run, place: Place, values: bool = False) -> Iterator[Told]:
    """In the order of the DAG; stages that are not built are told as such. With `values` the columns, too."""
    others = {(artifact.stage, artifact.name): artifact for artifact in run.artifacts if artifact.built}
    for artifact in run.artifacts:
        what = run.stages[artifact.stage]
        tell = teller(what)
        if tell is None or not (what.everywhere or artifact.name == place.source):
            continue
        if not artifact.built and not what.everywhere:
            yield Told(what.name, artifact.label, False, ["not built"], None)
            continue
        columns = row_of(artifact, what, place) if values else None
        yield Told(what.name, artifact.label, artifact.built, list(tell(artifact, place, others)), columns)


def teller(what: Stage) -> Tell | None:
    """How a stage's artifact speaks of a document: its own way, else by its columns; None for one that has none."""
    if what.tell is not None:
        return what.tell
    if what.kind == "decision" and what.columns:
        return tell_decision
    return tell_measure if what.columns else None


def row_of(artifact: Artifact, what: Stage, place: Place) -> dict[str, Any] | None:
    """What an artifact's columns hold of a document, bytes left out."""
    if what.kind not in ("measure", "decision") or not what.columns or not artifact.built:
        return None
    (row,) = read_column(artifact, place.shard).slice(place.row, 1).to_pylist()
    return {name: value for name, value in row.items() if not isinstance(value, bytes)}


def decisions(run: Run, source: str) -> list[Artifact]:
    """Those on a source that are built, in the order of the DAG."""
    return [
        artifact
        for artifact in run.artifacts
        if artifact.name == source and artifact.built
        if run.stages[artifact.stage].kind == "decision" and run.stages[artifact.stage].columns
    ]


def standing(run: Run, place: Place) -> str:
    """`kept`, or which decision dropped it and why; `not decided` where none is built."""
    answer = "not decided"
    for decision in decisions(run, place.source):
        (row,) = read_column(decision, place.shard, ["keep", "reason"]).slice(place.row, 1).to_pylist()
        if row["reason"]:
            return f"dropped by {decision.stage}: {row['reason']}"
        answer = "kept" if row["keep"] else "dropped"
    return answer


def witness_of(run: Run, place: Place) -> tuple[str, float | None] | None:
    """The id of the document that stays and that this one left for, and how alike they are."""
    for decision in decisions(run, place.source):
        if any(column.name == "duplicate_of" for column in run.stages[decision.stage].columns):
            (row,) = read_column(decision, place.shard).slice(place.row, 1).to_pylist()
            if row["duplicate_of"]:
                return row["duplicate_of"], row.get("similarity")
    return None


@dataclass(frozen=True)
class Difference:
    """A run of words, the same in both texts or not."""

    alike: bool
    left: str
    right: str


def differences(left: str, right: str) -> list[Difference]:
    """Two texts word by word, of each the first WORDS words: runs that are alike, and what stands between them."""
    words_left, words_right = (SPACED.findall(text)[:WORDS] for text in (left, right))
    bare_left, bare_right = ([word.rstrip() for word in words] for words in (words_left, words_right))
    return [
        Difference(what == "equal", "".join(words_left[a:b]), "".join(words_right[c:d]))
        for what, a, b, c, d in SequenceMatcher(None, bare_left, bare_right).get_opcodes()
    ]
