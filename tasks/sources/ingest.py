"""Stage `ingest`: a source's files to shards of documents, with every record that became none listed beside them.

Beside a shard stands, too, where each of its documents stood (origins.py).

A shard is a part of an input file, one file, or several (`shards.plan`). Memory is bounded: documents are written in
batches of 16 MB of text, whatever the file. Statistics: files, bytes = bytes_in_records + bytes_damaged, records (by
WARC type), status (by HTTP status), documents, characters, text_bytes, rejects (by reason), languages, unread (values
of records that could not be read, by field), worst_files.
"""

from collections.abc import Iterator
from dataclasses import field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from conf.sources import Whitespace, Wiki
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.job import Job
from tasks.runtime.shards import DOCUMENTS, Output
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics
from tasks.sources.documents import READERS, Document, Met, documents
from tasks.sources.input.hashed import as_listed
from tasks.sources.input.here import here
from tasks.sources.input.inside import files_inside
from tasks.sources.origins import FILE as ORIGINS_FILE
from tasks.sources.origins import ORIGINS
from tasks.sources.origins import table_of as origins_table
from tasks.sources.page.extract import require
from tasks.sources.parts import SHARD, Part, plan
from tasks.sources.reading import Reading
from tasks.sources.rejects import FAULTS, FILE, REASONS, REJECTS, Reject, storable, table_of
from tasks.sources.remote.manners import Manners
from tasks.sources.selection.selected import brought, lists
from tasks.sources.tally import Tally
from tasks.sources.told import tell_document

BATCH = 16 << 20  # bytes of text written at once
ROWS = 20_000  # rows written at once, where texts are short
REJECT_ROWS = 50_000
WORST = 10
INPUTS = pa.schema([("file", pa.string()), ("bytes", pa.int64()), ("sha256", pa.string()), ("etag", pa.string())])
MEANINGS = {
    "id": "<source>:<32 hex digits>",
    "text": "clean text",
    "bytes": "of the text in UTF-8",
    "url": "where it was found",
    "date": "when it was captured or written",
    "language": "ISO 639-1, as far as it shows",
    "language_score": "how sure that is, 0 to 1; null where the language is",
    "meta": "title and the like, as JSON",
}


@statistics
class Worst:
    """A file with damaged or lost records, and how many records it has."""

    file: str = ""
    damaged: int = 0
    records: int = 0


@statistics
class Ingested:
    """bytes = bytes_in_records + bytes_damaged, of the input's files; records by WARC type, status by HTTP status.

    `fell_back`: pages without main content, of which all text was taken. `by_file` is what shards count, documents and
    rejects of each file; of an artifact `worst_files` is made of it.
    """

    files: int = 0
    bytes: int = 0
    bytes_in_records: int = 0
    bytes_damaged: int = 0
    documents: int = 0
    characters: int = 0
    text_bytes: int = 0
    fell_back: int = 0
    records: dict[str, int] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    rejects: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
    by_file: dict[str, dict[str, int]] = field(default_factory=dict)
    worst_files: tuple[Worst, ...] = ()


@stage(
    "ingest",
    kind="input",
    section="rejects",
    columns=tuple(Column(name, DOCUMENTS.field(name).type, meaning) for name, meaning in MEANINGS.items()),
    reasons=REASONS,
    tell=tell_document,
    libraries=(
        *("isal", "zstandard", "lz4", "brotli", "orjson", "ada-url", "resiliparse", "chardet", "py3langid", "ftfy"),
        "numba",
    ),
    # Pages are in archives alone: what finds their text takes 15 s to compile.
    idle=lambda parameters: () if parameters["kind"] == "warc" else ("blocks", "markup", "references"),
    judges=("reject_share", "manners"),
)
def ingest(
    job: Job,
    *,
    files: list[dict[str, Any]],
    source: str,
    kind: str,
    fields: dict[str, str | list[str] | None],
    reject_share: float,
    shard: int = SHARD,
    inside: Artifact | None = None,
    limits: dict[str, int] | None = None,
    ids: str = "file",
    where: dict[str, Any] | None = None,
    whitespace: Whitespace = "standard",
    extractor: str = "millrace",
    wiki: dict[str, Any] | None = None,
    manners: dict[str, Any] | None = None,
    links: Artifact | None = None,
    selected: Artifact | None = None,
) -> Ingested:
    """Read a source.

    Args:
        files: the frozen list, dicts as `files.InputFile.as_dict` gives them; with `inside`, patterns (`path`) of files
            in that artifact.
        kind: warc (and WET), jsonl, parquet, text or mediawiki.
        fields: names of the fields `text`, `id`, `url`, `date`, `title` (jsonl, parquet).
        reject_share: more damaged or lost records than this share of all stop the stage.
        shard: bytes of input per shard.
        limits, ids, where, whitespace, extractor, wiki, links: see `reading.Reading`.
        manners: how remote files are asked for, as `manners.Manners` takes it.
        selected: instead of files, records of WARC files that `select` chose.

    Raises:
        Mistake: a pattern that matches nothing, an unknown kind, an extractor that is not installed.
        Failure: too many damaged or lost records, no document at all, a file that changed since its list was frozen.
    """
    if kind not in READERS:
        raise Mistake(f"source {source}: kind {kind!r} is unknown; it is one of {', '.join(READERS)}")
    if inside is not None:
        files = files_inside(files, inside, source)
    require(extractor.split()[0])
    reading = Reading(
        source,
        fields,
        limits or {},
        ids,
        whitespace,
        extractor.split()[0],
        Wiki(**(wiki or {})),
        where=where or {},
        links=links,
    )
    place = inside.local if inside is not None else Path
    shards = plan(files, kind, shard, place) if selected is None else lists(selected)
    how = {"inside": inside, "kind": kind, "reading": reading, "manners": manners, "selected": selected}
    counts = job.total(read_shard, shards, **how)
    _judge(source, counts, reject_share, {file.get("name"): file["path"] for file in files})
    return replace(counts, by_file={}, worst_files=_worst(counts.by_file))


