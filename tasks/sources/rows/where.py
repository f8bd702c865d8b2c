"""`where`: which records of a source are wanted, by equality and range on named fields. There are no expressions.

    where: {language: en, subreddit: [a, b], score: {min: 3, max: 10}}

All conditions must hold. A value is compared as JSON has it: a number is no string, true is no number, 1 is 1.0, a
date is its ISO 8601 string (`2019-08-20T01:02:03Z`), strings are ordered by code points. Of a list of values one that
fits is enough. A record without the field fails, unless null is what is asked for.
"""

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tasks.runtime.errors import Mistake
from tasks.sources.rows.fields import MISSING, Unreadable, kind

SHOWN = 60  # characters of a value in a reject's detail


class Condition(NamedTuple):
    """One field's condition: one of `values`, or, where there are none, low <= value <= high (None: no bound)."""

    path: str
    values: tuple[Any, ...]
    low: Any = None
    high: Any = None

    def holds(self, value: Any) -> bool:
        """Whether a value, as `fields.find` gives it, meets the condition."""
        if value is MISSING:
            value = None
        if isinstance(value, list):
            return any(self.holds(one) for one in value)
        value = comparable(value)
        if self.values:
            return any(type(value) is type(one) and value == one for one in self.values)
        bound = self.high if self.low is None else self.low
        return (
            type(value) is type(bound)
            and (self.low is None or self.low <= value)
            and (self.high is None or value <= self.high)
        )

    def failed(self, value: Any) -> str:
        """Why a value does not meet it."""
        if value is MISSING:
            return f"no field {self.path!r}"
        if isinstance(value, Unreadable | bytes):
            return f"{self.path!r} is {kind(value)}"
        value = written(value)
        try:
            shown = json.dumps(value, ensure_ascii=False, default=kind)
        except (ValueError, RecursionError):
            shown = kind(value)
        return f"{self.path!r} is {shown if len(shown) <= SHOWN else shown[:SHOWN] + '…'}"


class Number(NamedTuple):
    """A number as it is compared: exactly, whatever its type."""

    value: int | float | Decimal


def comparable(value: Any) -> Any:
    """A value of which those that JSON takes for equal are equal, and only values of one type have an order."""
    value = written(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return Number(value)


def written(value: Any) -> Any:
    """A value as JSON writes it: a date as a string, a decimal as a number."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def conditions(source: str, where: dict[str, Any]) -> tuple[Condition, ...]:
    """The conditions of `where`, in its order.

    Raises:
        Mistake: one that is neither a value, nor a list of values, nor a range.
    """
    return tuple(_condition(source, path, asked) for path, asked in where.items())


def _condition(source: str, path: str, asked: Any) -> Condition:
    def mistake(what: str) -> Mistake:
        return Mistake(
            f"source {source}: where: {path}: {what}; a condition is a value, a list of values, or "
            f"{{min: …, max: …}} with numbers or strings"
        )

    if not isinstance(path, str) or not path:
        raise mistake("the field's name is no string")
    if isinstance(asked, dict):
        if not asked or set(asked) - {"min", "max"}:
            raise mistake(f"a range has min, max or both, not {', '.join(map(str, asked)) or 'nothing'}")
        low, high = (_value(asked.get(name)) for name in ("min", "max"))
        bounds = [bound for bound in (low, high) if bound is not None]
        if not bounds or any(not isinstance(bound, Number | str) for bound in bounds):
            raise mistake("a bound is a number or a string")
        if low is not None and high is not None and (type(low) is not type(high) or low > high):
            raise mistake("min and max are of two kinds, or min is above max, so that no record would do")
        return Condition(path, (), low, high)
    values = tuple(_values(asked))
    if not values:
        raise mistake("the list is empty, so that no record would do")
    if any(not isinstance(value, Number | str | bool | None) for value in values):
        raise mistake("a value is a string, a number, true, false or null")
    return Condition(path, values)


def _values(asked: Any) -> Iterator[Any]:
    for one in asked if isinstance(asked, list | tuple) else [asked]:
        yield _value(one)


def _value(asked: Any) -> Any:
    """A value of a condition; YAML reads 2019-01-01 as a date."""
    if isinstance(asked, date) and not isinstance(asked, datetime):
        return asked.isoformat()
    return comparable(asked)
