"""What the audit `overlap` costs on one core: LAMBADA and five more benchmarks against a token file of real books.

    python bench/overlap.py [--megabytes 64]

The books (../shared/data/books/bulk) are tokenised by a byte-level BPE of their own, and what a worker does with a
token file is timed in CPU seconds: decode, words, and each rule, alone and all together. The row `before` is the way
until November 2026 (str methods and sets of tuples) on a sixteenth of the text. Prints a table and writes
bench/results/overlap.json.
"""

import argparse
import gzip
import io
import json
import sys
import time
import unicodedata
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import zstandard

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data"
sys.path.insert(0, str(ROOT))


def books(limit: int) -> list[str]:
    texts: list[str] = []
    for path in sorted((REAL / "books" / "bulk").glob("*.jsonl.zst")):
        with path.open("rb") as file:
            for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
                texts.append(json.loads(line)["text"])
                limit -= len(texts[-1].encode())
                if limit < 0:
                    return texts
    return texts


def questions() -> dict[str, list[str]]:
    found = {}
    for path in sorted((REAL / "benchmarks" / "llm-foundry").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
        found[path.name.partition(".")[0]] = [
            " ".join(value for value in record.values() if isinstance(value, str)) for record in records
        ]
    return found


def before(texts: list[str], items: dict[str, list[str]]) -> int:
    """The audit as it was: how many grams of LAMBADA's items it met."""

    def words(text: str) -> list[str]:
        return "".join("" if unicodedata.category(c)[0] == "P" or c in "$+<=>^`|~" else c for c in text.lower()).split()

    def grams(split: list[str]) -> list[tuple[str, ...]]:
        return [tuple(split[at : at + 13]) for at in range(len(split) - 12)]

    known = {gram for listed in items.values() for item in listed for gram in grams(words(item))}
    firsts = {gram[0] for gram in known}
    met = set()
    for text in texts:
        split = words(text)
        for at in range(len(split) - 12):
            if split[at] in firsts and (gram := tuple(split[at : at + 13])) in known:
                met.add(gram)
    return len(met)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=64)
    options = parser.parse_args()
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    from tasks.evaluation.decoded import BETWEEN, Spelling, blocks
    from tasks.evaluation.overlap import Finders, filter_of
    from tasks.evaluation.rules.rule import Items
    from tasks.evaluation.sought import words_of

    texts, items = books(options.megabytes * 1_000_000), questions()
    model = Tokenizer(models.BPE())
    model.pre_tokenizer, model.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    model.train_from_iterator(texts[:24], trainers.BpeTrainer(vocab_size=32000, show_progress=False))
    end = model.get_vocab_size()
    model.add_special_tokens(["<|endoftext|>"])
    ids = np.array([number for text in texts for number in (*model.encode(text).ids, end)], np.uint16)
    rows: list[dict[str, Any]] = []

    def timed(what: str, size: int, seconds: float) -> None:
        rows.append({"what": what, "seconds": seconds, "megabytes": size / 1e6, "megabytes_s": size / seconds / 1e6})
        print(f"{what:<44} {seconds:>8.2f} CPU s {rows[-1]['megabytes_s']:>8.1f} MB/s", flush=True)

    benchmarks = {
        name: Items([str(number) for number in range(len(listed))], [item.encode() for item in listed])
        for name, listed in items.items()
    }
    asked_bytes = sum(len(text) for some in benchmarks.values() for text in some.texts)
    spelling = Spelling.of(model, {end: BETWEEN})
    start = time.process_time()
    decoded = [spelling.decode(part) for part in blocks(ids, end)]
    read = sum(map(len, decoded))
    timed("decoding", read, time.process_time() - start)
    start = time.process_time()
    for part in decoded:
        words_of(part)
    timed("words, which gpt3 and gpt2 share", read, time.process_time() - start)
    told: dict[str, Any] = {}
    for rules in (["gpt3"], ["gpt2"], ["gpt4"], ["gpt3", "gpt2", "gpt4"]):
        start = time.process_time()
        finders = Finders.of(benchmarks, rules, seed=1, tokens=len(ids))
        timed(f"{', '.join(rules)}: benchmarks, once a worker", asked_bytes, time.process_time() - start)
        met, words = finders.nothing(), 0
        start = time.process_time()
        for part in decoded:
            words += finders.look(part, met)
        timed(f"{', '.join(rules)}: decoded text", read, time.process_time() - start)
        for rule, verdicts in finders.verdicts(met).items():
            told[rule] = {name: sum(v.state == "dirty" for v in some) for name, some in verdicts.items()}
    told["filter"] = asdict(filter_of(finders, words))
    few = texts[: max(1, len(texts) // 16)]
    start = time.process_time()
    before(few, items)
    timed("before (words and grams)", sum(len(text.encode()) for text in few), time.process_time() - start)
    out = ROOT / "bench" / "results" / "overlap.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps({"rows": rows, "dirty": told}, indent=1) + "\n")
    print(json.dumps(told))
    print(out)


if __name__ == "__main__":
    main()
