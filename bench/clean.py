"""Megabytes of text a second through `clean` on one core, beside ftfy alone, on the same real texts in the same run.

    python bench/clean.py [--repeat 5] [--data ../shared/data]

Texts: English books, English, German and all pages' main content as Resiliparse gives it (books/, crawl-pages/), and
the declaration of human rights in Russian, Chinese and all languages (text-good/nltk/udhr2.zip), as its files are.
Ways, timed in CPU seconds, taking turns, the best of `--repeat` counts: `clean` on what was read; `again` on what is
clean already; `plain`, our twin that hands everything to ftfy; `ftfy`, its fix_text with its own settings.

Prints a table and writes bench/results/clean.json.
"""

import argparse
import gzip
import json
import sys
import time
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tasks.sources.texts.clean import clean, slow  # noqa: E402
from tasks.sources.texts.language import language  # noqa: E402


def corpora(data: Path) -> dict[str, list[str]]:
    pages = [text for path in sorted(data.glob("crawl-pages/*.warc.gz")) for text in main_contents(path)]
    with zipfile.ZipFile(data / "text-good" / "nltk" / "udhr2.zip") as archive:
        rights = {
            Path(name).name: archive.read(name).decode("utf-8", "replace")
            for name in sorted(archive.namelist())
            if name.endswith(".txt")
        }
    return {
        "English books": [
            gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
            for path in sorted(data.glob("books/*.txt.gz"))[:8]
        ],
        "English pages": [text for text in pages if spoken(text) == "en"],
        "German pages": [text for text in pages if spoken(text) == "de"],
        "all pages": pages,
        "Russian": [text for name, text in rights.items() if name.startswith("rus")],
        "Chinese": [text for name, text in rights.items() if name.startswith(("cmn", "chn", "wuu", "yue"))],
        "388 languages": list(rights.values()),
    }


def spoken(text: str) -> str | None:
    return language(text.encode(), len(text)).code


def main_contents(path: Path) -> list[str]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    texts = []
    for record in ArchiveIterator(str(path), record_types=WarcRecordType.response):
        body = record.reader.read()
        html = bytes_to_str(body, detect_encoding(body, from_html_meta=True) or "utf-8")
        texts.append(extract_plain_text(html, main_content=True))
    return [text for text in texts if text.strip()]


def seconds(way: Callable[[str], str], texts: list[str]) -> float:
    """CPU seconds of one pass; short passes are repeated until a tenth of a second has gone by."""
    start, passes = time.process_time(), 0
    while (spent := time.process_time() - start) < 0.1:
        for text in texts:
            way(text)
        passes += 1
    return spent / passes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    arguments = parser.parse_args()
    import ftfy

    rows = []
    print(f"{'MB of text a second':<16}{'MB':>7}{'clean':>8}{'again':>8}{'plain':>8}{'ftfy':>8}")
    for name, texts in corpora(arguments.data).items():
        megabytes = sum(len(text.encode("utf-8", "replace")) for text in texts) / 1e6
        cleaned = [clean(text) for text in texts]
        ways = {
            "clean": (clean, texts),
            "again": (clean, cleaned),
            "plain": (slow, texts),
            "ftfy": (ftfy.fix_text, texts),
        }
        best: dict[str, float] = {}
        for _ in range(arguments.repeat):
            for way, (function, given) in ways.items():
                best[way] = min(best.get(way, 1e9), seconds(function, given))
        rates = {way: round(megabytes / spent, 1) for way, spent in best.items()}
        rows.append({"texts": name, "megabytes": round(megabytes, 2), **rates})
        print(f"{name:<16}{megabytes:10.2f}" + "".join(f"{rate:8.1f}" for rate in rates.values()), flush=True)
    results = ROOT / "bench" / "results" / "clean.json"
    results.parent.mkdir(exist_ok=True)
    found = {"rows": rows, "versions": {name: version(name) for name in ("ftfy", "numba")}}
    results.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
