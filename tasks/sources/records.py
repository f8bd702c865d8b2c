"""The crawl records of documents: URL and date from the documents, file and place from their origins."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.shards import read
from tasks.sources.origins import origins_of

SHAPES_NO_BYTES = True


@dataclass(frozen=True)
class Record:
    """Where a document was read: its URL ("" where it has none) and date (ISO 8601, "" likewise); the file, and where
    in it, by offset and length (origins.py gives their units) and by the record's own id (None where it has none)."""

    id: str
    url: str
    date: str
    file: str
    offset: int
    length: int
    record: str | None

    @property
    def where(self) -> str:
        """The record, for a person."""
        more = [f"at {self.offset:,}", self.record or "", self.date]
        return f"{self.file} {', '.join(each for each in more if each)}"


def records(documents: Artifact, shard: Shard, ids: Collection[str]) -> Iterator[Record]:
    """Of the documents of a shard that have one of these ids, in the order of rows."""
    table = read(shard, ["id", "url", "date"])
    wanted = pc.is_in(table.column("id"), value_set=pa.array(list(ids), pa.string()))
    places = origins_of(documents, shard).filter(wanted).to_pylist()
    for row, place in zip(table.filter(wanted).to_pylist(), places, strict=True):
        date = row["date"].isoformat().replace("+00:00", "Z") if row["date"] else ""
        yield Record(row["id"], row["url"] or "", date, **place)
