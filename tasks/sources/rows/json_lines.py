"""A user's own JSONL file, of which every line has to be right: a benchmark, or labels. What is wrong is a mistake.

A source's reader (jsonl.py) lists bad lines and goes on; here there are few lines, and each of them counts.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.runtime.errors import Mistake
from tasks.sources.input.lines import lines
from tasks.sources.rejects import Reject


def json_lines(
    path: Path, fields: list[str], *, one: str, not_json: str, files: str, named: str = ""
) -> Iterator[tuple[int, bytes, dict[str, Any]]]:
    """Line number, bytes (without a byte order mark) and object of each line that is not blank (.gz and .zst too).

    Args:
        fields: that each object must have. The rest words what is said: `one` record ("an item"), that a line is
        `not_json` ({} is the error), the `files` key of the configuration, and what `named` the fields.

    Raises:
        Mistake: the file is missing or cannot be read; a line is too long, no JSON, no object, or lacks a field.
    """
    try:
        for number, line in enumerate(lines(path), 1):
            where = f"{path}:{number}"
            if isinstance(line, Reject):
                raise Mistake(f"{path} cannot be read: {line.detail}")
            if line.data is None:
                raise Mistake(f"{where}: the line has {line.length} bytes, too many for {one}")
            if not line.data.strip():
                continue
            data = line.data.removeprefix(b"\xef\xbb\xbf")
            try:
                record = json.loads(data)
            except ValueError as error:
                raise Mistake(f"{where}: {not_json.format(error)}") from None
            if not isinstance(record, dict):
                raise Mistake(f"{where}: a JSON object is expected, not {type(record).__name__}")
            missing = [field for field in fields if field not in record]
            if missing:
                raise Mistake(f"{where}: no field {missing[0]!r}; the record has {', '.join(sorted(record))}{named}")
            yield number, data, record
    except FileNotFoundError:
        raise Mistake(f"{path} is missing; see {files}") from None
    except OSError as error:
        raise Mistake(f"{path} cannot be read: {error}") from None
