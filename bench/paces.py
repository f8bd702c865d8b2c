"""What each stage takes of a core: the figures of flows/shipped.py and flows/ratios.py, measured.

    python bench/paces.py [--data ../shared/data] [--store FOLDER] [--conf demo]

Builds a pipeline over real files (470 Gutenberg books as JSONL, 24 as text, a Wikipedia dump's head, some thousand
real pages as WARC) with one worker, one stage after another; run it twice, since kernels compile in the first. Of every
artifact: its work in the unit of flows/paces.py, CPU seconds of this process and its children (neighbours show little),
the most memory of one of them, bytes written. Of a stage with several sources a line is drawn, seconds = start + work /
rate; with one, start is 0.

Prints the table and writes bench/results/paces.json.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from conf.load import load  # noqa: E402
from flows import dag  # noqa: E402
from flows.forecast import Forecast  # noqa: E402
from flows.held import counted  # noqa: E402
from flows.paces import work  # noqa: E402
from flows.state import Past  # noqa: E402
from tasks.runtime.artifact import Artifact  # noqa: E402
from tasks.runtime.engine import LocalEngine  # noqa: E402
from tasks.runtime.job import Silent  # noqa: E402
from tasks.runtime.run import Run  # noqa: E402

CONF = """\
title: paces
store: {store}
validation: 0.02
sources:
  webtext2:  {{kind: text, files: ["{data}/text-good/**/*.txt*"]}}
  books1:    {{kind: text, files: ["{data}/books/*.txt.gz"]}}
  books2:
    {{kind: jsonl, files: ["{data}/books/bulk/*.jsonl.zst"], keep: {{heuristics: {{preset: gopher}}}}}}
  wikipedia: {{kind: mediawiki, files: ["{data}/text-good/**/*.xml*"]}}
  pages:
    {{kind: warc, files: ["{data}/crawl-pages/*.warc.gz", "{data}/crawl/*.warc.gz"], group: crawl, reject_share: 0.9}}
benchmarks:
  lambada: {{files: {data}/benchmarks/llm-foundry/lambada_openai.jsonl.gz, text: [context, continuation]}}
  piqa:    {{files: {data}/benchmarks/llm-foundry/piqa.jsonl.gz, text: [query]}}
quality: {{good: [webtext2, books1], raw: [crawl], keep: {{pareto: 9}}}}
tokenizer: {{vocabulary: 50257, sample: 100M}}
models:
  tiny: {{preset: demo, tokens: 100k, device: cpu}}
evaluate: {{overlap: [gpt3]}}
"""


def family() -> list[int]:
    """This process and all below it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [os.getpid()]
    while waiting:
        found.append(waiting.pop())
        waiting.extend(children.get(found[-1], []))
    return found


def cpu() -> float:
    """CPU seconds of the family, of its members that are gone too."""
    ticks = 0
    for process in family():
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))  # utime, stime, and of children that were waited for
    return ticks / os.sysconf("SC_CLK_TCK")


def peak() -> int:
    """Bytes of the family's largest member since the last call of `forget`."""
    most = 0
    for process in family():
        try:
            lines = Path(f"/proc/{process}/status").read_text().splitlines()
        except OSError:
            continue
        most = max([most, *(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))])
    return most


def forget() -> None:
    for process in family():
        try:
            Path(f"/proc/{process}/clear_refs").write_text("5")
        except OSError:
            continue


class Meter(Silent):
    """CPU seconds and peak of each stage, one after another."""

    def __init__(self) -> None:
        self.begun = 0.0
        self.spent: dict[str, tuple[float, int]] = {}

    def started(self, artifact: Artifact) -> None:
        forget()
        self.begun = cpu()

    def finished(self, artifact: Artifact, cached: bool, seconds: float) -> None:
        if not cached:
            self.spent[artifact.label] = (cpu() - self.begun, peak())
            print(f"{artifact.stage:<13} {artifact.name:<20} {cpu() - self.begun:8.2f} s of CPU", flush=True)


def line(points: list[tuple[float, float]]) -> tuple[float, float]:
    """(start, seconds a unit), least squares with start >= 0; of one point alone start is 0."""
    largest = max(points)
    if len(points) < 2 or largest[0] == 0:
        return 0.0, largest[1] / largest[0] if largest[0] else largest[1]
    # Through the largest, which counts most, and the mean of the others.
    others = [point for point in points if point is not largest]
    x, y = (sum(point[axis] for point in others) / len(others) for axis in (0, 1))
    slope = (largest[1] - y) / (largest[0] - x) if largest[0] > x else largest[1] / largest[0]
    if slope <= 0 or (start := largest[1] - slope * largest[0]) < 0:
        return 0.0, largest[1] / largest[0]
    return start, slope


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--conf", type=Path, help="measure what is not built of this pipeline instead")
    arguments = parser.parse_args()
    store = arguments.store or Path(tempfile.mkdtemp(prefix="paces-"))
    path = arguments.conf or store.parent / "paces.yaml"
    if arguments.conf is None:
        path.write_text(CONF.format(store=store, data=arguments.data.resolve()))
    pipeline = load(path)
    meter = Meter()
    run = Run(store, LocalEngine(1), meter)
    try:
        dag.crawl_to_model(run, pipeline)
    finally:
        run.close()
    forecast = Forecast(run, pipeline, Past(run.store))
    stages: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for artifact in run.artifacts:
        if artifact.label not in meter.spent:
            continue
        held = counted(artifact)
        done = work(artifact.recipe, held, forecast)
        seconds, memory = meter.spent[artifact.label]
        row = {"name": artifact.name, "work": done.amount, "seconds": seconds, "memory": memory, "disk": held.disk}
        row |= {"documents": held.documents, "text": held.text, "tokens": held.tokens, "input": held.input}
        stages.setdefault((artifact.stage, done.way, done.unit), []).append(row)
    print(f"\n{'stage':<13} {'way':<20} {'unit':<15} {'units/s':>12} {'start s':>8} {'MB':>6} {'bytes/unit':>10}")
    results = []
    for (stage, way, unit), each in stages.items():
        points = [(row["work"] or 0.0, row["seconds"]) for row in each]
        start, slope = line(points)
        largest = max(each, key=lambda row: row["work"] or 0.0)
        memory = max(row["memory"] for row in each) / 1e6
        disk = (largest["disk"] or 0.0) / (largest["work"] or 1.0)
        rate = 1 / slope if slope else 0.0
        print(f"{stage:<13} {way:<20} {unit:<15} {rate:12.4g} {start:8.2f} {memory:6.0f} {disk:10.3g}")
        told = {"stage": stage, "way": way, "unit": unit, "rate": rate, "start": start, "memory": memory, "disk": disk}
        results.append({**told, "of": each})
    print("\nratios: text a byte of input, bytes a document, bytes a token")
    for row in stages.get(("ingest", "text", "bytes of input"), []) + [
        row for key, rows in stages.items() if key[0] == "ingest" and key[1] != "text" for row in rows
    ]:
        print(f"{row['name']:<12} {row['text'] / row['input']:.3f} {row['text'] / row['documents']:.0f}")
    for key, rows in stages.items():
        if key[0] == "tokens":
            for row in rows:
                if row["tokens"]:
                    print(f"{row['name']:<12} {row['text'] / row['tokens']:.3f} bytes a token")
    out = ROOT / "bench" / "results" / "paces.json"
    out.parent.mkdir(exist_ok=True)
    machine = {"machine": platform.machine(), "cpus": os.cpu_count(), "python": platform.python_version()}
    out.write_text(json.dumps({"machine": machine, "stages": results}, indent=1))


if __name__ == "__main__":
    main()
