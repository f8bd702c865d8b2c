"""What a pass over text costs on one core: our kernels beside other libraries and beside merely reading the file.

    python bench/columns.py [--documents 20000] [--words 500] [--growth 10000 100000 1000000]

Documents are of words drawn by Zipf's law from 60,000, written as zstd Parquet. Each way is timed from the
Arrow column to its answer, in CPU seconds of one core, so that neighbours show little: the best of `--repeat`
runs (others' on fewer documents, for they are slow). The lines `read` say what reading the file costs; `together`, what
the measures cost in one reading, as stages due together make them (without writing their columns), each alone, and all.
`growth` makes the measures of so many documents in all, a part of 10,000 at a time, so that memory does not grow.
Prints a table and writes bench/results/columns.json. rensa is fetched by pip into a temporary folder, and skipped by
name if that fails.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

GRAMS = 1_000_000
PART = 10_000  # documents at a time, of `growth`
N = 13


@cache
def vocabulary() -> list[str]:
    source = np.random.default_rng(1)
    letters = np.array(list("etaoinshrdlucmfwypvbgkqjxz"))
    weight = 1 / np.arange(2, 28)
    sizes = np.clip(source.poisson(5.5, 60_000), 1, 14)  # frequent words are shorter, as they are
    sizes[:200] = np.clip(sizes[:200] // 2, 1, 14)
    words = ["".join(source.choice(letters, size, p=weight / weight.sum())) for size in sizes]
    words[::11] = [word.capitalize() for word in words[::11]]
    words[1::9] = [word + ",.;"[i % 3] for i, word in enumerate(words[1::9])]
    words[50::400] = [word + "é" for word in words[50::400]]
    return words


def documents(count: int, words: int, seed: int = 2) -> pa.Array:
    known = np.array(vocabulary(), object)
    chance = 1 / (np.arange(len(known)) + 2.7)
    picks = np.random.default_rng(seed).choice(len(known), (count, words), p=chance / chance.sum())
    return pa.array([" ".join(row) for row in known[picks]], pa.large_string())


class Table:
    """Timed ways, by task; ratios are to the task's first."""

    def __init__(self, repeat: int):
        self.repeat = repeat
        self.rows: list[dict[str, Any]] = []

    def time(self, task: str, way: str, column: pa.Array, work: Callable[[], object]) -> None:
        work()  # the first run loads code and touches memory
        seconds = []
        for _ in range(self.repeat):
            start = time.process_time()
            work()
            seconds.append(time.process_time() - start)
        self.add(task, way, len(column), min(seconds), sum(len(text.as_buffer()) for text in column))

    def add(self, task: str, way: str, documents: int, best: float, size: float) -> None:
        row: dict[str, Any] = {"task": task, "way": way, "documents": documents, "seconds": best}
        row |= {"documents_s": documents / best, "megabytes_s": size / best / 1e6}
        first = next((r for r in self.rows if r["task"] == task), row)
        row["times_slower_than_first"] = first["documents_s"] / row["documents_s"]
        self.rows.append(row)
        print(
            f"{task:<12} {way:<44} {row['documents_s']:>11,.0f} documents/s {row['megabytes_s']:>9,.1f} MB/s"
            f"{row['times_slower_than_first']:>9.2f} x",
            flush=True,
        )

    def skip(self, task: str, way: str, reason: str) -> None:
        self.rows.append({"task": task, "way": way, "skipped": reason})
        print(f"{task:<12} {way:<44} skipped: {reason}", flush=True)


def reading(table: Table, path: Path, column: pa.Array) -> None:
    from tasks.kernels import ngrams

    def text() -> pa.ChunkedArray:
        return pq.read_table(path, columns=["text"], use_threads=False)["text"]

    table.time("read", "decompress Parquet", column, text)
    table.time("read", "decompress, count words (kernel)", column, lambda: ngrams.words(text()).sum())

    def split() -> int:
        return sum(len(one.as_py().split()) for one in text())

    table.time("read", "decompress, count words (str.split)", column, split)


