"""How long `millrace explain` takes by id, by URL and by a phrase, over a corpus of 10^6 documents made on the spot.

    python bench/explain.py [--documents 1000000] [--folder KEPT [--as-it-is]]

Documents of about 2 KB (words of a Zipf law over 50,000, sentences, paragraphs; one in 50 a copy of another) in two
sources, JSON Lines, are brought through the real DAG up to the last decision; what is there already is only looked at,
so that a folder that is kept is built once (`--as-it-is`: and nothing more of it is). Then, each as a process of its
own from start to end, as a person waits for it: `explain` by id, by URL, by a phrase that one document holds, by one
within a source, and by id without the index. Beside them the peers, in a process of their own that has pyarrow loaded:
an equality over all ids and a substring (`match_substring`) over all text of the same Parquet files. And what the index
costs: its seconds beside those of `ingest`, its bytes beside the text's. Prints a table; writes
bench/results/explain.json.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from conf.load import load  # noqa: E402
from flows import dag  # noqa: E402
from tasks.runtime.artifact import Artifact  # noqa: E402
from tasks.runtime.engine import LocalEngine  # noqa: E402
from tasks.runtime.run import Run  # noqa: E402
from tasks.runtime.shards import read, read_column  # noqa: E402

WORDS = 50_000
NEEDLE = "an otter of quartz counted nineteen lanterns"  # stands in one document of each source
CONF = """\
store: {folder}/store
validation: 0.01
sources:
  news: {{kind: jsonl, files: "{folder}/news.jsonl", url: url, id: id}}
  web:  {{kind: jsonl, files: "{folder}/web.jsonl", url: url, id: id}}
benchmarks:
  quiz: {{files: "{folder}/quiz.jsonl", text: [text]}}
