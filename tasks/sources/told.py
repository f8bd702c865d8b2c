"""How `explain` tells of a document, and finds the rejects that name a URL."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.shards import batches
from tasks.runtime.stage import Place
from tasks.sources.origins import origins_of
from tasks.sources.rejects import rejects_of
from tasks.sources.webtext.linked import lookup
from tasks.sources.webtext.urls import is_web

SHAPES_NO_BYTES = True
EXCERPT = 120  # bytes of a text's beginning


def tell_document(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """Id, URL, place, size and beginning of a document, and the record that it was made of."""
    document = row_at(place)
    characters = len(place.text.decode())
    where = f"shard {place.shard.key}, row {place.row}"
    yield f"{place.id}  {document.get('url') or 'no URL'}"
    language = document.get("language") or "language unknown"
    yield f"{where}; {characters:,} characters, {len(place.text):,} bytes; {language}"
    origin = origins_of(artifact, place.shard).slice(place.row, 1).to_pylist()[0]
    record = f"record {origin['record']}" if origin["record"] else "record"
    yield f"{record} of {origin['file']}, at {origin['offset']:,}, length {origin['length']:,}"
    yield f"begins {place.text[:EXCERPT].decode(errors='replace')!r}"


def tell_link(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """How often the page of a document was linked."""
    link = lookup(artifact).find(row_at(place).get("url") or "")
    if link is not None:
        yield f"{link.submissions:,} submissions of enough karma link to it, the greatest {link.karma:,}"


def silent(artifact: Artifact, place: Place, others: Mapping[tuple[str, str], Artifact]) -> Iterator[str]:
    """Nothing: its rows are no documents, and what they say stands in the documents made of them."""
    return iter(())


def row_at(place: Place) -> dict[str, Any]:
    """One row of a shard, without holding the shard."""
    first = 0
    for batch in batches(place.shard, ["id", "url", "language"]):
        if place.row < first + batch.num_rows:
            return dict(batch.slice(place.row - first, 1).to_pylist()[0])
        first += batch.num_rows
    raise IndexError(f"{place.shard.name} has no row {place.row}")


def rejects_naming(documents: Artifact, named: str) -> Iterator[str]:
    """Rejects whose detail names the URL or id, which ingest puts between angle brackets.

    Of pages that no link names only the number is listed: there the links are asked.
    """
    links = documents.manifest["inputs"].get("links")
    if links and is_web(named) and lookup(artifact_at(links, documents.store)).find(named) is None:
        yield f"no link of {links} names it (unlinked): if a file of the source holds it, it was passed over"
    for shard in documents.shards():
        table = rejects_of(documents, shard)
        for row in table.filter(pc.match_substring(table.column("detail"), f"<{named}>")).to_pylist():
            yield f"rejected ({row['reason']}) in {row['file']} at {row['offset']:,}: {row['detail']}"
