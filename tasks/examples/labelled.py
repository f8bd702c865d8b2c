"""Stage `labelled`: files of labelled text to records, in shards of documents, each seen to fit the form.

A record's text is all that its form shows, cleaned as benchmarks are: it is for comparison alone (`hits`). What is
learned from is the record itself, which `meta` keeps as JSON. A record that does not fit is no document: it is listed
in <key>.rejects.parquet, with its file and line.

An id is a hash of the file's name and of what the form reads of the record (and of the line, where the same was met
before in the shard). `asked` is a hash of the texts before the label or answer, by which records are held out: so the
same question, ranked by two people, is never on both sides. Where a conversation names its `user`, the split is drawn
by that (InstructGPT, section 3.2): nobody's prompts are on both sides.
"""

import hashlib
from collections import Counter
from dataclasses import field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from conf.examples import FIELDS
from tasks.decontaminate.benchmark import comparable
from tasks.examples.fields import REASONS as OF_FIELDS
from tasks.examples.fields import Item, item_of, user_of
from tasks.examples.importers import FORMATS
from tasks.examples.importers import REASONS as OF_FORMATS
from tasks.examples.names import format_of, said
from tasks.examples.records import Asked, Found, as_json, records
from tasks.examples.told import tell_record
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.shards import COMPRESSION, DOCUMENTS, Output
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics
from tasks.sources.input.hashed import as_listed
from tasks.sources.input.here import here
from tasks.sources.input.inside import files_inside
from tasks.sources.origins import FILE as ORIGINS_FILE
from tasks.sources.origins import Origin
from tasks.sources.origins import table_of as origins_table
from tasks.sources.parts import SHARD, Part, plan
from tasks.sources.rejects import DAMAGE, FILE, LOSS, Bad, Reject, storable, table_of
from tasks.sources.remote.manners import Manners

MORE = {
    "line": Column("line", pa.int64(), "of its file, from 1; of Parquet the row, from 0"),
    "asked": Column(
        "asked", pa.string(), "hash of the texts before the label or answer, or of the user: what the split is drawn by"
    ),
    "split": Column("split", pa.string(), "train or validation, where its file says; null where it is drawn"),
}
MEANINGS = {
    "id": "<name>:<32 hex digits>",
    "text": "all that the form shows, cleaned, for comparison",
    "bytes": "of the text in UTF-8",
    "url": "null, as all of a document's that a record has not",
    "date": "null",
    "language": "null",
    "language_score": "null",
    "meta": "the record, as JSON",
}
COLUMNS = (*(Column(name, DOCUMENTS.field(name).type, told) for name, told in MEANINGS.items()), *MORE.values())
SCHEMA = pa.schema([(column.name, column.type) for column in COLUMNS])
REASONS = {
    **{name: {**DAMAGE, **LOSS}[name] for name in (
        "gzip", "zstd", "bzip2", "xz", "lzma", "lz4", "window", "dictionary", "truncated", "json", "parquet", "format",
        "empty-file", "charset", "too-large",
    )},
    "cells": "a line of a table has more or fewer cells than its first line names, or a quote that nothing closes",
    **OF_FIELDS,
    **OF_FORMATS,
}  # fmt: skip
BATCH = 16 << 20  # bytes of text and records written at once
ROWS = 20_000
WORST = 10


@statistics
class Worst:
    """A file with records that do not fit, how many, and how many it has."""

    file: str = ""
    rejected: int = 0
    records: int = 0


