"""A store of the documents of report_rows, made by toys of the stages in the contracts' layouts.

The toys count in the stages' own classes, and the report is given the stages' own declarations.
"""

import io
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from report_counts import CLASSIFIER, MIXED, PERPLEXITIES, SCORED, TRAINED, UPDATES
from report_rows import (
    BANDS,
    FREQUENT,
    GROUPS,
    LEAKS,
    PERMUTATIONS,
    PLANTED,
    REJECTED,
    ROWS,
    WIDTH,
    N,
    fate,
    id_of,
    shards,
    signature_of,
    span,
)  # fmt: skip

from tasks.decontaminate import benchmark as benchmarks_of
from tasks.decontaminate import cuts as cuts_of
from tasks.decontaminate import frequent as frequent_of
from tasks.decontaminate import grams as grams_of
from tasks.decontaminate import hits as hits_of
from tasks.dedup import signatures as signatures_of
from tasks.dedup import survivors as survivors_of
from tasks.demo import sample as sample_of
from tasks.evaluation import overlap as overlap_of
from tasks.evaluation import perplexity as perplexity_of
from tasks.evaluation import scores as scores_of
from tasks.evaluation.asking.table import SCORED as SCORED_ROWS
from tasks.models import pretrain as pretrain_of
from tasks.quality import classifier as classifier_of
from tasks.quality import keep as keep_of
from tasks.quality import labels as labels_of
from tasks.quality import score as score_of
from tasks.report.given import Declaration
from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.decisions import Decided
from tasks.runtime.engine import LocalEngine
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import DOCUMENTS, Output
from tasks.runtime.stage import Stage, stage
from tasks.runtime.statistics import from_json, total
from tasks.sources import ingest as ingest_of
from tasks.sources.rejects import REJECTS
from tasks.tokens import mixture as mixture_of
from tasks.tokens import tokenizer as tokenizer_of
from tasks.tokens import tokens as tokens_of
from tasks.tokens.kinds import byte_bpe
from tasks.tokens.kinds.alphabet import CHARACTERS

D = TypeVar("D", bound=Decided)


def mapped(job: Job, function: Callable[..., Any], documents: Artifact | None, source: str) -> list[Any]:
    """Run a toy over the source's shards: item = (shard or None, numbers of the documents). Their statistics."""
    by_key = {shard.key: shard for shard in documents.shards()} if documents else {}
    return job.map(function, [(key, (by_key.get(key), numbers)) for key, numbers in shards(source)], source=source)


def counts(
    kind: type[D], source: str, numbers: list[int], before: str | None, after: str, reasons: dict[str, int]
) -> D:
    rows = [fate(source, number) for number in numbers]
    had = [row for row in rows if before is None or row[before]]
    size = [len(row["text"].encode()) for row in had]
    return kind(
        documents=len(had),
        bytes=sum(size),
        kept=sum(row[after] for row in had),
        kept_bytes=sum(n for n, row in zip(size, had, strict=True) if row[after]),
        reasons=reasons,
    )


@stage("ingest", kind="input", version="1")
def ingest(job: Job, *, source: str) -> ingest_of.Ingested:
    return total(ingest_of.Ingested, mapped(job, ingest_shard, None, source))


def ingest_shard(out: Output, item: tuple[None, list[int]], *, source: str) -> ingest_of.Ingested:
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
                [DATES.get(source)] * len(rows),
                [SPOKEN[source]] * len(rows),
                empty,
                empty,
            ],
            schema=DOCUMENTS,
        )
    )
    return ingest_of.Ingested(documents=len(rows))


@stage("score", kind="measure", version="1")
def score(job: Job, *, documents: Artifact) -> score_of.Scored:
    return total(score_of.Scored, mapped(job, score_shard, documents, documents.name))


def score_shard(out: Output, item: tuple[Shard, list[int]], *, source: str) -> score_of.Scored:
    out.of(item[0])
    out.write(pa.table({"score": pa.array([ROWS[source][n]["score"] for n in item[1]], pa.float32())}))
    return score_of.Scored(documents=len(item[1]))


@stage("keep", kind="decision", version="1")
def keep(job: Job, *, documents: Artifact, pareto: float | None) -> keep_of.Kept:
    return total(keep_of.Kept, mapped(job, keep_shard, documents, documents.name))


def keep_shard(out: Output, item: tuple[Shard, list[int]], *, source: str) -> keep_of.Kept:
    rows = [fate(source, number) for number in item[1]]
    out.of(item[0])
    reason = [row.get("dropped") for row in rows]
    out.write(pa.table({"keep": [row["kept"] for row in rows], "reason": pa.array(reason, pa.string())}))
    return counts(keep_of.Kept, source, item[1], None, "kept", {"quality": reason.count("quality"), "language": 0})


