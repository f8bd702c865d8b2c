"""Of a few documents, by id: the crawl record that each was read from, with its URL and date."""

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
    """A document's record: its URL ("" where it has none), date (ISO 8601, "" likewise), file, the place in it
    (origins.MEANINGS says in which unit), and its own id ("" where it has none)."""

    id: str
    url: str
    date: str
    file: str
    offset: int
    length: int
    record: str

    @property
    def where(self) -> str:
        """File, place and date of the record, for a person."""
        return f"{self.file} at {self.offset:,}{f', {self.date}' if self.date else ''}"


def records(documents: Artifact, shard: Shard, ids: Collection[str]) -> Iterator[Record]:
    """Of the documents of a shard that have one of these ids, in the order of rows."""
    table = read(shard, ["id", "url", "date"])
    rows = pc.indices_nonzero(pc.is_in(table.column("id"), value_set=pa.array(list(ids), pa.string())))
    stood = origins_of(documents, shard).take(rows).to_pylist()
    for row, origin in zip(table.take(rows).to_pylist(), stood, strict=True):
        date = row["date"].isoformat().replace("+00:00", "Z") if row["date"] else ""
        place = (origin["file"], origin["offset"], origin["length"], origin["record"] or "")
        yield Record(row["id"], row["url"] or "", date, *place)
