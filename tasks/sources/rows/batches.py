"""A row group of a Parquet file in batches of bounded bytes, whatever its rows and however it is stored.

A batch has about 8 MB, by what the footer says of the columns' bytes. That is not enough where a column has a
dictionary: a small file can repeat one large value a million times. So the dictionary's own size bounds the rows too,
and one that is large and whose values are repeated is kept as one (a DictionaryArray) rather than copied into each row.

What remains is Arrow's: it decompresses a page as a whole. Most writers' pages have 1 MB; pyarrow's have at least 1,024
rows, so that rows of 1 MB make pages of 1 GB.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tasks.sources.rejects import Bad

ROWS = 256  # of a batch, at most
BATCH = 8 << 20  # bytes of a batch, about
REPEATED = 256 << 20  # bytes of a batch, at most, whose rows all repeat one value
LARGE = 16 << 20  # bytes of a dictionary: writers stop at 1 MB, pyarrow at 1 MB and 1,024 values more
# A large dictionary is kept as one, which takes Arrow five times its size (copied: twice), where its values are met so
# often on average, or where copies of it may come to so many bytes.
REPEATS, COPIED = 4, 1 << 40
BUFFER = 1 << 20  # bytes read of a column at once, rather than the whole of its row group
SIGNATURE = 12 + 16  # bytes of a signed footer's nonce and tag (Parquet's encryption, 5.4)
SHOWN = 160  # characters of an error


def opened(path: Path, **more: Any) -> Any:
    """A `pq.ParquetFile`, read page by page, whose pages are checked where they have a checksum.

    Raises:
        Bad: `parquet`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(
            path,
            pre_buffer=False,
            buffer_size=BUFFER,
            page_checksum_verification=True,
            coerce_int96_timestamp_unit="us",  # in nanoseconds, years past 2262 would begin again in 1677
            **more,
        )
        for leaf in range(len(file.schema)):  # names that are not UTF-8 show here
            _ = file.schema_arrow, file.schema.column(leaf).path
        if encrypted(path, file.metadata):
            file.close()
            raise Bad("parquet", "the file has encrypted columns; decrypt it first")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Bad("parquet", sentence(error)) from None
    return file


def encrypted(path: Path, metadata: Any) -> bool:
    """Whether columns of a file are encrypted although its footer is not.

    Such a footer ends in a signature of 28 bytes. To ask Arrow for an encrypted column's metadata ends the process.
    """
    with path.open("rb") as file:
        file.seek(-8, os.SEEK_END)  # the footer's length, and `PAR1`
        return int.from_bytes(file.read(4), "little") == metadata.serialized_size + SIGNATURE


def batches(path: Path, file: Any, group: int, leaves: list[int]) -> Iterator[Any]:
    """Record batches of a row group, with the columns of those leaves.

    Raises:
        Bad: `parquet`, where the group cannot be read on.
    """
    import pyarrow as pa

    names = [file.metadata.schema.column(leaf).path for leaf in leaves]
    source = file
    probe(file, group, names)
    try:
        metadata = file.metadata.row_group(group)
        chunks = [metadata.column(leaf) for leaf in leaves]
        each = sum(chunk.total_uncompressed_size for chunk in chunks) // max(1, metadata.num_rows)
        dictionaries = [_dictionary(path, chunk) for chunk in chunks]
        kept = [found.is_kept(chunk.num_values) for found, chunk in zip(dictionaries, chunks, strict=True)]
        large = [name for name, is_kept in zip(names, kept, strict=True) if is_kept]
        repeats = sum(found.bytes for found, is_kept in zip(dictionaries, kept, strict=True) if not is_kept)
        rows = max(1, min(ROWS, BATCH // max(1, each), REPEATED // max(1, repeats)))
        if large:
            source = opened(path, metadata=file.metadata, read_dictionary=large)
        # A worker has one core: threads of Arrow's own cost up to three times as much for small batches.
        yield from source.iter_batches(rows, row_groups=[group], columns=names, use_threads=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Bad("parquet", f"row group {group}: {sentence(error)}") from None
    finally:
        if source is not file:
            source.close()


def probe(file: Any, group: int, columns: list[str] | None = None) -> None:
    """See that a row group's first row can be read; only then may one ask for the metadata of its columns.

    What is wrong with those, Arrow says in an error while it reads; asked for them alone it ends the process.

    Raises:
        Bad: `parquet`.
    """
    import pyarrow as pa

    try:
        next(file.iter_batches(1, row_groups=[group], columns=columns, use_threads=False), None)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Bad("parquet", f"row group {group}: {sentence(error)}") from None


def sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:SHOWN]


class Dictionary(NamedTuple):
    """A column's dictionary: its values, and their bytes, decompressed; none of either where it has none."""

    bytes: int = 0
    values: int = 0

    def is_kept(self, rows: int) -> bool:
        """Whether it is kept as one rather than copied into so many rows."""
        return self.bytes > LARGE and (rows > REPEATS * self.values or rows * self.bytes > COPIED)


def _dictionary(path: Path, chunk: Any) -> Dictionary:
    """The dictionary of a column's chunk, by the header of its page.

    That is a Thrift struct in compact form (parquet.thrift, PageHeader) of i32 (0x15, zigzag varint, where the field is
    the next one): 1, the page's kind (2: a dictionary); 2, its decompressed size; 3, its stored size; 4, maybe, a
    checksum; 7, a struct (0xC) whose field 1 is the number of values.
    """
    offset = chunk.dictionary_page_offset or chunk.data_page_offset
    with path.open("rb") as file:
        file.seek(max(0, offset))
        header = file.read(32)
    if not header.startswith(b"\x15\x04\x15"):
        return Dictionary()
    size, at = _number(header, 3)
    at = _number(header, at + 1)[1]
    if header[at : at + 1] == b"\x15":
        at = _number(header, at + 1)[1]
    return Dictionary(size, _number(header, at + 2)[0])


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A zigzag varint of a positive number at a position, and the position behind it."""
    number = shift = 0
    while at < len(data):
        number |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            break
    return number >> 1, at
