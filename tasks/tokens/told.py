"""How `explain` tells of tokens."""

from collections.abc import Iterator, Mapping

import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact
from tasks.runtime.shards import read_beside
from tasks.runtime.stage import Place

SHAPES_NO_BYTES = True
SHOWN = 20  # pieces of one document that are printed


def tell_tokens(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """Where the document, or each piece of it, lies in the token shard."""
    table = read_beside(artifact, place.shard)
    ids = table.column("id")
    pieces = table.filter(pc.or_(pc.equal(ids, place.id), pc.starts_with(ids, f"{place.id}#")))
    if not pieces.num_rows:
        yield "none: it is not trained on"
    for row in pieces.slice(0, SHOWN).to_pylist():
        yield f"{row['id']}: {row['tokens']:,} tokens of {row['split']}, from {row['start']:,}"