quality: {{good: [news], raw: [web], sample: 20k, keep: {{pareto: 9}}}}
tokenizer: {{vocabulary: 300}}
"""


def write_source(path: Path, name: str, count: int, seed: int) -> None:
    """Documents of a source, in batches of 10,000."""
    random = np.random.default_rng(seed)
    letters = np.array(list("etaoinshrdlucmfwypvbgkqjxz"))
    vocabulary = [
        "".join(letters[(random.random(size) ** 2 * 26).astype(int)]) for size in random.integers(2, 12, WORDS)
    ]
    weights = 1 / (np.arange(WORDS) + 2.7)
    cumulated = np.cumsum(weights / weights.sum())
    kept: list[str] = []
    with path.open("w", encoding="utf-8") as file:
        for first in range(0, count, 10_000):
            texts = []
            for number in range(first, min(first + 10_000, count)):
                if kept and number % 50 == 7:
                    texts.append(kept[number % len(kept)])
                    continue
                drawn = np.searchsorted(cumulated, random.random(int(random.integers(150, 450)))).tolist()
                said = [vocabulary[min(word, WORDS - 1)] for word in drawn]
                said[::17] = [f"{word}." for word in said[::17]]
                said[::80] = [f"{word}.\n\n" for word in said[::80]]
                text = " ".join(said)
                texts.append(f"{text} {NEEDLE} {text}" if number == count // 2 else text)
            kept = texts[:200]
            rows = (
                {"id": str(first + n), "url": f"https://{name}.example/{first + n}", "text": text}
                for n, text in enumerate(texts)
            )
            file.writelines(json.dumps(row) + "\n" for row in rows)


def build(folder: Path, count: int, as_it_is: bool = False) -> tuple[Run, dag.Built]:
    conf = folder / "bench.yaml"
    if not conf.exists():
        for seed, (name, share) in enumerate((("news", 0.3), ("web", 0.7))):
            write_source(folder / f"{name}.jsonl", name, int(count * share), seed)
        (folder / "quiz.jsonl").write_text(json.dumps({"text": " ".join(f"quiz{n}" for n in range(20))}) + "\n")
        conf.write_text(CONF.format(folder=folder))
    pipeline = load(conf)
    run = Run(pipeline.store_url(), None if as_it_is else LocalEngine(), side_by_side=2)
    built = dag.build_corpus(run, pipeline)
    run.wait()
    run.close()
    return run, built


def cost(run: Run) -> dict[str, float]:
    """Of the index, beside ingest: seconds of one core, and bytes."""
    seconds: dict[str, float] = {"index": 0.0, "ingest": 0.0}
    size, text = 0, 0
    for artifact in run.artifacts:
        if artifact.stage in seconds:
            trace = artifact.trace()
            seconds[artifact.stage] += trace["seconds"] * trace["workers"]
        if artifact.stage == "index":
            size += sum(row.bytes for row in artifact.files().values())
            text += artifact.manifest["statistics"]["text_bytes"]
    return {"index_seconds": seconds["index"], "ingest_seconds": seconds["ingest"], "index_bytes": size, "text": text}


def command(folder: Path, *arguments: str) -> Callable[[], str]:
    def call() -> str:
        words = [sys.executable, "-m", "flows.cli", "explain", str(folder / "bench.yaml"), *arguments]
        done = subprocess.run(words, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    return call


PEER = """
import sys, time
import pyarrow.compute as pc, pyarrow.dataset as ds
column, value, *files = sys.argv[1:]
begin = time.perf_counter()
field = ds.field(column)
asked = field == value if column == "id" else pc.match_substring(field, value)
found = ds.dataset(files, format="parquet").scanner(columns=["id"], filter=asked).to_table()
print(found.num_rows, time.perf_counter() - begin)
"""


def peer(files: list[str], column: str, value: str) -> Callable[[], str]:
    def call() -> str:
        done = subprocess.run([sys.executable, "-c", PEER, column, value, *files], capture_output=True, check=True)
        return done.stdout.decode()

    return call


def timed(call: Callable[[], str], times: int = 3) -> dict[str, float]:
    """The least of some tries: seconds from start to end, and CPU seconds."""
    found = []
    for _ in range(times):
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        call()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found.append((time.perf_counter() - begin, cpu))
    seconds, cpu = min(found)
    return {"seconds": round(seconds, 2), "cpu": round(cpu, 2)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--as-it-is", action="store_true")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="explain-"))
    folder.mkdir(parents=True, exist_ok=True)
    run, built = build(folder, asked.documents, asked.as_it_is)
    files = [shard.store.where(shard.name) for source in built.documents.values() for shard in source.shards()]
    id = a_copy(built.documents["news"], next(a for a in run.artifacts if a.label.startswith("survivors/news-")))
    ways: dict[str, Callable[[], str]] = {
        "explain ID": command(folder, id),
        "explain URL": command(folder, "https://web.example/12345"),
        "explain PHRASE": command(folder, NEEDLE),
        "explain PHRASE --within news": command(folder, NEEDLE, "--within", "news"),
        "pyarrow, id == ID": peer(files, "id", id),
        "pyarrow, match_substring": peer(files, "text", NEEDLE),
    }
    rows: dict[str, Any] = {name: timed(call) for name, call in ways.items()}
    indexes = [artifact for artifact in run.artifacts if artifact.stage == "index"]
    hidden = [(artifact.folder, artifact.folder.with_name(f"{artifact.folder.name}.hidden")) for artifact in indexes]
    for here, away in hidden:
        here.rename(away)
    try:
        rows["explain ID, no index"] = timed(command(folder, id))
        rows["explain URL, no index"] = timed(command(folder, "https://web.example/12345"))
    finally:
        for here, away in hidden:
            away.rename(here)
    told = cost(run)
    print(
        f"{asked.documents:,} documents, {told['text'] / 1e9:.2f} GB of text, {len(files)} shards, "
        f"{os.cpu_count()} cores"
    )
    for name, row in rows.items():
        print(f"{name:32} {row['seconds']:6.2f} s {row['cpu']:6.2f} s of CPU")
    share = told["index_seconds"] / told["ingest_seconds"]
    print(
        f"the index: {told['index_seconds']:.1f} s, {share:.1%} of ingest's, "
        f"{told['index_bytes'] / told['text']:.2%} of the text"
    )
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    (results / "explain.json").write_text(json.dumps({"rows": rows, **told}, indent=1))


def a_copy(documents: Artifact, survivors: Artifact) -> str:
    """The id of a document that left for another one, whose witness is shown beside it; the first one's where none did,
    as below 35,000 documents in all."""
    import pyarrow.compute as pc

    shard = documents.shards()[-1]
    copies = pc.is_valid(read_column(survivors, shard, ["duplicate_of"]).column(0))
    ids = read(shard, ["id"]).column(0)
    left = ids.filter(copies)
    return str((left if len(left) else ids)[0].as_py())


if __name__ == "__main__":
    main()
