"""The sources that are better than the crawl: webtext, two shelves of books, an encyclopaedia.

Each unit of documentation goes to one place only, by the hash of its name (books: of its module's).
"""

import gzip
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tasks.demo.chance import number, uniform
from tasks.demo.library import Unit, prose
from tasks.demo.pages import content

# Bytes of text at 48 MB of crawl, and the share of names that may go there (from 0 up, in this order).
BYTES = {"webtext": 3_600_000, "wikipedia": 1_800_000, "books1": 1_600_000, "books2": 2_000_000, "crawl": 3_900_000}
BOOK_BYTES = 120_000
# A small sample's books are shorter rather than fewer: of one book alone, `validation` may hold out the whole shelf.
LEAST_BOOKS = 12
NOUNS = {
    "class": "a class",
    "function": "a function",
    "module": "a module",
    "topic": "a topic of the language reference",
}


def allocate(units: list[Unit], texts: list[Unit], seed: int, scale: float) -> dict[str, list[Unit]]:
    """Each place's units; `benchmarks` holds what items are made of. Places are filled to BYTES x scale.

    `texts`, of which every installed distribution brings some, take no more than half of a shelf.
    """
    order = sorted(units, key=lambda unit: number(seed, "allocate", unit.name))
    by_place: dict[str, list[Unit]] = {name: [] for name in ("benchmarks", *BYTES)}
    size = dict.fromkeys(by_place, 0)
    for unit in texts:
        shelf = "books1" if uniform(seed, "text", unit.name) < 0.5 else "books2"
        if size[shelf] < BYTES[shelf] * scale / 2:
            by_place[shelf].append(unit)
            size[shelf] += len(unit.text)
    for unit in order:
        if uniform(seed, "items", unit.name) < 0.1:
            place = "benchmarks"
        elif uniform(seed, "module", unit.name.rpartition(".")[0]) < 0.24:
            place = "books1" if uniform(seed, "shelf", unit.name.rpartition(".")[0]) < 0.43 else "books2"
        else:
            draw = uniform(seed, "place", unit.name)
            place = "wikipedia" if draw < 0.15 else "webtext" if draw < 0.45 else "crawl"
        if place == "benchmarks" or size[place] < BYTES[place] * scale:
            by_place[place].append(unit)
            size[place] += len(unit.text)
    return by_place


def webtext_row(unit: Unit) -> dict[str, str]:
    """A linked page: examples and all, as WebText's pages came from the web too; the other sources are prose."""
    package = quote(unit.package.replace(" ", "-"))
    return {
        "url": f"https://linked.example/{package}/{quote(unit.name)}",
        "text": "\n\n".join([unit.name, *(text for _, text in content(unit))]),
    }


def wikipedia_row(unit: Unit, index: int) -> dict[str, Any]:
    package = unit.package if unit.package.startswith("the ") else f"the package {unit.package}"
    short = unit.name.rpartition(".")[2]
    opening = f"{short} is {NOUNS[unit.kind]} in {package}, known in full as {unit.name}."
    return {"id": str(index), "title": unit.name, "text": f"{opening}\n\n{prose(unit)}"}


def books(units: list[Unit], leaks: dict[str, str]) -> list[tuple[str, list[str], str]]:
    """(file name, chapters' names, text) per book, in name order, of BOOK_BYTES or a little more, or less where the
    shelf is small; a unit is a chapter. `leaks`: the item that stands in the middle of a chapter."""
    book_bytes = min(BOOK_BYTES, sum(len(unit.text) for unit in units) // LEAST_BOOKS)
    shelf: list[tuple[str, list[str], str]] = []
    chapters: list[str] = []
    names: list[str] = []
    ordered = sorted(units, key=lambda unit: (unit.kind in ("readme", "licence"), unit.name))
    for unit in ordered:
        text = prose(unit)
        chapters.append(f"{unit.name}\n\n{inserted(text, leaks[unit.name]) if unit.name in leaks else text}")
        names.append(unit.name)
        if sum(map(len, chapters)) >= book_bytes or unit is ordered[-1]:
            shelf.append((f"book-{len(shelf):03}.txt", names, "\n\n\n".join(chapters) + "\n"))
            chapters, names = [], []
    return shelf


def inserted(text: str, item: str) -> str:
    """The text with the item as a paragraph in its middle."""
    paragraphs = text.split("\n\n")
    paragraphs.insert(max(1, len(paragraphs) // 2), item)
    return "\n\n".join(paragraphs)


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    """JSON lines, gzipped where the name says so (no time, no name in the gzip header); bytes of the file."""
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    if path.suffix == ".gz":
        buffer = io.BytesIO()
        with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=6) as packed:
            packed.write(data)
        data = buffer.getvalue()
    write(path, data)
    return len(data)


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
