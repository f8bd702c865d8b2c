"""Reader of `kind: jsonl`: an object a line (.gz, .zst), and a Reject for each line that is none.

Offsets are bytes of the (decompressed) content; the line number stands in the detail. A file that is one JSON array, or
in which one object takes many lines, is read too: value by value (elements.py). Lines may end in LF, CR LF or CR.
UTF-16 and UTF-32 are refused by name: they are no JSON Lines.
"""

from collections.abc import Iterator
from contextlib import suppress

from tasks.sources.input.binary import HEAD, binary_kind
from tasks.sources.input.content import Content
from tasks.sources.input.lines import Line, lines
from tasks.sources.input.raw import Raw, Source, size_of
from tasks.sources.parts import Part
from tasks.sources.reading import Candidate, Reading
from tasks.sources.rejects import FAULTS, Bad, Reject
from tasks.sources.rows.elements import elements, stacked
from tasks.sources.rows.json_objects import exact, quick
from tasks.sources.rows.record import Inexact, Wanted, candidate, too_large
from tasks.sources.tally import Tally

WIDE = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def jsonl(path: Source, part: Part, reading: Reading, tally: Tally) -> Iterator[Candidate | Reject]:
    """Texts of a JSONL file, or of a byte range of an uncompressed one."""
    name, wanted = part.path, Wanted.of(reading)
    size = size_of(path) if part.end is None else part.end - part.start
    damaged = 0
    head = _head(path, reading.limits["window"])
    if wide := _wide(head):
        tally.bytes(0, size)
        detail = f"the file is {wide}; make it UTF-8 first: iconv -f {wide} -t UTF-8"
        yield Reject(name, part.start, size, "charset", detail)
        return
    if part.start == 0 and (foreign := binary_kind(head)):
        tally.bytes(0, size)
        yield Reject(name, 0, size, "format", f"the file is no JSONL but {foreign}")
        return
    if size_of(path) == 0:
        yield Reject(name, 0, 0, "empty-file", "the file has 0 bytes")
    many, window = stacked(head), reading.limits["window"]
    since = f" after byte {part.start}" if part.start else ""
    limit = wanted.limit
    found = elements(path, limit, window) if many else lines(path, part.start, part.end, limit, window)
    for number, line in enumerate(found, start=1):
        if isinstance(line, Reject):
            damaged += line.length or 0
            yield line._replace(file=name)
            continue
        try:
            item = _found(line, wanted, tally)
        except Bad as bad:
            for piece, problem in _pieces(line, bad, wanted, tally):
                if not isinstance(problem, Bad):
                    yield problem
                    continue
                damaged += piece.stored if problem.reason in FAULTS else 0
                detail = problem.detail
                if problem.reason != "where":
                    detail = f"{'value' if many else 'line'} {number}{since}: {detail}"
                yield Reject(name, piece.offset, piece.length, problem.reason, detail)
            continue
        if item is not None:
            yield item
    # A part's last line may reach into the next part, where none of its bytes are counted again.
    tally.bytes(max(0, size - damaged), min(size, damaged))


def _found(line: Line, wanted: Wanted, tally: Tally) -> Candidate | None:
    """What is in a line; None where it is blank.

    Raises:
        Bad: it has no text, or is none that is wanted.
    """
    data = line.data
    if data is None:
        raise too_large("the line", line.length, wanted.limit)
    try:
        if (record := quick(data)) is not None:
            with suppress(Inexact):
                return candidate(record, wanted, line.offset, line.length, tally, exact=False)
        return candidate(exact(data), wanted, line.offset, line.length, tally) if data.strip() else None
    except RecursionError:
        raise Bad("json", "lists are nested too deep") from None


def _pieces(line: Line, bad: Bad, wanted: Wanted, tally: Tally) -> Iterator[tuple[Line, Candidate | Bad]]:
    """A bad line with what is wrong with it; where it is not JSON and holds CRs, what is between those."""
    if bad.reason not in ("json", "charset") or line.data is None or b"\r" not in line.data:
        yield line, bad
        return
    offset, left = line.offset, line.stored
    for data in line.data.split(b"\r"):
        length = min(len(data) + 1, line.offset + line.length - offset)  # the last one may have no end
        stored = min(left, -(-line.stored * length // max(1, line.length)))
        piece = Line(data, offset, length, stored)
        try:
            item = _found(piece, wanted, tally)
            if item is not None:
                yield piece, item
        except Bad as inner:
            yield piece, inner
        offset, left = offset + length, left - stored


def _head(path: Source, window: int) -> bytes:
    """The first bytes of the content."""
    raw = Raw(path)
    try:
        return Content(raw, window=window).first(HEAD)
    finally:
        raw.close()


def _wide(head: bytes) -> str | None:
    """The name of a character set of two or four bytes, by its mark or by the zero bytes about a first brace."""
    for mark, name in WIDE.items():
        if head.startswith(mark):
            return name
    if len(head) >= 4 and head[:4].strip(b"\0") in (b"{", b"["):
        return "UTF-32" if head[:4].count(0) == 3 else None
    if len(head) >= 4 and head[:4].count(0) == 2 and head[:2].strip(b"\0") in (b"{", b"["):
        return "UTF-16"
    return None
