"""Decontamination by each rule on the same planted leaks: how many are found; how many clean documents pass for leaks.

    python bench/contamination.py [--items 200] [--markdown]

Items of LAMBADA (some 75 words) and of ARC-easy (some 20, of which many are shorter than a gram) from ../shared/data
are planted into passages of books, each once for each disguise, so that no item leaks into more documents than
`frequent` lets pass. Beside them stand clean documents: passages alone; passages with a phrase of 13 words that the web
repeats (GPT-3's list of frequent grams) and that an item quotes too, in more documents than `frequent`; and others in
three. The documents go through `ingest`, dedup and all rules as in any pipeline; a document counts as found if the
rule's column says so. datatrove's decontamination (12-grams) looks at the same texts, where pip can fetch it. Prints a
table and writes bench/results/contamination.json. What is random is drawn by --seed.
"""

import argparse
import gzip
import json
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
REAL = ROOT.parent / "shared" / "data"

# Each a column: the rule, and the keys of `decontaminate` that differ from its preset.
WAYS: dict[str, dict[str, Any]] = {
    "gpt3": {"rule": "gpt3"},
    "gpt3, least 8": {"rule": "gpt3", "least": 8},
    "gpt2": {"rule": "gpt2"},
    "gpt2, all grams": {"rule": "gpt2", "frequent": 10**9},
    "gpt4": {"rule": "gpt4"},
    "gap": {"rule": "gap"},
    "gap, share .5": {"rule": "gap", "share": 0.5},
}
PASSAGE = 200  # words: the 24 books have some 6,500 of them
DATATROVE = "datatrove"
PACKAGES = ["datatrove", "loguru", "fsspec", "dill", "multiprocess", "humanize", "xxhash"]


def passages(count: int, draw: random.Random) -> list[str]:
    """So many passages of PASSAGE words of the books."""
    words: list[str] = []
    for path in sorted((REAL / "books").glob("*.txt.gz")):
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            words += re.sub(r"\s+", " ", file.read()).split(" ")
    starts = draw.sample(range(0, len(words) - PASSAGE, PASSAGE), count)
    return [" ".join(words[at : at + PASSAGE]) for at in starts]


