"""The demo's input, made on the spot without network: a crawl, better sources, benchmarks, what was planted.

    crawl/NNNNN.warc.gz and one .warc      pages, most of them junk, some records damaged
    webtext.jsonl.gz {url, text}           books1/*.txt  books2/*.txt  wikipedia.jsonl.gz {id, title, text}
    benchmarks/cloze.jsonl {context, continuation}   benchmarks/choice.jsonl {query, choices, gold}
    labelled/*                             text with labels, demonstrations, prompts: labelled.py
    planted.json                           never read by any stage but `report`:
        near_copies  [{url, of_url, kind: within|across, made: words|shortened, jaccard}]
        exact_copies [{url, of_url}]       the extracted text is the same
        leaks        [{benchmark, line, text, said, source: crawl|webtext|books2, where, form}]
                     where: a URL, or <file>#<chapter> in books2; line counts from 1; text is the item's, said what
                     was planted; form: whole and deep as it is, rewrapped, respaced, changed, paraphrased (leaks.py)
        damaged      [{file, offset, length, kind, url}]   length bytes at offset are lost, the rest reads
        pages        {good, copy/near..., leak/..., and each kind of junk: number of responses}
        good_pages, junk_pages, marks      how to tell them by URL: the path begins with /good/, /copy/, /leak/
                     or /junk/<kind>/; the copies of another page and the leaks are good text too
        shingle      how the Jaccard similarities were measured: on the text that main-content extraction gives

`jaccard` is measured, not aimed at. The text comes from docstrings (`library`), the HTML from pydoc.
"""

import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import field
from pathlib import Path
from typing import Any

from tasks.demo import crawl, items, junk, labelled, library, plan, sources
from tasks.demo.chance import number, uniform
from tasks.runtime.artifact import Artifact
from tasks.runtime.errors import Failure
from tasks.runtime.job import Job
from tasks.runtime.local_store import LocalStore
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

Map = Callable[[Callable[[Any], Any], list[Any]], Iterable[Any]]
FULL = 48  # megabytes of crawl at which sources and plants have their full size
LEAST_SCALE = 0.08  # what is planted needs so much text to stand in: about 3 MB of crawl
LEAST_GROUPS = 12
ENOUGH = 0.75  # of the source files documents what is needed at full size
ITEMS = {"cloze": (100, 24), "choice": (60, 16)}
CHECKED_TOGETHER = 400
PLANTED = "planted.json"


@statistics
class Documentation:
    """What the text was made of: pieces of documentation, libraries that are absent, and what could not be read."""

    units: int = 0
    absent: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


@statistics
class Sampled:
    """Pages by kind, bytes of crawl files, documents and bytes per source, items per benchmark, rows per labelled file,
    what was planted."""

    pages: dict[str, int] = field(default_factory=dict)
    good_pages: int = 0
    junk_pages: int = 0
    crawl_files: dict[str, int] = field(default_factory=dict)
    crawl_bytes: int = 0
    html_bytes: int = 0
    records: int = 0
    sources: dict[str, dict[str, int]] = field(default_factory=dict)
    benchmarks: dict[str, int] = field(default_factory=dict)
    labelled: dict[str, int] = field(default_factory=dict)
    planted: dict[str, int] = field(default_factory=dict)
    documentation: Documentation = field(default_factory=Documentation)


