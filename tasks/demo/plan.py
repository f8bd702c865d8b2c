"""What is planted in the crawl, and how the pages are dealt to files: made in the parent, in one place.

`plan` takes the allocated documentation and the benchmark items, and gives the pages, the rows of
planted.json that name them, and which item goes into which row of webtext and chapter of books2.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from tasks.demo import junk
from tasks.demo.chance import number, uniform
from tasks.demo.crawl import DAMAGES, CrawlFile
from tasks.demo.leaks import said
from tasks.demo.library import Unit, singular
from tasks.demo.pages import Blocks, Page, altered, content, extracted, moved, page_of, render, with_item, words

# How many are planted at 48 MB and above, and at the least.
COUNTS = {"within": (120, 8), "across": (60, 5), "exact": (80, 4), "whole": (16, 3), "rewrapped": (16, 3),
          "respaced": (10, 2), "changed": (10, 2), "paraphrased": (10, 2), "deep": (16, 2), "webtext": (6, 2),
          "books2": (4, 1)}  # fmt: skip
LOWEST, HIGHEST = 0.5, 0.97
DEEP_WORDS = 2_500
PAGES_PER_MB = 205
JUNK_PER_GOOD = 4.3
FILES = 8
MB_PER_FILE = 6
UNCOMPRESSED_SHARE = 0.34  # of the bytes, for one file in eight: HTML packs about five to one


def planned(name: str, scale: float) -> int:
    full, least = COUNTS[name]
    return max(least, round(full * min(1.0, scale)))


@dataclass
class Plan:
    """`pages` in no order; the other fields are planted.json's, near copies still without their Jaccard."""

    pages: list[Page] = field(default_factory=list)
    near: list[dict[str, Any]] = field(default_factory=list)
    exact: list[dict[str, Any]] = field(default_factory=list)
    leaks: list[dict[str, Any]] = field(default_factory=list)
    pairs: list[tuple[Page | str, Page]] = field(default_factory=list)
    in_webtext: dict[int, str] = field(default_factory=dict)
    in_books2: dict[str, str] = field(default_factory=dict)


def plan(
    crawl: list[Unit], webtext: list[dict[str, str]], books2: list[Unit], items: list[dict[str, Any]],
    seed: int, scale: float,
) -> Plan:  # fmt: skip
    """`items` are the checkable ones in the order in which they leak: rows with benchmark, line and text."""
    planting = Plan()
    units = sorted(crawl, key=lambda unit: number(seed, "plant", unit.name))
    alone = singular(crawl)
    leaking = iter(items)

    for _ in range(planned("deep", scale)):  # long pages of several units
        part, size = [units.pop()], 0
        while size < DEEP_WORDS and len(units) > 40:
            size += len(part[-1].text.split())
            part.append(units.pop())
        base = page_of(part[0], seed)
        blocks: Blocks = tuple(row for unit in part for row in (("h", unit.name), *content(unit)))
        leak(planting, moved(replace(base, blocks=blocks), seed, "leak/deep"), next(leaking), "deep", seed)

    pages = [page_of(unit, seed) for unit in units]
    fit = [page for page in pages if page.title in alone and 150 <= words(page) <= 1500]
    chosen = {page.url for page in pages}
    for form in ("whole", "rewrapped", "respaced", "changed", "paraphrased"):
        for _ in range(planned(form, scale)):
            page = fit.pop()
            chosen.remove(page.url)
            leak(planting, moved(page, seed, f"leak/{form}"), next(leaking), form, seed)
    planting.pages += [page for page in pages if page.url in chosen]

    for _ in range(planned("exact", scale)):
        page = fit.pop()
        copy = moved(page, seed, "copy/exact", charset="utf-8")
        planting.exact.append({"url": copy.url, "of_url": page.url})
        planting.pairs.append((page, copy))
        planting.pages.append(copy)
    for aim in spread(planned("within", scale)):
        page = fit.pop()
        near(planting, page, page, page.url, aim, "within", seed)

    rows = [row for row in webtext if 150 <= len(row["text"].split()) <= 1500]
    rows.sort(key=lambda row: number(seed, "across", row["url"]))
    for aim in spread(planned("across", scale)):
        row = rows.pop()
        base = Page(row["url"] + ".html", row["text"].partition("\n")[0], text_blocks(row["text"]), "manual")
        near(planting, row["text"], base, row["url"], aim, "across", seed)

    used = {row["of_url"] for row in planting.near}
    free = [i for i, row in enumerate(webtext) if row["url"] not in used and len(row["text"].split()) >= 150]
    for i in sorted(free, key=lambda i: number(seed, "leak", webtext[i]["url"]))[: planned("webtext", scale)]:
        item = next(leaking)
        planting.in_webtext[i] = item["text"]
        row = {"said": item["text"], "where": webtext[i]["url"], "form": "whole", "source": "webtext"}
        planting.leaks.append(item | row)
    docs = [unit for unit in books2 if unit.kind not in ("readme", "licence")]
    for unit in sorted(docs, key=lambda unit: number(seed, "leak", unit.name))[: planned("books2", scale)]:
        item = next(leaking)
        planting.in_books2[unit.name] = item["text"]
        planting.leaks.append(item | {"said": item["text"], "where": unit.name, "form": "whole", "source": "books2"})
    return planting


