"""What a worker reads of a shard for the planted section: the rows that were planted, joined by URL, and the leaks."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.decontaminate.benchmark import items_of
from tasks.decontaminate.cuts import cuts as cuts_stage
from tasks.decontaminate.grams import grams as grams_stage
from tasks.decontaminate.grams import grams_table
from tasks.decontaminate.hits import hits as hits_stage
from tasks.decontaminate.hits import hits_of
from tasks.dedup.signatures import signatures as signatures_stage
from tasks.dedup.survivors import survivors as survivors_stage
from tasks.demo.sample import planted_in
from tasks.evaluation.plain import words
from tasks.report.given import ShardColumns
from tasks.report.planted_rules import Item, Looked, looked
from tasks.report.rejects import lists_rejects
from tasks.runtime.artifact import Artifact
from tasks.runtime.decisions import kept_before
from tasks.runtime.fixed import unfixed
from tasks.runtime.shards import batches, read, read_column
from tasks.sources.rejects import FAULTS, rejects_of
from tasks.tokens.pieces import pieces

GRAM = 13  # words, where no rule says another number


@dataclass(frozen=True)
class Leak:
    """A benchmark item that was put into a page, or (where `place` is no URL) into a file of a source."""

    number: int
    source: str
    place: str
    item: Item | None
    grams: frozenset[str]

    @property
    def by_url(self) -> bool:
        return "://" in self.place


@dataclass(frozen=True)
class Wanted:
    """What was planted, as far as a shard's rows are looked up by it."""

    urls: frozenset[str]  # of copies, their originals, and leaks
    pairs: frozenset[str]  # of copies and their originals: their signatures are fetched
    leaks: tuple[Leak, ...]
    n: int  # words a gram


@dataclass(frozen=True)
class Damage:
    """A reject for damage."""

    file: str
    offset: int
    length: int | None
    reason: str


@dataclass(frozen=True)
class PlantedRow:
    """A planted page as deduplication met it, or did not (`met`), and left it."""

    id: str
    met: bool = False
    stays: bool = True
    duplicate_of: str | None = None
    signature: np.ndarray | None = None


@dataclass(frozen=True)
class LeakRow:
    """A document that holds a gram of a leak; grams of it that are left in what is trained on of the document."""

    leak: int
    hit: bool
    left: int
    dropped_by: str | None  # the first decision that drops the document


@dataclass(frozen=True)
class LeakedDocument:
    """A document that holds leaks (their numbers), and what each rule finds in its text as it was ingested."""

    leaks: frozenset[int]
    looked: tuple[Looked, ...]


@dataclass(frozen=True)
class PlantedShard:
    """`kinds`: of each kind of page, documents, and under a decision's name those that stay after it."""

    damage: tuple[Damage, ...]
    kinds: dict[str, Counter[str]]
    rows: dict[str, PlantedRow]
    leaks: tuple[LeakRow, ...]
    documents: tuple[LeakedDocument, ...]


def count(columns: ShardColumns) -> PlantedShard | None:
    sample = next(iter(columns.given.others.get("sample", {}).values()), None)
    if sample is None:
        return None
    benchmarks = tuple(columns.given.others.get("benchmark", {}).items())
    wanted = wanted_of(sample, benchmarks, _words_of_a_gram(columns))
    documents = read(columns.shard, ["id", "url"])
    ids, urls = (documents.column(name).to_pylist() for name in ("id", "url"))
    after = {decision.stage: kept_before(decision, columns.shard) for decision in columns.decisions}
    kinds: dict[str, Counter[str]] = {}
    for row, url in enumerate(urls):
        if (kind := kind_of(url)) is not None:
            counts = kinds.setdefault(kind, Counter(dict.fromkeys(("documents", *after), 0)))
            counts["documents"] += 1
            counts.update(name for name, keep in after.items() if keep[row])
    holds = _holds(columns, wanted, urls)
    documents = tuple(
        LeakedDocument(
            frozenset(leak.number for leak in leaks),
            tuple(looked(text, [leak.item for leak in leaks if leak.item is not None], benchmarks)),
        )
        for leaks, text in holds.values()
    )
    leaks = tuple(_leaks(columns, {row: held for row, (held, _) in holds.items()}, wanted.n, ids, after))
    return PlantedShard(_damage(columns), kinds, _rows(columns, wanted, ids, urls), leaks, documents)


def _words_of_a_gram(columns: ShardColumns) -> int:
    """As the rule that cuts has it; GRAM where it takes no single gram of words for a leak."""
    cuts = columns.decision(cuts_stage)
    if cuts is None:
        return GRAM
    grams, rule = columns.given.others["grams"]["all"].manifest["parameters"], cuts.manifest["parameters"]["rule"]
    single = cuts.manifest["parameters"]["judged"][rule]["share"] is None
    return int(grams["rules"][rule]["n"]) if grams["rules"][rule]["unit"] == "words" and single else GRAM


@lru_cache(maxsize=4)
def wanted_of(sample: Artifact, benchmarks: tuple[tuple[str, Artifact], ...], n: int) -> Wanted:
    """What shards are to look for. A leak's item is known by its benchmark's file and line."""
    planted = planted_in(sample)
    copies = [*planted["exact_copies"], *planted["near_copies"]]
    pairs = frozenset(url for row in copies for url in (row["url"], row["of_url"]))
    items = items_by_line(benchmarks)
    leaks = tuple(
        Leak(
            number,
            row["source"],
            row["where"],
            items.get((row["benchmark"], row["line"])),
            grams(row["said"], n),
        )
        for number, row in enumerate(planted["leaks"])
    )
    return Wanted(pairs | {leak.place for leak in leaks}, pairs, leaks, n)


