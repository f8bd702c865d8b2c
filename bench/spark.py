"""What Spark costs: the corpus of a pipeline on Spark local[2] beside the local engine with two processes.

    python bench/spark.py [--megabytes 100] [--repeat 2]

The crawl is the demo's (documents of this machine's Python documentation and their near copies, as WARC), `megabytes`
of it beside the other sources; the stages are those of build_corpus. The sample is made once. Each engine then builds
everything else in an empty store, in turn, `--repeat` times, in a process of its own: `wall` has the JVM's and the
workers' start in it. The least of the repeats counts, and the stores' bytes are compared. Prints a table and writes
bench/results/spark.json.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
WAYS = ("local", "spark")
GOAL = 1.3  # wall, over the local engine's


def build(conf: Path, way: str) -> None:
    """In a process of its own: build the corpus, and print the seconds of each stage as JSON."""
    from conf.load import load
    from flows import dag
    from tasks.runtime.artifact import Artifact
    from tasks.runtime.engine import Engine, LocalEngine
    from tasks.runtime.job import Silent
    from tasks.runtime.run import Run
    from tasks.runtime.spark import SparkEngine

    stages: dict[str, float] = {}

    class Clock(Silent):
        def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
            if not cached:
                stages[artifact.stage] = stages.get(artifact.stage, 0.0) + seconds

    engine: Engine = LocalEngine(2) if way == "local" else SparkEngine("local[2]")
    pipeline = load(conf)
    start = time.perf_counter()
    run = Run(pipeline.store_url(), engine, Clock(), side_by_side=2)
    try:
        dag.build_corpus(run, pipeline)
        run.wait()
    finally:
        run.close()
    print(json.dumps({"wall": time.perf_counter() - start, "stages": stages}))


def timed(conf: Path, way: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--build", str(conf), "--way", way]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def digest(store: Path) -> str:
    """Of all Parquet files, by their place."""
    total = hashlib.sha256()
    for path in sorted(store.rglob("*.parquet")):
        total.update(path.relative_to(store).as_posix().encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        build(options.build, options.way)
        return
    load = os.getloadavg()[0]
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    digests = set()
    with tempfile.TemporaryDirectory() as folder:
        store, conf = Path(folder) / "store", Path(folder) / "bench.yaml"
        content = yaml.safe_load((ROOT / "conf" / "demo.yaml").read_text())
        content |= {"store": str(store), "sample": {"megabytes": options.megabytes}}
        conf.write_text(yaml.safe_dump(content, sort_keys=False))
        timed(conf, "local")  # makes the sample, and compiles the kernels where they are not
        for _ in range(options.repeat):
            for way in WAYS:
                for stage in store.iterdir():
                    if stage.is_dir() and stage.name != "sample":
                        shutil.rmtree(stage)
                runs[way].append(timed(conf, way))
                digests.add(digest(store))
                print(f"{way}: {runs[way][-1]['wall']:.1f} s", flush=True)
    best = {way: min(runs[way], key=lambda run: run["wall"]) for way in WAYS}
    rows = [("wall", best["local"]["wall"], best["spark"]["wall"])]
    rows += [
        (stage, best["local"]["stages"][stage], best["spark"]["stages"][stage]) for stage in best["local"]["stages"]
    ]
    print(f"{'':<14}{'local 2':>10}{'local[2]':>10}{'ratio':>8}    (seconds; {options.megabytes} MB, load {load:.1f})")
    for name, local, spark in rows:
        print(f"{name:<14}{local:>10.2f}{spark:>10.2f}{spark / local:>8.2f}")
    print(f"same bytes: {len(digests) == 1}; goal {GOAL}")
    about = {"machine": platform.machine(), "cores": os.cpu_count(), "load_before": load, "goal": GOAL}
    out = ROOT / "bench" / "results" / "spark.json"
    out.parent.mkdir(exist_ok=True)
    result = {**about, "megabytes": options.megabytes, "same_bytes": len(digests) == 1, "best": best, "runs": runs}
    out.write_text(json.dumps(result, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main()
