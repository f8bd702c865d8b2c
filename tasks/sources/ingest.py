"""Stage `ingest`: a source's files to shards of documents, with every record that became none listed beside them.

A shard is a part of an input file, one file, or several (`shards.plan`). Memory is bounded: documents are written in
batches of 16 MB of text, whatever the file. Statistics: files, bytes = bytes_in_records + bytes_damaged, records (by
WARC type), status (by HTTP status), documents, characters, text_bytes, rejects (by reason), languages, worst_files.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.shards import DOCUMENTS, REJECTS, Output, add
from tasks.runtime.stage import Artifact, Job, stage
from tasks.sources import remote
from tasks.sources.documents import LIMITS, READERS, Document, Tally, documents, storable
from tasks.sources.files import match
from tasks.sources.parts import SHARD, Part, plan
from tasks.sources.rejects import DAMAGE, Reject

BATCH = 16 << 20  # bytes of text written at once
ROWS = 20_000  # rows written at once, where texts are short
REJECT_ROWS = 50_000
WORST = 10


@stage("ingest", libraries=("fastwarc", "resiliparse", "ftfy", "pyarrow"), judges=("reject_share",))
def ingest(
    job: Job,
    *,
    files: list[dict[str, Any]],
    source: str,
    kind: str,
    fields: dict[str, str | None],
    reject_share: float,
    shard: int = SHARD,
    inside: Artifact | None = None,
    limits: dict[str, int] | None = None,
) -> dict[str, Any]:
    """Read a source.

    Args:
        files: the frozen list, dicts as `files.InputFile.as_dict` gives them; with `inside`, patterns (`path`) of files
            in that artifact's folder.
        kind: warc (and WET), jsonl, parquet or text.
        fields: names of the fields `text`, `id`, `url`, `date`, `title` (jsonl, parquet).
        reject_share: more damaged records than this share of all stop the stage.
        shard: bytes of input a shard. limits: see `documents.LIMITS`.

    Raises:
        Mistake: a pattern that matches nothing, an unknown kind or limit.
        Failure: too many damaged records, no document at all, a file that changed since its list was frozen.
    """
    if kind not in READERS:
        raise Mistake(f"source {source}: kind {kind!r} is unknown; it is one of {', '.join(READERS)}")
    if unknown := set(limits or {}) - set(LIMITS):
        raise Mistake(f"source {source}: limits {sorted(unknown)} are unknown; there are {', '.join(LIMITS)}")
    if inside is not None:
        files = _inside(files, inside, source)
    arguments = {"source": source, "kind": kind, "fields": fields, "limits": limits or {}}
    base = str(inside.folder) if inside is not None else ""
    parts = job.map(read_shard, plan(files, kind, shard), base=base, **arguments)
    statistics = add(parts)
    by_file = statistics.pop("by_file", {})
    statistics["worst_files"] = _worst(by_file)
    _judge(source, statistics, by_file, reject_share)
    return statistics


def _inside(files: list[dict[str, Any]], inside: Artifact, source: str) -> list[dict[str, Any]]:
    found: dict[Path, dict[str, Any]] = {}
    for file in files:
        paths = match(file["path"], inside.folder)
        if not paths:
            raise Mistake(f"source {source}: {file['path']!r} matches no file in {inside.folder}; check `files`")
        for path in paths:
            found[path] = {"path": str(path), "size": path.stat().st_size}
    return list(found.values())


def read_shard(
    out: Output, parts: list[Part], *, source: str, kind: str, fields: dict, limits: dict, base: str = ""
) -> dict[str, Any]:
    """Read the parts of one shard and write its documents and rejects. Runs in a worker."""
    tally = Tally()
    rows = Rows(out, source)
    with out.open("rejects.parquet") as file, pq.ParquetWriter(file, REJECTS, compression="zstd") as writer:
        rejects: list[Reject] = []
        for number, part in enumerate(parts):
            name = str(Path(part.path).relative_to(base)) if base else part.path
            path = _local(part, out.folder / f".{out.key}.{number}.download")
            for item in documents(path, name, part, source, kind, fields, limits, tally):
                if isinstance(item, Document):
                    rows.add(item)
                    continue
                rejects.append(item)
                if len(rejects) >= REJECT_ROWS:
                    writer.write_table(_reject_table(rejects))
                    rejects.clear()
            if remote.is_remote(part.path):
                path.unlink()
        writer.write_table(_reject_table(rejects))
    rows.close()
    return tally.statistics()


class Rows:
    """Documents on their way to a shard's main file, a batch at a time."""

    def __init__(self, out: Output, source: str):
        self.out, self.source = out, source
        self.waiting: list[Document] = []
        self.bytes = 0

    def add(self, document: Document) -> None:
        self.waiting.append(document)
        self.bytes += len(document.text)
        if self.bytes >= BATCH or len(self.waiting) >= ROWS:
            self._write()

    def _write(self) -> None:
        texts = pa.array([one.text for one in self.waiting], pa.large_string())
        columns = {
            "id": pa.array([f"{self.source}:{one.key.hex()}" for one in self.waiting], pa.string()),
            "text": texts,
            "bytes": pc.binary_length(texts).cast(pa.int64()),
            "url": pa.array([one.url for one in self.waiting], pa.string()),
            "date": pa.array(
                [int(one.date.timestamp()) if one.date else None for one in self.waiting], pa.int64()
            ).cast(pa.timestamp("s", tz="UTC")),
            "language": pa.array([one.language for one in self.waiting], pa.string()),
            "meta": pa.array([one.meta for one in self.waiting], pa.string()),
        }
        self.out.write(pa.table(columns, schema=DOCUMENTS))
        self.waiting, self.bytes = [], 0

    def close(self) -> None:
        self._write()  # also where nothing waits: an empty shard is a file too