def leak(planting: Plan, page: Page, item: dict[str, Any], form: str, seed: int) -> None:
    words = said(item["text"], form, seed, page.url)
    planting.pages.append(with_item(page, words, form))
    planting.leaks.append(item | {"said": words, "where": page.url, "form": form, "source": "crawl"})


def near(planting: Plan, original: Page | str, base: Page, of_url: str, aim: float, kind: str, seed: int) -> None:
    copy, how = altered(moved(base, seed, f"copy/{kind}", charset="utf-8"), aim, seed)
    planting.near.append({"url": copy.url, "of_url": of_url, "kind": kind, "made": how})
    planting.pairs.append((original, copy))
    planting.pages.append(copy)


def spread(count: int) -> list[float]:
    return [LOWEST + (HIGHEST - LOWEST) * i / max(1, count - 1) for i in range(count)]


def text_blocks(text: str) -> Blocks:
    """A webtext row as a page's blocks; its first paragraph is the page's title."""
    paragraphs = text.split("\n\n")[1:]
    return tuple(("pre" if "\n" in paragraph else "p", paragraph) for paragraph in paragraphs)


def shingles(text: str) -> set[str]:
    """Five-word shingles; words are lower-cased and split on white space."""
    split = text.lower().split()
    return {" ".join(split[i : i + 5]) for i in range(max(1, len(split) - 4))}


def measured(work: tuple[Page | str, Page, int]) -> float:
    """The Jaccard similarity of the two texts as ingest would extract them. For a pool's worker."""
    original, copy, seed = work
    original_shingles, copy_shingles = (
        shingles(page if isinstance(page, str) else extracted(render(page, seed), page.charset))
        for page in (original, copy)
    )
    return len(original_shingles & copy_shingles) / len(original_shingles | copy_shingles)


def files(planting: Plan, seed: int, megabytes: int) -> list[CrawlFile]:
    """The crawl's files, the last one not compressed, with the pages and the junk dealt by hash."""
    count = max(FILES, -(-megabytes // MB_PER_FILE))
    total = max(round(len(planting.pages) * (1 + JUNK_PER_GOOD)), PAGES_PER_MB * megabytes)
    entries: list[tuple[str, Page | tuple[str, int]]] = [(page.url, page) for page in planting.pages]
    counts: dict[str, int] = {}
    for kind in junk.kinds(total - len(planting.pages)):
        entries.append((f"{kind} {counts.get(kind, 0)}", (kind, counts.get(kind, 0))))
        counts[kind] = counts.get(kind, 0) + 1
    entries.sort(key=lambda row: (number(seed, "deal", row[0]), row[0]))
    crawl_bytes = megabytes * 1_000_000
    packed = round(crawl_bytes * (1 - UNCOMPRESSED_SHARE) / (count - 1))
    crawl_files = []
    for i in range(count):
        last = i == count - 1
        kinds = (DAMAGES[-1],) if last else DAMAGES[i - 1 : i] if 1 <= i < len(DAMAGES) else ()
        crawl_files.append(CrawlFile(
            f"{i:05}.warc{'' if last else '.gz'}", tuple(entry for _, entry in entries[i::count]), kinds,
            round(crawl_bytes * UNCOMPRESSED_SHARE * FILES / count) if last else packed, 1_000_000 + 10_000 * i,
        ))  # fmt: skip
    return crawl_files


def leak_order(benchmarks: dict[str, list[dict[str, Any]]], seed: int) -> list[dict[str, Any]]:
    """The items that can be checked, in the order in which they are planted."""
    items = []
    for kind, rows in benchmarks.items():
        for line, row in enumerate(rows, 1):
            if row["checkable"]:
                items.append({"benchmark": kind, "line": line, "text": row["text"]})
    return sorted(items, key=lambda row: uniform(seed, "order", row["benchmark"], row["line"]))
