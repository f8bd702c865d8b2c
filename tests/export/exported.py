"""A small corpus to export: pages of a crawl, with copies and a leak, beside good texts; and an export in a call."""

import io
import json
import random
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import yaml
import zstandard
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[1] / "sources"))
from made import http, members, warc

from conf.load import load
from flows import dag
from flows.export import run as export
from tasks.export.lineage import Told
from tasks.runtime.engine import LocalEngine
from tasks.runtime.run import Run

WORDS = [a + b for a in ("ri", "sto", "lan", "mea", "cop", "win", "har", "this") for b in ("ver", "ne", "tern", "dow")]
LEAK = "seven grey herons stood upon the broken pier and watched how slowly the last of the boats came home again"
COPIES = 3  # how often one of the pages stands in the crawl


class Corpus(NamedTuple):
    """What the tests export."""

    conf: Path
    built: dag.Built

    @property
    def folder(self) -> Path:
        """Of its input."""
        return self.conf.parent


def prose(seed: int, words: int) -> str:
    """Sentences of words that few other seeds have side by side."""
    draw = random.Random(seed)
    picked = [draw.choice(WORDS) + draw.choice(WORDS) for _ in range(words)]
    return " ".join(word + "." if place % 11 == 10 else word for place, word in enumerate(picked))


def page(number: int, text: str) -> bytes:
    body = f"<html><head><title>{number}</title></head><body><main><p>{text}</p></main></body></html>"
    return warc(http(body.encode()), number)


def write(folder: Path, **changes: Any) -> Path:
    """The corpus's files below a folder; the path of its YAML."""
    texts = [prose(1000 + n, 60 + n % 80) for n in range(120)]
    texts[70:73] = [texts[20]] * COPIES  # one of them comes first
    texts[50] = f"{prose(2, 90)} {LEAK} {prose(3, 90)}"
    texts[51] = 'Été &amp; ça: 漢字 и 😀 "quotes" \\ back\tslash ' + prose(4, 60)
    for part in range(3):
        pages = [page(n, text) for n, text in enumerate(texts) if n % 3 == part]
        (folder / f"part-{part}.warc.gz").write_bytes(members(*pages))
    good = [{"id": f"g{n}", "text": prose(n, 100), "url": f"http://good.example/{n}", "date": n} for n in range(60)]
    quiz = [{"context": LEAK, "continuation": "at last"}]
    for name, rows in (("good", good), ("quiz", quiz)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    conf: dict[str, Any] = {
        "store": f"{folder}/store",
        "seed": 3,
        "validation": 0.2,
        "sources": {
            "good": {
                "kind": "jsonl", "files": f"{folder}/good.jsonl", "id": "id", "url": "url", "shard": 9_000,
                "licence": "CC-BY-SA-4.0 AND GFDL-1.3-or-later",
            },
            "web": {
                "kind": "warc", "files": f"{folder}/*.warc.gz", "group": "crawls",
                "licence": "LicenseRef-Common-Crawl-Terms",
            },
        },
        "benchmarks": {"quiz": {"files": f"{folder}/quiz.jsonl", "text": ["context", "continuation"]}},
        "quality": {"good": ["good"], "raw": ["web"], "keep": {"pareto": 0.2}, "features": 4096},
        "decontaminate": {"shortest": 50},
        "tokenizer": {"vocabulary": 400, "sample": 100_000},
    }  # fmt: skip
    path = folder / "corpus.yaml"
    path.write_text(yaml.safe_dump(conf | changes, sort_keys=False))
    return path


def build(conf: Path) -> dag.Built:
    """All of it up to the report; there are no models."""
    pipeline = load(conf)
    return dag.crawl_to_model(Run(pipeline.store_url(), LocalEngine(1)), pipeline)


def leave(
    conf: Path,
    out: Path | str,
    form: str = "parquet",
    size: str = "20kB",
    split: str = "all",
    sources: list[str] | None = None,
    told: Told | None = None,
    workers: int = 1,
) -> None:
    """`millrace export`, in this process."""
    nobody = Console(file=io.StringIO())
    export(nobody, load(conf), str(conf), str(out), form, size, split, sources or [], told or Told(), workers, print)


def rows_of(out: Path) -> list[dict[str, Any]]:
    """All rows of all Parquet files, in the order of names."""
    return [row for path in sorted(out.glob("data/*/*.parquet")) for row in pq.read_table(path).to_pylist()]


def lines_of(out: Path) -> list[bytes]:
    """All lines of all files of JSON, in the order of names."""
    whole = zstandard.ZstdDecompressor()
    return [
        line
        for path in sorted(out.glob("data/*/*.jsonl.zst"))
        for line in whole.decompressobj().decompress(path.read_bytes()).splitlines(keepends=True)
    ]


def contents(out: Path) -> dict[str, bytes]:
    """Every file of an export by name."""
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