@stage("signatures", kind="measure", version="1")
def signatures(job: Job, *, documents: Artifact, shingle: int, permutations: int) -> signatures_of.Signed:
    return total(signatures_of.Signed, mapped(job, signatures_shard, documents, documents.name))


def signatures_shard(out: Output, item: tuple[Shard, list[int]], *, source: str) -> signatures_of.Signed:
    out.of(item[0])
    out.write(
        pa.table({"signature": signatures_of.fixed(np.stack([signature_of(source, number) for number in item[1]]))})
    )
    return signatures_of.Signed(documents=len(item[1]))


@stage("survivors", kind="decision", version="1")
def survivors(
    job: Job, *, documents: list[Artifact], signatures: list[Artifact], bands: int, rows: int, threshold: float
) -> survivors_of.Survived:
    counted = total(survivors_of.Survived, mapped(job, survivors_shard, documents[-1], documents[-1].name))
    return replace(counted, buckets=2, clusters=(2 * (documents[-1].name == "crawl"), 0, 0, 0, 0, 0))


def survivors_shard(out: Output, item: tuple[Shard, list[int]], *, source: str) -> survivors_of.Survived:
    rows = [fate(source, number) for number in item[1]]
    out.of(item[0])
    gone = [row if "duplicate" in row else None for row in rows]
    numbers = [row["duplicate"] for row in ROWS[source] if "duplicate" in row]
    reason = [row and row["why"] for row in gone]
    out.write(
        pa.table(
            {
                "keep": [row["survives"] for row in rows],
                "reason": pa.array(reason, pa.string()),
                "duplicate_of": pa.array([row and id_of(source, row["duplicate"]) for row in gone], pa.string()),
                "similarity": pa.array([row and row.get("similarity", 1.0) for row in gone], pa.float32()),
                "copies": pa.array([numbers.count(n) for n in item[1]], pa.int32()),
            }
        )
    )
    reasons = {why: reason.count(why) for why in ("id", "exact", "near")}
    return counts(survivors_of.Survived, source, item[1], "kept", "survives", reasons)


@stage("benchmark", kind="input", version="1")
def benchmark(job: Job) -> benchmarks_of.Collected:
    rows = [
        {"item": f"{n:032x}", "text": text, "record": "{}", "file": "cloze.jsonl", "line": n}
        for n, text in LEAKS.items()
    ]
    with job.publish("items.parquet") as file:
        pq.write_table(pa.Table.from_pylist(rows), file)
    return benchmarks_of.Collected(items=len(rows))


RULES = {"gpt3": {"unit": "words", "n": N, "least": N, "substrings": None}}
JUDGED = {"gpt3": {"share": None, "least": 1}}


@stage("grams", kind="fit", version="1")
def grams(job: Job, *, benchmarks: dict[str, Artifact], rules: dict[str, dict[str, Any]]) -> grams_of.Indexed:
    owned = [(100 * n + gram, n) for n in LEAKS for gram in range(8)] + [(FREQUENT, 6)]
    rows = [
        {"rule": "gpt3", "unit": "words", "length": N, "gram": gram, "benchmark": "cloze", "item": f"{n:032x}"}
        for gram, n in sorted(owned)
    ]
    with job.publish("grams.parquet") as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=grams_of.GRAMS), file)
    return grams_of.Indexed({"gpt3": {"cloze": grams_of.Grams(items=len(LEAKS), grams=48)}}, 48)


@stage("hits", kind="measure", version="1")
def hits(job: Job, *, documents: Artifact) -> hits_of.Met:
    return total(hits_of.Met, mapped(job, hits_shard, documents, documents.name))


def hits_shard(out: Output, item: tuple[Shard, list[int]], *, source: str) -> hits_of.Met:
    rows = []
    for row, number in enumerate(item[1]):
        document = ROWS[source][number]
        met = [100 * n + gram for n in document.get("items", []) for gram in range(8)]
        met += [document["also"]] if "also" in document else []
        rows += [dict.fromkeys(hits_of.HITS.names, 0) | {"row": row, "gram": gram, "count": 1} for gram in met]
    out.write(pa.Table.from_pylist(rows, schema=hits_of.HITS))
    return hits_of.Met(documents=len(item[1]))


