"""Main content of real pages: precision, recall, F1 and pages a second, ours beside its peers in the same run.

    pip install trafilatura justext lxml_html_clean      # peers; jusText is used here only
    python bench/extraction.py [--repeat 3] [--data ../shared/data]

Gold and halves: bench/gold.py. The trees of `millrace` were trained and their settings chosen on the training half;
what counts is the test half. Phrases are counted as trafilatura's own evaluation does. Ways: our four extractors
through tasks.sources.page.extract, bare Resiliparse (main content, its defaults; and without comments, alternative
texts and post metadata), trafilatura with its defaults and without comments, jusText (stop words of German, which 73
% of the pages are in, or English, whichever keeps more). Characters to text, CPU seconds of one core and its
children, best of `--repeat` turns over all pages of both halves. Prints a table and writes
bench/results/extraction.json.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import justext  # noqa: E402
import trafilatura  # noqa: E402
from resiliparse.extract.html2text import extract_plain_text  # noqa: E402

from bench.gold import TEST, TRAIN, count, pages  # noqa: E402
from tasks.sources.page.extract import extract  # noqa: E402
from tasks.sources.page.worker import WORKER  # noqa: E402

LIMITS = {"limit": 8 << 20, "tags": 500_000, "depth": 2000}


def ours(html: str, extractor: str) -> str:
    return extract(html, **LIMITS, extractor=extractor).text


def cpu() -> float:
    """Seconds of this process and of the one in which it parses large pages (Linux)."""
    child = WORKER.process
    ticks = Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13] if child else ()
    return time.process_time() + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def by_justext(html: str) -> str:
    texts = []
    for language in ("German", "English"):
        paragraphs = justext.justext(html.encode(), justext.get_stoplist(language), encoding="utf-8")
        texts.append("\n".join(one.text for one in paragraphs if not one.is_boilerplate))
    return max(texts, key=len)


WAYS: dict[str, Callable[[str], str]] = {
    **{f"ours: {name}": partial(ours, extractor=name) for name in ("millrace", "resiliparse", "trafilatura", "plain")},
    "resiliparse": lambda html: extract_plain_text(html, main_content=True),
    "resiliparse, less": lambda html: extract_plain_text(
        html, main_content=True, comments=False, alt_texts=False, post_meta=False
    ),
    "trafilatura": lambda html: trafilatura.extract(html) or "",
    "trafilatura, no comments": lambda html: trafilatura.extract(html, include_comments=False) or "",
    "jusText": by_justext,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    arguments = parser.parse_args()
    gold = [one for one in pages(arguments.data) if one.article is None]
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
    texts: dict[str, dict[str, str]] = {}
    best: dict[str, float] = {}
    for way in WAYS.values():
        way(gold[0].html)  # libraries load, kernels compile
    for _ in range(arguments.repeat):
        for name, way in WAYS.items():
            start = cpu()
            texts[name] = {one.url: way(one.html) for one in gold}
            best[name] = min(best.get(name, 1e9), cpu() - start)
    rows = []
    print(f"{len(gold)} pages; precision, recall, F1 of the test half and the training half; CPU of one core")
    for name in WAYS:
        row: dict[str, object] = {"way": name, "pages_per_second": round(len(gold) / best[name])}
        for half, label in ((TEST, "test"), (TRAIN, "train")):
            found = count([one for one in gold if one.half == half], lambda one: texts[name][one.url])  # noqa: B023
            row[label] = [round(value, 3) for value in (found.precision, found.recall, found.f1)]
        row["of_resiliparse"] = round(best[name] / best["resiliparse"], 2)
        row["of_trafilatura"] = round(best["trafilatura"] / best[name], 2)
        rows.append(row)
        print(
            f"{name:26} test {row['test']} train {row['train']} {row['pages_per_second']:6} pages/s; "
            f"{row['of_resiliparse']} x resiliparse's time, {row['of_trafilatura']} x trafilatura's speed"
        )
    halves = {label: sum(one.half == half for one in gold) for half, label in ((TEST, "test"), (TRAIN, "train"))}
    versions = {name: version(name) for name in ("resiliparse", "trafilatura", "justext")}
    results = ROOT / "bench" / "results" / "extraction.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps({"pages": halves, "ways": rows, "versions": versions}, indent=1) + "\n")


if __name__ == "__main__":
    main()
