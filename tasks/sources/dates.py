"""A date as records have it, to whole seconds of UTC."""

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tasks.sources.rows.fields import NUMBERS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DIGITS = re.compile(r"\d+(\.\d*)?")
YEAR_OR_MONTH = re.compile(r"\d{4}(-\d\d)?")
YEARS = range(1000, 10_000)  # a number in here is more likely a year than one of the first three hours of 1970


def moment(value: Any) -> datetime | None:
    """ISO 8601 (`2019`, `2019-08`, `20190820`, and all that has a time), seconds since 1970 as a number or a string of
    digits, or a date; None if it is none of them, or not from the year 1 to 9999 in UTC.

    A time without a zone is UTC; fractions of a second are left off. Numbers that may be a year, or milliseconds (those
    past the year 9999), are None rather than a wrong date.
    """
    try:
        if isinstance(value, datetime):
            zoned = value if value.tzinfo else value.replace(tzinfo=UTC)
            at = zoned if zoned.tzinfo is UTC else zoned.astimezone(UTC)
            return at.replace(microsecond=0) if at.microsecond else at
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        if isinstance(value, NUMBERS) and not isinstance(value, bool):
            return None if value in YEARS else EPOCH + timedelta(seconds=math.floor(value))
        if isinstance(value, str):
            return _parsed(value.strip())
    except (ValueError, ArithmeticError, OSError):
        pass
    return None


def _parsed(text: str) -> datetime | None:
    if YEAR_OR_MONTH.fullmatch(text):
        return datetime(int(text[:4]), int(text[5:] or 1), 1, tzinfo=UTC)
    if DIGITS.fullmatch(text) and len(text) != 8:  # fromisoformat takes 1512123012000 for the year 1512
        return moment(Decimal(text))
    return moment(datetime.fromisoformat(text))