def make_sample(folder: Path, *, megabytes: int = FULL, seed: int = 1, map: Map) -> Sampled:
    """Writes the sample into `folder`: the same bytes for the same machine, megabytes and seed.

    `map(fn, items)` gives the results in order; fn is a top-level function and may run in other processes.
    Returns counts and bytes. Failure when the documentation found is too little for what is to be planted.
    """
    scale = max(LEAST_SCALE, megabytes / FULL)
    groups, absent = library.groups()
    enough = max(LEAST_GROUPS, round(len(groups) * min(1.0, ENOUGH * scale)))
    groups = sorted(groups, key=lambda group: number(seed, "group", *group.name))[:enough]
    read_groups = list(map(library.read_group, groups))
    unread = sorted(f"{name}: {reason}" for _, rows in read_groups for name, reason in rows)
    texts = [unit for unit in library.distribution_texts() if uniform(seed, "take", unit.name) < scale * 2]
    units = library.distinct([unit for rows, _ in read_groups for unit in rows] + texts)
    text_kinds = {"readme", "licence"}
    documented = [unit for unit in units if unit.kind not in text_kinds]
    by_place = sources.allocate(documented, [unit for unit in units if unit.kind in text_kinds], seed, scale)

    benchmarks = settle(by_place, seed, scale, map)
    webtext = [sources.webtext_row(unit) for unit in by_name(by_place["webtext"])]
    leaking = plan.leak_order(benchmarks, seed)
    try:
        planting = plan.plan(by_place["crawl"], webtext, by_place["books2"], leaking, seed, scale)
    except (IndexError, StopIteration) as error:
        raise Failure(
            f"{folder}: {len(units)} pieces of documentation were found, too few for the sample: "
            "install the project with its dependencies, or ask for more megabytes."
        ) from error

    placed = {unit.name for place in by_place.values() for unit in place}
    left = [unit for unit in documented if unit.name not in placed]
    shown = [str(row["text"]) for rows in benchmarks.values() for row in rows]
    rows_of = labelled.write(folder / "labelled", left, shown, seed, scale)
    written = write_sources(folder, by_place, webtext, benchmarks, planting)
    similarities = list(map(plan.measured, [(original, copy, seed) for original, copy in planting.pairs]))
    for row, jaccard in zip(planting.exact, similarities, strict=False):
        if jaccard != 1.0:
            raise Failure(f"{row['url']} should be an exact copy of {row['of_url']} but extracts to other text.")
    for row, jaccard in zip(planting.near, similarities[len(planting.exact) :], strict=True):
        row["jaccard"] = round(jaccard, 6)

    crawl_files = plan.files(planting, seed, megabytes)
    reports = list(map(crawl.write_crawl_file, [(file, folder, seed) for file in crawl_files]))
    pages: dict[str, int] = {}
    for report in reports:
        for kind, count in report["pages"].items():
            pages[kind] = pages.get(kind, 0) + count
    pages = dict(sorted(pages.items()))
    junk_pages = sum(count for kind, count in pages.items() if kind in junk.SHARES)
    planted: dict[str, Any] = {
        "near_copies": planting.near, "exact_copies": planting.exact, "leaks": planting.leaks,
        "damaged": [row for report in reports for row in report["damaged"]], "pages": pages,
        "good_pages": len(planting.pages), "junk_pages": junk_pages,
        "marks": {"good": ["/good/", "/copy/", "/leak/"], "junk": ["/junk/"], "damaged": ["/damaged/"]},
        "shingle": "sets of 5 words, lower-cased, split on white space, of resiliparse's main content",
    }  # fmt: skip
    sources.write(folder / PLANTED, (json.dumps(planted, indent=1, ensure_ascii=False) + "\n").encode())
    return Sampled(
        pages=pages,
        good_pages=len(planting.pages),
        junk_pages=junk_pages,
        crawl_files={report["file"]: report["bytes"] for report in reports},
        crawl_bytes=sum(report["bytes"] for report in reports),
        html_bytes=sum(report["html_bytes"] for report in reports),
        records=sum(report["records"] for report in reports),
        sources=written,
        benchmarks={kind: len(rows) for kind, rows in benchmarks.items()},
        labelled=rows_of,
        planted={key: len(planted[key]) for key in ("near_copies", "exact_copies", "leaks", "damaged")},
        documentation=Documentation(len(units), tuple(absent), tuple(unread)),
    )


def by_name(units: list[library.Unit]) -> list[library.Unit]:
    return sorted(units, key=lambda unit: unit.name)


