"""The paces that Millrace brings along, for stages of which a store tells nothing yet: a core's, of one machine.

CPU seconds of one core (AMD EPYC, 2 cores, x86_64, Python 3.11), 2026-11-30, by `python bench/paces.py` over real
files: 186 MB of books, 943 pages, 206 articles; the machine was busy, so a quiet one is rather faster. From other
measurements, as their lines say: docs/lab-notes.md. A stage without a line was not measured at a size that says
anything.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shipped:
    """Core-seconds = start + work / rate; work in the unit of flows/paces.py. `parallel`: shards go side by side.

    `memory`: bytes that its largest process had at the most, some 300 MB of them libraries; of stages that go shard by
    shard it does not grow with the corpus. `disk`: bytes it writes a unit of work.
    """

    unit: str
    rate: float
    start: float = 0.0
    parallel: bool = False
    memory: float | None = None
    disk: float | None = None


def _text(rate: float, **more: float) -> Shipped:
    """A measure of text, shard by shard."""
    return Shipped("bytes of text", rate, 0.03, True, 0.68e9, **more)


SHIPPED: dict[tuple[str, str], Shipped] = {
    ("sample", ""): Shipped("bytes of input", 1.05e6),
    ("benchmark", ""): Shipped("bytes of input", 1.9e6, 0.05, disk=3.5),
    ("generated", ""): Shipped("run", 0.0, 0.04),
    ("ingest", "warc"): Shipped("bytes of input", 9.1e6, 0.2, True, 0.56e9),
    ("ingest", "wet"): Shipped("bytes of text", 40.3e6, 0.2, True, 0.56e9),  # bench/ingest.py
    # 56 MB/s of books, and about 80 us a document beside: at 5 kB a document
    ("ingest", "jsonl"): Shipped("bytes of text", 30e6, 0.05, True, 0.56e9),
    ("ingest", "parquet"): Shipped("bytes of text", 30e6, 0.05, True, 0.56e9),  # as JSONL: cleaning is what costs
    ("ingest", "text"): Shipped("bytes of text", 42e6, 0.02, True, 0.56e9),
    ("ingest", "mediawiki"): Shipped("bytes of text", 5.6e6, 0.2, True, 0.56e9),  # bench/mediawiki.py: 202 pages/s
    ("classifier", "modern"): Shipped("documents", 1_984),  # 11,485 documents of 2 kB
    # bench/columns.py, one core, quiet: each alone; in one reading the three take 130 MB/s, which is 1.2 times as fast
    ("score", ""): _text(473e6, disk=0.0026),
    ("signatures", ""): _text(270e6),
    ("hits", ""): _text(281e6, disk=0.002),
    ("heuristics", ""): _text(16.4e6, disk=0.0005),
    ("keep", ""): Shipped("documents", 97_600, 0.02, True, 0.68e9, 10),
    ("cuts", ""): Shipped("documents", 143_000, 0.03, True, 0.69e9, 1.8),
    ("frequent", ""): Shipped("documents", 164_000),  # 11,498 documents
    ("survivors", "14 bands of 8"): Shipped("documents", 34_500, 0.08, True, 0.77e9, 7),  # bench/dedup.py, with buckets
    ("survivors", "10 bands of 1"): Shipped("documents", 8_850, 0.08, True, 0.86e9, 7),
    ("buckets", ""): Shipped("documents", 0.0, 0.06, True, 0.7e9, 290),  # its pace is in the figure of survivors
    ("recall", ""): Shipped("run", 0.0, 0.6),  # 500 documents of 2 kB
    ("grams", ""): Shipped("bytes of input", 1.4e6, 0.1, disk=3.3),
    ("overlap", "gpt3"): Shipped("bytes of text", 49e6, 3.0, True, 0.98e9),  # bench/overlap.py
    ("overlap", "gpt3+gpt2+gpt4"): Shipped("bytes of text", 7.2e6, 0.2, True, 0.98e9),  # bench/overlap.py
    ("mixture", ""): Shipped("documents", 6.7e6, 0.07),  # .15 s a million documents: docs/lab-notes.md
    ("tokenizer", ""): Shipped("bytes of text", 36e6, 0.64, True, 1.14e9),  # memory: bench/tokenizer.py, 100 MB
    ("tokens", ""): Shipped("bytes of text", 46e6, 0.1, True, 0.73e9),  # memory: bench/encoding.py, the worst text met
    # bench/examples.py: demonstrations of 240 bytes
    ("labelled", ""): Shipped("bytes of input", 4.1e6, 0.05, True),
    ("examples", ""): Shipped("bytes of text", 1.8e6, 0.1, True),
    # bench/train.py: .3279 s of CPU an update of 2,048 tokens at 8.85 MFLOPs a token
    ("pretrain", ""): Shipped("FLOPs", 5.5e10, 3.0),
    ("answers", "forward"): Shipped("FLOPs", 6e10, 0.2),  # bench/evaluate.py: 80 GFLOP/s in three quarters of it
    ("perplexity", "forward"): Shipped("FLOPs", 6e10, 6.0),  # torch is loaded by it first
}
