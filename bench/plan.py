"""How far off a plan is: what `millrace plan` says of a pipeline before anything is built, beside what came.

    python bench/plan.py CONF STORE [--cpu bench/results/paces.json]

STORE holds the pipeline built. The plan is made on an empty store, so that it rests on what the conf expects and on the
shipped figures alone. What came are the seconds of run.json times the workers that a stage had, or with --cpu the CPU
seconds that bench/paces.py measured, which neighbours on the machine trouble less; and the bytes of the artifacts.

Prints a table, the ratio of the sums, and the median of the stages' ratios.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from conf.load import load  # noqa: E402
from flows import dag  # noqa: E402
from flows.budget import make  # noqa: E402
from tasks.runtime.run import Run  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conf", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--cpu", type=Path)
    arguments = parser.parse_args()
    pipeline = load(arguments.conf)
    before, after = Run(Path(tempfile.mkdtemp(prefix="plan-")), None), Run(arguments.store, None)
    dag.crawl_to_model(before, pipeline)
    dag.crawl_to_model(after, pipeline)
    plan = make(before, pipeline)
    cpu = {}
    if arguments.cpu is not None:
        for stage in json.loads(arguments.cpu.read_text())["stages"]:
            cpu |= {(stage["stage"], row["name"]): row["seconds"] for row in stage["of"]}
    print(f"{'stage':<13} {'name':<24} {'planned s':>10} {'came s':>9} {'times':>6} {'planned B':>10} {'came B':>10}")
    seconds, sizes, silent = [], [], []
    for row, artifact in zip(plan.rows, after.artifacts, strict=True):
        if not artifact.built:
            continue
        trace = artifact.trace()
        workers = trace.get("workers", 1) if row.time is not None and row.time.parallel else 1
        came = cpu.get((artifact.stage, artifact.name)) if cpu else trace.get("seconds", 0.0) * workers
        wrote = float(sum(each.bytes for each in artifact.files().values()))
        told = row.time.seconds if row.time else None
        if told is None or came is None:
            silent.append(f"{artifact.stage}/{artifact.name}")
        else:
            seconds.append((told, came))
        if row.holds.disk is not None:
            sizes.append((row.holds.disk, wrote))
        print(
            f"{artifact.stage:<13} {artifact.name:<24} {_figure(told)} {_figure(came, 9)} {_ratio(told, came)} "
            f"{_figure(row.holds.disk)} {_figure(wrote)} {_ratio(row.holds.disk, wrote)}"
        )
    for what, pairs in (("seconds", seconds), ("bytes", sizes)):
        planned, real = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
        ratios = [pair[1] / pair[0] for pair in pairs if pair[0]]
        print(
            f"{what}: planned {planned:.4g}, came {real:.4g}, {real / planned:.2f} times, over {len(pairs)} artifacts; "
            f"the median artifact {statistics.median(ratios):.2f} times"
        )
    print(f"of {len(silent)} artifacts nothing was planned, or measured: {', '.join(silent)}")


def _figure(value: float | None, width: int = 10) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:{width}.4g}"


def _ratio(planned: float | None, came: float | None) -> str:
    return f"{came / planned:6.2f}" if planned and came is not None else f"{'':6}"


if __name__ == "__main__":
    main()
