"""The files that a user gives for probes: lists of one file, whose text is UTF-8."""

from pathlib import Path
from typing import Any

from tasks.runtime.errors import Mistake
from tasks.sources.input.inside import place_of

Files = list[dict[str, Any]]  # as listing.listed gives them; [] where the user gave none


def one(files: Files, key: str) -> Path:
    """The file that a key of `evaluate.probes` names.

    Raises:
        Mistake: it matches several files, or none. Failure: it changed since it was listed.
    """
    if len(files) != 1 or "path" not in files[0]:
        raise Mistake(f"evaluate.probes.{key} matches {len(files) if files else 'no'} files; name one")
    return place_of(files[0], None)


def text_of(path: Path, key: str) -> str:
    """The text of a user's file, without a byte order mark.

    Raises:
        Mistake: it is missing, cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Mistake(
            f"{path} is not UTF-8 ({error.reason} at byte {error.start}); see evaluate.probes.{key}"
        ) from None
    except OSError as error:
        raise Mistake(f"{path} cannot be read: {error}; see evaluate.probes.{key}") from None
