"""Files of an artifact by patterns, as sources name those of the demo's sample."""

from pathlib import PurePosixPath
from typing import Any

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Mistake


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
