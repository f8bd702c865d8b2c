"""Deduplication at size, on synthetic signatures: what it costs, and what it finds of planted copies.

    python bench/dedup.py [--documents 1000000] [--presets modern,gpt3] [--engines local,spark] [--recall 10000,1000000]

`--documents`: `survivors` and `buckets` run on signatures that are made straight, without text. A row of a signature is
the first of a row's words, in the row's own order, that a document has; the words are 50,000 by Zipf's law, 500 to a
document, which fills buckets as single words do. (Preset modern: its shingles are five words, and unrelated documents
agree in no row.) One in a hundred is a copy, its rows equal with probability .965. Told: CPU seconds, bytes shuffled a
document a band, the largest worker and the driver, and how many of the planted copies leave.

`--recall`: the buckets' rule alone, preset gpt3, at these numbers of documents, written N or N/K: K of ten bands are
asked, and what all find follows from the share p of pairs that meet in one, 1 - (1 - p)^10. Prints each row and writes
bench/results/dedup.json.
"""

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from conf.corpus import DEDUP, Dedup  # noqa: E402
from tasks.dedup.bands import BANDS, HUBS, MOST  # noqa: E402
from tasks.dedup.buckets import buckets as buckets_stage  # noqa: E402
from tasks.dedup.chances import to_meet  # noqa: E402
from tasks.dedup.survivors import Survived, survivors  # noqa: E402
from tasks.kernels import buckets, minhash  # noqa: E402
from tasks.runtime.artifact import Artifact, Shard  # noqa: E402
from tasks.runtime.engine import Engine, LocalEngine  # noqa: E402
from tasks.runtime.fingerprint import digest  # noqa: E402
from tasks.runtime.fixed import fixed  # noqa: E402
from tasks.runtime.job import Job  # noqa: E402
from tasks.runtime.run import Run  # noqa: E402
from tasks.runtime.shards import DOCUMENTS, Output  # noqa: E402
from tasks.runtime.stage import stage  # noqa: E402
from tasks.runtime.statistics import statistics  # noqa: E402

WORDS, LENGTH, ZIPF = 50_000, 500, 1.07
SIMILAR, SHARE, ROWS, SHARD = 0.965, 100, 128, 25_000


@statistics
class Made:
    documents: int = 0


def firsts(row: int) -> tuple[np.ndarray, np.ndarray]:
    """(words, cumulated probabilities): which word is a document's first in this row's order."""
    frequency = np.arange(1, WORDS + 1) ** -ZIPF
    present = 1 - np.exp(-LENGTH * frequency / frequency.sum())
    order = np.random.Generator(np.random.Philox(row)).permutation(WORDS)
    reached = np.cumprod(np.concatenate([[1.0], 1 - present[order]]))
    last = int(np.searchsorted(-reached, -1e-12))
    return order[:last].astype(np.uint32), 1 - reached[1 : last + 1]


def signature_row(
    row: int, n: int, alike: bool, draw: np.random.Generator, of: np.ndarray, similar: float = SIMILAR
) -> np.ndarray:
    """uint32 (n,): one row of n signatures, the last len(of) of which are copies of those in `of`."""
    if alike:
        words, reached = firsts(row)
        place = np.minimum(np.searchsorted(reached, draw.random(n)), len(words) - 1)
        values = words[place] * np.uint32(0x9E3779B1) + np.uint32(row)
    else:
        values = draw.integers(0, 2**32, n, np.uint32)
    same = draw.random(len(of)) < similar
    values[n - len(of) :] = np.where(same, values[of], values[n - len(of) :])
    return values


