"""BPE fitted from text, end to end: ours beside rustbpe, gigatoken's train_bpe and tokenizers' BpeTrainer.

    python bench/tokenizer.py [--megabytes 100] [--merges 32000] [--who ours,engine,rustbpe,gigatoken,tokenizers]

Text, of /work/shared/data's Gutenberg books (books/bulk): `english`, as it stands, in documents of 20,000 characters,
and `cjk`. There is no such amount of Chinese or Japanese there, so `cjk` is the English enciphered: each word one to
three Han characters (the 200 most frequent one, the next 30,000 two, the others three; which, by hash, low ones more
often), no spaces, full-width punctuation. So runs between punctuation are as long and nearly all distinct, as in
Chinese, though the language is none.

Each reads the same Parquet file in a process of its own, in two threads (RAYON_NUM_THREADS=2; ours counts in two, all
merge in one); told are wall seconds, CPU seconds, the largest resident memory, and by how much that grew while it
fitted (this script's imports, numba among them, are in every process). `engine` is the stage's way: documents in
shards, counted by two worker processes and a shuffle; its memory is the sum of the peaks of all three. `same` says how
many first merges are those of tokenizers' BpeTrainer, whose tie rule is ours, or else of gigatoken's, which has it.
Prints a table and writes bench/results/tokenizer.json; rows of a text that is not asked for stay as they were.
"""

import argparse
import hashlib
import io
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tasks.kernels.buffers import buffers  # noqa: E402
from tasks.kernels.byte_counts import ByteCounts  # noqa: E402
from tasks.kernels.merges import merge  # noqa: E402
from tasks.runtime.artifact import Artifact, Shard  # noqa: E402
from tasks.runtime.engine import LocalEngine  # noqa: E402
from tasks.runtime.job import Job  # noqa: E402
from tasks.runtime.run import Run  # noqa: E402
from tasks.runtime.shards import DOCUMENTS, Output  # noqa: E402
from tasks.runtime.stage import stage  # noqa: E402
from tasks.runtime.statistics import statistics  # noqa: E402
from tasks.tokens.counts import counted, gpt2_pretokens  # noqa: E402
from tasks.tokens.kinds.alphabet import CHARACTERS, IDS, bytes_of  # noqa: E402

BULK = ROOT.parent / "shared" / "data" / "books" / "bulk"
GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
WORKERS = 2
DOCUMENT = 20_000  # characters
GROUP = 200  # documents
SHARD = 6  # groups: 24 MB of text
WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")
PUNCTUATION = {" ": "", "\n": "", ",": "，", ".": "。", ";": "；", "?": "？", "!": "！"}
PEERS = ("ours", "engine", "rustbpe", "gigatoken", "tokenizers")


# ---- text


def english(size: int) -> list[str]:
    import zstandard

    texts, taken = [], 0
    for file in sorted(BULK.glob("*.jsonl.zst")):
        with file.open("rb") as raw:
            for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(raw), encoding="utf-8"):
                book = json.loads(line)["text"]
                for start in range(0, len(book), DOCUMENT):
                    if taken >= size:
                        return texts
                    texts.append(book[start : start + DOCUMENT])
                    taken += len(texts[-1].encode())
    return texts


def cjk(texts: list[str]) -> list[str]:
    often = Counter(word.lower() for text in texts for word in WORD.findall(text))
    cipher = {word: characters(word, rank) for rank, (word, _) in enumerate(often.most_common())}
    answer = []
    for text in texts:
        text = re.sub(r"\n\s*\n", "\u2029", text)
        text = WORD.sub(lambda found: cipher[found.group().lower()], text)
        answer.append("".join(PUNCTUATION.get(each, each) for each in text).replace("\u2029", "\n\n"))
    return answer


def characters(word: str, rank: int) -> str:
    if rank < 200:
        return chr(0x4E00 + rank)
    draws = np.frombuffer(hashlib.sha256(word.encode()).digest()[:6], np.uint16) / 65536
    return "".join(chr(0x4E00 + int(5000**draw) - 1) for draw in draws[: 2 if rank < 30_000 else 3])


def write(texts: list[str], path: Path) -> int:
    pq.write_table(pa.table({"text": pa.array(texts, pa.large_string())}), path, row_group_size=GROUP)
    return sum(len(text.encode()) for text in texts)


def stream(path: Path) -> Iterator[str]:
    for batch in pq.ParquetFile(path).iter_batches(GROUP):
        yield from batch.column("text").to_pylist()


