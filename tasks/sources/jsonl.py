"""Reader of `kind: jsonl`: an object a line (.gz, .zst), and a Reject for each line that is none.

Offsets are bytes of the (decompressed) content; the line number stands in the detail.
"""

import json
from collections.abc import Iterator
from typing import Any

from tasks.sources.binary import HEAD, binary_kind
from tasks.sources.content import Content
from tasks.sources.hashed import Source, size_of
from tasks.sources.lines import Line, lines
from tasks.sources.parts import Part
from tasks.sources.raw import Raw
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import Bad, Reject
from tasks.sources.rows import candidate
from tasks.sources.tally import Tally


def jsonl(path: Source, part: Part, reading: Reading, tally: Tally) -> Iterator[Candidate | Reject]:
    """Texts of a JSONL file, or of a byte range of an uncompressed one."""
    name, limit = part.path, reading.limits["payload"]
    damaged = 0
    if size_of(path) == 0:
        yield Reject(name, 0, 0, "empty-file", "the file has 0 bytes")
    if part.start == 0 and (foreign := _foreign(path, reading.limits["window"])):
        length = size_of(path) if part.end is None else part.end
        tally.bytes(0, length)
        yield Reject(name, 0, length, "format", f"the file is no JSONL but {foreign}")
        return
    since = f" after byte {part.start}" if part.start else ""
    for number, line in enumerate(lines(path, part.start, part.end, limit, reading.limits["window"]), start=1):
        if isinstance(line, Reject):
            damaged += line.length or 0
            yield line._replace(file=name)
            continue
        try:
            value = _object(line, limit)
            found = None if value is None else candidate(value, reading.fields, line.offset, line.length)
        except Bad as bad:
            damaged += line.stored
            yield Reject(name, line.offset, line.length, bad.reason, f"line {number}{since}: {bad.detail}")
            continue
        if found is not None:
            yield found
    size = size_of(path) if part.end is None else part.end - part.start
    # A part's last line may reach into the next part, where none of its bytes are counted again.
    tally.bytes(max(0, size - damaged), min(size, damaged))


def _foreign(path: Source, window: int) -> str | None:
    """What a file is that is no text, by its content's first bytes."""
    raw = Raw(path)
    try:
        return binary_kind(Content(raw, window=window).first(HEAD))
    finally:
        raw.close()


def _object(line: Line, limit: int) -> dict[str, Any] | None:
    if line.data is None:
        raise Bad("too-large", f"the line has {line.length} bytes, the limit is {limit}")
    if not line.data.strip():
        return None
    try:
        value = json.loads(line.data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Bad("charset", f"not UTF-8 at byte {error.start} of the line") from None
    except (ValueError, RecursionError) as error:
        raise Bad("json", str(error)[:160]) from None
    if not isinstance(value, dict):
        raise Bad("json", f"a JSON {type(value).__name__}, not an object")
    return value
