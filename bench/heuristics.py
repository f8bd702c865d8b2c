"""Gopher's and C4's rules on real pages: how often our verdict is datatrove's, and what each costs on one core.

    python bench/heuristics.py [--peer PYTHON] [--repeat 3]

Documents are the 285 pages of dclm-labels, Dolma's samples and the WET files of ../shared/data. The peer is a Python
that has datatrove, spacy and nltk; without one a virtual environment is made for the run (a minute or two). Speeds are
CPU seconds, best of --repeat. datatrove's two Gopher filters stop at the first rule that a document breaks, and ours
count for all rules of both papers at once. Prints a table and writes bench/results/heuristics.json.

Where the two differ: datatrove's words are spaCy's (punctuation is a word, and not counted for the rule on length),
its shares of characters are of the whole text, white space and all, and its grams may count characters twice.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
REAL = ROOT.parent / "shared" / "data"
QUALITY = 8  # the first rules of the preset are those of datatrove's GopherQualityFilter, the others of repetition

PEER = """
import json, sys, time
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter, GopherRepetitionFilter
texts, repeat = json.load(open(sys.argv[1])), int(sys.argv[2])
c4 = C4QualityFilter(min_num_sentences=3, min_words_per_line=5)  # the paper's numbers
found = {}
for name, each in {"gopher": GopherQualityFilter(), "repetition": GopherRepetitionFilter(), "c4": c4}.items():
    spent = []
    for _ in range(repeat):
        documents = [Document(text=text, id=str(n)) for n, text in enumerate(texts)]
        begun = time.process_time()
        answers = [each.filter(document) for document in documents]
        spent.append(time.process_time() - begun)
    found[name] = {"stays": [answer is True for answer in answers], "seconds": min(spent),
                   "reasons": [None if answer is True else str(answer[1] if isinstance(answer, tuple) else "")
                               for answer in answers]}
json.dump(found, open(sys.argv[3], "w"))
"""


def documents() -> list[str]:
    texts = []
    for name in ("dclm-labels-public.jsonl.gz", "dolma-cc_en_head-0091.jsonl.gz", "dolma-documents-000.json.gz"):
        with gzip.open(REAL / "text-labels" / name, "rt", encoding="utf-8") as file:
            texts += [json.loads(line)["text"] for line in file]
    for name in ("cc2016-sparkwarc.repaired.warc.wet.gz", "cc2024-whirlwind.warc.wet.gz"):
        records = gzip.decompress((REAL / "crawl" / name).read_bytes()).split(b"WARC/1.0\r\n")
        for record in records:
            head, _, body = record.partition(b"\r\n\r\n")
            if b"WARC-Type: conversion" in head:
                texts.append(body.decode(errors="replace").strip())
    return [text for text in texts if text.strip()]


def peer(python: str, texts: list[str], repeat: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        given, answered = Path(folder) / "texts.json", Path(folder) / "answers.json"
        given.write_text(json.dumps(texts))
        subprocess.run([python, "-c", PEER, str(given), str(repeat), str(answered)], check=True)
        answers: dict[str, Any] = json.loads(answered.read_text())
        return answers


def made(folder: str) -> str:
    """A Python that has the peer."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = f"{folder}/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", "datatrove", "spacy", "nltk"], check=True)
    return python


def ours(texts: list[str], repeat: int) -> tuple[dict[str, np.ndarray], float]:
    from conf.keep import HEURISTICS
    from tasks.kernels.heuristics import COLUMNS, counts_of
    from tasks.quality.rules import RULES, stays, value_of

    column = pa.array(texts, pa.large_string())
    counts_of(column)
    spent = []
    for _ in range(repeat):
        begun = time.process_time()
        counts = counts_of(column)
        spent.append(time.process_time() - begun)
    columns = pa.table(dict(zip(COLUMNS, counts.T, strict=True)))
    gopher = list(HEURISTICS["gopher"].items())
    sets = {"gopher": gopher[:QUALITY], "repetition": gopher[QUALITY:], "c4": list(HEURISTICS["c4"].items())}
    rules = RULES["heuristics"]
    verdicts = {
        name: np.logical_and.reduce([stays(value_of(rules[rule], columns), limits) for rule, limits in each])
        for name, each in sets.items()
    }
    return verdicts, min(spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", help="a Python that has datatrove, spacy and nltk")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    texts = documents()
    size = sum(len(text.encode()) for text in texts) / 1e6
    verdicts, seconds = ours(texts, options.repeat)
    with tempfile.TemporaryDirectory() as folder:
        answers = peer(options.peer or made(folder), texts, options.repeat)
    print(f"{len(texts)} documents, {size:.1f} MB")
    print(f"{'rules':<12}{'ours keep':>11}{'theirs':>9}{'agree':>9}{'only ours':>11}{'only theirs':>13}{'MB/s':>9}")
    rows = []
    for name, answer in answers.items():
        theirs = np.array(answer["stays"])
        mine = verdicts[name]
        row = {
            "rules": name,
            "ours": int(mine.sum()),
            "theirs": int(theirs.sum()),
            "agree": float((mine == theirs).mean()),
            "only_ours": int((mine & ~theirs).sum()),
            "only_theirs": int((theirs & ~mine).sum()),
            "their_megabytes_s": size / answer["seconds"],
            "their_reasons_where_ours_keep": sorted(
                reason for reason, kept in zip(answer["reasons"], mine, strict=True) if kept and reason
            ),
        }
        rows.append(row)
        print(
            f"{name:<12}{row['ours']:>11}{row['theirs']:>9}{100 * row['agree']:>8.1f}%{row['only_ours']:>11}"
            f"{row['only_theirs']:>13}{row['their_megabytes_s']:>9.2f}"
        )
    together = sum(answer["seconds"] for answer in answers.values())
    print(f"all counts, ours: {size / seconds:.1f} MB/s, {together / seconds:.0f} x datatrove's three filters")
    out = ROOT / "bench" / "results" / "heuristics.json"
    out.parent.mkdir(exist_ok=True)
    about = {"documents": len(texts), "megabytes": size, "our_megabytes_s": size / seconds}
    out.write_text(json.dumps(about | {"rows": rows}, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main()
