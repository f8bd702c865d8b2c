"""Stage `select`: which records of a crawl are wanted, from its index, before anything is downloaded.

Shards hold the captures that are wanted, as each file of the index has them. What `ingest` reads is lists made of them
by one shuffle, each of about `shard` bytes of records, by file and offset (selected.py).
"""

import json
import os
from collections.abc import Iterator
from dataclasses import field, replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.errors import Failure
from tasks.runtime.fixed import begins
from tasks.runtime.job import Job
from tasks.runtime.shards import Output, batches
from tasks.runtime.shuffle import INVERSE
from tasks.runtime.stage import Column, stage
from tasks.runtime.statistics import statistics
from tasks.sources.input.inside import files_inside
from tasks.sources.remote.bring import Remote, is_remote, look_all
from tasks.sources.remote.manners import Manners
from tasks.sources.remote.ranges import Ranged, local_version
from tasks.sources.selection.cc_index import PLACE, REASONS, Counts, Wanted, wanted_rows
from tasks.sources.selection.selected import LIST, LISTED, merged
from tasks.sources.told import silent
from tasks.sources.webtext.linked import lookup

GROUP = 100_000  # rows of a row group
GROUPS = 20  # row groups that are emitted at once: 2 million records, 50 MB
LOOKED = 1000  # WARC files after which what is known of them is kept
MEMO = "looked.json"  # in the workspace
CAPTURES = pa.schema(
    [
        ("file", pa.string()),
        ("offset", pa.int64()),
        ("length", pa.int64()),
        ("url", pa.string()),
        ("languages", pa.string()),
    ]
)
MEANINGS = {
    "file": "the WARC file, as the index names it",
    "offset": "of the record in it, in bytes",
    "length": "of the record, in bytes",
    "url": "that was fetched",
    "languages": "as Common Crawl detected them, ISO 639-3",
}


@statistics
class Selected:
    """What was read of the index, what it says is wanted, and what reading that alone saves.

    `bytes` are those of the `records`; `asked` with the gaps between near ones, in `requests`; `warc_bytes` those of
    the whole files that hold them, of which `saved` are not read: less what was asked, and what the index cost.
    """

    index_files: int = 0
    index_bytes: int = 0
    index_asked: int = 0
    row_groups: int = 0
    row_groups_read: int = 0
    rows: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    records: int = 0
    bytes: int = 0
    requests: int = 0
    asked: int = 0
    warc_files: int = 0
    warc_bytes: int = 0
    saved: int = 0