@statistics
class Labelled:
    """Records that fit (`documents`) and bytes of their text; rejects by reason; labels by class, where there are any.

    `by_file` is what shards count, documents and rejects of each file; of an artifact `worst_files` is made of it.
    """

    files: int = 0
    bytes: int = 0
    documents: int = 0
    text_bytes: int = 0
    rejects: dict[str, int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    by_file: dict[str, dict[str, int]] = field(default_factory=dict)
    worst_files: tuple[Worst, ...] = ()


@stage(
    "labelled",
    kind="input",
    columns=COLUMNS,
    reasons=REASONS,
    tell=tell_record,
    libraries=("isal", "zstandard", "lz4", "orjson", "ftfy"),
    judges=("reject_share", "manners"),
)
def labelled(
    job: Job,
    *,
    files: list[dict[str, Any]],
    form: str,
    fields: dict[str, Any],
    classes: list[str],
    reject_share: float,
    shard: int = SHARD,
    inside: Artifact | None = None,
    validation: list[dict[str, Any]] | None = None,
    validation_inside: Artifact | None = None,
    manners: dict[str, Any] | None = None,
    format: str | None = None,
) -> Labelled:
    """Read labelled records.

    Args:
        files: the frozen list, dicts as `files.InputFile.as_dict` gives them; with `inside`, patterns (`path`) of files
            in that artifact.
        form: of conf/examples.py. fields: which field of a record is what. classes: what labels may be.
        reject_share: more records that do not fit than this share of all stop the stage.
        validation, validation_inside: files that are held out whole; None: records are drawn.
        manners: how remote files are asked for, as `manners.Manners` takes it.
        format: of importers.py, where the records are another project's; None: they are ours.

    Raises:
        Mistake: a pattern that matches nothing, a file of another format, a table without a field that is named.
        Failure: too many rejects, no record at all, a file that changed since its list was frozen.
    """
    name = job.artifact.name
    split = None if validation is None else "train"
    work = _planned(files, inside, split, shard, name)
    if validation is not None:
        work += _planned(validation, validation_inside, "validation", shard, name)
    reading = {
        "form": form,
        "fields": fields,
        "classes": tuple(classes),
        "source": name,
        "manners": manners,
        "format": format,
    }
    items: list[tuple[str, Any]] = [(f"{number:05}", one) for number, one in enumerate(work)]
    counts = job.total(labelled_shard, items, **reading)
    paths = {storable(file.get("name") or file["path"]): file["path"] for file in [*files, *(validation or [])]}
    _judge(name, counts, reject_share, paths)
    return replace(counts, by_file={}, worst_files=_worst(counts.by_file))


Work = tuple[list[Part], str | None, Artifact | None]  # parts of one shard, their split if it is said, where they are


def _planned(
    files: list[dict[str, Any]], inside: Artifact | None, split: str | None, shard: int, name: str
) -> list[Work]:
    """Shards of files, in their order; those of one format are cut and packed together."""
    if inside is not None:
        files = files_inside(files, inside, name)
    place = inside.local if inside is not None else Path
    return [
        (parts, split, inside)
        for kind, of_kind in groupby(files, key=lambda file: format_of(file["path"]))
        for _, parts in plan(list(of_kind), kind, shard, place)
    ]


def labelled_shard(
    out: Output,
    work: Work,
    *,
    form: str,
    fields: dict[str, Any],
    classes: tuple[str, ...],
    source: str,
    manners: dict[str, Any] | None,
    format: str | None,
) -> Labelled:
    """Read the parts of one shard and write its records, their origins, and rejects. Runs in a worker."""
    parts, split, inside = work
    asked = Asked(_paths(fields, FIELDS[form].all), _paths(fields, FIELDS[form].required))
    if format is not None:
        theirs = FORMATS[format]
        asked = Asked([*theirs.needed, *theirs.optional], [*theirs.needed])
    rejects: list[Reject] = []
    by_file: dict[str, Counter[str]] = {}
    labels: Counter[str] = Counter()
    with (
        out.open(ORIGINS_FILE) as origins_file,
        pq.ParquetWriter(origins_file, origins_table([]).schema, compression=COMPRESSION) as origins,
    ):
        rows = Rows(out, origins, source)
        for part in parts:
            with (
                here(part, out.scratch, inside, Manners(**(manners or {}))) as (named, path),
                as_listed(named, path, format_of(named.path)) as read,
            ):
                counts = by_file.setdefault(storable(named.path), Counter())
                for found in records(read.source, path, named, asked):
                    if isinstance(found, Found):
                        try:
                            values = [found.value] if format is None else FORMATS[format].records(found.value)
                            items = [item_of(value, form, fields, classes) for value in values]
                        except Bad as bad:
                            detail = f"{said(named.path, found.line)}: {bad.detail}"
                            found = Reject(named.path, found.offset, found.length, bad.reason, detail)
                        else:
                            for value, item in zip(values, items, strict=True):
                                rows.add(named.path, found._replace(value=value), item, split)
                                labels.update(
                                    classes[int(place)] for place in item.label if classes and form != "choose"
                                )
                            counts["documents"] += len(items)
                            continue
                    counts[found.reason] += found.records
                    rejects.append(found)
        rows.close()
    with out.open(FILE) as file:
        pq.write_table(table_of(rejects), file, compression=COMPRESSION)
    refused: Counter[str] = Counter()
    for reject in rejects:
        refused[reject.reason] += reject.records
    return Labelled(
        files=sum(part.start == 0 for part in parts),
        bytes=sum(part.size for part in parts),
        documents=rows.count,
        text_bytes=rows.text_bytes,
        rejects=dict(sorted(refused.items())),
        labels=dict(sorted(labels.items())),
        by_file={name: dict(sorted(counts.items())) for name, counts in sorted(by_file.items())},
    )


def _paths(fields: dict[str, Any], keys: tuple[str, ...]) -> list[str]:
    """The fields that some keys name, once each."""
    named = (fields[key] for key in keys)
    return list(dict.fromkeys(path for each in named for path in ([each] if isinstance(each, str) else each)))


class Rows:
    """Records on their way to a shard's main file, and their origins to the file beside it, a batch at a time."""

    def __init__(self, out: Output, origins: pq.ParquetWriter, source: str):
        self._out, self._origins, self._source = out, origins, source
        self._waiting: list[dict[str, Any]] = []
        self._from: list[Origin] = []
        self._met: set[bytes] = set()
        self._bytes = self.count = self.text_bytes = 0

    def add(self, file: str, found: Found, item: Item, split: str | None) -> None:
        text, record = comparable(item.shown), storable(as_json(found.value))
        key = _hash(file, as_json({"item": item}))
        if key in self._met:
            key = _hash(file, as_json({"item": item}), str(found.line))
        self._met.add(key)
        size = len(text.encode())
        about = {
            "line": found.line,
            "asked": _hash(*_drawn_by(found.value, item)).hex(),
            "split": split,
            "meta": record,
        }
        self._waiting.append({"id": f"{self._source}:{key.hex()}", "text": text, "bytes": size, **about})
        self._from.append(Origin(file, found.offset, found.length, None))
        self.count += 1
        self.text_bytes += size
        self._bytes += size + len(record)
        if self._bytes >= BATCH or len(self._waiting) >= ROWS:
            self._write()

    def _write(self) -> None:
        self._out.write(pa.Table.from_pylist(self._waiting, schema=SCHEMA))
        self._origins.write_table(origins_table(self._from))
        self._waiting, self._from, self._bytes = [], [], 0

    def close(self) -> None:
        self._write()  # also where nothing waits: an empty shard is a file too


def _drawn_by(value: dict[str, Any], item: Item) -> tuple[str, ...]:
    """What the split is drawn by: the user of a conversation, if it names one, and else what is asked."""
    user = user_of(value) if item.roles else None
    return item.asked if user is None else ("user", user)


def _hash(*texts: str) -> bytes:
    """16 bytes."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).digest()[:16]


def _worst(by_file: dict[str, dict[str, int]]) -> tuple[Worst, ...]:
    rejected = {name: sum(counts.values()) - counts.get("documents", 0) for name, counts in by_file.items()}
    order = sorted((name for name in rejected if rejected[name]), key=lambda name: (-rejected[name], name))
    return tuple(Worst(name, rejected[name], sum(by_file[name].values())) for name in order[:WORST])


def _judge(name: str, counts: Labelled, reject_share: float, paths: dict[str, str]) -> None:
    """Raises Failure where too much does not fit, or nothing is left. `paths`: of the files, by name."""
    rejected = sum(counts.rejects.values())
    total = counts.documents + rejected
    if rejected > reject_share * total:
        worst = _worst(counts.by_file)[0]
        reasons = {reason: count for reason, count in counts.by_file[worst.file].items() if reason != "documents"}
        reason = max(sorted(reasons), key=lambda key: reasons[key])
        raise Failure(
            f"examples {name}: {rejected} of {total} records do not fit, more than `reject_share: {reject_share:g}`; "
            f"worst is {paths.get(worst.file, worst.file)} with {worst.rejected} of {worst.records} ({reason}: "
            f"{REASONS[reason]}). Mend the file or the fields that `examples.{name}` names, or raise the share; the "
            f"list, with lines, is in *.{FILE}"
        )
    if counts.documents == 0:
        raise Failure(f"examples {name}: its {counts.files} files hold no record; check `files`")
