"""From a row of named values (a JSON object, a row of Parquet) to a candidate."""

import json
from datetime import UTC, date, datetime
from typing import Any

from tasks.sources.reading import Candidate
from tasks.sources.rejects import Bad


def candidate(value: dict[str, Any], fields: dict[str, Any], offset: int, length: int) -> Candidate:
    """The text in a row and what else `fields` names.

    Raises:
        Bad: `no-text`.
    """
    text = value.get(fields["text"])
    if not isinstance(text, str):
        raise Bad("no-text", f"no string in the field {fields['text']!r}")
    identity = value.get(fields["id"])
    return Candidate(
        None if identity is None or identity == "" else _string(identity),
        text,
        _string(value.get(fields["url"])),
        moment(value.get(fields["date"])),
        {"title": _string(value.get(fields["title"]))},
        offset,
        length,
    )


def moment(value: Any) -> datetime | None:
    """A date as records have it: ISO 8601, seconds since 1970, or a Parquet timestamp; None if it is none of them."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            parsed = datetime.fromisoformat(value.strip())
            return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def _string(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
