"""`millrace verify`: every file of every built artifact against the checksum in its manifest."""

import pyarrow as pa
from rich.console import Console

from tasks.runtime.errors import Failure
from tasks.runtime.store import FILES, Artifact, damage


def show(console: Console, artifacts: list[Artifact]) -> bool:
    """Print what is damaged, and the counts; whether all is well."""
    found: list[str] = []
    built = [artifact for artifact in artifacts if artifact.built]
    files = size = 0
    for artifact in built:
        found += check(artifact)
        rows = _rows(artifact)
        files += len(rows)
        size += sum(row["bytes"] for row in rows)
    for sentence in found:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    rest = len(artifacts) - len(built)
    console.print(
        f"{len(built)} artifacts, {files:,} files, {size:,} bytes checked; {len(found)} damaged; "
        f"{rest} artifacts are not built",
        highlight=False,
    )
    return not found


def check(artifact: Artifact) -> list[str]:
    """A sentence for everything that is wrong with an artifact."""
    try:
        manifest = artifact.manifest
    except Failure as failure:
        return [str(failure)]
    found = []
    if {key: manifest.get(key) for key in artifact.recipe} != artifact.recipe:
        found.append(f"{artifact.folder}/manifest.json tells of another recipe than its fingerprint")
    try:
        return found + damage(artifact)
    except (OSError, pa.ArrowInvalid) as error:
        return [*found, f"{artifact.folder}/{FILES} cannot be read ({error})"]


def _rows(artifact: Artifact) -> list[dict]:
    try:
        return artifact.files()
    except (OSError, pa.ArrowInvalid):
        return []  # `check` has told of it
