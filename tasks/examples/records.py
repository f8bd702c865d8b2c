"""Records of a labelled file, by its format, each with its line; and a Reject for each that cannot be read.

CSV is RFC 4180's: a cell in quotes may hold line breaks. In TSV a quotation mark is a character, as in GLUE's files,
but for a cell that is written in quotes since it holds some, doubled. Both begin with a line of names. Lines count from
1, rows of Parquet from 0; offsets are a Reject's (tasks/sources/rejects.py).
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

from conf.spelling import did_you_mean
from tasks.examples.names import PARQUET, format_of, said
from tasks.runtime.errors import Mistake
from tasks.sources.input.binary import HEAD, binary_kind
from tasks.sources.input.content import Content
from tasks.sources.input.lines import Line, lines
from tasks.sources.input.raw import Raw, Source, size_of
from tasks.sources.parts import Part
from tasks.sources.rejects import Bad, Reject
from tasks.sources.rows.batches import batches, opened
from tasks.sources.rows.cells import values
from tasks.sources.rows.columns import needed
from tasks.sources.rows.elements import elements, stacked
from tasks.sources.rows.fields import Unreadable
from tasks.sources.rows.json_objects import exact, quick

LONGEST = 16 << 20  # bytes of a record; of a CSV file with a quote that nothing closes, what is read in vain
MARK = "\ufeff"
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)+"|""')
PIECE = 1 << 20


class Found(NamedTuple):
    """A record: its line (Parquet: row), its place as a Reject has it, and what JSON makes of it."""

    line: int
    offset: int
    length: int
    value: dict[str, Any]


class Asked(NamedTuple):
    """What a form wants of a file: `paths`, all fields that it names; `needed`, those without which it has nothing."""

    paths: list[str]
    needed: list[str]


def records(source: Source, path: Path, part: Part, asked: Asked) -> Iterator[Found | Reject]:
    """The records of a part of a file, in its order. `path`: where it lies here, `source`: what of it is to be read.

    Raises:
        Mistake: a table has no column of a name that is needed.
    """
    if size_of(source) == 0:
        yield Reject(part.path, 0, 0, "empty-file", "the file has 0 bytes")
        return
    yield from FORMATS[format_of(part.path)](source, path, part, asked)


def _json(source: Source, path: Path, part: Part, asked: Asked) -> Iterator[Found | Reject]:
    """A JSON object a line; or values one behind another, or in one array, counted from 1."""
    head = _head(source)
    if part.start == 0 and (foreign := binary_kind(head)):
        yield Reject(part.path, 0, None, "format", f"the file is no JSON but {foreign}")
        return
    many = stacked(head)
    found = elements(source, LONGEST) if many else lines(source, part.start, part.end, LONGEST)
    for number, line in enumerate(found, 1 + _lines_before(path, part.start)):
        if isinstance(line, Reject):
            yield line._replace(file=part.path)
        elif line.data is None or line.data.strip():
            try:
                yield Found(number, line.offset, line.length, _object(line, many))
            except Bad as bad:
                what = f"value {number}" if many else said(part.path, number)
                yield Reject(part.path, line.offset, line.length, bad.reason, f"{what}: {bad.detail}")


def _object(line: Line, many: bool) -> dict[str, Any]:
    if line.data is None:
        raise Bad("too-large", f"{line.length} bytes, more than {LONGEST}")
    try:
        value = quick(line.data)
        return exact(line.data) if value is None else value
    except RecursionError:
        raise Bad("json", "lists are nested too deep") from None
    except Bad as bad:
        if not many and len(line.data) == line.length:  # it has no end
            raise Bad("truncated", f"the file ends in mid-line: {bad.detail}") from None
        raise


def _table(delimiter: str) -> "Reader":
    def read(source: Source, path: Path, part: Part, asked: Asked) -> Iterator[Found | Reject]:
        """Rows below a line of names; a row of as many cells as there are names is a record of strings."""
        feed = Feed(lines(source, limit=LONGEST))
        csv.field_size_limit(LONGEST)
        quoting: Any = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
        rows = csv.reader(feed, delimiter=delimiter, quoting=quoting, strict=True)
        names: list[str] | None = None
        while True:
            line, offset = feed.line + 1, feed.end
            try:
                cells = next(rows, None)
                if cells is None:
                    break
                if names is None:
                    names = _names(cells, part, asked)
                elif cells:
                    yield Found(line, offset, feed.end - offset, _row(names, cells, delimiter == "\t"))
            except (csv.Error, Bad) as error:
                reason, detail = (error.reason, error.detail) if isinstance(error, Bad) else ("cells", str(error))
                if feed.open_ended:
                    reason, detail = "truncated", f"the file ends in mid-line: {detail}"
                upto = f" to {feed.line}" if feed.line > line else ""
                yield Reject(part.path, offset, feed.end - offset, reason, f"line {line}{upto}: {detail}")
        if feed.broken is not None:
            yield feed.broken._replace(file=part.path)

    return read


class Feed:
    """Lines of a table as strings, for the csv module: a byte that is not UTF-8 is a lone surrogate."""

    def __init__(self, found: Iterator[Line | Reject]) -> None:
        self._found = found
        self.line = self.end = 0  # number of the last line given, and the offset behind it
        self.open_ended = False  # the last line has no end
        self.broken: Reject | None = None

    def __iter__(self) -> "Feed":
        return self

    def __next__(self) -> str:
        line = next(self._found)
        if isinstance(line, Reject):
            self.broken = line
            raise StopIteration
        self.line, self.end = self.line + 1, line.offset + line.length
        if line.data is None:
            raise Bad("too-large", f"the line has {line.length} bytes, more than {LONGEST}")
        self.open_ended = len(line.data) == line.length
        return line.data.decode("utf-8", "surrogateescape") + ("" if self.open_ended else "\n")


def _names(cells: list[str], part: Part, asked: Asked) -> list[str]:
    names = [cells[0].removeprefix(MARK), *cells[1:]] if cells else []
    _require(names, part, asked)
    if twice := sorted({name for name in names if names.count(name) > 1} & set(asked.paths)):
        raise Mistake(f"{part.path}: two columns are called {twice[0]!r}; which one is meant cannot be told")
    return names


def _require(names: list[str], part: Part, asked: Asked) -> None:
    for path in asked.needed:
        if not any(path == name or path.startswith(f"{name}.") for name in names):
            raise Mistake(
                f"{part.path} has no column {path!r}; it has {', '.join(map(repr, names))}{did_you_mean(path, names)}"
            )


def _row(names: list[str], cells: list[str], tabs: bool) -> dict[str, Any]:
    if len(cells) != len(names):
        raise Bad("cells", f"{len(cells)} cells, and the first line names {len(names)}")
    for name, cell in zip(names, cells, strict=True):
        try:
            cell.encode()
        except UnicodeEncodeError:
            raise Bad("charset", f"the cell {name!r} is not UTF-8") from None
    return dict(zip(names, map(_plain_cell, cells) if tabs else cells, strict=True))


def _plain_cell(cell: str) -> str:
    """A cell of TSV as the csv module and pandas write it, in quotes where it holds some, without those."""
    return cell[1:-1].replace('""', '"') if QUOTED.fullmatch(cell) else cell


def _parquet(source: Source, path: Path, part: Part, asked: Asked) -> Iterator[Found | Reject]:
    """Of each row the columns that the form names."""
    path = cast(Path, source)  # which readers that seek are given (hashed.SEEKS)
    try:
        file = opened(path)
    except Bad as bad:
        yield Reject(part.path, 0, None, bad.reason, bad.detail)
        return
    with file:
        _require(file.schema_arrow.names, part, asked)
        leaves = sorted({leaf for found in needed(file.schema_arrow, asked.paths).values() for leaf in found})
        counts = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        for group in range(len(counts)) if part.end is None else range(part.start, part.end):
            row, behind = sum(counts[:group]), sum(counts[: group + 1])
            try:
                for batch in batches(path, file, group, leaves):
                    columns = [values(column) for column in batch.columns]
                    for cells in zip(*columns, strict=True):
                        yield Found(row, row, 1, dict(zip(batch.schema.names, cells, strict=True)))
                        row += 1
            except Bad as bad:
                yield Reject(part.path, row, behind - row, bad.reason, f"row {row}: {bad.detail}", behind - row)


Reader = Callable[[Source, Path, Part, Asked], Iterator[Found | Reject]]
FORMATS: dict[str, Reader] = {
    "jsonl": _json,
    "csv": _table(","),
    "tsv": _table("\t"),
    PARQUET: _parquet,
}


def as_json(value: dict[str, Any]) -> str:
    """A record as it is kept: what JSON has no value for, as text."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return value.what if isinstance(value, Unreadable) else str(value)


def _head(source: Source) -> bytes:
    raw = Raw(source)
    try:
        return Content(raw).first(HEAD)
    finally:
        raw.close()


def _lines_before(path: Path, start: int) -> int:
    """Line ends in the bytes of a file before a part of it."""
    count = at = 0
    if start:
        with path.open("rb") as file:
            while at < start and (data := file.read(min(PIECE, start - at))):
                count, at = count + data.count(b"\n"), at + len(data)
    return count
