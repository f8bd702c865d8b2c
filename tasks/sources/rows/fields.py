"""Where a value stands in a record: `body.content` through objects and lists; a key that holds the dot itself wins.

A record is what JSON makes of an object, whatever file it comes from (cells.py says what else may stand in one).
"""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, NamedTuple


class Nothing(Enum):
    """What `find` gives where a path leads to no value; a null is a value."""

    MISSING = "missing"


MISSING: Final = Nothing.MISSING


class Unreadable(NamedTuple):
    """A cell of which no value can be made, and what it is: `a duration`, `a date past the year 9999`."""

    what: str


def find(value: Any, path: str) -> Any:
    """What a path names in a value; MISSING where there is nothing.

    In an object the longest key that the path begins with and that leads anywhere; of a list, what each of its elements
    has there, those that have nothing left out (of an empty list, an empty list).
    """
    if isinstance(value, dict):
        found = value.get(path, MISSING)
        dot = path.rfind(".")
        while found is MISSING and dot > 0:
            if (inner := value.get(path[:dot], MISSING)) is not MISSING:
                found = find(inner, path[dot + 1 :])
            dot = path.rfind(".", 0, dot)
        return found
    if isinstance(value, list):
        found = [item for item in (find(one, path) for one in value) if item is not MISSING]
        return found if found or not value else MISSING
    return MISSING


NUMBERS = (int, float, Decimal)  # and bool, which is an int to Python


def kind(value: Any) -> str:
    """A value's kind in words, with its article: `a number`."""
    if isinstance(value, Unreadable):
        return value.what
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    for types, name in (
        (str, "a string"),
        (NUMBERS, "a number"),
        (dict, "an object"),
        (list, "a list"),
        (datetime, "a date"),
        (bytes, "bytes that are not UTF-8"),
    ):
        if isinstance(value, types):
            return name
    return f"a {type(value).__name__}"
