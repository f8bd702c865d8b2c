"""`millrace explain`: one document's fate, a row a stage, from the columns as they lie on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from flows.plan import size
from tasks.runtime.errors import Mistake
from tasks.runtime.shards import batches, read, read_column
from tasks.runtime.store import Artifact, Shard

SHOWN = 20  # documents of one URL, or hits of one document, that are printed
Line = tuple[str, str]  # stage, what it says of the document


@dataclass(frozen=True)
class Place:
    """Where a document's row is."""

    source: str
    shard: Shard
    row: int


def show(console: Console, artifacts: list[Artifact], document: str) -> None:
    """Print every document with this id (or a piece's id) or URL, and every reject that names it.

    Raises:
        Mistake: no source that is ingested holds it.
    """
    by = {(artifact.stage, artifact.name): artifact for artifact in artifacts if artifact.built}
    ingested = {name: artifact for (stage, name), artifact in by.items() if stage == "ingest"}
    places = list(find(ingested, document))
    refused = list(rejects(ingested, document))
    if not places and not refused:
        missing = [a.name for a in artifacts if a.stage == "ingest" and not a.built]
        also = f"; not ingested yet: {', '.join(missing)}" if missing else ""
        raise Mistake(
            f"no document or reject of {', '.join(ingested) or 'any source'} has the id or URL {document!r}{also}"
        )
    for place in places[:SHOWN]:
        _print(console, list(fate(by, place)))
    if len(places) > SHOWN:
        console.print(f"... and {len(places) - SHOWN} more documents", highlight=False)
    for line in refused[:SHOWN]:
        _print(console, [line])


def _print(console: Console, lines: list[Line]) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for stage, text in lines:
        table.add_row(stage, plain(text))
    console.print(table)
    console.print()


def plain(text: str) -> Any:
    """Text as it is: a document's brackets are no markup of ours."""
    from rich.text import Text

    return Text(text)


def find(ingested: dict[str, Artifact], document: str) -> Iterator[Place]:
    """Rows with this id, searched in the source that its prefix names; else rows with this URL, in all sources."""
    source = document.partition(":")[0]
    by_id = source in ingested and not document.startswith(("http://", "https://"))
    column, value = ("id", document.partition("#")[0]) if by_id else ("url", document)
    for name in [source] if by_id else ingested:
        for shard in ingested[name].shards():
            same = pc.equal(read(shard, [column]).column(column), pa.scalar(value))
            for row in pc.indices_nonzero(pc.fill_null(same, False)).to_pylist():
                yield Place(name, shard, row)


def rejects(ingested: dict[str, Artifact], document: str) -> Iterator[Line]:
    """Rejects whose detail names the URL (or id), which ingest puts between angle brackets."""
    for name, artifact in ingested.items():
        for path in sorted(artifact.folder.glob("*.rejects.parquet")):
            table = pq.read_table(path)
            for row in table.filter(pc.match_substring(table.column("detail"), f"<{document}>")).to_pylist():
                text = f"{name}: rejected ({row['reason']}) in {row['file']} at {row['offset']:,}: {row['detail']}"
                yield "ingest", text


def fate(by: dict[tuple[str, str], Artifact], place: Place) -> Iterator[Line]:
    """A line a stage, in the order of the DAG; stages that are not built are told as such."""
    document = at(place.shard, place.row)
    text = (document["text"] or "").encode()
    where = f"shard {place.shard.key}, row {place.row}"
    language = document.get("language") or "language unknown"
    yield "ingest", f"{document['id']}  {document.get('url') or 'no URL'}"
    yield "ingest", f"{where}; {len(document['text'] or ''):,} characters, {size(len(text))}; {language}"
    yield "ingest", f"begins {_excerpt(text, 0, min(len(text), 120))}"
    for stage, tell in (("score", _score), ("keep", _decision), ("survivors", _decision)):
        if row := _row(by, stage, place):
            yield stage, tell(row)
        elif stage != "score":  # a source that is not raw has no score
            yield stage, "not built"
    yield from _hits(by, place, text)
    if row := _row(by, "cuts", place):
        spans = row.get("cuts") or []
        removed = "; ".join(f"bytes {span['start']:,} to {span['end']:,} removed" for span in spans[:SHOWN])
        yield "cuts", _decision({key: value for key, value in row.items() if key != "cuts"})
        if removed:
            yield "cuts", removed
    else:
        yield "cuts", "not built"
    yield from _tokens(by, place, document["id"])


