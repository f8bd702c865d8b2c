"""How `explain` tells of labelled records, and of the examples made of them."""

import json
from collections.abc import Iterator, Mapping

import pyarrow.compute as pc

from tasks.examples.names import said
from tasks.runtime.artifact import Artifact
from tasks.runtime.shards import read_beside, read_rows
from tasks.runtime.stage import Place
from tasks.sources.origins import origins_of
from tasks.sources.rejects import rejects_of

SHAPES_NO_BYTES = True
EXCERPT = 200  # characters of a record
SHOWN = 9  # sequences of a record that are printed: comparisons have as many answers (InstructGPT: 4 to 9)


def tell_record(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """Id, file and line of a record, and the record itself."""
    (row,) = read_rows(place.shard, [place.row], ["line", "split", "meta"]).to_pylist()
    (origin,) = origins_of(artifact, place.shard).slice(place.row, 1).to_pylist()
    side = f"; its file is all {row['split']}" if row["split"] else ""
    yield f"{place.id}  {said(origin['file'], row['line'])} of {origin['file']}{side}"
    yield row["meta"][:EXCERPT] + ("..." if len(row["meta"]) > EXCERPT else "")


def tell_examples(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """Where the sequences made of a record lie in the token shard, with their labels; or why there is none."""
    table = read_beside(artifact, place.shard)
    rows = table.filter(pc.equal(table.column("id"), place.id)).to_pylist()
    for row in rows[:SHOWN]:
        label = f", label {json.dumps(row['label'])}" if row["label"] else ""
        where = f"example {row['example']:,} of {row['split']}, sequence {row['row']}"
        yield f"{where}: {row['tokens']:,} tokens from {row['start']:,}{label}"
    if len(rows) > SHOWN:
        yield f"... and {len(rows) - SHOWN} more sequences"
    if not rows:
        (origin,) = origins_of(others["labelled", place.source], place.shard).slice(place.row, 1).to_pylist()
        rejects = rejects_of(artifact, place.shard)
        here = pc.and_(
            pc.equal(rejects.column("file"), origin["file"]), pc.equal(rejects.column("offset"), origin["offset"])
        )
        told = [f"rejected ({row['reason']}): {row['detail']}" for row in rejects.filter(here).to_pylist()]
        yield from told or ["none: a decision left it out"]
