"""How `explain` tells of hits and cuts."""

from collections.abc import Iterator, Mapping

import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact
from tasks.runtime.decisions import tell_decision
from tasks.runtime.shards import read_beside, read_column
from tasks.runtime.stage import Place

SHAPES_NO_BYTES = True
SHOWN = 20  # hits or spans of one document that are printed


def tell_hits(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """The benchmark grams of the document, and the text there."""
    table = read_beside(artifact, place.shard)
    table = table.filter(pc.equal(table.column("row"), place.row))
    if not table.num_rows:
        yield "none"
    ignored = _frequent(others)
    for row in table.slice(0, SHOWN).to_pylist():
        start, end = row["start"], row["end"]
        note = " (a frequent gram: ignored)" if row["gram"] in ignored else ""
        span = f"bytes {start:,} to {end:,}"
        excerpt = repr(place.text[start:end].decode(errors="replace"))
        yield f"{row['benchmark']} item {row['item']}, {span}{note}: {excerpt}"
    if table.num_rows > SHOWN:
        yield f"... and {table.num_rows - SHOWN} more"


def _frequent(others: Mapping[tuple[str, str], Artifact]) -> set[int]:
    from tasks.decontaminate.frequent import frequent_grams  # which reads hits, which names us

    grams: set[int] = set()
    for (stage, _), artifact in others.items():
        if stage == "frequent":
            grams.update(frequent_grams(artifact).tolist())
    return grams


def tell_cuts(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """The decision, and the spans that it removes."""
    answer = next(tell_decision(artifact, place, others)).partition("; ")[0]
    yield answer
    spans = read_column(artifact, place.shard, ["cuts"]).column("cuts")[place.row].as_py() or []
    if spans:
        yield "; ".join(f"bytes {span['start']:,} to {span['end']:,} removed" for span in spans[:SHOWN])