@stage("frequent", kind="fit", version="1")
def frequent(job: Job) -> frequent_of.Frequent:
    with job.publish("frequent.parquet") as file:
        pq.write_table(pa.table({"gram": pa.array([FREQUENT], pa.int64()), "documents": pa.array([2])}), file)
    return frequent_of.Frequent(frequent=1)


@stage("cuts", kind="decision", version="1")
def cuts(
    job: Job, *, documents: Artifact, frequent: Artifact, rule: str, judged: dict[str, dict[str, Any]]
) -> cuts_of.Cut:
    return total(cuts_of.Cut, mapped(job, cuts_shard, documents, documents.name))


def cuts_shard(out: Output, item: tuple[Shard, list[int]], *, source: str) -> cuts_of.Cut:
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
                "found_by": pa.array([["gpt3"] if row in hit else [] for row in rows], pa.list_(pa.string())),
            }
        )
    )
    removed = sum(
        cut["end"] - cut["start"] for row, some in zip(rows, spans, strict=True) for cut in some if row["trained"]
    )
    reasons = {"contaminated": reason.count("contaminated"), "short": 0}
    counted = counts(cuts_of.Cut, source, item[1], "survives", "trained", reasons)
    whole = sum(bool(row.get("whole")) for row in hit)
    lengths = {"3": cuts_of.Touched(len(hit), whole)} if hit else {}
    return replace(counted, kept_bytes=counted.kept_bytes - removed, cut=len(hit) - whole, lengths=lengths)


@stage("overlap", kind="measure", version="1")
def overlap(job: Job, *, benchmarks: dict[str, Artifact]) -> overlap_of.Overlapped:
    states = {n: "dirty" if n == 3 else "clean" for n in LEAKS}
    rows = [{"rule": "gpt3", "benchmark": "cloze", "item": f"{n:032x}", "state": state} for n, state in states.items()]
    with job.publish("items.parquet") as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=overlap_of.COLUMNS), file)
    audited = overlap_of.Audited(items=6, n=N, clean=5, dirty=1, sought=48, found=8, mean_share=0.166667)
    return overlap_of.Overlapped({"gpt3": {"cloze": audited}}, {"gpt3": {"crawl": 1, "webtext2": 0}})


def counting(kind: type) -> Stage:
    """A stage of which only the statistics, of this class, and some files matter."""

    def told(job: Job, *, counts: dict[str, Any], architecture: dict[str, Any], files: dict[str, str]) -> Any:
        for name, content in files.items():
            with job.publish(name) as file:
                file.write(content.encode("latin-1"))
        return from_json(kind, counts, "the toy")

    told.__annotations__["return"] = kind
    return stage("toy", kind="fit", version="1")(told)


def tell(run: Run, name: str, counts: Any, **files: str) -> Artifact:
    named = {key.replace("_", "."): content for key, content in files.items()}
    shape = {"layers": 2, "width": 64}
    return run(counting(type(counts)), name, counts=asdict(counts), architecture=shape, files=named)


# Three merges, the longest of which spells markup.
PAIRS = [("<", "b"), ("<b", ">"), ("Ġ", "<b>")]
BPE = json.dumps(json.loads(byte_bpe.made([*CHARACTERS, *map("".join, PAIRS)], PAIRS, "<|endoftext|>").to_str()))
LANGUAGES = {"de": tokens_of.Encoded(1, 1000, 400), "en": tokens_of.Encoded(1, 3000, 600)}
TOKENISED = tokens_of.Tokenised(2, 4000, 900, 100, languages=LANGUAGES)


def id_counts() -> str:
    """Of each id, of a source: none of the first three, 200 of the next 200, 1 of the others."""
    counts = np.ones(260, np.int64)
    counts[:3], counts[3:203] = 0, 200
    file = io.BytesIO()
    np.save(file, counts)
    return file.getvalue().decode("latin-1")


SPOKEN = {"webtext2": "de", "books2": None, "crawl": "en"}
DATES = {"webtext2": datetime(2017, 3, 1, tzinfo=UTC), "crawl": datetime(2019, 8, 1, tzinfo=UTC)}
EACH = 10  # tokens of a document that is trained on


def indices(source: str) -> dict[str, str]:
    """tokens.json, and the index of each shard: what is trained on, the first document in two pieces."""
    files, listed = {}, []
    for key, numbers in shards(source):
        ids = [id_of(source, number) for number in numbers if fate(source, number)["trained"]]
        ids = [f"{ids[0]}#0", f"{ids[0]}#1", *ids[1:]] if ids else []
        split = ["validation" if id == id_of("crawl", 9) else "train" for id in ids]
        start = np.arange(len(ids), dtype=np.int64) * EACH
        file = io.BytesIO()
        pq.write_table(pa.table({"id": ids, "split": split, "start": start, "tokens": [EACH] * len(ids)}), file)
        files[f"{key}.parquet"] = file.getvalue().decode("latin-1")
        listed.append({"key": key, "train": EACH * split.count("train")})
    return {"tokens.json": json.dumps({"shards": listed}), **files}