def signing(table: Table, column: pa.Array, fetched: str) -> None:
    from datasketch import MinHash

    from tasks.kernels import minhash

    few = column.slice(0, max(50, len(column) // 50))

    def shingles(text: str) -> list[str]:
        words = text.lower().split()
        return [" ".join(words[i : i + 5]) for i in range(len(words) - 4)]

    def datasketch() -> None:
        for text in few.to_pylist():
            MinHash(128, seed=1).update_batch([shingle.encode() for shingle in shingles(text)])

    table.time("signatures", "ours", column, lambda: minhash.signatures(column))
    table.time("signatures", "datasketch (affine32, sha1)", few, datasketch)
    failed = fetch("rensa", fetched)
    if failed:
        table.skip("signatures", "rensa", failed)
        return
    from rensa import RMinHash

    def rensa() -> None:
        for text in few.to_pylist():
            sketch = RMinHash(num_perm=128, seed=1)
            sketch.update(shingles(text))
            sketch.digest()

    table.time("signatures", "rensa RMinHash", few, rensa)


def fetch(package: str, folder: str) -> str | None:
    """Install a package into the folder, put that on the path; the reason where it failed."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder, package]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return "pip took more than two minutes"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["pip failed"])[-1]
    sys.path.append(folder)
    return None


def scoring(table: Table, column: pa.Array) -> None:
    from sklearn.feature_extraction.text import HashingVectorizer

    from tasks.kernels import features

    weights = np.random.default_rng(0).integers(-(1 << 30), 1 << 30, 1 << 18)
    few = column.slice(0, max(50, len(column) // 20))
    hasher = HashingVectorizer(n_features=1 << 18, token_pattern=r"\S+", alternate_sign=False, norm=None)
    as_floats = weights.astype(np.float64)
    table.time("score", "ours: weighted sums (gpt3)", column, lambda: features.weighted_sums(column, weights))
    table.time("score", "ours: weighted log1p (modern)", column, lambda: features.weighted_logs(column, weights))
    table.time("score", "ours: term_frequencies (CSR)", few, lambda: features.term_frequencies(few))

    def floats() -> np.ndarray:
        return hasher.transform(few.to_pylist()) @ as_floats

    table.time("score", "scikit-learn HashingVectorizer @ weights", few, floats)


def index_of(column: pa.Array) -> Any:
    """A million grams that are in no document, and those of five documents."""
    from tasks.kernels import ngrams

    random = np.random.default_rng(0).integers(1, 1 << 63, GRAMS, dtype=np.uint64)
    return ngrams.Index([N], np.concatenate([random, ngrams.grams(column.slice(0, 5), N).gram]))


def together(table: Table, path: Path, column: pa.Array) -> None:
    """A reading of the file for one, two or three measures; first what reading and counting words costs."""
    from tasks.kernels import minhash, ngrams
    from tasks.kernels.features import weighted_logs
    from tasks.kernels.scan import signatures_and_places

    index = index_of(column)
    weights = np.random.default_rng(0).integers(-(1 << 30), 1 << 30, 1 << 18)

    def text() -> pa.ChunkedArray:
        return pq.read_table(path, columns=["text"], use_threads=False)["text"]

    def three() -> None:
        read = text()
        weighted_logs(read, weights)
        list(signatures_and_places(read, index, 5, 128, 1)[1])

    table.time("together", "decompress, count words (kernel)", column, lambda: ngrams.words(text()).sum())
    table.time("together", "score, signatures and hits in one reading", column, three)
    table.time("together", "score alone", column, lambda: weighted_logs(text(), weights))
    table.time("together", "signatures alone", column, lambda: minhash.signatures(text()))
    table.time("together", "hits alone", column, lambda: ngrams.find(text(), index))


def growth(table: Table, sizes: list[int], words: int, folder: Path) -> None:
    """The three measures of so many different documents, made and measured PART at a time: documents a CPU second."""
    from tasks.kernels.features import weighted_logs
    from tasks.kernels.scan import signatures_and_places

    seconds = bytes_read = done = 0.0
    weights = np.random.default_rng(0).integers(-(1 << 30), 1 << 30, 1 << 18)
    index = None
    for size in sorted(sizes):
        while done < size:
            column = documents(min(PART, size), words, seed=2 + int(done))
            index = index or index_of(column)
            path = folder / "part.parquet"
            pq.write_table(pa.table({"text": column}), path, compression="zstd", use_dictionary=False)
            if not done:
                list(signatures_and_places(column, index, 5, 128, 1)[1])
            start = time.process_time()
            text = pq.read_table(path, columns=["text"], use_threads=False)["text"]
            weighted_logs(text, weights)
            list(signatures_and_places(text, index, 5, 128, 1)[1])
            seconds += time.process_time() - start
            bytes_read += len(text.chunk(0).buffers()[2])
            done += len(column)
        table.add("growth", f"three measures of {size:,} documents", int(done), seconds, bytes_read)


def finding(table: Table, column: pa.Array) -> None:
    import string

    from tasks.kernels import ngrams

    random = np.random.default_rng(0).integers(1, 1 << 63, GRAMS, dtype=np.uint64)
    index = index_of(column)
    few = column.slice(0, max(50, len(column) // 50))
    drop = str.maketrans("", "", string.punctuation)
    known = {str(gram) for gram in random.tolist()}

    def plain() -> int:
        hits = 0
        for text in few.to_pylist():
            words = text.lower().translate(drop).split()
            hits += sum(" ".join(words[i : i + N]) in known for i in range(len(words) - N + 1))
        return hits

    table.time("grams", f"ours: find, {len(index):,} grams of {N}", column, lambda: ngrams.find(column, index))
    table.time("grams", "ours: all grams", few, lambda: ngrams.grams(few, N))
    table.time("grams", "Python: a set of strings", few, plain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--words", type=int, default=500)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--growth", type=int, nargs="*", default=[], help="numbers of documents; 10^6 take 20 minutes")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    load = os.getloadavg()[0]
    print(f"load before: {load:.1f} (of {os.cpu_count()} cores)")
    column = documents(options.documents, options.words)
    table = Table(options.repeat)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "documents.parquet"
        pq.write_table(pa.table({"text": column}), path, compression="zstd", use_dictionary=False)
        reading(table, path, column)
        signing(table, column, str(Path(folder) / "fetched"))
        scoring(table, column)
        finding(table, column)
        together(table, path, column)
        growth(table, options.growth, options.words, Path(folder))
    out = ROOT / "bench" / "results" / "columns.json"
    out.parent.mkdir(exist_ok=True)
    about = {"machine": platform.processor() or platform.machine(), "load_before": load, "words": options.words}
    out.write_text(json.dumps(about | {"rows": table.rows}, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main()