def items(name: str, fields: list[str], count: int, draw: random.Random) -> list[str]:
    with gzip.open(REAL / "benchmarks" / "llm-foundry" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    texts = [" ".join(record[field] for field in fields) for record in draw.sample(records, count)]
    return [text.removeprefix("Question: ") for text in texts]


def frequent_phrases() -> list[str]:
    """Grams of 13 words that the filtered Common Crawl repeats, of letters alone."""
    text = (REAL / "benchmarks" / "gpt-3" / "overlap_frequency.md").read_text(encoding="utf-8")
    found = re.findall(r"^\d+\s+((?:[a-z]{2,} ){12}[a-z]{2,})$", text, re.MULTILINE)
    return sorted(set(found))


# ---- the disguises: text to text


def others(every: int) -> Callable[[str, random.Random], str]:
    """One word of so many is another word, at random places."""

    def edit(text: str, draw: random.Random) -> str:
        words = text.split(" ")
        for at in draw.sample(range(len(words)), max(1, round(len(words) / every))):
            words[at] = draw.choice(["almost", "green", "river", "seven", "quietly", "house", "under", "letter"])
        return " ".join(words)

    return edit


def repunctuated(text: str, draw: random.Random) -> str:
    words = re.sub(r"[^\w\s']", " ", text).split()
    return " ".join(word + draw.choice(["", "", ",", ";", " -", "..."]) for word in words)


def marked_up(text: str, draw: random.Random) -> str:
    """As a page's text has it that breaks the item into lines and puts a note's number behind every tenth word."""
    words = text.split()
    return "".join(
        word + ("\n" if n % 7 == 6 else " ") + (f"[{n // 10}] " if n % 10 == 9 else "") for n, word in enumerate(words)
    )


def swapped(every: int) -> Callable[[str, random.Random], str]:
    """Two neighbours of so many words change places."""

    def swap(text: str, draw: random.Random) -> str:
        words = text.split()
        for at in range(every // 2 - 1, len(words) - 1, every):
            words[at], words[at + 1] = words[at + 1], words[at]
        return " ".join(words)

    return swap


def half(text: str, draw: random.Random) -> str:
    words = text.split()
    return " ".join(words[: len(words) // 2])


DISGUISES: dict[str, Callable[[str, random.Random], str]] = {
    "verbatim": lambda text, draw: text,
    "in capitals": lambda text, draw: text.upper(),
    "other punctuation": repunctuated,
    "first half": half,
    "lines and note numbers": marked_up,
    "1 word in 20 another": others(20),
    "1 word in 10 another": others(10),
    "1 word in 5 another": others(5),
    "2 words in 12 swapped": swapped(12),
    "2 words in 6 swapped": swapped(6),
}


def documents(count: int, seed: int) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """Benchmarks, and (kind, text) of every document."""
    draw = random.Random(seed)
    benchmarks = {
        "lambada": items("lambada_openai", ["context", "continuation"], count, draw),
        "arc-easy": items("arc_easy", ["query"], count, draw),
    }
    phrases = draw.sample(frequent_phrases(), 20)
    benchmarks["quotes"] = [f"A question of {n}: who wrote that {phrase}?" for n, phrase in enumerate(phrases)]
    made = [
        (f"{name}: {kind}", item) for name in ("lambada", "arc-easy") for kind in DISGUISES for item in benchmarks[name]
    ]
    clean = passages(len(made) + 2000 + 20 * 10 + 3 * 10, draw)
    texts = []
    for kind, item in made:
        disguised = DISGUISES[kind.partition(": ")[2]](item, draw)
        texts.append((kind, _planted(clean.pop(), disguised)))
    texts += [("clean: passages of books", clean.pop()) for _ in range(2000)]
    for name, some, copies in (("20", phrases[:10], 20), ("3", phrases[10:], 3)):
        kind = f"clean: a phrase that {name} documents share"
        texts += [(kind, _planted(clean.pop(), phrase)) for phrase in some for _ in range(copies)]
    draw.shuffle(texts)
    return benchmarks, texts


def _planted(passage: str, text: str) -> str:
    words = passage.split()
    return f"{' '.join(words[: PASSAGE // 2])}\n{text}\n{' '.join(words[PASSAGE // 2 :])}"


# ---- the ways


def found_by_us(
    folder: Path, benchmarks: dict[str, list[str]], texts: list[str]
) -> Iterator[tuple[str, list[bool | None]]]:
    """Each way, and whether it finds something in each document; None for those that left as duplicates."""
    import yaml

    from conf.load import load
    from flows.dag.corpus import build_corpus
    from tasks.runtime.decisions import kept_before
    from tasks.runtime.engine import LocalEngine
    from tasks.runtime.run import Run
    from tasks.runtime.shards import read, read_column

    write(folder / "web.jsonl", [{"id": str(n), "text": text} for n, text in enumerate(texts)])
    for name, some in benchmarks.items():
        write(folder / f"{name}.jsonl", [{"text": text} for text in some])
    for way, keys in WAYS.items():
        conf = {
            "store": str(folder / "store"),
            "sources": {"web": {"kind": "jsonl", "files": str(folder / "web.jsonl"), "id": "id", "url": "id"}},
            "benchmarks": {name: {"files": str(folder / f"{name}.jsonl"), "text": ["text"]} for name in benchmarks},
            "decontaminate": keys,
        }
        (folder / "conf.yaml").write_text(yaml.safe_dump(conf))
        pipeline = load(folder / "conf.yaml")
        built = build_corpus(Run(pipeline.store_url(), LocalEngine(1)), pipeline)
        source = built.sources["web"]
        found: dict[int, bool | None] = {}
        for shard in source.documents.shards():
            numbers = [int(url) for url in read(shard, ["url"]).column("url").to_pylist()]
            met = kept_before(source.decisions[-2], shard).tolist()
            answers = read_column(source.last, shard, ["found_by"]).column("found_by").to_pylist()
            found |= {n: bool(answer) if here else None for n, here, answer in zip(numbers, met, answers, strict=True)}
        assert len(found) == len(texts), "every document is read in"
        yield way, [found[n] for n in range(len(texts))]


def write(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def found_by_datatrove(folder: Path, benchmarks: dict[str, list[str]], texts: list[str]) -> list[bool] | str:
    """Whether one of datatrove's 12-grams of the items stands in each document; why not, where it cannot be asked.

    Its own normalisation and grams, unhashed; words are cut at spaces, since its tokenizer for English is spaCy's.
    """
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), *PACKAGES]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        return "pip took more than four minutes"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["pip failed"])[-1]
    sys.path.append(str(folder))
    try:
        from datatrove.pipeline.decont.n_grams import NGramsDecontConfig
        from datatrove.utils.text import ngrams, simplify_text
    except ImportError as error:
        return f"it does not load: {error}"
    config = NGramsDecontConfig()

    def grams(text: str) -> set[tuple[str, ...]]:
        return {tuple(gram) for gram in ngrams(simplify_text(text, config.norm_config).split(), config.n_grams)}

    known = set().union(*(grams(text) for some in benchmarks.values() for text in some))
    return [not known.isdisjoint(grams(text)) for text in texts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=200, help="of each benchmark")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--markdown", action="store_true", help="the table as docs/papers.md has it")
    options = parser.parse_args()
    if not REAL.is_dir():
        sys.exit(f"the real files are not here: {REAL}")
    benchmarks, made = documents(options.items, options.seed)
    kinds, texts = [kind for kind, _ in made], [text for _, text in made]
    shares: dict[str, dict[str, float]] = {}
    skipped: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        ways = dict(found_by_us(Path(folder), benchmarks, texts))
        met = [answer is not None for answer in ways["gpt3"]]
        theirs = found_by_datatrove(Path(folder) / "fetched", benchmarks, texts)
    if isinstance(theirs, str):
        skipped[DATATROVE] = theirs
        print(f"{DATATROVE} skipped: {theirs}")
    else:
        ways[DATATROVE] = [*theirs]
    order = list(dict.fromkeys(sorted(kinds, key=_place)))
    for way, found in ways.items():
        shares[way] = {}
        for kind in order:
            here = [answer for answer, each, is_met in zip(found, kinds, met, strict=True) if each == kind and is_met]
            shares[way][kind] = sum(map(bool, here)) / len(here)
    counts = Counter(kind for kind, is_met in zip(kinds, met, strict=True) if is_met)
    _print(shares, order, counts, options.markdown)
    out = ROOT / "bench" / "results" / "contamination.json"
    out.parent.mkdir(exist_ok=True)
    about = {"items": options.items, "seed": options.seed, "documents": len(texts), "skipped": skipped}
    out.write_text(json.dumps(about | {"shares": shares}, indent=1) + "\n")
    print(out)


def _place(kind: str) -> tuple[int, int]:
    benchmark, _, disguise = kind.partition(": ")
    disguises = list(DISGUISES)
    return ["lambada", "arc-easy", "clean"].index(benchmark), disguises.index(disguise) if disguise in DISGUISES else 0


def _print(shares: dict[str, dict[str, float]], order: list[str], counts: Counter[str], markdown: bool) -> None:
    """Per cent of each kind of document in which each way finds something."""
    ways = list(shares)
    if markdown:
        print(f"| found, % | documents | {' | '.join(ways)} |\n|---|---|{'---|' * len(ways)}")
    else:
        print(f"{'found, %':<46}{'documents':>10}" + "".join(f"{way:>17}" for way in ways))
    for kind in order:
        cells = [f"{100 * shares[way][kind]:.1f}" for way in ways]
        if markdown:
            print(f"| {kind} | {counts[kind]} | {' | '.join(cells)} |")
        else:
            print(f"{kind:<46}{counts[kind]:>10}" + "".join(f"{cell:>17}" for cell in cells))


if __name__ == "__main__":
    main()