# ---- who fits: each answers with (its merges, as pairs of byte strings, in order; other figures)

Fitted = tuple[list[tuple[bytes, bytes]], dict[str, Any]]


def ours(path: Path, merges: int) -> Fitted:
    start = time.perf_counter()
    file = pq.ParquetFile(path)
    tables = [ByteCounts() for _ in range(WORKERS)]

    def count(number: int) -> None:
        own = pq.ParquetFile(path)
        for group in range(number, file.num_row_groups, WORKERS):
            tables[number].add_pretokens(*buffers(own.read_row_group(group, use_threads=False).column("text")))

    threads = [threading.Thread(target=count, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    words = tables[0]
    for other in tables[1:]:
        words.add(other.data, other.starts[:-1], other.starts[1:], other.counts)
    tables.clear()
    data, starts, counts = words.data, words.starts, words.counts
    del words, other
    counting = time.perf_counter() - start
    return merged(data, starts, counts, merges), {"words": len(counts), "counting": round(counting, 1)}


def merged(data: np.ndarray, starts: np.ndarray, counts: np.ndarray, merges: int) -> list[tuple[bytes, bytes]]:
    made = [bytes_of(character) for character in CHARACTERS]
    pairs = []
    for left, right in merge(IDS[data], starts, counts, 256, merges).tolist():
        pairs.append((made[left], made[right]))
        made.append(made[left] + made[right])
    return pairs


@statistics
class Made:
    documents: int = 0


@stage("documents", kind="input", version="1")
def documents(job: Job, *, path: str) -> Made:
    groups = pq.ParquetFile(path).num_row_groups
    items = [(f"{first:05}", range(first, min(first + SHARD, groups))) for first in range(0, groups, SHARD)]
    return job.total(documents_shard, items, path=path)


def documents_shard(out: Output, groups: range, *, path: str) -> Made:
    count = 0
    for group in groups:
        text = pq.ParquetFile(path).read_row_group(group).column("text").to_pylist()
        rows = [{"id": f"web:{(group << 16) + i:032x}", "text": one, "bytes": len(one.encode())} for i, one in enumerate(text)]  # fmt: skip  # noqa: E501
        out.write(pa.Table.from_pylist(rows, schema=DOCUMENTS))
        count += len(rows)
    return Made(count)


@stage("everything", kind="decision", version="1")
def everything(job: Job, *, documents: Artifact) -> Made:
    return job.total(everything_shard, [(shard.key, shard) for shard in documents.shards()])


def everything_shard(out: Output, shard: Shard) -> Made:
    out.of(shard)
    out.write(pa.table({"keep": np.ones(shard.rows, bool)}))
    return Made(shard.rows)


@stage("fitted", kind="fit", version="1")
def fitted(job: Job, *, documents: Artifact, decision: Artifact, merges: int) -> Made:
    start = time.perf_counter()
    words = counted(
        job, {"web": documents}, {"web": decision}, gpt2_pretokens, taken={"web": 1.0}, validation=0.0, seed=1
    )
    counting = time.perf_counter() - start
    bounds = np.frombuffer(words.words.buffers()[1], np.int64)[: len(words.words) + 1]
    data = np.frombuffer(words.words.buffers()[2], np.uint8)[: bounds[-1]]
    pairs = merged(data, bounds, words.counts, merges)
    told = {"words": len(words.words), "counting": round(counting, 1)}
    with job.publish("fitted.json") as file:
        file.write(json.dumps([[[left.hex(), right.hex()] for left, right in pairs], told]).encode())
    return Made(len(words.words))


def prepared(run: Run, path: Path) -> dict[str, Artifact]:
    made = run(documents, "web", path=str(path))
    return {"documents": made, "decision": run(everything, "web", documents=made)}


def prepare(path: Path) -> None:
    run = Run(path.with_suffix(".store"), LocalEngine(WORKERS))
    prepared(run, path)
    run.close()


def engine(path: Path, merges: int) -> Fitted:
    """The stage's way, over a source whose shards `prepare` has written."""
    run = Run(path.with_suffix(".store"), LocalEngine(WORKERS))
    made = run(fitted, "web", **prepared(run, path), merges=merges)
    run.close()
    pairs, told = json.loads(made.read("fitted.json"))
    return [(bytes.fromhex(left), bytes.fromhex(right)) for left, right in pairs], told


def rustbpe(path: Path, merges: int) -> Fitted:
    import rustbpe as library

    fitted = library.Tokenizer()
    fitted.train_from_iterator(stream(path), 256 + merges, pattern=GPT2)
    return [], {"made": len(fitted.get_mergeable_ranks()) - 256}


def gigatoken(path: Path, merges: int) -> Fitted:
    import gigatoken as library

    _, made = library.train_bpe(library.ParquetFileSource([str(path)], "text"), 256 + merges, [])
    return list(made), {}


def tokenizers(path: Path, merges: int) -> Fitted:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe.train_from_iterator(
        stream(path), trainers.BpeTrainer(vocab_size=256 + merges, initial_alphabet=alphabet, show_progress=False)
    )
    pairs = json.loads(bpe.to_str())["model"]["merges"]
    return [(bytes_of(left), bytes_of(right)) for left, right in pairs], {}


# ---- measuring


def child(who: str, path: Path, merges: int) -> None:
    """Fit, and print what it took."""
    base = high_water()
    start, before = time.perf_counter(), seconds()
    pairs, told = globals()[who](path, merges)
    wall, cpu = time.perf_counter() - start, seconds() - before
    peak = high_water()
    if who == "engine":
        peak += WORKERS * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    path.with_suffix(f".{who}.json").write_text(json.dumps([[left.hex(), right.hex()] for left, right in pairs]))
    memory = {"peak_mb": peak >> 10, "grown_mb": (peak - base) >> 10}
    print(json.dumps({"wall": round(wall, 1), "cpu": round(cpu, 1), **memory, "made": len(pairs), **told}))


def high_water() -> int:
    """This process's largest resident memory, kB; that of getrusage begins with what its parent had."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def seconds() -> float:
    """CPU time of this process and of those it has waited for."""
    return sum(sum(resource.getrusage(of)[:2]) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def agree(path: Path, who: str) -> int | None:
    """How many first merges are those of tokenizers, or of gigatoken where that did not take part."""
    files = {one: path.with_suffix(f".{one}.json") for one in (who, "tokenizers", "gigatoken")}
    other = next((file for one, file in files.items() if one not in (who, "ours") and file.exists()), None)
    if other is None or not files[who].exists():
        return None
    pairs = [json.loads(file.read_text()) for file in (files[who], other)]
    same = [first == second for first, second in zip(*pairs, strict=False)]
    return same.index(False) if False in same else len(same)


HEADS = {"text": 8, "who": 11, "wall": 8, "cpu": 8, "peak_mb": 8, "grown_mb": 9, "words": 9, "same": 6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--merges", type=int, default=32_000)
    parser.add_argument("--who", default=",".join(PEERS))
    parser.add_argument("--texts", default="english,cjk")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child and options.child[0] == "prepare":
        prepare(Path(options.child[1]))
        return
    if options.child:
        child(options.child[0], Path(options.child[1]), options.merges)
        return
    out = ROOT / "bench" / "results" / "tokenizer.json"
    out.parent.mkdir(exist_ok=True)
    environment = os.environ | {"RAYON_NUM_THREADS": str(WORKERS), "TOKENIZERS_PARALLELISM": "true"}
    rows: list[dict[str, Any]] = []
    print(" ".join(f"{head:>{width}}" for head, width in HEADS.items()))
    with tempfile.TemporaryDirectory(prefix="bench-tokenizer-") as folder:
        plain = english(int(options.megabytes * 1e6))
        for name, texts in (("english", plain), ("cjk", cjk(plain))):
            if name not in options.texts.split(","):
                continue
            path = Path(folder) / f"{name}.parquet"
            size = write(texts, path)
            here = []
            for who in options.who.split(","):
                command = [sys.executable, __file__, "--merges", str(options.merges), "--child", who, str(path)]
                if who == "engine":  # by a process that is gone when memory is measured
                    subprocess.run([*command[:-2], "prepare", str(path)], check=True, stdout=subprocess.DEVNULL)
                done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, cwd=ROOT, check=False)
                if done.returncode:
                    here.append({"text": name, "who": who, "failed": done.returncode})
                    continue
                here.append({"text": name, "bytes": size, "who": who, **json.loads(done.stdout.splitlines()[-1])})
            for row in here:
                row["same"] = agree(path, row["who"])
                print(" ".join(f"{row.get(head) or '':>{width}}" for head, width in HEADS.items()), flush=True)
            rows += here
    if out.exists():
        rows += [row for row in json.loads(out.read_text())["rows"] if row["text"] not in options.texts.split(",")]
    out.write_text(json.dumps({"cores": os.cpu_count(), "load": os.getloadavg()[0], "rows": rows}, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main()
