"""model.train as a process: started, waited for, and what it wrote."""

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALONE = [sys.executable, "-m", "model.train"]
TWO = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "model.train"]


def start(path: Path, command: list[str] = ALONE) -> subprocess.Popen[str]:
    return subprocess.Popen([*command, str(path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(path: Path, command: list[str] = ALONE) -> tuple[int, str, str]:
    process = start(path, command)
    try:
        out, err = process.communicate(timeout=120)
    finally:
        process.terminate()
    return process.returncode, out, err


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in (path.parent / "out/metrics.jsonl").read_text().splitlines()]


def wait_for_rows(path: Path, number: int, process: subprocess.Popen[str]) -> None:
    metrics = path.parent / "out/metrics.jsonl"
    for _ in range(20_000):
        if metrics.exists() and metrics.read_bytes().count(b"\n") >= number:
            return
        assert process.poll() is None, "it ended before it could be stopped"
        time.sleep(0.003)
    raise AssertionError("nothing happened in a minute")
