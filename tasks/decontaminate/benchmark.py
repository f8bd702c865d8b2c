"""A benchmark's items: what decontamination looks for, what overlap checks, what evaluation asks.

An item's id is the hash of its raw record, so that it stays the same when the file is sorted anew.
"""

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.stage import Artifact, Job, stage

ITEMS = pa.schema([("item", pa.string()), ("text", pa.string()), ("record", pa.string()), ("file", pa.string()), ("line", pa.int64())])  # fmt: skip  # noqa: E501


@stage("benchmark")
def benchmark(job: Job, *, files: list[dict[str, Any]], inside: Artifact | None, text: list[str]) -> dict[str, Any]:
    """items.parquet: item, text, record, file, line.

    `files` are listed by path and sha256; with `inside`, paths are relative to that artifact.

    Raises:
        Mistake: a line is no JSON object, or lacks a field that `text` names.
        Failure: no item at all.
    """
    rows: list[dict[str, Any]] = []
    for file in files:
        path = inside.folder / file["path"] if inside else Path(file["path"])
        rows.extend(items(path, text))
    if not rows:
        raise Failure(f"benchmark {job.artifact.name} has no item; see its files")
    with job.publish("items.parquet") as out:
        pq.write_table(pa.Table.from_pylist(rows, schema=ITEMS), out)
    return {"items": len(rows), "characters": sum(len(row["text"]) for row in rows)}


def items(path: Path, fields: list[str]) -> Iterator[dict[str, Any]]:
    """The items of a JSONL file (.gz and .zst too)."""
    try:
        with _open(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _item(path, number, line, fields)
    except FileNotFoundError:
        raise Mistake(f"{path} is missing; see `files` of the benchmark") from None
    except (OSError, EOFError, zlib.error) as error:
        raise Mistake(f"{path} cannot be read: {error}") from None


def _open(path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.open(path)
    if path.suffix == ".zst":
        return io.BytesIO(_unpacked(path.read_bytes()))
    return path.open("rb")


def _unpacked(content: bytes) -> bytes:
    """All frames of a .zst; its library's own reader stops after the first one, and at a file that was cut off."""
    import zstandard

    parts = []
    while content:
        frame = zstandard.ZstdDecompressor().decompressobj()
        try:
            parts.append(frame.decompress(content))
        except zstandard.ZstdError as error:
            raise OSError(f"no Zstandard ({error})") from None
        if not frame.eof:
            raise EOFError("the file ends within a Zstandard frame")
        content = frame.unused_data
    return b"".join(parts)


def _item(path: Path, number: int, line: bytes, fields: list[str]) -> dict[str, Any]:
    line = line.removeprefix(b"\xef\xbb\xbf")  # of a file that begins with a byte order mark
    try:
        record = json.loads(line)
    except ValueError as error:
        raise Mistake(f"{path}:{number}: no JSON ({error}); a benchmark is one JSON object a line") from None
    if not isinstance(record, dict):
        raise Mistake(f"{path}:{number}: a JSON object is expected, not {type(record).__name__}")
    missing = [field for field in fields if field not in record]
    if missing:
        raise Mistake(
            f"{path}:{number}: no field {missing[0]!r}; the record has {', '.join(sorted(record))} "
            f"(`text` of the benchmark names the fields)"
        )
    text = " ".join(_plain(record[field]) for field in fields)
    return {
        "item": hashlib.sha256(line.strip()).hexdigest()[:32],
        "text": text,
        "record": line.decode().strip(),
        "file": path.name,
        "line": number,
    }


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_plain(part) for part in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