def read_shard(
    out: Output,
    parts: list[Part],
    *,
    kind: str,
    reading: Reading,
    inside: Artifact | None = None,
    manners: dict[str, Any] | None = None,
    selected: Artifact | None = None,
) -> Ingested:
    """Read the parts of one shard and write its documents, rejects and inputs. Runs in a worker."""
    tally = Tally()
    met = Met()
    inputs: list[dict[str, Any]] = []
    with (
        out.open(ORIGINS_FILE) as origins_file,
        pq.ParquetWriter(origins_file, ORIGINS, compression="zstd") as origins,
        out.open(FILE) as file,
        pq.ParquetWriter(file, REJECTS, compression="zstd") as writer,
    ):
        rows = Rows(out, reading.source, origins)
        rejects: list[Reject] = []
        for part, path in _files(parts, out, inside, selected, Manners(**(manners or {}))):
            with as_listed(part, path, kind) as read:
                for item in documents(read.source, part, kind, reading, tally, met):
                    if isinstance(item, Document):
                        rows.add(item)
                        continue
                    rejects.append(item)
                    if len(rejects) >= REJECT_ROWS:
                        writer.write_table(table_of(rejects))
                        rejects.clear()
            inputs.append({"file": storable(part.path), "bytes": part.size, "sha256": read.sha256, "etag": part.etag})
        writer.write_table(table_of(rejects))
        rows.close()
    with out.open("inputs.parquet") as file:
        pq.write_table(pa.Table.from_pylist(inputs, schema=INPUTS), file, compression="zstd")
    return Ingested(**tally.statistics())


class Rows:
    """Documents on their way to a shard's main file, and their origins to the file beside it, a batch at a time."""

    def __init__(self, out: Output, source: str, origins: pq.ParquetWriter):
        self.out, self.source, self.origins = out, source, origins
        self.waiting: list[Document] = []
        self.bytes = 0

    def add(self, document: Document) -> None:
        self.waiting.append(document)
        self.bytes += len(document.utf8)
        if self.bytes >= BATCH or len(self.waiting) >= ROWS:
            self._write()

    def _write(self) -> None:
        texts = pa.array([document.utf8 for document in self.waiting], pa.large_binary()).view(pa.large_string())
        columns = {
            "id": pa.array([f"{self.source}:{document.key.hex()}" for document in self.waiting], pa.string()),
            "text": texts,
            "bytes": pc.binary_length(texts).cast(pa.int64()),
            "url": pa.array([document.url for document in self.waiting], pa.string()),
            "date": pa.array(
                [int(document.date.timestamp()) if document.date else None for document in self.waiting], pa.int64()
            ).cast(pa.timestamp("s", tz="UTC")),
            "language": pa.array([document.language for document in self.waiting], pa.string()),
            "language_score": pa.array([document.language_score for document in self.waiting], pa.float32()),
            "meta": pa.array([document.meta for document in self.waiting], pa.string()),
        }
        self.out.write(pa.table(columns, schema=DOCUMENTS))
        self.origins.write_table(origins_table([document.origin for document in self.waiting]))
        self.waiting, self.bytes = [], 0

    def close(self) -> None:
        self._write()  # also where nothing waits: an empty shard is a file too


def _files(
    parts: list[Part], out: Output, inside: Artifact | None, selected: Artifact | None, manners: Manners
) -> Iterator[tuple[Part, Path]]:
    """Each part with its file on this machine; what was brought here is gone when the next one comes."""
    for part in parts:
        if selected is not None:
            yield from brought(selected, part.path, out.scratch, manners)
        else:
            with here(part, out.scratch, inside, manners) as found:
                yield found


def _worst(by_file: dict[str, dict[str, int]]) -> tuple[Worst, ...]:
    """The files with most damaged or lost records."""
    damaged = {name: _damaged(counts) for name, counts in by_file.items()}
    order = sorted((name for name in damaged if damaged[name]), key=lambda name: (-damaged[name], name))
    return tuple(Worst(storable(name), damaged[name], sum(by_file[name].values())) for name in order[:WORST])


def _damaged(counts: dict[str, int]) -> int:
    return sum(count for reason, count in counts.items() if reason in FAULTS)


def _judge(source: str, counts: Ingested, reject_share: float, paths: dict[str | None, str]) -> None:
    """Raises Failure where too much is damaged, or nothing is left. `paths`: of the files, by name."""
    damaged = _damaged(counts.rejects)
    total = counts.documents + sum(counts.rejects.values())
    if damaged > reject_share * total:
        worst = _worst(counts.by_file)[0]
        reasons = {reason: count for reason, count in counts.by_file[worst.file].items() if reason in FAULTS}
        reason = max(sorted(reasons), key=lambda key: reasons[key])
        raise Failure(
            f"source {source}: {damaged} of {total} records are damaged or lost, more than "
            f"`reject_share: {reject_share:g}`; worst is {paths.get(worst.file, worst.file)} with {worst.damaged} of "
            f"{worst.records} "
            f"({reason}: {FAULTS[reason]}). "
            f"Replace the file, or raise the share; the list is in *.{FILE}"
        )
    if counts.documents == 0:
        listed = ", ".join(f"{count} {reason}" for reason, count in counts.rejects.items()) or "no record"
        raise Failure(
            f"source {source}: none of its {counts.files} files gave a document ({listed}); "
            f"check `kind`, and `text` where records have another field of that name"
        )
