"""Small corpora for tests of stages: documents, decisions and scores of one's choice, as artifacts.

Not in conftest.py, since the shard functions are sent to worker processes, which import them by module name.
"""

import atexit
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.runtime.artifact import Artifact, Shard
from tasks.runtime.damage import damage
from tasks.runtime.engine import LocalEngine
from tasks.runtime.job import Job
from tasks.runtime.run import Run
from tasks.runtime.shards import DOCUMENTS, Output, read, read_column
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data"  # real files, where the house lays them beside the clone
SPAN = pa.struct([("start", pa.int64()), ("end", pa.int64())])


@statistics
class Counted:
    """What the toy stages count."""

    documents: int = 0


@cache
def workers(count: int) -> LocalEngine:
    """An engine whose pool all tests share."""
    engine = LocalEngine(count)
    atexit.register(engine.close)
    return engine


def document_id(source: str, number: int) -> str:
    return f"{source}:{hashlib.sha256(f'{source} {number}'.encode()).hexdigest()[:32]}"


def source(
    run: Run,
    name: str,
    texts: list[str],
    shards: int = 1,
    ids: list[str] | None = None,
    languages: list[str | None] | None = None,
    scores: list[float] | None = None,
) -> Artifact:
    """Documents of these texts, dealt out over shards in turn; document n has the id document_id(name, n).

    `scores` are those of the languages; 1 if absent.
    """
    ids = ids or [document_id(name, number) for number in range(len(texts))]
    return run(
        written,
        name,
        texts=texts,
        ids=ids,
        languages=languages or ["en"] * len(texts),
        scores=scores or [1.0] * len(texts),
        shards=shards,
    )


@stage("written", kind="input", version="1")
def written(
    job: Job, *, texts: list[str], ids: list[str], languages: list[str | None], scores: list[float], shards: int
) -> Counted:
    rows = list(zip(ids, texts, languages, scores, strict=True))
    return job.total(written_shard, [(f"{n:05}", rows[n::shards]) for n in range(shards)])


def written_shard(out: Output, rows: list[tuple[str, str, str | None, float]]) -> Counted:
    listed = [
        {"id": id, "text": text, "bytes": len(text.encode()), "language": language, "language_score": score}
        for id, text, language, score in rows
    ]
    out.write(pa.Table.from_pylist(listed, schema=DOCUMENTS))
    return Counted(len(rows))


def decided(
    run: Run,
    documents: Artifact,
    dropped: list[str] | None = None,
    cuts: dict[str, list[tuple[int, int]]] | None = None,
) -> Artifact:
    """A decision that keeps all documents but the `dropped` ids, and cuts spans of bytes out of others."""
    return run(decision, documents.name, documents=documents, dropped=dropped or [], spans=cuts or {})


@stage("decision", kind="decision", version="1")
def decision(job: Job, *, documents: Artifact, dropped: list[str], spans: dict[str, list[tuple[int, int]]]) -> Counted:
    items = [(shard.key, shard) for shard in documents.shards()]
    return job.total(decision_shard, items, dropped=dropped, spans=spans)


def decision_shard(
    out: Output, shard: Shard, *, dropped: list[str], spans: dict[str, list[tuple[int, int]]]
) -> Counted:
    ids = read(shard, ["id"]).column("id").to_pylist()
    cuts = [[{"start": start, "end": end} for start, end in spans.get(id, [])] for id in ids]
    out.of(shard)
    out.write(
        pa.table(
            {
                "keep": pa.array([id not in dropped for id in ids], pa.bool_()),
                "reason": pa.nulls(len(ids), pa.string()),
                "cuts": pa.array(cuts, pa.list_(SPAN)),
            }
        )
    )
    return Counted(len(ids))


def scored(run: Run, documents: Artifact, scores: list[float]) -> Artifact:
    """A score a document: one of these, by the first digits of its id."""
    return run(scoring, documents.name, documents=documents, scores=scores)


@stage("scoring", kind="measure", version="1")
def scoring(job: Job, *, documents: Artifact, scores: list[float]) -> Counted:
    return job.total(scoring_shard, [(shard.key, shard) for shard in documents.shards()], scores=scores)


def scoring_shard(out: Output, shard: Shard, *, scores: list[float]) -> Counted:
    ids = read(shard, ["id"]).column("id").to_pylist()
    out.of(shard)
    out.write(pa.table({"score": pa.array([score_of(id, scores) for id in ids], pa.float32())}))
    return Counted(len(ids))


def score_of(id: str, scores: list[float]) -> float:
    return scores[int(id.partition(":")[2][:8], 16) % len(scores)]


def by_id(documents: Artifact, column: Artifact) -> dict[str, dict[str, Any]]:
    """A column's rows by the id of their document (ids are different ones)."""
    found: dict[str, dict[str, Any]] = {}
    for shard in documents.shards():
        ids = read(shard, ["id"]).column("id").to_pylist()
        rows = dict(zip(ids, read_column(column, shard).to_pylist(), strict=True))
        assert len(rows) == len(ids) and not rows.keys() & found.keys()
        found |= rows
    return found


def contents(artifact: Artifact) -> dict[str, bytes]:
    """The bytes of all files that count."""
    return {name: artifact.read(name) for name in artifact.files()}


def counts(artifact: Artifact) -> dict[str, Any]:
    """Its statistics, as the manifest has them; Artifact.counts gives them as their class."""
    return dict(artifact.manifest["statistics"])


def harm(artifact: Artifact) -> list[str]:
    """What differs between an artifact and its manifest, in sentences."""
    return damage([artifact])[artifact.label].sentences
