"""A store of a few documents whose fate is written down by hand, made by toy stages in the contracts' layouts.

ROWS says what became of every document; what the report must find follows from them by counting.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.dedup.signatures import fixed
from tasks.runtime.engine import LocalEngine
from tasks.runtime.shards import DOCUMENTS, REJECTS, add
from tasks.runtime.stage import Artifact, Job, Output, Run, Shard, stage

N = 13
PERMUTATIONS, BANDS, WIDTH = 128, 14, 8
FREQUENT = 999  # a gram that stands in too many documents to count
LEAKS = {n: " ".join(f"leak{n}word{i}" for i in range(20)) for n in range(1, 7)}
AROUND = " ".join(f"plain{i}" for i in range(60))
HOSTILE = "<script>alert('crawl')</script><img src=x onerror=alert(1)> {{ 7*7 }} & \"quoted\""


def holding(leak: str) -> str:
    return f"{AROUND} {leak} {AROUND}"


def span(text: str, leak: str) -> list[dict[str, int]]:
    start = text.encode().index(leak.encode())
    return [{"start": start - 10, "end": start + len(leak.encode()) + 10}]


def doc(url: str | None, text: str = AROUND, **fate: Any) -> dict[str, Any]:
    """fate: score; dropped (at keep); duplicate (of number), why, similarity; items (hit); whole; like, share."""
    return {"url": url, "text": text, "score": 0.9, **fate}


def wrapped(leak: str) -> str:
    return leak.upper().replace(" LEAK2WORD7", ",\n Leak2word7!")


ROWS: dict[str, list[dict[str, Any]]] = {
    "webtext2": [
        doc("https://linked.example/p/w0"),
        doc("https://linked.example/p/w1", holding(LEAKS[4]), items=[4]),
    ],
    "books2": [doc(None, holding(LEAKS[5]), items=[5])],
    "crawl": [
        doc("https://a.example/good/p/c0.html", f"{HOSTILE} one two three"),
        doc("https://m.example/copy/exact/c0.html", f"{HOSTILE} one two three", duplicate=0, why="exact", like=0),
        doc("https://a.example/good/p/c2.html", f"{HOSTILE} {AROUND} stays", also=FREQUENT),
        doc(
            "https://m.example/copy/within/c2.html",
            f"{HOSTILE} {AROUND} leaves",
            duplicate=2,
            why="near",
            similarity=0.9,
            like=2,
            share=0.9,
        ),
        doc("https://a.example/good/p/c4.html"),
        doc("https://m.example/copy/within/c4.html", like=4, share=0.6),  # missed
        doc("https://a.example/good/p/c6.html", dropped="quality", score=0.3),
        doc("https://m.example/copy/within/c6.html", like=6, share=0.95),  # its original was dropped: not met
        doc("https://m.example/copy/across/w0.html"),
        doc("https://m.example/leak/whole/c9.html", holding(LEAKS[1]), items=[1]),
        doc("https://m.example/leak/rewrapped/c10.html", holding(wrapped(LEAKS[2])), dropped="quality", score=0.2),
        doc("https://m.example/leak/deep/c11.html", holding(LEAKS[3])),  # the filter misses it
        doc("https://s.example/junk/spam/0", "spam spam", score=0.1),
        *(doc(f"https://s.example/junk/spam/{n}", "spam spam", dropped="quality", score=0.1) for n in (1, 2, 3)),
        *(doc(f"https://s.example/junk/menus/{n}", "home about", dropped="quality", score=0.05) for n in (0, 1)),
        doc("https://a.example/good/p/c18.html", holding(LEAKS[1]), items=[1], whole=True),
    ],
}
LIMITS = {"webtext2": 2, "books2": 1, "crawl": 7}  # documents a shard
GROUPS = {"webtext2": "webtext2", "books2": "books2", "crawl": "common-crawl"}
REJECTED = [
    ("/somewhere/crawl/00001.warc.gz", 100, 50, "gzip", "bad data"),
    ("/somewhere/crawl/00001.warc.gz", 500, 100, "status", "404"),
    ("/somewhere/crawl/00002.warc.gz", 900, 10, "http", "no status"),
]


def near(url: str, of_url: str, jaccard: float) -> dict[str, Any]:
    kind = url.split("/")[1]
    return {"url": f"https://m.example/{url}", "of_url": of_url, "kind": kind, "made": "words", "jaccard": jaccard}


def leak(line: int, form: str, where: str, source: str = "crawl") -> dict[str, Any]:
    where = f"https://m.example/leak/{form}/{where}" if source == "crawl" else where
    return {"benchmark": "cloze", "line": line, "text": LEAKS[line], "source": source, "where": where, "form": form}


PLANTED = {
    "near_copies": [
        near("copy/within/c2.html", "https://a.example/good/p/c2.html", 0.92),
        near("copy/within/c4.html", "https://a.example/good/p/c4.html", 0.93),
        near("copy/within/c6.html", "https://a.example/good/p/c6.html", 0.95),
        near("copy/across/w0.html", "https://linked.example/p/w0", 0.65),
        near("copy/across/gone.html", "https://linked.example/p/w0", 0.6),
    ],
    "exact_copies": [{"url": "https://m.example/copy/exact/c0.html", "of_url": "https://a.example/good/p/c0.html"}],
    "leaks": [
        leak(1, "whole", "c9.html"),
        leak(2, "rewrapped", "c10.html"),
        leak(3, "deep", "c11.html"),
        leak(4, "whole", "https://linked.example/p/w1", "webtext"),
        leak(5, "whole", "books2/book-000.txt#x.y", "books2"),
        leak(6, "whole", "gone.html"),
    ],
    "damaged": [
        {"file": "crawl/00001.warc.gz", "offset": 110, "length": 40, "kind": "corrupt-member", "url": "u"},
        {"file": "crawl/00001.warc.gz", "offset": 500, "length": 100, "kind": "http-header", "url": "u"},
    ],
    "pages": {"good": 5, "copy/exact": 1, "copy/within": 3, "copy/across": 2, "leak/whole": 2, "leak/rewrapped": 1,
              "leak/deep": 1, "spam": 4, "menus": 3, "image": 2},
}  # fmt: skip


def id_of(source: str, number: int) -> str:
    return f"{source}:{number:032x}"


def signature_of(source: str, number: int) -> np.ndarray:
    """Random places; of a copy, the first `share` of them its original's."""
    row = ROWS[source][number]
    seed = sum(source.encode()) * 1000 + number
    mine = np.random.Generator(np.random.PCG64(seed)).integers(0, 2**32 - 1, PERMUTATIONS, np.uint32)
    if "like" in row:
        same = round(row.get("share", 1.0) * PERMUTATIONS)
        mine[:same] = signature_of(source, row["like"])[:same]
    return mine


