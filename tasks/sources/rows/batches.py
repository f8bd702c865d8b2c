"""A row group of a Parquet file in batches of bounded bytes, whatever its rows and however it is stored.

A batch has about 32 MB, by what the footer says of the columns' bytes. That is not enough where a column has a
dictionary: a small file can repeat one large value a million times. So the dictionary's own size bounds the rows too,
and one that is larger than writers make is kept as one (a DictionaryArray) rather than copied into each row.

What remains is Arrow's: it decompresses a page as a whole. Most writers' pages have 1 MB; pyarrow's have at least 1,024
rows, so that rows of 1 MB make pages of 1 GB.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.sources.rejects import Bad

ROWS = 256  # of a batch, at most
BATCH = 32 << 20  # bytes of a batch, about
REPEATED = 256 << 20  # bytes of a batch, at most, whose rows all repeat one value
LARGE = 16 << 20  # bytes of a dictionary that is kept as one: writers stop at 1 MB, pyarrow at 1 MB and 1,024 values
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
        dictionaries = [_dictionary_bytes(path, chunk) for chunk in chunks]
        large = [name for name, size in zip(names, dictionaries, strict=True) if size > LARGE]
        repeats = sum(size for size in dictionaries if size <= LARGE)
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


def _dictionary_bytes(path: Path, chunk: Any) -> int:
    """Bytes of a column's dictionary, decompressed; 0 where it has none.

    They stand in the header of its page, a Thrift struct in compact form (parquet.thrift, PageHeader): field 1, an i32,
    is the page's kind (2: a dictionary), field 2 its decompressed size; a number is a zigzag varint.
    """
    offset = chunk.dictionary_page_offset or chunk.data_page_offset
    with path.open("rb") as file:
        file.seek(max(0, offset))
        header = file.read(8)
    if not header.startswith(b"\x15\x04\x15"):
        return 0
    size = 0
    for position, byte in enumerate(header[3:]):
        size |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            break
    return size >> 1
