"""A benchmark's items: what decontamination looks for, what overlap checks, what evaluation asks.

An item's id is the hash of its raw record, so that it stays the same when the file is sorted anew. Its `text` is for
comparison alone and goes through the cleaner of documents, or what was copied out of a page would not be met in it;
evaluation asks the raw fields of `record`.
"""

import hashlib
import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.shards import read_file
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.sources.input.inside import place_of
from tasks.sources.input.listing import SAMPLE
from tasks.sources.input.matches import match
from tasks.sources.remote.bring import is_remote
from tasks.sources.rows.json_lines import json_lines
from tasks.sources.texts.clean import ENTITY, clean

ITEMS = pa.schema([("item", pa.string()), ("text", pa.string()), ("record", pa.string()), ("file", pa.string()), ("line", pa.int64())])  # fmt: skip  # noqa: E501


FILE = "items.parquet"


@statistics
class Collected:
    """Items, and characters of their text as it is compared."""

    items: int = 0
    characters: int = 0


@stage("benchmark", kind="input", section="contamination", libraries=("ftfy",))
def benchmark(job: Job, *, files: list[dict[str, Any]], inside: Artifact | None, text: list[str]) -> Collected:
    """A benchmark's items: item, text (cleaned, for comparison), record (as it stands in the file), file, line.

    `files` are listed by path and sha256; with `inside`, paths are relative to that artifact.

    Raises:
        Mistake: a line is not a JSON object, or lacks a field that `text` names.
        Failure: no item at all, or a file that changed since it was listed.
    """
    rows: list[dict[str, Any]] = []
    for file in files:
        rows.extend(items(place_of(file, inside), text))
    if not rows:
        raise Failure(f"benchmark {job.artifact.name} has no item; see its files")
    with job.publish(FILE) as out:
        pq.write_table(pa.Table.from_pylist(rows, schema=ITEMS), out)
    return Collected(len(rows), sum(len(row["text"]) for row in rows))


def items_of(benchmark: Artifact, columns: list[str] | None = None) -> pa.Table:
    """The items of a benchmark, in its files' order: columns of ITEMS."""
    return read_file(benchmark, FILE, columns)


def lying_here(files: str | list[str] | None) -> Iterator[Path]:
    """The local files of a pipeline's `files`, for who looks at them before they are read."""
    for pattern in [files] if isinstance(files, str) else files or []:
        if not is_remote(pattern) and not pattern.startswith(SAMPLE):
            yield from match(pattern, Path())


def items(path: Path, fields: list[str]) -> Iterator[dict[str, Any]]:
    """The items of a JSONL file (.gz and .zst too, known by their first bytes)."""
    words = {
        "one": "an item",
        "not_json": "not JSON ({}); a benchmark has one JSON object per line",
        "files": "`files` of the benchmark",
        "named": " (`text` of the benchmark names the fields)",
    }
    for number, line, record in json_lines(path, fields, **words):
        yield item_of(path.name, number, line, record, fields)


def item_of(file: str, number: int, line: bytes, record: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """A row of ITEMS: of the `number`th line, which holds `record`."""
    text = comparable(" ".join(_plain(record[field]) for field in fields))
    return {
        "item": hashlib.sha256(line.strip()).hexdigest()[:32],
        "text": text,
        "record": line.decode().strip(),
        "file": file,
        "line": number,
    }


def comparable(text: str) -> str:
    """The text as `clean` leaves a document's. Entities are resolved everywhere, also where `clean` sees by a `<` that
    they are meant: in a page, where an item is met, they were resolved by the parser."""
    return clean(ENTITY.sub(lambda entity: html.unescape(entity[0]), text))


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_plain(part) for part in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
