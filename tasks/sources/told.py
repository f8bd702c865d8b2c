"""How `explain` tells of a document, and finds the rejects that name a URL."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact
from tasks.runtime.shards import batches
from tasks.runtime.stage import Place
from tasks.sources.rejects import rejects_of

SHAPES_NO_BYTES = True
EXCERPT = 120  # bytes of a text's beginning


def tell_document(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """Id, URL, place, size and beginning of a document."""
    document = row_at(place)
    characters = len(place.text.decode())
    where = f"shard {place.shard.key}, row {place.row}"
    yield f"{place.id}  {document.get('url') or 'no URL'}"
    language = document.get("language") or "language unknown"
    yield f"{where}; {characters:,} characters, {len(place.text):,} bytes; {language}"
    yield f"begins {place.text[:EXCERPT].decode(errors='replace')!r}"


def row_at(place: Place) -> dict[str, Any]:
    """One row of a shard, without holding the shard."""
    first = 0
    for batch in batches(place.shard, ["id", "url", "language"]):
        if place.row < first + batch.num_rows:
            return dict(batch.slice(place.row - first, 1).to_pylist()[0])
        first += batch.num_rows
    raise IndexError(f"{place.shard.name} has no row {place.row}")


def rejects_naming(documents: Artifact, named: str) -> Iterator[str]:
    """Rejects whose detail names the URL or id, which ingest puts between angle brackets."""
    for shard in documents.shards():
        table = rejects_of(documents, shard)
        for row in table.filter(pc.match_substring(table.column("detail"), f"<{named}>")).to_pylist():
            yield f"rejected ({row['reason']}) in {row['file']} at {row['offset']:,}: {row['detail']}"
