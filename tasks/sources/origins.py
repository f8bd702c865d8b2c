"""Where documents were read: the crawl record of each, as far as what `ingest` keeps says it.

That is the URL and date of the record, by which a crawl's index finds it, and the files that its shard was read from,
with their checksums beside (`<key>.inputs.parquet`). Large files are a shard each; of small ones that share a shard a
text file's name is known, another kind's document may be of any of them, and all are told.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.shards import read, read_file

SHAPES_NO_BYTES = True
INPUTS = "inputs.parquet"  # behind the shard's key


@dataclass(frozen=True)
class Origin:
    """A document's record: its URL ("" where it has none), date (ISO 8601, "" likewise), and file, or files of which it
    is one."""

    id: str
    url: str
    date: str
    files: tuple[str, ...]

    @property
    def where(self) -> str:
        """File and date of the record, for a person."""
        more = f" or one of {len(self.files) - 1} more files" if len(self.files) > 1 else ""
        return f"{self.files[0] if self.files else 'no file'}{more}{f', {self.date}' if self.date else ''}"


def origins(documents: Artifact, shard: Shard, ids: Collection[str]) -> Iterator[Origin]:
    """Of the documents of a shard that have one of these ids, in the order of rows."""
    files = read_file(documents, f"{shard.key}.{INPUTS}", ["file"]).column("file").to_pylist()
    table = read(shard, ["id", "url", "date", "meta"])
    wanted = pc.is_in(table.column("id"), value_set=pa.array(list(ids), pa.string()))
    for row in table.filter(wanted).to_pylist():
        named = orjson.loads(row["meta"]).get("file") if row["meta"] else None
        own = tuple(file for file in files if Path(file).name == named) or tuple(files)
        date = row["date"].isoformat().replace("+00:00", "Z") if row["date"] else ""
        yield Origin(row["id"], row["url"] or "", date, own)
