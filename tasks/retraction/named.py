"""Which documents are meant: by id or URL, and with the copies of their text that deduplication found."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import nearest
from tasks.runtime.engine import Engine
from tasks.runtime.shards import read

SHAPES_NO_BYTES = True


@dataclass(frozen=True)
class Document:
    """A row of a source's documents."""

    source: str
    key: str  # of its shard
    row: int
    id: str
    url: str  # "" where it has none


def named(
    engine: Engine, documents: Mapping[str, Artifact], ids: Collection[str], urls: Collection[str] = ()
) -> list[Document]:
    """The documents that have one of these ids or URLs, in the order of sources, shards and rows. Reads no text."""
    items = [(name, shard) for name, artifact in documents.items() for shard in artifact.shards()]
    parts = engine.map(partial(named_in, ids=sorted(ids), urls=sorted(urls)), items)
    return [found for part in parts for found in part]


def named_in(item: tuple[str, Shard], *, ids: list[str], urls: list[str]) -> list[Document]:
    """Those of one source's shard."""
    source, shard = item
    table = read(shard, ["id", "url"])
    meant = pc.is_in(table.column("id"), value_set=pa.array(ids, pa.string()))
    if urls:
        meant = pc.or_(meant, pc.is_in(table.column("url"), value_set=pa.array(urls, pa.string())))
    rows = pc.indices_nonzero(meant)
    found = table.take(rows).to_pylist()
    return [
        Document(source, shard.key, row, each["id"], each["url"] or "")
        for row, each in zip(rows.to_pylist(), found, strict=True)
    ]


def with_copies(
    engine: Engine, documents: Mapping[str, Artifact], decisions: Mapping[str, Artifact], ids: Collection[str]
) -> set[str]:
    """These ids and those of their clusters: the document that stays of each, and all that left for it.

    `decisions`: each source's last one.
    """
    items = [(shard, decisions[name]) for name, artifact in documents.items() for shard in artifact.shards()]
    whole = set(ids)
    # First whom they left for, then who left for any of these: of a cluster all name the one document that stays.
    for by, column in (("id", "duplicate_of"), ("duplicate_of", "id")):
        for part in engine.map(partial(related, ids=sorted(whole), by=by, column=column), items):
            whole |= part
    return whole


def related(item: tuple[Shard, Artifact], *, ids: list[str], by: str, column: str) -> set[str]:
    """What stands in `column` of the rows whose `by` is one of the ids."""
    shard, decision = item
    copies = nearest(decision, shard, "duplicate_of")
    if copies is None:
        return set()
    table = read(shard, ["id"]).append_column("duplicate_of", copies)
    met = table.filter(pc.is_in(table.column(by), value_set=pa.array(ids, pa.string()))).column(column)
    return set(met.drop_null().to_pylist())