def at(shard: Shard, row: int) -> dict[str, Any]:
    """One row of a shard, without holding the shard."""
    first = 0
    for batch in batches(shard):
        if row < first + batch.num_rows:
            return batch.slice(row - first, 1).to_pylist()[0]
        first += batch.num_rows
    raise IndexError(f"{shard.path} has no row {row}")


def _row(by: dict[tuple[str, str], Artifact], stage: str, place: Place) -> dict[str, Any] | None:
    artifact = by.get((stage, place.source))
    return read_column(artifact, place.shard).slice(place.row, 1).to_pylist()[0] if artifact else None


def _score(row: dict[str, Any]) -> str:
    return f"score {row['score']:.4f}"


def _decision(row: dict[str, Any]) -> str:
    """`dropped: near; duplicate_of ..., similarity 0.93`: the answer, this stage's reason, and its own columns."""
    if row["keep"]:
        answer = "kept"
    else:
        answer = f"dropped: {row['reason']}" if row["reason"] else "dropped before"
    own = [
        f"{key} {value:.4f}" if isinstance(value, float) else f"{key} {value}"
        for key, value in row.items()
        if key not in ("keep", "reason") and value is not None
    ]
    return "; ".join([answer, ", ".join(own)]) if own else answer


def _hits(by: dict[tuple[str, str], Artifact], place: Place, text: bytes) -> Iterator[Line]:
    """The benchmark grams of the document, and the text there. Hits are a table beside the shard, not row by row."""
    artifact = by.get(("hits", place.source))
    if artifact is None:
        yield "hits", "not built"
        return
    table = pq.read_table(artifact.folder / f"{place.shard.key}.parquet", filters=[("row", "=", place.row)])
    if not table.num_rows:
        yield "hits", "none"
    ignored = _frequent(by)
    for row in table.slice(0, SHOWN).to_pylist():
        start, end = row["start"], row["end"]
        note = " (a frequent gram: ignored)" if row["gram"] in ignored else ""
        span = f"bytes {start:,} to {end:,}"
        yield "hits", f"{row['benchmark']} item {row['item']}, {span}{note}: {_excerpt(text, start, end)}"
    if table.num_rows > SHOWN:
        yield "hits", f"... and {table.num_rows - SHOWN} more"


def _frequent(by: dict[tuple[str, str], Artifact]) -> set[int]:
    found: set[int] = set()
    for (stage, _), artifact in by.items():
        if stage == "frequent":
            found.update(pq.read_table(artifact.folder / "frequent.parquet", columns=["gram"])["gram"].to_pylist())
    return found


def _tokens(by: dict[tuple[str, str], Artifact], place: Place, id: str) -> Iterator[Line]:
    artifact = by.get(("tokens", place.source))
    if artifact is None:
        yield "tokens", "not built"
        return
    table = pq.read_table(artifact.folder / f"{place.shard.key}.parquet")
    ids = table.column("id")
    mine = table.filter(pc.or_(pc.equal(ids, id), pc.starts_with(ids, f"{id}#")))
    if not mine.num_rows:
        yield "tokens", "none: it is not trained on"
    for row in mine.slice(0, SHOWN).to_pylist():
        yield "tokens", f"{row['id']}: {row['tokens']:,} tokens of {row['split']}, from {row['start']:,}"


def _excerpt(text: bytes, start: int, end: int) -> str:
    return repr(text[start:end].decode(errors="replace"))