def shards(source: str) -> list[tuple[str, list[int]]]:
    numbers, limit = list(range(len(ROWS[source]))), LIMITS[source]
    return [(f"{at // limit:05}", numbers[at : at + limit]) for at in range(0, len(numbers), limit)]


def mapped(job: Job, function: Any, documents: Artifact | None, source: str) -> dict[str, Any]:
    """Run a toy over the source's shards: item = (shard or None, numbers of the documents)."""
    of = {shard.key: shard for shard in documents.shards()} if documents else {}
    return add(job.map(function, [(key, (of.get(key), numbers)) for key, numbers in shards(source)], source=source))


def fate(source: str, number: int) -> dict[str, Any]:
    row = ROWS[source][number]
    keep = "dropped" not in row
    survives = keep and "duplicate" not in row
    return {**row, "kept": keep, "survives": survives, "trained": survives and not row.get("whole")}


def counts(source: str, numbers: list[int], before: str | None, after: str, reasons: dict[str, int]) -> dict[str, Any]:
    rows = [fate(source, number) for number in numbers]
    had = [row for row in rows if before is None or row[before]]
    size = [len(row["text"].encode()) for row in had]
    return {
        "documents": len(had),
        "bytes": sum(size),
        "kept": sum(row[after] for row in had),
        "kept_bytes": sum(n for n, row in zip(size, had, strict=True) if row[after]),
        "reasons": reasons,
    }


