"""How alike the texts of two copies of a page are, where only what stands around its text differs.

    pip install trafilatura
    python bench/likeness.py [--data ../shared/data]

Crawls hold a page many times with other advertisements, menus, dates. Near copies are found by their texts, so that an
extractor must choose alike in both. Of each real gold page (both halves; bench/gold.py) copies are made, one a change:
advertisements between its paragraphs, three more entries in its first list of links, a side bar behind it, other
years in its short texts, and all four. Jaccard similarity of 5-word shingles of the texts that an extractor finds in
page and copy; of the change `years` the whole texts' similarity bounds it. Prints and writes the mean, and the
shares of pages with at least .95 and .8 (bench/results/likeness.json).
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.gold import TEST, TRAIN, pages  # noqa: E402
from tasks.sources.page.extract import extract  # noqa: E402

LIMITS = {"limit": 8 << 20, "tags": 500_000, "depth": 2000}
ADVERTISEMENT = (
    '<div class="advert"><a href="/offer">The best offers of the week, only here</a><span>Sponsored</span></div>'
)
ENTRIES = "".join(f'<li><a href="/new/{number}">New entry {number}</a></li>' for number in range(3))
SIDE = (
    '<div class="widget"><h3>Most read</h3><ul>'
    + "".join(
        f'<li><a href="/read/{number}">Another story, number {number}, of this week</a></li>' for number in range(8)
    )
    + "</ul></div>"
)
SHORT = re.compile(r">[^<>]{0,60}\b20\d\d\b[^<>]{0,60}<")


def advertised(html: str) -> str:
    parts = re.split(r"(?i)(?<=</p>)", html)
    return "".join(part + ADVERTISEMENT * (number % 4 == 3) for number, part in enumerate(parts))


CHANGES: dict[str, Callable[[str], str]] = {
    "advertisements": advertised,
    "menu": lambda html: re.sub(r"(?i)(</li>\s*)(</ul>)", rf"\1{ENTRIES}\2", html, count=1),
    "side bar": lambda html: re.sub(r"(?i)</body>", f"{SIDE}</body>", html, count=1),
    "years": lambda html: SHORT.sub(lambda short: re.sub(r"\b20\d\d\b", "2031", short[0]), html),
}
CHANGES["all"] = lambda html: CHANGES["years"](CHANGES["side bar"](CHANGES["menu"](CHANGES["advertisements"](html))))


def shingles(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[at : at + 5]) for at in range(max(1, len(words) - 4))} if words else set()


def similarity(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--half", choices=("test", "train", "both"), default="both")
    arguments = parser.parse_args()
    halves = {"test": (TEST,), "train": (TRAIN,), "both": (TEST, TRAIN)}[arguments.half]
    gold = [one.html for one in pages(arguments.data) if one.half in halves]
    rows = []
    for extractor in ("millrace", "resiliparse", "trafilatura", "plain"):
        found = [shingles(extract(html, **LIMITS, extractor=extractor).text) for html in gold]
        for name, change in CHANGES.items():
            values = []
            for html, original in zip(gold, found, strict=True):
                changed = change(html)
                if changed != html:
                    other = shingles(extract(changed, **LIMITS, extractor=extractor).text)
                    values.append(similarity(original, other))
            row = {
                "extractor": extractor,
                "change": name,
                "pages": len(values),
                "mean": round(sum(values) / len(values), 4),
                "at_least_95": round(sum(value >= 0.95 for value in values) / len(values), 3),
                "at_least_80": round(sum(value >= 0.8 for value in values) / len(values), 3),
            }
            rows.append(row)
            print(
                f"{extractor:12} {name:15} {row['pages']:4} pages: mean {row['mean']:.4f}, "
                f">= .95 {row['at_least_95']:.3f}, >= .8 {row['at_least_80']:.3f}",
                flush=True,
            )
    results = ROOT / "bench" / "results" / "likeness.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
