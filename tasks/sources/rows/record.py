"""From a record (a JSON object, a row of Parquet) to a candidate, by the fields that the source names.

The same record gives the same candidate in JSONL and in Parquet:

- the text is a string, a list of strings (joined by a line break; nulls are left out) or several fields (joined by a
  blank line). Without one the record is a reject `no-text`; where it is not UTF-8, `charset`;
- what else is named never costs a text. A date, URL or title that cannot be read is left out, and counted by field in
  `unread`, as is one of several text fields that a record lacks. A null, NaN, an empty string and list are no value;
- an id is a string, a number, or any other value as JSON; bytes that are not UTF-8 (a binary UUID, a hash) are `0x` and
  hexadecimal digits. An id that cannot be read is no id; it is counted too.
"""

import json
from typing import Any, NamedTuple

from tasks.sources.dates import moment
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import Bad
from tasks.sources.rows.fields import MISSING, Unreadable, find, kind
from tasks.sources.rows.where import Condition, conditions, written
from tasks.sources.tally import Tally

PARAGRAPH = "\n\n"  # between several text fields
LINE = "\n"  # between the strings of a list
EXACT = 2.0**63  # a quick parser makes a float of an integer past 64 bits


class Inexact(Exception):
    """A number may have lost digits: parse the record again, exactly."""


class Wanted(NamedTuple):
    """Which fields of a record are what. `limit`: bytes of a text."""

    text: tuple[str, ...]
    id: str | None
    url: str | None
    date: str | None
    title: str | None
    where: tuple[Condition, ...]
    limit: int

    @classmethod
    def of(cls, reading: Reading) -> "Wanted":
        fields = reading.fields
        text = fields["text"]
        return cls(
            text=(text,) if isinstance(text, str) else tuple(text),
            id=fields["id"],
            url=fields["url"],
            date=fields["date"],
            title=fields["title"],
            where=conditions(reading.source, reading.where),
            limit=reading.limits["payload"],
        )

    @property
    def paths(self) -> list[str]:
        """All that is read of a record, once each."""
        named = [*self.text, self.id, self.url, self.date, self.title, *(condition.path for condition in self.where)]
        return [path for path in dict.fromkeys(named) if path is not None]


def candidate(
    record: dict[str, Any], wanted: Wanted, offset: int, length: int, tally: Tally, exact: bool = True
) -> Candidate:
    """The text in a record and what else `wanted` names.

    Raises:
        Bad: `where`, `no-text`, `charset`, `too-large`.
        Inexact: the record is not `exact`, and a number in it is as large as those that may have lost digits.
    """
    unread: list[str] = []
    for condition in wanted.where:
        value = find(record, condition.path)
        if not exact:
            _require_exact(value)
        if not condition.holds(value):
            if not exact:  # the reject names the record
                _require_exact(_value(record, wanted.id))
                _require_exact(_value(record, wanted.url))
            raise Bad("where", f"{condition.failed(value)} <{_name(record, wanted)}>")
    text = _text(record, wanted, unread)
    identity, title, url = _value(record, wanted.id), _value(record, wanted.title), _value(record, wanted.url)
    if not exact:
        _require_exact(identity)
        _require_exact(title)
    when = _value(record, wanted.date)
    date = None if when is None else moment(when)
    if when is not None and date is None:
        unread.append("date")
    if type(identity) is not str:
        identity = _identity(identity, unread)
    if type(url) is not str:
        url = _plain(url, "url", unread)
    if type(title) is not str:
        title = _plain(title, "title", unread)
    if unread:
        tally.unread.update(unread)
    return Candidate(identity, text, url, date, {"title": title}, offset, length)


def too_large(what: str, size: int, limit: int) -> Bad:
    return Bad("too-large", f"{what} has {size} bytes, more than {limit}; raise `limits: {{payload: …}}` of the source")


def _text(record: dict[str, Any], wanted: Wanted, unread: list[str]) -> str:
    if len(wanted.text) == 1 and type(text := record.get(wanted.text[0])) is str and len(text) * 4 <= wanted.limit:
        return text  # as most records have it
    parts: list[str] = []
    for path in wanted.text:
        value = find(record, path)
        if value is MISSING and len(wanted.text) > 1:
            unread.append(f"text.{path}")
        elif value is not MISSING and value is not None:
            parts.append(LINE.join(_strings(value, path)))
    if not parts:
        (path, *more) = wanted.text
        what = "no field" if find(record, path) is MISSING else "null in the field"
        raise Bad("no-text", f"{what} {path!r}{f', nor text in {more}' if more else ''}")
    text = parts[0] if len(parts) == 1 else PARAGRAPH.join(part for part in parts if part)
    if len(text) * 4 > wanted.limit:  # else no text of so many characters has more bytes
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if size > wanted.limit:
            raise too_large("the text", size, wanted.limit)
    return text


def _strings(value: Any, path: str) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for one in value if one is not None for text in _strings(one, path)]
    if isinstance(value, bytes):
        raise Bad("charset", f"not UTF-8 at byte {_first_bad(value)} of the field {path!r}")
    raise Bad("no-text", f"{kind(value)} in the field {path!r}, not a string")


def _first_bad(data: bytes) -> int:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(data)


def _value(record: dict[str, Any], path: str | None) -> Any:
    """A field's value; None for all that is none."""
    if path is None:
        return None
    value = record.get(path, MISSING)
    if value is MISSING:
        value = find(record, path)
    return None if value is MISSING or value == "" or value == [] or value != value else value


def _identity(value: Any, unread: list[str]) -> str | None:
    """An id that is no string, as one."""
    if value is None or isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, Unreadable):
        unread.append("id")
        return None
    return json.dumps(_compact(value), ensure_ascii=False, sort_keys=True)


def _compact(value: Any) -> Any:
    """A value as JSON has it, without the nulls of objects, which Parquet adds."""
    if isinstance(value, dict):
        return {key: _compact(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_compact(one) for one in value]
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return value.what if isinstance(value, Unreadable) else written(value)


def _plain(value: Any, field: str, unread: list[str]) -> str:
    """A string, or a title that is a number; of a list of one, that one."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None or isinstance(value, str):
        return value or ""
    if field == "title" and isinstance(value := written(value), (int, float)) and not isinstance(value, bool):
        return json.dumps(value)
    unread.append(field)
    return ""


def _name(record: dict[str, Any], wanted: Wanted) -> str:
    """The URL or id by which `explain` finds a record that is not wanted."""
    return _plain(_value(record, wanted.url), "url", []) or _identity(_value(record, wanted.id), []) or ""


def _require_exact(value: Any) -> None:
    """Raises Inexact where a float may stand for an integer."""
    if type(value) is str:
        return
    if type(value) is float:
        if not abs(value) < EXACT:
            raise Inexact
    elif isinstance(value, list):
        for one in value:
            _require_exact(one)
    elif isinstance(value, dict):
        for one in value.values():
            _require_exact(one)