@stage("ingest", version="1")
def ingest(job: Job, *, source: str) -> dict:
    return mapped(job, ingest_shard, None, source)


def ingest_shard(out: Output, item: tuple[None, list[int]], *, source: str) -> dict:
    rows = [ROWS[source][number] for number in item[1]]
    rejected = REJECTED if source == "crawl" and 0 in item[1] else []
    with out.open("rejects.parquet") as file:
        names = REJECTS.names
        pq.write_table(
            pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rejected], schema=REJECTS), file
        )
    texts = [row["text"] for row in rows]
    empty = [None] * len(rows)
    out.write(
        pa.table(
            [
                [id_of(source, n) for n in item[1]],
                texts,
                [len(t.encode()) for t in texts],
                [row["url"] for row in rows],
                empty,
                empty,
                empty,
            ],
            schema=DOCUMENTS,
        )
    )
    return {"documents": len(rows)}


@stage("score", version="1")
def score(job: Job, *, documents: Artifact) -> dict:
    return mapped(job, score_shard, documents, documents.name)


def score_shard(out: Output, item: tuple[Shard, list[int]], *, source: str) -> dict:
    out.of(item[0])
    out.write(pa.table({"score": pa.array([ROWS[source][n]["score"] for n in item[1]], pa.float32())}))
    return {"documents": len(item[1])}


@stage("keep", version="1")
def keep(job: Job, *, documents: Artifact) -> dict:
    return mapped(job, keep_shard, documents, documents.name)


def keep_shard(out: Output, item: tuple[Shard, list[int]], *, source: str) -> dict:
    rows = [fate(source, number) for number in item[1]]
    out.of(item[0])
    reason = [row.get("dropped") for row in rows]
    out.write(pa.table({"keep": [row["kept"] for row in rows], "reason": pa.array(reason, pa.string())}))
    return counts(source, item[1], None, "kept", {"quality": reason.count("quality"), "language": 0})


@stage("signatures", version="1")
def signatures(job: Job, *, documents: Artifact, shingle: int, permutations: int) -> dict:
    return mapped(job, signatures_shard, documents, documents.name)


def signatures_shard(out: Output, item: tuple[Shard, list[int]], *, source: str) -> dict:
    out.of(item[0])
    out.write(pa.table({"signature": fixed(np.stack([signature_of(source, number) for number in item[1]]))}))
    return {"documents": len(item[1])}


@stage("survivors", version="1")
def survivors(
    job: Job, *, documents: list[Artifact], signatures: list[Artifact], bands: int, rows: int, threshold: float
) -> dict:
    counted = mapped(job, survivors_shard, documents[-1], documents[-1].name)
    return {**counted, "candidates": 4, "buckets": 2, "skipped": 0}


def survivors_shard(out: Output, item: tuple[Shard, list[int]], *, source: str) -> dict:
    rows = [fate(source, number) for number in item[1]]
    out.of(item[0])
    gone = [row if "duplicate" in row else None for row in rows]
    reason = [row and row["why"] for row in gone]
    out.write(
        pa.table(
            {
                "keep": [row["survives"] for row in rows],
                "reason": pa.array(reason, pa.string()),
                "duplicate_of": pa.array([row and id_of(source, row["duplicate"]) for row in gone], pa.string()),
                "similarity": pa.array([row and row.get("similarity", 1.0) for row in gone], pa.float32()),
            }
        )
    )
    return counts(source, item[1], "kept", "survives", {why: reason.count(why) for why in ("id", "exact", "near")})


@stage("benchmark", version="1")
def benchmark(job: Job) -> dict:
    rows = [
        {"item": f"{n:032x}", "text": text, "record": "{}", "file": "cloze.jsonl", "line": n}
        for n, text in LEAKS.items()
    ]
    with job.publish("items.parquet") as file:
        pq.write_table(pa.Table.from_pylist(rows), file)
    return {"items": len(rows)}


@stage("grams", version="1")
def grams(job: Job, *, benchmarks: dict[str, Artifact]) -> dict:
    return {"benchmarks": {"cloze": {"items": len(LEAKS), "too_short": 0, "grams": 48}}, "grams": 48}


