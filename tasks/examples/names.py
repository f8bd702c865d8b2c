"""What a labelled file's name says: its format, and how a place in it is told. Compressed or not is no matter of it."""

from tasks.runtime.errors import Mistake

COMPRESSED = (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz", ".lzma", ".lz4")
PARQUET = "parquet"
FORMATS = {"tsv": "tsv", "csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl", "json": "jsonl", "parquet": PARQUET}


def format_of(path: str) -> str:
    """tsv, csv, jsonl or parquet, by the end of a file's name.

    Raises:
        Mistake: it ends otherwise.
    """
    name = path.lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    if (ending := name.rpartition(".")[2]) not in FORMATS:
        known = ", ".join(f".{each}" for each in FORMATS)
        raise Mistake(f"{path}: labelled text is read of files that end in {known}, also compressed")
    return FORMATS[ending]


def said(path: str, line: int) -> str:
    """`line 12`, or of Parquet `row 12`."""
    return f"{'row' if format_of(path) == PARQUET else 'line'} {line}"
