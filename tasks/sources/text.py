"""JSONL, Parquet and plain-text files: their records, and a Reject for each line, row or file that is not one.

Compressed files (see `forms`) are known by their first bytes. Offsets are bytes of the (decompressed) content, for
Parquet row numbers; the line number stands in the detail.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tasks.sources.binary import HEAD, binary_kind
from tasks.sources.content import Content, Raw, kind_of
from tasks.sources.forms import WINDOW
from tasks.sources.rejects import Bad, Reject

ROWS = 1024  # of a Parquet file at once


class Row(NamedTuple):
    """A record of text: its own id where it has one, and where it stands."""

    id: str | None
    text: str
    url: str
    date: datetime | None
    title: str | None
    offset: int
    length: int


class Line(NamedTuple):
    """A line without its end (None: longer than the limit), where it is in the content, its length with its end.

    `stored` is how many bytes of the file it takes; in proportion where that is compressed.
    """

    data: bytes | None
    offset: int
    length: int
    stored: int


def lines(
    path: Path, start: int = 0, end: int | None = None, limit: int = 32 << 20, window: int = WINDOW
) -> Iterator[Line | Reject]:
    """Lines of a file, or, where it is not compressed, those that begin in its bytes start..end.

    A line longer than `limit` bytes is passed over in steps. The last thing given may be a Reject for a compressed
    stream that breaks; its offset and length are then bytes of the file.
    """
    raw = Raw(path)
    try:
        content = Content(raw, kind_of(raw), scan=1 << 62, window=window)
        position = start
        if start:  # the line that holds the byte before belongs to the part before
            position = _behind_newline(content, start - 1)
        while end is None or position < end:
            place = content.place(position)
            newline, looked = -1, position
            while newline < 0:
                newline = content.window.find(b"\n", looked - content.base)
                if newline < 0:
                    looked = content.end
                    if looked - position > limit or not content.fill(looked + 1):
                        break
            if newline < 0 and content.end - position > limit:
                behind = _behind_newline(content, content.end)
                yield Line(None, position, behind - position, content.place(behind) - place)
                position = behind
                continue
            behind = content.end if newline < 0 else content.base + newline + 1
            if behind == position:
                break
            if newline < 0 and content.broken:
                break
            data = content.slice(position, behind).rstrip(b"\r\n") if behind - position <= limit else None
            yield Line(data, position, behind - position, content.place(behind) - place)
            content.drop(behind)
            position = behind
        if content.broken:
            place = content.place(min(position, content.end))
            detail = f"{content.broken.detail}; the rest of the file cannot be read"
            yield Reject(str(path), place, raw.size - place, content.broken.reason, detail)
    finally:
        raw.close()


def _behind_newline(content: Content, position: int) -> int:
    """The position behind the first line end at or behind a position, or the content's end."""
    if position > content.end and not content.skip(position, records=False):
        return content.end
    content.drop(position)
    while content.fill(position + 1):
        newline = content.window.find(b"\n", position - content.base)
        if newline >= 0:
            behind = content.base + newline + 1
            content.drop(behind)
            return behind
        position = content.end
        content.drop(position)
    return content.end


def jsonl(
    path: Path,
    name: str,
    fields: dict[str, Any],
    start: int = 0,
    end: int | None = None,
    limit: int = 32 << 20,
    lost: Callable[[int], None] = lambda stored: None,
    window: int = WINDOW,
) -> Iterator[Row | Reject]:
    """Records of a JSONL file, or of a byte range of an uncompressed one.

    Args:
        fields: names of the `text`, `id`, `url`, `date` and `title` fields; None where there is none.
        lost: told the bytes of the file that each damaged line takes.
    """
    if start == 0 and (foreign := _foreign(path, window)):
        length = path.stat().st_size if end is None else end
        lost(length)
        yield Reject(name, 0, length, "format", f"the file is no JSONL but {foreign}")
        return
    since = f" after byte {start}" if start else ""
    for number, line in enumerate(lines(path, start, end, limit, window), start=1):
        if isinstance(line, Reject):
            lost(line.length or 0)
            yield line._replace(file=name)
            continue
        try:
            row = _row(_object(line, limit), fields, line.offset, line.length)
        except Bad as bad:
            lost(line.stored)
            yield Reject(name, line.offset, line.length, bad.reason, f"line {number}{since}: {bad.detail}")
            continue
        if row is not None:
            yield row


def _foreign(path: Path, window: int) -> str | None:
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


def _row(value: dict[str, Any] | None, fields: dict[str, Any], offset: int, length: int) -> Row | None:
    if value is None:
        return None
    text = value.get(fields["text"])
    if not isinstance(text, str):
        raise Bad("no-text", f"no string in the field {fields['text']!r}")
    identity = value.get(fields["id"])
    return Row(
        None if identity is None or identity == "" else _string(identity),
        text,
        _string(value.get(fields["url"])),
        moment(value.get(fields["date"])),
        _string(value.get(fields["title"])) or None,
        offset,
        length,
    )


def parquet(path: Path, name: str, fields: dict[str, Any], groups: list[int] | None = None) -> Iterator[Row | Reject]:
    """Rows of a Parquet file, or of some of its row groups; offsets are row numbers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        names = [field for field in dict.fromkeys(fields.values()) if field in file.schema_arrow.names]
    except (pa.ArrowException, OSError) as error:
        yield Reject(name, 0, None, "parquet", str(error)[:160])
        return
    with file:
        counts = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        if fields["text"] not in names:
            yield Reject(name, 0, sum(counts), "no-text", f"no column {fields['text']!r}")
            return
        for group in range(len(counts)) if groups is None else groups:
            row = sum(counts[:group])
            try:
                for batch in file.iter_batches(batch_size=ROWS, row_groups=[group], columns=names):
                    for value in batch.to_pylist():
                        row += 1
                        try:
                            record = _row(value, fields, row - 1, 1)
                        except Bad as bad:
                            yield Reject(name, row - 1, 1, bad.reason, f"row {row - 1}: {bad.detail}")
                        else:
                            if record is not None:
                                yield record
            except (pa.ArrowException, OSError) as error:
                left = sum(counts[: group + 1]) - row
                yield Reject(name, row, left, "parquet", f"row group {group}: {str(error)[:160]}")


def whole(path: Path, name: str, limit: int = 64 << 20, window: int = WINDOW) -> Iterator[tuple[bytes, int] | Reject]:
    """A text (or HTML) file's bytes, decompressed, with the number of its bytes in the file; or why there are none."""
    raw = Raw(path)
    try:
        content = Content(raw, kind_of(raw), scan=1 << 62, window=window)
        if raw.size == 0:
            yield Reject(name, 0, 0, "empty-file", "the file has 0 bytes")
        elif foreign := binary_kind(content.first(HEAD)):
            yield Reject(name, 0, raw.size, "format", f"the file is no text but {foreign}")
        elif content.fill(limit + 1):
            yield Reject(name, 0, raw.size, "too-large", f"the file's content has more than {limit} bytes")
        elif content.broken:
            yield Reject(name, 0, raw.size, content.broken.reason, content.broken.detail)
        else:
            yield bytes(content.window), raw.size
    finally:
        raw.close()


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