@stage("hits", version="1")
def hits(job: Job, *, documents: Artifact, n: int) -> dict:
    return mapped(job, hits_shard, documents, documents.name)


def hits_shard(out: Output, item: tuple[Shard, list[int]], *, source: str) -> dict:
    made: dict[str, list[Any]] = {"row": [], "gram": [], "benchmark": [], "item": []}
    for row, number in enumerate(item[1]):
        one = ROWS[source][number]
        found = [(100 * n + gram, n) for n in one.get("items", []) for gram in range(8)]
        found += [(one["also"], 6)] if "also" in one else []
        for gram, n in found:
            for key, value in zip(made, (row, gram, "cloze", f"{n:032x}"), strict=True):
                made[key].append(value)
    types = (pa.int64(), pa.int64(), pa.string(), pa.string())
    out.write(pa.table([pa.array(made[key], type) for key, type in zip(made, types, strict=True)], names=list(made)))
    return {"documents": len(item[1])}


@stage("frequent", version="1")
def frequent(job: Job) -> dict:
    with job.publish("frequent.parquet") as file:
        pq.write_table(pa.table({"gram": pa.array([FREQUENT], pa.int64())}), file)
    return {"frequent": 1}


@stage("cuts", version="1")
def cuts(job: Job, *, documents: Artifact, frequent: Artifact) -> dict:
    return mapped(job, cuts_shard, documents, documents.name)


def cuts_shard(out: Output, item: tuple[Shard, list[int]], *, source: str) -> dict:
    rows = [fate(source, number) for number in item[1]]
    reason = ["contaminated" if row.get("whole") else None for row in rows]
    hit = [row for row in rows if row["survives"] and row.get("items")]
    spans = [span(row["text"], LEAKS[row["items"][0]]) if row in hit else [] for row in rows]
    out.of(item[0])
    out.write(
        pa.table(
            {
                "keep": [row["trained"] for row in rows],
                "reason": pa.array(reason, pa.string()),
                "cuts": pa.array(spans, pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64())]))),
            }
        )
    )
    removed = sum(
        one["end"] - one["start"] for row, some in zip(rows, spans, strict=True) for one in some if row["trained"]
    )
    counted = counts(source, item[1], "survives", "trained", {"contaminated": reason.count("contaminated"), "short": 0})
    counted["kept_bytes"] -= removed
    whole = sum(bool(row.get("whole")) for row in hit)
    lengths = {"3": {"touched": len(hit), "removed": whole}} if hit else {}
    return {**counted, "cut": len(hit) - whole, "lengths": lengths}


@stage("overlap", version="1")
def overlap(job: Job, *, benchmarks: dict[str, Artifact]) -> dict:
    states = {n: "dirty" if n == 3 else "clean" for n in LEAKS}
    rows = [{"benchmark": "cloze", "item": f"{n:032x}", "state": state, "source": None} for n, state in states.items()]
    schema = pa.schema([(key, pa.string()) for key in ("benchmark", "item", "state", "source")])
    with job.publish("items.parquet") as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)
    return {
        "benchmarks": {"cloze": {"items": 6, "clean": 5, "dirty": 1, "uncheckable": 0, "n": N}},
        "sources": {"crawl": 1, "webtext2": 0},
    }


@stage("toy", version="1")
def told(job: Job, *, statistics: dict[str, Any], architecture: dict[str, Any], files: dict[str, str]) -> dict:
    """An artifact of which only the statistics and some files matter."""
    for name, content in files.items():
        with job.publish(name) as file:
            file.write(content.encode())
    return statistics


def tell(run: Run, name: str, statistics: dict[str, Any], **files: str) -> Artifact:
    named = {key.replace("_", "."): content for key, content in files.items()}
    return run(told, name, statistics=statistics, architecture={"layers": 2, "width": 64}, files=named)


