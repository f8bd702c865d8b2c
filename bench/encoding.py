"""Encoding on one core: tiktoken, `tokenizers`, gigatoken's own call and ours on one text; then the stage `tokens`.

    python bench/encoding.py [--megabytes 72] [--rounds 3]

English is books (../shared/data/books/bulk), 8 MB of them for the encoders. CJK are the lines in Chinese, Japanese and
Korean of the real pages in ../shared/data/crawl-pages, and the Declaration of Human Rights: 190 KB, which is all there
is. The tokenizer has 32,000 ids, from 6 MB of the books and the CJK text 30 times over, so that it has tokens for both.
A worker that meets CJK has met other text before: gigatoken and ours have encoded 8 MB of books when a text begins, and
nothing of that text (each round loads them anew). `CJK, varied` is the same clauses shuffled into 4 MB: words come back
far more often than in a corpus, and a cache knows them; in `CJK` hardly any comes back. The truth lies between.

Time is CPU time of this process, of the encoders the best of the rounds. All must give the same ids. The stage reads
documents of 4,000 characters from shards of 24 MB and does all that it does, in this process: checksums, Parquet, the
sample that is encoded twice. What comes once a run or a worker (imports, fingerprints, loading) is told apart: it is
the stage on one document. Prints a table and writes bench/results/encoding.json.
"""

import argparse
import html
import io
import json
import os
import re
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import zstandard

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data"
sys.path.insert(0, str(ROOT))
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from tasks.quality.keep import keep  # noqa: E402
from tasks.runtime.artifact import Artifact  # noqa: E402
from tasks.runtime.engine import LocalEngine  # noqa: E402
from tasks.runtime.job import Job  # noqa: E402
from tasks.runtime.run import Run  # noqa: E402
from tasks.runtime.shards import DOCUMENTS, Output  # noqa: E402
from tasks.runtime.stage import stage  # noqa: E402
from tasks.runtime.statistics import statistics  # noqa: E402
from tasks.tokens.encode import Encoder  # noqa: E402
from tasks.tokens.kinds.alphabet import bytes_of  # noqa: E402
from tasks.tokens.tokenizer import Learned  # noqa: E402
from tasks.tokens.tokens import Tokenised, tokens  # noqa: E402

# As tiktoken names it for GPT-2 (tiktoken_ext/openai_public.py).
GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CJK = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
IDS, GROUP, WARM, ENCODED = 32_000, 4000, 8_000_000, 8_000_000


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


def cjk() -> list[str]:
    from fastwarc import ArchiveIterator

    texts = []
    for name in ("dclm-00", "htmldate-00", "readability-00"):
        with (REAL / "crawl-pages" / f"{name}.warc.gz").open("rb") as file:
            for record in ArchiveIterator(file):
                page = record.reader.read().decode("utf-8", "ignore")
                page = re.sub(r"(?is)<(script|style)\b.*?</\1>|<!--.*?-->", "", page)
                lines = dict.fromkeys(
                    line.strip() for line in html.unescape(re.sub(r"<[^>]*>", "\n", page)).split("\n")
                )
                text = "\n".join(line for line in lines if 2 * len(CJK.findall(line)) > len(line))
                if len(text) > 200:
                    texts.append(text)
    with zipfile.ZipFile(REAL / "text-good" / "nltk" / "udhr2.zip") as archive:
        return texts + [archive.read(f"udhr2/{name}.txt").decode() for name in ("cmn_hans", "cmn_hant", "jpn", "kor")]


def varied(texts: list[str], size: int) -> list[str]:
    """The clauses of all texts in a drawn order, again and again, in texts of 200 clauses."""
    clauses = re.findall(r"[^。，、！？\n]+[。，、！？\n]*", "\n".join(texts))
    draw, made = np.random.default_rng(1), []
    while size > 0:
        made.append("".join(clauses[n] for n in draw.integers(0, len(clauses), 200)))
        size -= len(made[-1].encode())
    return made


def tokenizer_json(english: list[str], other: list[str]) -> str:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=IDS - 1, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator([*english, *other * 30], trainer)
    made.add_special_tokens(["<|endoftext|>"])
    return made.to_str()