def _reject_table(rejects: list[Reject]) -> pa.Table:
    texts = [one._replace(file=storable(one.file), detail=storable(one.detail)) for one in rejects]
    return pa.table(
        {name: pa.array([getattr(one, name) for one in texts], REJECTS.field(name).type) for name in REJECTS.names},
        schema=REJECTS,
    )


def _local(part: Part, scratch: Path) -> Path:
    """The part's file on this machine, as its list was frozen."""
    if remote.is_remote(part.path):
        remote.download(remote.Remote(part.path, part.size, part.etag or ""), scratch)
        return scratch
    path = Path(part.path)
    size = part.size if part.end is None else None
    try:
        there = path.stat().st_size
    except OSError as error:
        raise Failure(f"{path} is in the source's frozen list and cannot be read now ({error.strerror})") from None
    if size is not None and there != size:
        raise Failure(
            f"{path} has {there} bytes, but {size} when its list was frozen; put it back, or give it a new source"
        )
    return path


def _worst(by_file: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    """The files with most damaged records."""
    damaged = {name: _damaged(counts) for name, counts in by_file.items()}
    order = sorted((name for name in damaged if damaged[name]), key=lambda name: (-damaged[name], name))
    return [
        {"file": storable(name), "damaged": damaged[name], "records": sum(by_file[name].values())}
        for name in order[:WORST]
    ]


def _damaged(counts: dict[str, int]) -> int:
    return sum(count for reason, count in counts.items() if reason in DAMAGE)


def _judge(source: str, statistics: dict[str, Any], by_file: dict[str, dict[str, int]], reject_share: float) -> None:
    """Raises Failure where too much is damaged, or nothing is left."""
    damaged = _damaged(statistics["rejects"])
    total = statistics["documents"] + sum(statistics["rejects"].values())
    if damaged > reject_share * total:
        worst = statistics["worst_files"][0]
        counts = {reason: count for reason, count in by_file[worst["file"]].items() if reason in DAMAGE}
        reason = max(sorted(counts), key=lambda key: counts[key])
        raise Failure(
            f"source {source}: {damaged} of {total} records are damaged, more than `reject_share: {reject_share:g}`; "
            f"worst is {worst['file']} with {worst['damaged']} of {worst['records']} ({reason}: {DAMAGE[reason]}). "
            f"Replace the file, or raise the share; the list is in *.rejects.parquet"
        )
    if statistics["documents"] == 0:
        reasons = ", ".join(f"{count} {reason}" for reason, count in statistics["rejects"].items()) or "no record"
        raise Failure(
            f"source {source}: none of its {statistics['files']} files gave a document ({reasons}); "
            f"check `kind`, and `text` where records have another field of that name"
        )
