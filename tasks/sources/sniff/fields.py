"""Which fields of records hold the text, an id, a URL, a date: by their names, and by what stands in them."""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.sources.input.content import Content
from tasks.sources.input.lines import Line, lines
from tasks.sources.input.raw import Raw
from tasks.sources.rejects import Bad
from tasks.sources.rows.batches import opened
from tasks.sources.rows.elements import HEAD, elements, stacked
from tasks.sources.rows.json_objects import quick

SHAPES_NO_BYTES = True

RECORDS = 100  # that are looked at
DEEP = 3  # fields inside fields
SHORT = 20  # characters: what is shorter, on average, is no text
TEXTS = (
    "text",
    "content",
    "body",
    "raw_content",
    "article",
    "document",
    "story",
    "markdown",
    "page_content",
    "maintext",
)
IDS = ("id", "_id", "uuid", "guid", "doc_id", "docid", "document_id", "article_id", "page_id", "identifier", "key")
URLS = ("url", "uri", "link", "source_url", "page_url", "canonical_url", "permalink", "href")
DATES = ("date", "created", "created_at", "published", "published_at", "timestamp", "time", "datetime", "crawl_date")


@dataclass(frozen=True)
class Fields:
    """Names of fields, inner ones with dots; `others` are texts too, shorter ones."""

    text: str
    id: str | None = None
    url: str | None = None
    date: str | None = None
    others: tuple[str, ...] = ()


def records_of_json(path: Path) -> list[dict[str, Any]]:
    """The first objects of a file, one a line or one after the other; lines that are none are left out."""
    raw = Raw(path)
    try:
        head = Content(raw, scan=1 << 62).first(HEAD)
    finally:
        raw.close()
    found = []
    reader = elements(path) if stacked(head) else lines(path)
    for line in itertools.islice(reader, 2 * RECORDS):
        value = quick(line.data) if isinstance(line, Line) and line.data else None
        if value is not None:
            found.append(value)
        if len(found) == RECORDS:
            break
    return found


def records_of_parquet(path: Path) -> list[dict[str, Any]]:
    """The first rows of a file.

    Raises:
        Bad: it cannot be read.
    """
    import pyarrow as pa

    file = opened(path)
    try:
        for batch in file.iter_batches(RECORDS):
            return [{key: value for key, value in row.items()} for row in batch.to_pylist()]
        return []
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Bad("parquet", str(error)[:160]) from None
    finally:
        file.close()


def fields_of(records: list[dict[str, Any]]) -> tuple[Fields | None, float]:
    """The fields of records, and which share of their characters is text; None where no field is text."""
    columns: dict[str, list[Any]] = {}
    for record in records:
        for name, value in _leaves(record, "", DEEP):
            columns.setdefault(name, []).append(value)
    texts = {
        name: sum(map(len, held)) / len(held)
        for name, values in columns.items()
        if (held := [value for value in values if isinstance(value, str) and value]) and 2 * len(held) >= len(records)
    }
    urls = [name for name in texts if _is_url(columns[name])]
    texts = {name: length for name, length in texts.items() if name not in urls and length >= SHORT}
    if not texts:
        return None, 0.0
    longest = max(texts, key=lambda name: texts[name])
    known = [name for name in texts if _last(name) in TEXTS and 3 * texts[name] >= texts[longest]]
    text = min(known, key=lambda name: TEXTS.index(_last(name)), default=longest)
    ids = [name for name in columns if _last(name) in IDS and _is_id(columns[name], len(records))]
    fields = Fields(
        text,
        _first(ids, IDS),
        _first(urls, URLS) or (urls[0] if urls else None),
        _first([name for name in columns if _last(name) in DATES], DATES),
        tuple(sorted(name for name in texts if name != text)),
    )
    of_text = sum(len(value) for value in columns[text] if isinstance(value, str))
    total = sum(len(str(value)) for values in columns.values() for value in values)
    return fields, of_text / max(1, total)


def common(a: Fields | None, b: Fields | None) -> Fields | None:
    """What files of one source share; their field of text is the same."""
    if a is None or b is None or a == b:
        return a
    return Fields(
        a.text,
        a.id if a.id == b.id else None,
        a.url if a.url == b.url else None,
        a.date if a.date == b.date else None,
        tuple(sorted(set(a.others) & set(b.others))),
    )


def _leaves(record: dict[str, Any], before: str, depth: int) -> list[tuple[str, Any]]:
    """(dotted name, value) of a record; names that hold dots themselves cannot be asked for."""
    found = []
    for name, value in record.items():
        if "." in name:
            continue
        if isinstance(value, dict) and depth > 1:
            found += _leaves(value, f"{before}{name}.", depth - 1)
        else:
            found.append((f"{before}{name}", value))
    return found


def _is_url(values: list[Any]) -> bool:
    held = [value for value in values if isinstance(value, str) and value]
    links = sum(value.startswith(("http://", "https://")) and " " not in value for value in held)
    return 10 * links >= 9 * len(held) > 0


def _is_id(values: list[Any], count: int) -> bool:
    """Every record has one, and no two the same."""
    held = [value for value in values if isinstance(value, str | int) and not isinstance(value, bool) and value != ""]
    return len(held) == count == len(set(held))


def _last(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _first(names: list[str], known: tuple[str, ...]) -> str | None:
    """The name that stands first among the known ones."""
    ranked = [name for name in names if _last(name) in known]
    return min(ranked, key=lambda name: (name.count("."), known.index(_last(name))), default=None)
