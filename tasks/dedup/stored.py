"""Reading what `buckets` stored of earlier sources: the rows whose keys a reduce has, each source's as it is ranked."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.dedup.places import Places
from tasks.runtime.artifact import Artifact
from tasks.runtime.shards import read_file
from tasks.runtime.shuffle import GOLDEN, cuts, hashed

KINDS = ("bands", "classes")


def file_of(kind: str, number: int) -> str:
    """A file's name without its ending."""
    return f"{kind}-{number:05}"


@dataclass(frozen=True)
class Stored:
    """The buckets of the sources that are ranked before the one to be decided, in their order."""

    buckets: tuple[Artifact, ...]
    places: Places

    def rows(self, kind: str, keys: pa.ChunkedArray, schema: pa.Schema) -> pa.Table:
        """Their rows that have one of these keys, numbered as the places are."""
        found = [schema.empty_table()]
        wanted = hashed(pa.table({"key": keys}))
        for rank, artifact in enumerate(self.buckets):
            count = sum(shard.key.startswith(f"{kind}-") for shard in artifact.shards())
            bounds = cuts(wanted, count) if count else np.zeros(1, np.int64)
            for number in np.flatnonzero(np.diff(bounds)):
                rows = read_file(artifact, f"{file_of(kind, int(number))}.parquet").cast(schema)
                known = wanted.column("key").to_numpy()[bounds[number] : bounds[number + 1]]
                hashes = rows.column("key").to_numpy().view(np.uint64) * GOLDEN
                place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
                found.append(self._ranked(rows.filter(pa.array(known[place] == hashes)), rank))
        return pa.concat_tables(found)

    def _ranked(self, rows: pa.Table, rank: int) -> pa.Table:
        first = np.int64(self.places.first(rank)) << 32
        place = rows.schema.get_field_index("place")
        rows = rows.set_column(place, "place", pa.array(rows.column("place").to_numpy() + first))
        order = rows.schema.get_field_index("order")
        if order >= 0:
            rows = rows.set_column(order, "order", pa.array(rows.column("order").to_numpy() + (np.int64(rank) << 47)))
        return rows
