"""Wikitext to text on one core: ours beside mwparserfromhell, gensim and wikiextractor, in one run, on real articles.

    python bench/mediawiki.py [--repeat 3] [--data ../shared/data] [--hostile]

Ways, each over the same texts (articles of the head of an English dump), in CPU seconds of one core, taking turns; the
best of `--repeat` turns counts:

    plain              ours: wikitext to text
    mwparserfromhell   parse(text).strip_code(): what a script of one line does
    gensim             filter_wiki(text): regular expressions  (where gensim is installed)
    wikiextractor      clean_text(text) without templates      (where wikiextractor is installed)
    documents          ours from the dump: XML, namespaces, redirects, text, cleaning, language, ids

What is left of markup in each way's text is counted too. With `--hostile`, seconds that each takes for small pages that
open and never close (a process each, the load of its library included; 10 seconds, then it is stopped).

Prints a table and writes bench/results/mediawiki.json. Needs the files of ../shared/data (text-good/).
"""

import argparse
import bz2
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tasks.sources.documents import Document, documents  # noqa: E402
from tasks.sources.parts import Part  # noqa: E402
from tasks.sources.reading import Reading  # noqa: E402
from tasks.sources.tally import Tally  # noqa: E402
from tasks.sources.wiki.wikitext import plain  # noqa: E402

DUMP = Path("text-good/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2")
MARKUP = ("[[", "]]", "{{", "}}", "<ref", "'''", "|}", "{|")
HOSTILE = {
    "<ref name= (3,000 times)": "<ref name=" * 3000,
    "{{a|[[b|<b> (3,000)": "{{a|[[b|<b>" * 3000,
    "=={{a| (3,000 lines)": "=={{a|\n" * 3000,
    "{{{{{a| (3,000)": "{{{{{a|" * 3000,
    "{| (100,000 lines)": "{|\n" * 100_000,
    "{{ (100,000)": "{{" * 100_000,
    "[[ (100,000)": "[[" * 100_000,
}
LIMIT = 10  # seconds for one hostile page


def of_mwparserfromhell(text: str) -> str:
    import mwparserfromhell

    return str(mwparserfromhell.parse(text).strip_code())


def of_gensim(text: str) -> str:
    from gensim.corpora.wikicorpus import filter_wiki

    return str(filter_wiki(text))


def of_wikiextractor(text: str) -> str:
    from wikiextractor.extract import Extractor

    lines = Extractor(0, 0, "", "", [text]).clean_text(text, expand_templates=False, html_safe=False)
    return "\n".join(lines)


WAYS = {"plain": plain, "mwparserfromhell": of_mwparserfromhell, "gensim": of_gensim, "wikiextractor": of_wikiextractor}


def articles(dump: bytes) -> list[str]:
    import xml.etree.ElementTree as tree

    root = tree.fromstring(dump)
    texts = [element.text or "" for element in root.iter() if element.tag.endswith("}text")]
    return [text for text in texts if not text.lower().startswith("#redirect")]


def clock(way: Callable[[str], str], texts: list[str]) -> tuple[float, list[str]]:
    start = time.process_time()
    found = [way(text) for text in texts]
    return time.process_time() - start, found


def read(path: Path) -> tuple[float, int]:
    start = time.process_time()
    part = Part(str(path), path.stat().st_size)
    count = sum(isinstance(item, Document) for item in documents(path, part, "mediawiki", Reading("bench"), Tally()))
    return time.process_time() - start, count


def hostile(way: str, name: str) -> str:
    """CPU seconds for one page, or that it did not end."""
    command = [sys.executable, __file__, "--one", way, name]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=True).stdout.strip()
    except subprocess.TimeoutExpired:
        return f"not in {LIMIT} s"
    except subprocess.CalledProcessError as error:
        return f"fails: {error.stderr.strip().splitlines()[-1][:60]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        way, name = arguments.one
        print(f"{clock(WAYS[way], [HOSTILE[name]])[0]:.2f}")
        return
    path = arguments.data / DUMP
    if not path.exists():
        sys.exit(f"no {path}")
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
    dump = bz2.decompress(path.read_bytes())
    texts = articles(dump)
    size = sum(len(text.encode()) for text in texts)
    ways = {}
    for name, way in WAYS.items():
        try:
            way(texts[0])  # libraries load
            ways[name] = way
        except ImportError:
            print(f"{name} is not installed: left out")
    best: dict[str, tuple[float, list[str]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder) / "dump.xml"
        local.write_bytes(dump)
        whole = []
        for _ in range(arguments.repeat):
            for name, way in ways.items():
                turn = clock(way, texts)
                best[name] = min(best.get(name, turn), turn, key=lambda found: found[0])
            whole.append(read(local))
    seconds, count = min(whole)
    rows = [
        {
            "way": name,
            "seconds": round(took, 3),
            "pages_per_second": round(len(texts) / took, 1),
            "megabytes_per_second": round(size / took / 1e6, 2),
            "characters": sum(map(len, found)),
            "markup_left": sum(re.sub(r"\$[^$]+\$", "", text).count(mark) for text in found for mark in MARKUP),
        }
        for name, (took, found) in best.items()
    ]
    rows.append(
        {
            "way": "documents",
            "seconds": round(seconds, 3),
            "pages_per_second": round(count / seconds, 1),
            "megabytes_per_second": round(len(dump) / seconds / 1e6, 2),
        }
    )
    print(
        f"{len(texts)} articles, {size / 1e6:.1f} MB of wikitext, CPU seconds of one core, best of {arguments.repeat}"
    )
    for row in rows:
        left = f"{row['characters']:9} characters, {row['markup_left']} marks left" if "characters" in row else ""
        print(
            f"{row['way']:<17} {row['seconds']:8.3f} s {row['pages_per_second']:8} pages/s "
            f"{row['megabytes_per_second']:7} MB/s {left}"
        )
    pages = {}
    if arguments.hostile:
        pages = {name: {way: hostile(way, name) for way in ways} for name in HOSTILE}
        for name, took in pages.items():
            print(f"{name:<26}", "  ".join(f"{way}: {seconds}" for way, seconds in took.items()))
    result = {"ways": rows, "hostile": pages, "articles": len(texts), "bytes": size, "versions": {}}
    for name in ("mwparserfromhell", "gensim", "wikiextractor"):
        try:
            result["versions"][name] = version(name)
        except PackageNotFoundError:
            continue
    result |= {"machine": platform.processor() or platform.machine(), "python": platform.python_version()}
    results = ROOT / "bench" / "results" / "mediawiki.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