def settle(by_place: dict[str, list[library.Unit]], seed: int, scale: float, map: Map) -> items.Items:
    """The benchmarks' items, none of which shares a 13-gram with any text that the sample shows."""
    offered = items.candidates(by_place["benchmarks"], seed)
    counts = {kind: max(least, round(full * min(1.0, scale))) for kind, (full, least) in ITEMS.items()}
    offered = {kind: rows[: 3 * counts[kind]] for kind, rows in offered.items()}
    wanted = frozenset(gram for rows in offered.values() for row in rows for gram in items.grams(row["text"]))
    shown = [unit for place, units in by_place.items() if place != "benchmarks" for unit in units]
    batches = [(shown[i : i + CHECKED_TOGETHER], wanted) for i in range(0, len(shown), CHECKED_TOGETHER)]
    hit: set[str] = set().union(*map(items.hit_grams, batches))
    return items.settled(offered, hit, counts)


def write_sources(
    folder: Path, by_place: dict[str, list[library.Unit]], webtext: list[dict[str, str]],
    benchmarks: items.Items, planting: plan.Plan,
) -> dict[str, dict[str, int]]:  # fmt: skip
    """Writes all but the crawl, with the leaks in; documents and bytes of text per source. Leaks in books2 get
    the name of their file."""
    rows = [dict(row) for row in webtext]
    for i, item in planting.in_webtext.items():
        rows[i]["text"] = sources.inserted(rows[i]["text"], item)
    articles = [sources.wikipedia_row(unit, i) for i, unit in enumerate(by_name(by_place["wikipedia"]), 1)]
    sources.write_lines(folder / "webtext.jsonl.gz", rows)
    sources.write_lines(folder / "wikipedia.jsonl.gz", articles)
    written = {
        name: {"documents": len(documents), "bytes": sum(len(str(row["text"]).encode()) for row in documents)}
        for name, documents in (("webtext", rows), ("wikipedia", articles))
    }
    for shelf in ("books1", "books2"):
        documents = sources.books(by_place[shelf], planting.in_books2 if shelf == "books2" else {})
        for name, chapters, text in documents:
            sources.write(folder / shelf / name, text.encode())
            for row in planting.leaks:
                if row["source"] == shelf and row["where"] in chapters:
                    row["where"] = f"{shelf}/{name}#{row['where']}"
        written[shelf] = {"documents": len(documents), "bytes": sum(len(text.encode()) for _, _, text in documents)}
    for kind, chosen in benchmarks.items():
        sources.write_lines(folder / "benchmarks" / f"{kind}.jsonl", items.records(kind, chosen))
    return written


def installed() -> str:
    """A hash of Python's version and of the installed distributions': what the sample's bytes depend on."""
    distributions = importlib.metadata.distributions()
    lines = {f"{distribution.metadata['Name']} {distribution.version}" for distribution in distributions}
    text = "\n".join([sys.version, *sorted(line for line in lines if not line.startswith("millrace "))])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def planted_in(sample: Artifact) -> dict[str, Any]:
    """What was planted; see the head of this file."""
    return dict(json.loads(sample.read(PLANTED)))


@stage("sample", kind="input", section="planted")
def sample(job: Job, *, megabytes: int, seed: int, machine: str) -> Sampled:
    """The demo's input. `machine` is `installed()`, so that other packages make another fingerprint."""

    def pooled(function: Callable[[Any], Any], inputs: list[Any]) -> list[Any]:
        return job.engine.map(function, inputs, lambda done, total, _: job.progress(done, total))

    with job.store.scratch() as scratch:
        folder = scratch / "sample"
        # Workers write into the folder: where they may be on other machines, this one makes all.
        store_is_local = isinstance(job.store, LocalStore)
        counts = make_sample(folder, megabytes=megabytes, seed=seed, map=pooled if store_is_local else map)
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            job.put(path.relative_to(folder).as_posix(), path)
    return counts
