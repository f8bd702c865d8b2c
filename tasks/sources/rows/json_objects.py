"""A JSON object of a line's bytes: by orjson where it can, by Python's json where it must.

orjson is several times as fast, and stricter: it takes no NaN, no lone surrogate, no deep nesting, and makes a float of
an integer past 64 bits. So `json` has the last word, and words the error; where a number may have lost digits, the
caller asks it too (rows.Inexact). tests/sources/test_jsonl.py holds the two against each other.
"""

import json
from typing import Any

from tasks.sources.rejects import Bad

SHOWN = 160  # characters of an error


def quick(data: bytes) -> dict[str, Any] | None:
    """The object, where orjson finds one; its integers past 64 bits are floats."""
    import orjson

    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def exact(data: bytes) -> dict[str, Any]:
    """The object; a string that is not UTF-8 is bytes, and half a surrogate pair is U+FFFD.

    Raises:
        Bad: `json`, `charset`.
    """
    try:
        text, wrong = data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        text, wrong = data.decode("utf-8", "surrogateescape"), error
    try:
        value = json.loads(text)
        if not isinstance(value, dict):
            raise Bad("json", f"a JSON {type(value).__name__}, not an object")
        return value if text.isascii() and "\\u" not in text else _mended(value, wrong is not None)
    except (ValueError, RecursionError) as error:
        if wrong:
            raise Bad("charset", f"not UTF-8 at byte {wrong.start} of the line, and not JSON") from None
        what = str(error)[:SHOWN]
        if what.startswith("Extra data"):
            what += "; one value a line is read"
        raise Bad("json", what) from None


def _mended(value: Any, escaped: bool) -> Any:
    if isinstance(value, str):
        if value.isascii():
            return value
        if escaped:
            try:
                data = value.encode("utf-8", "surrogateescape")
                return data.decode()
            except UnicodeDecodeError:
                return data
            except UnicodeEncodeError:
                pass
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(one, escaped) for one in value]
    if isinstance(value, dict):
        return {key: _mended(one, escaped) for key, one in value.items()}
    return value