@stage("documents", kind="input", version="1")
def documents(job: Job, *, number: int, seed: int) -> Made:
    return job.total(documents_shard, [(f"{n:05}", n) for n in range(-(-number // SHARD))], seed=seed)


def documents_shard(out: Output, number: int, *, seed: int) -> Made:
    draw = np.random.Generator(np.random.Philox([seed, number]))
    ids = [f"web:{high:016x}{low:016x}" for high, low in draw.integers(0, 2**63, (SHARD, 2)).tolist()]
    empty = {"id": pa.array(ids), "text": pa.array([""] * SHARD, pa.large_string()), "bytes": [0] * SHARD}
    out.write(pa.table([empty.get(name, pa.nulls(SHARD, of)) for name, of in zip(DOCUMENTS.names, DOCUMENTS.types, strict=True)], schema=DOCUMENTS))  # fmt: skip  # noqa: E501
    return Made(SHARD)


@stage("signed", kind="measure", version="1")
def signed(job: Job, *, documents: Artifact, alike: bool, seed: int) -> Made:
    return job.total(signed_shard, [(shard.key, shard) for shard in documents.shards()], alike=alike, seed=seed)


def signed_shard(out: Output, shard: Shard, *, alike: bool, seed: int) -> Made:
    draw = np.random.Generator(np.random.Philox([seed, int(shard.key) + 10**6]))
    of = draw.permutation(SHARD - SHARD // SHARE)[: SHARD // SHARE]
    values = np.stack([signature_row(row, SHARD, alike, draw, of) for row in range(ROWS)], axis=1)
    out.of(shard)
    exact = draw.integers(0, 2**63, (SHARD, 2))
    out.write(
        pa.table({"signature": fixed(values), "exact": fixed(exact), "shingles": pa.array([1] * SHARD, pa.int32())})
    )
    return Made(SHARD)


@stage("everything", kind="decision", version="1")
def everything(job: Job, *, documents: Artifact) -> Made:
    return job.total(everything_shard, [(shard.key, shard) for shard in documents.shards()])


def everything_shard(out: Output, shard: Shard) -> Made:
    out.of(shard)
    out.write(pa.table({"keep": np.ones(shard.rows, bool)}))
    return Made(shard.rows)


def seconds() -> float:
    """CPU time of this process and of those it has waited for."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def engine_of(name: str) -> Engine:
    if name == "local":
        return LocalEngine(2)
    from tasks.runtime.spark import SparkEngine

    return SparkEngine("local[2]")


def inputs(folder: Path, engine: Engine, number: int, preset: str) -> tuple[Run, Artifact, Artifact, Artifact]:
    """A run, and one source's documents, signatures and the decision before; made where they are not there."""
    run = Run(folder, engine)
    made = run(documents, "web", number=number, seed=1)
    signatures = run(signed, "web", documents=made, alike=preset == "gpt3", seed=1)
    return run, made, signatures, run(everything, "web", documents=made)


def make(folder: Path, number: int, preset: str) -> None:
    run, *_ = inputs(folder, LocalEngine(2), number, preset)
    run.close()


def whole(folder: Path, number: int, preset: str, engine_name: str, memory: int) -> dict[str, Any]:
    """`survivors` and `buckets` of one source."""
    how = DEDUP[preset]
    banding = {"bands": how["bands"], "rows": how["rows"]}
    before, start = seconds(), time.perf_counter()
    run, made, signatures, kept = inputs(folder, engine_of(engine_name), number, preset)
    asking = {"threshold": how["threshold"], "bucket": Dedup().bucket, "memory": memory}
    given = {"documents": [made], "before": kept, "signatures": [signatures], "buckets": []}
    decided = run(survivors, "web", **given, **banding, **asking)
    wall = time.perf_counter() - start
    driver = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    run(buckets_stage, "web", documents=made, before=decided, signatures=signatures, **banding)
    run.close()
    cpu, trace = seconds() - before, decided.trace()
    counted = decided.counts(Survived)
    content = {file.file: file.sha256 for file in decided.files().values()}
    planted = number // SHARE
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
    return {
        "preset": preset,
        "engine": engine_name,
        "documents": number,
        "memory": memory,
        "wall": round(wall, 1),
        "stage_seconds": trace["seconds"],
        "cpu_with_buckets": round(cpu, 1),
        "worker_bytes": worker,
        "driver_bytes": driver,
        "row_bytes": sum(field.type.bit_width // 8 for field in BANDS),
        "near": counted.reasons["near"],
        "planted": planted,
        "recall": counted.reasons["near"] / planted,
        "split": counted.split,
        "pairs": counted.pairs,
        "verified": counted.verified,
        "lost": counted.lost,
        "content": digest(content),
    }


def rule(number: int, asked: int, similar: float, bands: int = 10, threshold: float = 0.8) -> dict[str, Any]:
    """The rule over the buckets of one-row bands. Signatures are made row by row: at 10^7 they would take 5 GB."""
    draw = np.random.Generator(np.random.Philox(7))
    planted = min(20_000, number // SHARE)
    of = draw.permutation(number - planted)[:planted]
    sketch = np.zeros((number, 2), np.uint64)
    banded = np.empty((asked, number), np.uint32)
    agree = np.zeros(number // 2, np.uint8)
    for row in range(ROWS):
        values = signature_row(row, number, True, draw, of, similar)
        if row < asked:
            banded[row] = values
        agree += values[: number // 2] == values[number // 2 : 2 * (number // 2)]
        sketch[:, row >> 6] |= (mixed(values, row) >> np.uint64(63)) << np.uint64(row & 63)
    start = seconds()
    met = np.zeros(planted, np.int64)
    chance = np.ones(planted)
    largest, candidates, first = 0, 0, number - planted
    for band in range(asked):
        order = np.argsort(banded[band], kind="stable")
        value = banded[band][order]
        starts = np.append(np.flatnonzero(np.append(True, value[1:] != value[:-1])), number).astype(np.int64)
        largest = max(largest, int(np.diff(starts).max()))
        found = buckets.pairs(
            starts,
            minhash.bands(value[:, None], 1, 1).ravel(),
            sketch[order],
            np.zeros(number, bool),
            permutations=ROWS,
            threshold=threshold,
            cap=Dedup().bucket,
            hubs=HUBS,
            most=MOST,
            meet=to_meet(threshold, bands, 1),
        )
        candidates += len(found.later)
        left, right = order[found.later], order[found.earlier]
        high, low = np.maximum(left, right), np.minimum(left, right)
        copied = (high >= first) & (low == of[np.maximum(high - first, 0)])
        met[high[copied] - first] += 1
        chance[high[copied] - first] *= found.missed[copied]
    cpu = seconds() - start
    pairs = np.flatnonzero(met)
    equal = (banded[:, first + pairs] == banded[:, of[pairs]]).sum(axis=0)
    meet = 1 - chance[pairs] ** (equal / met[pairs])
    share = met.sum() / (asked * planted)
    return {
        "documents": number,
        "similar": similar,
        "unrelated": round(float(agree.mean() / ROWS), 4),
        "bands_asked": asked,
        "planted": planted,
        "met_in_a_band": round(float(share), 4),
        "recall": round(len(pairs) / planted, 5) if asked == bands else round(float(1 - (1 - share) ** bands), 5),
        "lost": planted - len(pairs),
        "expected_lost": round(float(((1 - meet) / np.maximum(meet, 1e-6)).sum()), 3),
        "largest_bucket": largest,
        "candidates": candidates,
        "cpu": round(cpu, 1),
    }


def mixed(values: np.ndarray, row: int) -> np.ndarray:
    """What the sketch takes its bit of, as kernels/buckets.py has it; words.mix, for arrays."""
    h = values.astype(np.uint64) + np.uint64((row + 1) * 0x9E3779B97F4A7C15 & (1 << 64) - 1)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


def alone(work: Callable[[], Any]) -> Any:
    """Do it in a process of its own, so that its peak of memory is its own."""
    with tempfile.NamedTemporaryFile() as answer:
        child = os.fork()
        if not child:
            Path(answer.name).write_text(json.dumps(work()))
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            raise SystemExit("a part of the benchmark failed")
        return json.loads(Path(answer.name).read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--presets", default="modern,gpt3")
    parser.add_argument("--engines", default="local")
    parser.add_argument("--memory", type=int, default=Dedup().memory)
    parser.add_argument("--recall", default="10000,100000,1000000")
    parser.add_argument("--similar", type=float, default=SIMILAR)
    options = parser.parse_args()
    out = ROOT / "bench" / "results" / "dedup.json"
    out.parent.mkdir(exist_ok=True)
    result: dict[str, Any] = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "rule": [], "whole": []}
    for asked in filter(None, options.recall.split(",")):
        number, _, bands = asked.partition("/")
        result["rule"].append(rule(int(number), int(bands or 10), options.similar))
        print(result["rule"][-1], flush=True)
    if options.documents:
        for preset in options.presets.split(","):
            folder = Path(tempfile.mkdtemp(prefix="bench-dedup-"))
            alone(partial(make, folder, options.documents, preset))
            for engine in options.engines.split(","):
                result["whole"].append(alone(partial(whole, folder, options.documents, preset, engine, options.memory)))
                print(result["whole"][-1], flush=True)
                for each in ("survivors", "buckets"):
                    shutil.rmtree(folder / each)
            shutil.rmtree(folder)
    out.write_text(json.dumps(result, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main()
