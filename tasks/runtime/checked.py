"""Parquet files read with what is read checked: a checksum a column, over the bytes of its chunks.

A decision reads three narrow columns beside a text of gigabytes: it hashes what it reads, and no more. The footer is
hashed under the name "", what belongs to no column and is not the footer (the magic) under ".".

The footer is found by its length in the file's last bytes and checked before Arrow sees it: Arrow 26 ends the process
(abort) over some footers of which one bit is flipped.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.artifact import REMEDY, File
from tasks.runtime.store import Damaged

FOOTER, REST = "", "."
MAGIC = b"PAR1"


def column_digests(path: Path) -> tuple[tuple[str, str], ...]:
    """(column, checksum) of a Parquet file, and of what lies beside its columns; 32 hex digits each."""
    footer = _footer(path)
    ranges = {FOOTER: [footer], **_ranges(path, footer[0])}
    return tuple((name, _digest(path, spans)) for name, spans in sorted(ranges.items()))


def _footer(path: Path) -> tuple[int, int]:
    """Byte range of the footer, from its own account of its length.

    Raises:
        ValueError: there is none.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 8))
        end = file.read(8)
    start = size - 8 - int.from_bytes(end[:4], "little")
    if end[4:] != MAGIC or start < len(MAGIC):
        raise ValueError("its last bytes are not those of Parquet")
    return start, size


def _ranges(path: Path, footer: int) -> dict[str, list[tuple[int, int]]]:
    """Byte ranges, half-open, of each top-level column's chunks in order, and of the rest before the footer."""
    metadata = pq.read_metadata(path)
    ranges: dict[str, list[tuple[int, int]]] = {name: [] for name in metadata.schema.to_arrow_schema().names}
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(number)
            starts = [chunk.data_page_offset]
            if chunk.dictionary_page_offset is not None:
                starts.append(chunk.dictionary_page_offset)
            start = min(starts)
            ranges[chunk.path_in_schema.split(".")[0]].append((start, start + chunk.total_compressed_size))
    rest, end = [], 0
    for low, high in sorted(span for spans in ranges.values() for span in spans):
        if low > end:
            rest.append((end, low))
        end = max(end, high)
    rest.append((end, footer))
    return {**ranges, REST: rest}


def _digest(path: Path, ranges: list[tuple[int, int]]) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        for low, high in ranges:
            file.seek(low)
            while low < high:
                data = file.read(min(1 << 20, high - low))
                if not data:  # shorter than its footer says
                    break
                found.update(data)
                low += len(data)
    return found.hexdigest()[:32]


def check(path: Path, file: File, columns: list[str] | None = None) -> None:
    """See that these columns of a file (all of them if None) are as they were written.

    Raises:
        Damaged: they are not.
    """
    status = path.stat()
    _check(path, status.st_size, status.st_ctime_ns, status.st_ino, file, None if columns is None else tuple(columns))


@lru_cache(maxsize=65536)
def _check(path: Path, size: int, changed: int, inode: int, file: File, columns: tuple[str, ...] | None) -> None:
    expected = dict(file.columns)
    try:
        if size != file.bytes:
            raise Damaged(f"{path} is damaged: it has {size} bytes, its manifest says {file.bytes}; {REMEDY}")
        footer = _footer(path)
        wrong = [] if _digest(path, [footer]) == expected[FOOTER] else [FOOTER]
        if not wrong:
            ranges = _ranges(path, footer[0])
            wanted = ranges if columns is None else [REST, *(name for name in columns if name in ranges)]
            wrong = [name for name in wanted if _digest(path, ranges[name]) != expected[name]]
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise Damaged(f"{path} is damaged ({str(error).splitlines()[0]:.160}); {REMEDY}") from None
    if wrong:
        what = {FOOTER: "its footer", REST: "what lies between its columns"}.get(wrong[0], f"its column {wrong[0]!r}")
        raise Damaged(f"{path} is damaged: {what} is not as it was written; {REMEDY}")
