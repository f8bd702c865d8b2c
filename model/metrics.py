"""metrics.jsonl, what was learned: a row an update, the same bytes after any number of kills; and run.metrics.jsonl,
how fast it went, which differs from run to run. Written by rank 0.
"""

import hashlib
import json
import os
import resource
import time
from pathlib import Path
from typing import Any

import torch

from model.config import Architecture, flops_per_token
from model.held_out import validation_of
from model.machine import Machine

# Dense bfloat16 peaks in FLOP/s, as their makers print them; MFU is null on other devices.
PEAK = {"H100 PCIe": 756e12, "H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12}
ROWS = "metrics.jsonl"
SAY_EVERY = 5.0  # seconds


class Metrics:
    """The two files in `out`, open to be added to."""

    def __init__(self, out: Path, tokens: int, architecture: Architecture, machine: Machine) -> None:
        """`tokens`: the whole budget."""
        self.path, self.machine, self._budget = out / ROWS, machine, tokens
        self._flops = flops_per_token(architecture)
        self._peak = _peak(machine)
        self._said = time.monotonic()
        if machine.rank == 0:
            self._rows = self.path.open("a")
            self._timings = (out / "run.metrics.jsonl").open("a")

    def write(self, row: dict[str, Any], tokens: int, seconds: float) -> None:
        """An update's row, and its speed: so many tokens in so many seconds, over all ranks."""
        if self.machine.rank != 0:
            return
        self._rows.write(json.dumps({key: _rounded(value) for key, value in row.items()}) + "\n")
        self._rows.flush()
        speed = tokens / seconds
        timing = {
            "step": row["step"],
            "tokens_per_second": _rounded(speed),
            "mfu": _rounded(speed * self._flops / (self._peak * self.machine.world)) if self._peak else None,
            "memory": _memory(self.machine),
            "seconds": _rounded(seconds),
        }
        self._timings.write(json.dumps(timing) + "\n")
        self._timings.flush()
        if time.monotonic() - self._said > SAY_EVERY or row["tokens"] >= self._budget:
            self._said = time.monotonic()
            self.machine.say(
                f"step {row['step']}  tokens {row['tokens']} of {self._budget}  loss {row['loss']:.4f}  "
                f"{speed:.0f} tokens/s"
            )
        if validated := validation_of(row):
            told = [f"{name} {loss:.4f}{_error(stderr)}" for name, (loss, stderr) in validated.items()]
            self.machine.say(f"step {row['step']}  validation  {'  '.join(told)}")

    def sync(self) -> str:
        """Put the rows on the disk, before a checkpoint that must never be ahead of them; returns their sha256."""
        os.fsync(self._rows.fileno())
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def truncate(path: Path, step: int, sha256: str | None = None) -> None:
    """Drop the rows after `step`, of a run killed later than its last checkpoint, and a half-written one.

    ValueError where there are fewer rows, or those left have not the given sha256 (hex).
    """
    if not path.exists() and step == 0:
        return
    lines = path.read_bytes().splitlines(keepends=True)[:step] if path.exists() else []  # row n is step n
    remedy = "put back the one that was there"
    if len(lines) < step:
        raise ValueError(f"{path} has {len(lines)} rows, the checkpoint is at step {step}: {remedy}")
    kept = b"".join(lines)
    if sha256 is not None and hashlib.sha256(kept).hexdigest() != sha256:
        raise ValueError(f"{path} is not the one that the checkpoint at step {step} was written beside: {remedy}")
    path.write_bytes(kept)


def _error(stderr: float | None) -> str:
    return "" if stderr is None else f" ± {stderr:.4f}"


def _peak(machine: Machine) -> float | None:
    """FLOP/s of this rank's device, where it is known and bfloat16 is what it computes in."""
    if not (machine.cuda and machine.bfloat16):
        return None
    name = torch.cuda.get_device_name()
    return next((peak for device, peak in PEAK.items() if device in name), None)


def _memory(machine: Machine) -> int:
    """The most that was held, in bytes: of the device, or of the process."""
    if machine.cuda:
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _rounded(value: Any) -> Any:
    """Floats to eight significant digits."""
    return float(f"{value:.8g}") if isinstance(value, float) else value