def build(root: Path) -> tuple[Run, dict[str, Any]]:
    """The store, and what `report` is called with."""
    run = Run(root, LocalEngine(1))
    documents = {source: run(ingest, source, source=source) for source in ROWS}
    keeps = {source: run(keep, source, documents=one) for source, one in documents.items()}
    signed = {
        source: run(signatures, source, documents=one, shingle=5, permutations=PERMUTATIONS)
        for source, one in documents.items()
    }
    survived = {
        source: run(
            survivors, source, documents=[one], signatures=[signed[source]], bands=BANDS, rows=WIDTH, threshold=0.75
        )
        for source, one in documents.items()
    }
    benchmarks = {"cloze": run(benchmark, "cloze")}
    often = run(frequent, "all")
    names = list(GROUPS.values())
    token = {"documents": 2, "bytes": 4000, "train": 900, "validation": 100}
    group = {"asked": 30.0, "weight": 1 / 3, "held": 900, "tokens": 1000, "epochs": 1.11}
    given = {name: {"windows": 10, "tokens": 1000, "epochs": 1.1} for name in names}
    rows = [
        {"step": n, "tokens": n * 100, "loss": 8 - n / 100, "grad_norm": 1.0}
        | {f"loss_{name}": 8 - n / 100 if n % 2 else None for name in names}
        | ({"validation_books2": 7 - n / 100} if n % 100 == 0 else {})
        for n in range(1, 401)
    ]
    task = {"kind": "cloze", "items": 6, "accuracy": 0.5, "clean_items": 5, "clean_accuracy": 0.4, "chance": 0.0}
    arguments: dict[str, Any] = {
        "documents": documents,
        "scores": {"crawl": run(score, "crawl", documents=documents["crawl"])},
        "keeps": keeps,
        "survivors": survived,
        "hits": {source: run(hits, source, documents=one, n=N) for source, one in documents.items()},
        "cuts": {source: run(cuts, source, documents=one, frequent=often) for source, one in documents.items()},
        "classifier": [tell(run, "quality", CLASSIFIER)],
        "grams": [run(grams, "all", benchmarks=benchmarks)],
        "benchmarks": benchmarks,
        "tokenizer": tell(run, "bpe", {"vocabulary": 512, "asked": 512, "documents": 9, "bytes": {"crawl": 4000}}),
        "tokens": {source: tell(run, f"tokens-{source}", token) for source in ROWS},
        "mixtures": {
            "tiny": tell(run, "m", {"budget": 3000, "asked_sum": 90.0, "groups": {name: group for name in names}})
        },
        "models": {
            "tiny": tell(
                run,
                "tiny",
                {"parameters": 9, "tokens": 3000, "updates": 400, "first_loss": 8.0, "loss": 4.0, "realised": given},
                metrics_jsonl="".join(json.dumps(row) + "\n" for row in rows),
            )
        },
        "overlap": [run(overlap, "all", benchmarks=benchmarks)],
        "evaluations": {
            "tiny": tell(
                run,
                "e",
                {
                    "perplexity": {"crawl": {"loss": 4.0, "perplexity": 54.6, "tokens": 100}},
                    "tasks": {
                        "cloze": task,
                        "choice": {**task, "kind": "choice", "chance": 0.25, "clean_accuracy": None},
                    },
                },
            )
        },
        "sample": [tell(run, "sample", {}, planted_json=json.dumps(PLANTED))],
        "pareto": 9.0,
        "groups": GROUPS,
        "title": "toy & <b>bold</b>",
    }
    return run, arguments


CLASSIFIER = {
    "good": 100, "raw": 100, "held_out": 20, "strength": 10.0, "passes": 7, "log_loss": 0.2, "auc": 0.99,
    "precision": 0.9, "recall": 0.95, "f1": 0.92,
    "calibration": [{"from": n / 10, "documents": 2, "good": n // 5} for n in range(10)],
}  # fmt: skip
EMPTY: dict[str, Any] = {
    "documents": {}, "scores": {}, "keeps": {}, "survivors": {}, "hits": {}, "cuts": {}, "classifier": [], "grams": [],
    "benchmarks": {}, "tokenizer": None, "tokens": {}, "mixtures": {}, "models": {}, "overlap": [], "evaluations": {},
    "sample": [], "pareto": None, "groups": {}, "title": "nothing",
}  # fmt: skip
