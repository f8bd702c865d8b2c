"""The text of a file that a user gives for probes."""

from pathlib import Path

from tasks.runtime.errors import Mistake


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