def worth() -> str:
    """Six items: five clean ones, of which two are right, and a dirty one that is; as CLEAN and ALL count them."""
    rows = [(1.0, "clean")] * 2 + [(0.0, "clean")] * 3 + [(1.0, "dirty")]
    about = dict.fromkeys(SCORED_ROWS.names) | {"shots": 0, "template": "default", "draw": 0}
    file = io.BytesIO()
    table = [{**about, "item": str(n), "value": value, "gpt3": state} for n, (value, state) in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist(table, schema=SCORED_ROWS), file)
    return file.getvalue().decode("latin-1")


def build(root: Path) -> tuple[Run, dict[str, Any]]:
    """The store, and what `report` is called with."""
    run = Run(root, LocalEngine(1))
    documents = {source: run(ingest, source, source=source) for source in ROWS}
    benchmarks = {"cloze": run(benchmark, "cloze")}
    often = run(frequent, "all")
    measures: dict[str, dict[str, Artifact]] = {}
    decisions: dict[str, list[Artifact]] = {}
    for source, each in documents.items():
        scored = source == "crawl"
        signed = run(signatures, source, documents=each, shingle=5, permutations=PERMUTATIONS)
        measures[source] = {"score": run(score, source, documents=each)} if scored else {}
        measures[source] |= {"signatures": signed, "hits": run(hits, source, documents=each)}
        how = {"bands": BANDS, "rows": WIDTH, "threshold": 0.75}
        decisions[source] = [
            run(keep, source, documents=each, pareto=9.0 if scored else None),
            run(survivors, source, documents=[each], signatures=[signed], **how),
            run(cuts, source, documents=each, frequent=often, rule="gpt3", judged=JUDGED),
        ]
    learned = tokenizer_of.Learned(260, 512, 9, {"crawl": 4000}, 259, "byte-bpe", words=77, merges=3)
    metrics = "".join(f"{json.dumps(row)}\n" for row in UPDATES)
    others = {
        "sample": {"demo": tell(run, "sample", sample_of.Sampled(), planted_json=json.dumps(PLANTED))},
        "classifier": {"quality": tell(run, "quality", CLASSIFIER)},
        "labels": {"quality": tell(run, "labels", labels_of.Judged(285, 156, 0.8916, 0.019, 0.7713, 0.027))},
        "benchmark": benchmarks,
        "grams": {"all": run(grams, "all", benchmarks=benchmarks, rules=RULES)},
        "frequent": {"all": often},
        "tokenizer": {"bpe": tell(run, "bpe", learned, tokenizer_json=BPE)},
        "tokens": {
            source: tell(run, f"tokens-{source}", TOKENISED, **indices(source), ids_npy=id_counts()) for source in ROWS
        },
        "mixture": {"tiny": tell(run, "m", MIXED)},
        "pretrain": {"tiny": tell(run, "tiny", TRAINED, metrics_jsonl=metrics)},
        "overlap": {"all": run(overlap, "all", benchmarks=benchmarks)},
        "perplexity": {"tiny": tell(run, "e", PERPLEXITIES)},
        "scores": {name: tell(run, name, of, items_parquet=worth()) for name, of in SCORED.items()},
    }
    return run, {
        "documents": documents,
        "measures": measures,
        "decisions": decisions,
        "others": others,
        "declarations": {what.name: asdict(Declaration.of(what)) for what in DECLARED},
        "groups": GROUPS,
        "title": "toy & <b>bold</b>",
    }


DECLARED = (
    sample_of.sample, benchmarks_of.benchmark, ingest_of.ingest, classifier_of.classifier, labels_of.labels,
    score_of.score, keep_of.keep, signatures_of.signatures, survivors_of.survivors, grams_of.grams, hits_of.hits,
    frequent_of.frequent, cuts_of.cuts, tokenizer_of.tokenizer, tokens_of.tokens, mixture_of.mixture,
    pretrain_of.pretrain, overlap_of.overlap, perplexity_of.perplexity,
    scores_of.scores,
)  # fmt: skip
EMPTY: dict[str, Any] = {
    "documents": {}, "measures": {}, "decisions": {}, "others": {}, "declarations": {}, "groups": {},
    "title": "nothing",
}  # fmt: skip