def peers(
    content: str, warm: list[str]
) -> dict[str, Callable[[], tuple[Callable[[list[str]], Any], Callable[[Any], Any]]]]:
    """Each: loads an encoder, and gives a call on texts, what is timed, and what makes a list of ids of its answer."""
    import tiktoken
    from gigatoken.gigatoken_rs import load_hf_json
    from tokenizers import Tokenizer

    about = json.loads(content)
    ranks = {bytes_of(token): rank for token, rank in about["model"]["vocab"].items() if token != "<|endoftext|>"}

    def of_tiktoken() -> Any:
        made = tiktoken.Encoding("bench", pat_str=GPT2, mergeable_ranks=ranks, special_tokens={})
        made.encode_ordinary(warm[0][:10_000])
        return lambda texts: [made.encode_ordinary(text) for text in texts], lambda rows: [
            n for row in rows for n in row
        ]

    def of_tokenizers() -> Any:
        made = Tokenizer.from_str(content)
        made.encode_batch_fast([warm[0][:10_000]])
        return made.encode_batch_fast, lambda rows: [n for row in rows for n in row.ids]

    def of_gigatoken() -> Any:
        made = load_hf_json(json.dumps(about | {"added_tokens": []}))
        made.encode_batch(warm, parallel=False)
        return (lambda texts: made.encode_batch(texts, parallel=False)), lambda rows: rows.layout.content.data.tolist()

    def of_ours() -> Any:
        made = Encoder(content.encode())
        made.encode(pa.array(warm, pa.large_string()))
        return made.encode, lambda found: found[0].tolist()

    return {"tiktoken": of_tiktoken, "tokenizers": of_tokenizers, "gigatoken": of_gigatoken, "ours": of_ours}


# ---- the whole stage


@statistics
class Written:
    """Documents that the bench wrote."""

    documents: int = 0


@stage("documents", kind="input", version="bench")
def documents(job: Job, *, texts: list[list[str]]) -> Written:
    return job.total(documents_shard, [(f"{number:05}", shard) for number, shard in enumerate(texts)])


def documents_shard(out: Output, texts: list[str]) -> Written:
    rows = [
        {"id": f"web:{number:032x}", "text": text, "bytes": len(text.encode()), "language": "en", "language_score": 1.0}
        for number, text in enumerate(texts)
    ]
    for start in range(0, len(rows), GROUP):  # row groups of 16 MB, as `ingest` writes them
        out.write(pa.Table.from_pylist(rows[start : start + GROUP], schema=DOCUMENTS))
    return Written(len(rows))


@stage("tokenizer", kind="fit", version="bench")
def given(job: Job, *, content: str) -> Learned:
    with job.publish("tokenizer.json") as file:
        file.write(content.encode())
    return Learned(IDS, end_of_text=IDS - 1)


def stage_seconds(run: Run, name: str, content: str, texts: list[list[str]]) -> tuple[float, int]:
    """(CPU seconds, bytes) of `tokens` on a source of these shards."""
    made: Artifact = run(documents, name, texts=texts)
    plain = {"before": None, "scores": None, "pareto": None, "threshold": None, "seed": 1}
    kept = run(keep, name, documents=made, languages=["en"], **plain)
    by = run(given, "bench", content=content)
    start = time.process_time()
    found = run(tokens, name, documents=made, decision=kept, tokenizer=by, validation=0.01, seed=1)
    return time.process_time() - start, found.counts(Tokenised).bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=72)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    english, other = books(options.megabytes * 1_000_000 + WARM), cjk()
    sizes = np.cumsum([len(text.encode()) for text in english])
    first = int(np.searchsorted(sizes, WARM)) + 1
    warm, english = english[:first], english[first:]
    part = int(np.searchsorted(np.cumsum([len(text.encode()) for text in english]), ENCODED)) + 1
    content = tokenizer_json(warm[: len(warm) * 3 // 4], other)
    rows: list[dict[str, Any]] = []
    for name, texts in (("English", english[:part]), ("CJK", other), ("CJK, varied", varied(other, 4_000_000))):
        size = sum(len(text.encode()) for text in texts)
        expected, reference = None, 0.0
        for peer, load in peers(content, warm).items():
            seconds = []
            for _ in range(options.rounds):
                call, ids_of = load()
                texts_given: Any = pa.array(texts, pa.large_string()) if peer == "ours" else texts
                start = time.process_time()
                found = call(texts_given)
                seconds.append(time.process_time() - start)
            ids = ids_of(found)
            expected = expected or ids
            assert ids == expected, f"{peer} gives other ids on {name}"
            speed = size / min(seconds) / 1e6
            reference = reference or speed  # tiktoken's, the first
            row = {"text": name, "by": peer, "megabytes": size / 1e6, "megabytes_s": speed}
            rows.append(row | {"times": speed / reference})
            print(
                f"{name:<12} {size / 1e6:>5.1f} MB {peer:<11} {speed:>7.1f} MB/s {speed / reference:>6.1f} x",
                flush=True,
            )
    cut = [text[at : at + 4000] for text in english for at in range(0, len(text), 4000)]
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "store", LocalEngine(1))
        once, _ = stage_seconds(run, "one", content, [["one document"]])
        seconds, size = stage_seconds(run, "all", content, [cut[at : at + 6000] for at in range(0, len(cut), 6000)])
    speed = size / seconds / 1e6
    rows.append({"text": "English", "by": "stage", "megabytes": size / 1e6, "megabytes_s": speed, "once_s": once})
    print(f"the stage   {size / 1e6:>6.1f} MB {speed:>19.1f} MB/s, and once {once:.2f} s")
    out = ROOT / "bench" / "results" / "encoding.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main()