def items_by_line(benchmarks: tuple[tuple[str, Artifact], ...]) -> dict[tuple[str, int], Item]:
    """(benchmark, item) by (stem of the file's name, line)."""
    return {
        (row["file"].partition(".")[0], row["line"]): (name, row["item"])
        for name, artifact in benchmarks
        for row in items_of(artifact, ["item", "file", "line"]).to_pylist()
    }


def kind_of(url: str | None) -> str | None:
    """What a page of the sample is, as its URL's path says: good, copy/..., leak/..., or a kind of junk."""
    parts = urlsplit(url).path.split("/") if url else []
    if len(parts) < 3 or parts[1] not in ("good", "copy", "leak", "junk"):
        return None
    return {"good": "good", "junk": parts[2]}.get(parts[1], f"{parts[1]}/{parts[2]}")


def _damage(columns: ShardColumns) -> tuple[Damage, ...]:
    if not lists_rejects(columns):
        return ()
    rejects = rejects_of(columns.documents, columns.shard, ["file", "offset", "length", "reason"])
    return tuple(Damage(**row) for row in rejects.to_pylist() if row["reason"] in FAULTS)


def _rows(columns: ShardColumns, wanted: Wanted, ids: list[str], urls: list[str | None]) -> dict[str, PlantedRow]:
    """The first row of each planted URL."""
    places: dict[str, int] = {}
    for row, url in enumerate(urls):
        if url in wanted.urls and url is not None:
            places.setdefault(url, row)
    survivors, signatures = columns.decision(survivors_stage), columns.measure(signatures_stage)
    taken = pa.array(list(places.values()), pa.int64())
    values: dict[str, list[Any]] = {}
    if survivors is not None and places:
        table = read_column(survivors, columns.shard, ["keep", "reason", "duplicate_of"]).take(taken)
        stays = table.column("keep").to_pylist()
        met = [
            keep or reason is not None for keep, reason in zip(stays, table.column("reason").to_pylist(), strict=True)
        ]
        values = {"met": met, "stays": stays, "duplicate_of": table.column("duplicate_of").to_pylist()}
    if signatures is not None and wanted.pairs & places.keys():
        table = read_column(signatures, columns.shard, ["signature"]).take(taken)
        signed = unfixed(table.column("signature"), np.uint32)
        values["signature"] = [row if url in wanted.pairs else None for url, row in zip(places, signed, strict=True)]
    return {
        url: PlantedRow(ids[row], **{name: column[place] for name, column in values.items()})
        for place, (url, row) in enumerate(places.items())
    }


def _holds(columns: ShardColumns, wanted: Wanted, urls: list[str | None]) -> dict[int, tuple[list[Leak], str]]:
    """By row, the leaks of its URL (of its source, where they name a file) of whose wording it holds a gram; and its
    text."""
    present = {url for url in urls if url is not None}
    due = [
        leak for leak in wanted.leaks if leak.place in present or (leak.source == columns.source and not leak.by_url)
    ]
    if not due:
        return {}
    holds: dict[int, tuple[list[Leak], str]] = {}
    row = 0
    for batch in batches(columns.shard, ["text"]):
        for text in batch.column("text"):
            here = [leak for leak in due if leak.place == urls[row] or not leak.by_url]
            held = grams(text.as_py() or "", wanted.n) if here else frozenset()
            if leaks := [leak for leak in here if held & leak.grams]:
                holds[row] = leaks, text.as_py()
            row += 1
    return holds


def _leaks(
    columns: ShardColumns, holds: dict[int, list[Leak]], n: int, ids: list[str], after: dict[str, np.ndarray]
) -> list[LeakRow]:
    """A row for each leak and document that holds it; what is left of it is found by a plain search of the very text
    that is trained on."""
    known, trained = _hits(columns, holds), _trained(columns, holds, n)
    return [
        LeakRow(
            leak.number,
            leak.item is not None and (row, *leak.item) in known,
            len(trained.get(ids[row], frozenset()) & leak.grams),
            next((name for name, keep in after.items() if not keep[row]), None),
        )
        for row, leaks in holds.items()
        for leak in leaks
    ]


def _hits(columns: ShardColumns, rows: Collection[int]) -> set[tuple[int, str, str]]:
    """(row, benchmark, item) of hits in these rows, by any rule."""
    hits, grams = columns.measure(hits_stage), columns.given.single(grams_stage)
    if hits is None or grams is None:
        return set()
    table = hits_of(hits, columns.shard, ["row", "gram"])
    table = table.filter(pc.is_in(table.column("row"), pa.array(list(rows), pa.int64())))
    owners = grams_table(grams, ["gram", "benchmark", "item"])
    owners = owners.filter(pc.is_in(owners.column("gram"), table.column("gram").combine_chunks()))
    table = table.join(owners, "gram", join_type="inner", use_threads=False)
    return set(zip(*(table.column(name).to_pylist() for name in ("row", "benchmark", "item")), strict=True))


def _trained(columns: ShardColumns, rows: Collection[int], n: int) -> dict[str, frozenset[str]]:
    """By id, the grams in what the last decision leaves of these rows."""
    chosen = np.zeros(columns.shard.rows, bool)
    chosen[list(rows)] = True
    held: dict[str, frozenset[str]] = {}
    if columns.decisions and rows:
        for piece in pieces(columns.shard, columns.decisions[-1], 0.0, 0, chosen):
            id = piece.id.partition("#")[0]
            held[id] = held.get(id, frozenset()) | grams(piece.text, n)
    return held


def grams(text: str, n: int) -> frozenset[str]:
    """The grams of a text by the audit's plain words, not the filter's."""
    split = words(text)
    return frozenset(" ".join(split[at : at + n]) for at in range(len(split) - n + 1))
