"""Files of an artifact, as sources, benchmarks and labels name those of the demo's sample."""

from pathlib import Path, PurePosixPath
from typing import Any

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake
from tasks.sources.input.files import require_unchanged


def files_inside(files: list[dict[str, Any]], inside: Artifact, source: str) -> list[dict[str, Any]]:
    """Path and size of the files that match the patterns (`path`), in which `*` matches within one folder's names.

    Raises:
        Mistake: a pattern matches nothing.
    """
    chosen: dict[str, dict[str, Any]] = {}
    held = inside.files()
    for file in files:
        pattern = PurePosixPath(file["path"])
        names = [
            name
            for name in held
            if PurePosixPath(name).match(str(pattern)) and len(PurePosixPath(name).parts) == len(pattern.parts)
        ]
        if not names:
            raise Mistake(f"source {source}: {file['path']!r} matches no file in {inside.where()}; check `files`")
        for name in names:
            chosen[name] = {"path": name, "size": held[name].bytes, "sha256": held[name].sha256, "name": name}
    return list(chosen.values())


def place_of(file: dict[str, Any], inside: Artifact | None) -> Path:
    """Where a listed file lies: in the artifact, or where its path says.

    Raises:
        Failure: it lies outside of an artifact, and changed since it was listed.
    """
    if inside is not None:
        return inside.local(file["path"])
    path = Path(file["path"])
    require_unchanged(path, file.get("sha256"))
    return path