@stage(
    "select",
    kind="input",
    columns=tuple(Column(name, CAPTURES.field(name).type, meaning) for name, meaning in MEANINGS.items()),
    reasons=REASONS,
    tell=silent,
    libraries=("ada-url", "numpy"),
    judges=("manners",),
)
def select(
    job: Job,
    *,
    files: list[dict[str, Any]],
    source: str,
    base: str,
    domains: list[str],
    prefixes: list[str],
    languages: list[str],
    mime: list[str],
    status: list[int],
    shard: int,
    inside: Artifact | None = None,
    links: Artifact | None = None,
    manners: dict[str, Any] | None = None,
) -> Selected:
    """Choose records of a crawl by its index.

    Args:
        files: of the index (Parquet), as a frozen list has them; with `inside`, patterns (`path`) in that artifact.
        source: its name, for messages.
        base: the URL, or folder, at which the names of WARC files begin.
        domains, prefixes, languages, mime, status: see `cc_index.Wanted`.
        shard: bytes of records that `ingest` reads into a shard.
        links: only captures that these name.
        manners: how servers are asked, as `manners.Manners` takes it.

    Raises:
        Mistake: a domain, prefix or language that is none; a WARC file that is not there.
        Failure: a file of the index cannot be read; nothing is selected.
    """
    wanted = Wanted(tuple(domains), tuple(prefixes), tuple(languages), tuple(mime), tuple(status))
    if inside is not None:
        files = files_inside(files, inside, source)
    items = [(f"{number:05}", file) for number, file in enumerate(files)]
    counts = job.total(read_index, items, wanted=wanted, links=links, inside=inside, manners=manners)
    if not counts.records:
        said = ", ".join(f"{number} {reason}" for reason, number in counts.reasons.items() if number)
        raise Failure(
            f"source {source}: none of {counts.rows} captures in {counts.row_groups_read} row groups of the index is "
            f"selected ({said or 'no row group may hold one'}); check `select`"
        )
    shards = _made(job)
    names = sorted(set().union(*job.engine.map(names_of, shards)))
    root = base.rstrip("/") if is_remote(base) else os.path.normpath(base)  # as `files` would name them
    warcs = looked_at(job, [f"{root}/{name}" for name in names], Manners(**(manners or {})))
    groups = [(one, first) for one in shards for first in range(0, max(1, -(-one.rows // GROUP)), GROUPS)]
    emit = partial(emit_places, names=names)
    asked, requests = _write(job, job.engine.shuffle(emit, once, groups), warcs, shard)
    whole = sum(warc.size for warc in warcs)
    saved = max(0, whole - asked - counts.index_asked)
    job.log(
        f"source {source}: {counts.records} records of {len(warcs)} files: {asked} bytes in {requests} requests are "
        f"read instead of {whole}"
    )
    return replace(counts, asked=asked, requests=requests, warc_files=len(warcs), warc_bytes=whole, saved=saved)


def _made(job: Job) -> list[Shard]:
    """The shards that the stage itself has just made."""
    return [
        Shard(job.store, job.artifact.label, file.file.removesuffix(".parquet"), file)
        for _, file in sorted(job.files.items())
    ]


def read_index(
    out: Output,
    file: dict[str, Any],
    *,
    wanted: Wanted,
    links: Artifact | None,
    inside: Artifact | None,
    manners: dict[str, Any] | None,
) -> Selected:
    """Write the wanted captures of one file of the index. Runs in a worker."""
    path = str(inside.local(file["path"])) if inside is not None else file["path"]
    source = Ranged(Remote(path, file["size"], file.get("etag") or ""), Manners(**(manners or {})))
    counts = Counts()
    linked = None if links is None else partial(_is_linked, links=links)
    waiting = CAPTURES.empty_table()
    records = size = 0
    for table in wanted_rows(source, wanted, linked, counts):
        waiting = pa.concat_tables([waiting, _captures(table)])
        records += len(table)
        size += int(np.sum(table.column("warc_record_length").to_numpy(), dtype=np.int64))
        while len(waiting) >= GROUP:
            out.write(waiting.slice(0, GROUP))
            waiting = waiting.slice(GROUP)
    if len(waiting) or not records:
        out.write(waiting)
    return Selected(
        index_files=1,
        index_bytes=file["size"],
        index_asked=source.asked,
        row_groups=counts.groups,
        row_groups_read=counts.groups_read,
        rows=counts.rows,
        reasons=counts.reasons,
        records=records,
        bytes=size,
    )


def _is_linked(url: str, *, links: Artifact) -> bool:
    return lookup(links).find(url) is not None


def _captures(table: pa.Table) -> pa.Table:
    languages = table.column("content_languages") if "content_languages" in table.column_names else None
    url, file, offset, length = (table.column(name) for name in PLACE)
    columns = [file, offset, length, url, pa.nulls(len(table), pa.string()) if languages is None else languages]
    columns = [column.cast(of.type) for column, of in zip(columns, CAPTURES, strict=True)]
    return pa.table(columns, schema=CAPTURES)


def names_of(shard: Shard) -> set[str]:
    """The WARC files of a shard's captures: a crawl has 100,000 at most."""
    return {name for batch in batches(shard, ["file"], 1 << 16) for name in batch.column("file").unique().to_pylist()}


def looked_at(job: Job, urls: list[str], manners: Manners) -> list[Remote]:
    """Each file with its size and ETag: the version that is read. What is known outlives a killed attempt."""
    memo = job.workspace / MEMO
    known: dict[str, Remote] = {url: local_version(url) for url in urls if not is_remote(url)}
    if memo.exists():
        known |= {url: Remote(url, size, etag) for url, size, etag in json.loads(memo.read_text(encoding="utf-8"))}
    missing = [url for url in urls if url not in known]
    for start in range(0, len(missing), LOOKED):
        try:
            look_all(missing[start : start + LOOKED], manners, known)
        finally:
            part = memo.with_suffix(".part")
            part.write_text(json.dumps(list(known.values())), encoding="utf-8")
            part.replace(memo)
    return [known[url] for url in urls]


def emit_places(item: tuple[Shard, int], *, names: list[str]) -> pa.Table:
    """Where the captures of some row groups are; the files' order is that of their names."""
    shard, first = item
    last = min(first + GROUPS, max(1, -(-shard.rows // GROUP)))
    numbers = {name: number for number, name in enumerate(names)}
    found: list[pa.Table] = []
    for batch in batches(shard, ["file", "offset", "length"], 1 << 16, range(first, last)):
        encoded = batch.column("file").dictionary_encode()
        by_value = np.array([numbers[name] for name in encoded.dictionary.to_pylist()] or [0], np.uint64)
        number = by_value[encoded.indices.to_numpy()]
        # The shuffle's order is that of the key's product with an odd number, which gives the file's place among all.
        key = (number * np.uint64((1 << 64) // (len(names) + 1)) * INVERSE).view(np.int64)
        columns = [pa.array(key), pa.array(number.astype(np.int64)), batch.column("offset"), batch.column("length")]
        found.append(pa.table(columns, names=["key", "number", "offset", "length"]))
    empty = pa.schema([(name, pa.int64()) for name in ("key", "number", "offset", "length")]).empty_table()
    return pa.concat_tables([empty, *found])


def once(table: pa.Table) -> pa.Table:
    """Each place once, though two files of the index should name it."""
    return table.filter(pa.array(begins(*(table.column(name).to_numpy() for name in ("number", "offset")))))


def _write(job: Job, tables: Iterator[pa.Table], warcs: list[Remote], shard: int) -> tuple[int, int]:
    """Write the lists as places come; how many bytes are to be asked for, in how many requests."""
    asked = requests = count = 0
    rows: list[tuple[int, int, int]] = []
    waiting = 0

    def flush() -> None:
        nonlocal asked, requests, count, rows, waiting
        columns = [[warcs[number][place] for number, _, _ in rows] for place in range(3)]
        columns += [[row[1] for row in rows], [row[2] for row in rows]]
        with job.publish(f"{count:05}.{LIST}") as file:
            arrays = [pa.array(column, of.type) for column, of in zip(columns, LISTED, strict=True)]
            pq.write_table(pa.table(arrays, schema=LISTED), file, compression="zstd")
        for _, of_file in groupby(rows, key=itemgetter(0)):
            for group in merged([(offset, length) for _, offset, length in of_file]):
                asked += group[-1][0] + group[-1][1] - group[0][0]
                requests += 1
        count, rows, waiting = count + 1, [], 0

    for table in tables:
        columns = [table.column(name).to_pylist() for name in ("number", "offset", "length")]
        for number, offset, length in zip(*columns, strict=True):
            if rows and waiting + length > shard:
                flush()
            rows.append((number, offset, length))
            waiting += length
    if rows:
        flush()
    return asked, requests
