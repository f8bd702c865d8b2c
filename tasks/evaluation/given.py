"""The one file that a key of `evaluate` names."""

from pathlib import Path
from typing import Any

from tasks.runtime.errors import Mistake
from tasks.sources.input.inside import place_of

Files = list[dict[str, Any]]  # as listing.listed gives them; [] where the user gave none


def one(files: Files, key: str) -> Path:
    """The file; `key` is its name in the pipeline, for a sentence.

    Raises:
        Mistake: it matches several files, or none. Failure: it changed since it was listed.
    """
    if len(files) != 1 or "path" not in files[0]:
        raise Mistake(f"{key} matches {len(files) if files else 'no'} files; name one")
    return place_of(files[0], None)
