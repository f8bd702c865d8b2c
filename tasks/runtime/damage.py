"""Damage: what differs between an artifact and its manifest, and what was made of inputs that are no longer there.

An artifact is sound if its manifest and files.parquet are as they were written, its files have their checksums, there
is no file too many, and each of its inputs still has the content that it consumed. Whatever was made of an artifact
that is not sound is named too: its descendants.
"""

from dataclasses import dataclass, field

import pyarrow as pa

from tasks.runtime.artifact import FILES, MANIFEST, Artifact, File, artifact_at, counted
from tasks.runtime.errors import Failure
from tasks.runtime.store import Entry


@dataclass
class Damage:
    """Of one artifact: sentences, the files to be made anew, and how much was looked at.

    `whole`: the manifest or the listing is lost or wrong, so that nothing says what the files should be.
    """

    sentences: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # names in the artifact; those to be removed first
    whole: bool = False
    files: int = 0
    bytes: int = 0


def damage(artifacts: list[Artifact]) -> dict[str, Damage]:
    """By label, of built artifacts in the order of the DAG."""
    checked: dict[str, Damage] = {}
    for artifact in artifacts:
        found = of_one(artifact)
        checked[artifact.label] = found
        if found.whole:
            continue
        found.sentences += consumed_otherwise(artifact)
        for label in artifact.manifest["consumed"]:
            if label in checked and checked[label].sentences:
                found.sentences.append(f"{artifact.where()} was made of {label}, which is damaged")
    return checked


def consumed_otherwise(artifact: Artifact) -> list[str]:
    """The inputs that have other bytes now than the artifact was made of, a sentence each; its manifest is sound."""
    sentences = []
    for label, content in artifact.manifest["consumed"].items():
        used = artifact_at(label, artifact.store)
        try:
            now = used.content if used.built else content  # one that is gone is built again, to the same bytes
        except Failure:
            continue  # told of the input itself
        if now != content:
            sentences.append(f"{artifact.where()} was made of other bytes than {label} has now")
    return sentences


def of_one(artifact: Artifact) -> Damage:
    """What differs between an artifact's files and its manifest; it is built."""
    found = Damage()
    try:
        listed = artifact.files()
    except (Failure, OSError, pa.ArrowException) as error:
        return Damage([str(error)], [MANIFEST, FILES], whole=True)
    there = {entry.name.removeprefix(f"{artifact.label}/"): entry for entry in artifact.store.list(artifact.label)}
    for name, row in listed.items():
        found.files += 1
        found.bytes += row.bytes
        if sentence := _of_file(artifact, row, there):
            found.sentences.append(sentence)
            found.wrong.append(name)
    for name in sorted(there):
        if counted(name) and name not in listed:
            found.sentences.append(f"{artifact.where(name)} is not in its manifest")
            found.wrong.append(name)
    return found


def _of_file(artifact: Artifact, row: File, there: dict[str, Entry]) -> str | None:
    name = row.file
    if name not in there:
        return f"{artifact.where(name)} is missing"
    if there[name].bytes != row.bytes:
        return f"{artifact.where(name)} has {there[name].bytes} bytes, its manifest says {row.bytes}"
    if artifact.store.sha256(artifact.name_of(name)) != row.sha256:
        return f"{artifact.where(name)} has another checksum than its manifest says"
    return None
