"""metrics.jsonl, what was learned: a row an update, the same bytes after any number of kills; and run.metrics.jsonl,
how fast it went and what energy that took, which differs from run to run. Written by rank 0.
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
from model.energy import Meter
from model.held_out import validation_of
from model.machine import Machine

# Dense bfloat16 peaks in FLOP/s by the name that CUDA gives a device, from its maker's data sheet (half of the figure
# "with sparsity" where that alone is printed). Exactly this name: an L40 is no L4, an H100 NVL no H100 SXM.
PEAK = {
    "NVIDIA A100-SXM4-40GB": 312e12,
    "NVIDIA A100-SXM4-80GB": 312e12,
    "NVIDIA A100-PCIE-40GB": 312e12,
    "NVIDIA A100 80GB PCIe": 312e12,
    "NVIDIA H100 80GB HBM3": 989.4e12,  # SXM
    "NVIDIA H100 PCIe": 756e12,
    "NVIDIA H100 NVL": 835.5e12,
    "NVIDIA H200": 989.4e12,  # SXM
    "NVIDIA H200 NVL": 835.5e12,
    "NVIDIA L4": 121e12,
    "NVIDIA L40": 181e12,
    "NVIDIA L40S": 362e12,
}
ROWS = "metrics.jsonl"
SAY_EVERY = 5.0  # seconds


class MetricsDamaged(ValueError):
    """metrics.jsonl is not the one that a checkpoint was written beside."""


class Metrics:
    """The two files in `out`, open to be added to."""

    def __init__(
        self, out: Path, budget: int, architecture: Architecture, machine: Machine, unit: str = "tokens"
    ) -> None:
        """`budget`: the whole one, counted in `unit`, tokens or examples."""
        self.path, self.machine, self._budget, self._unit = out / ROWS, machine, budget, unit
        self._flops = flops_per_token(architecture)
        self._peak = _peak(machine)
        self._said = time.monotonic()
        self._contents = hashlib.sha256()
        if machine.rank == 0:
            self.begin()
            self._rows = self.path.open("a", encoding="utf-8")
            self._meter = Meter(machine)
            self._timings = (out / "run.metrics.jsonl").open("a", encoding="utf-8")

    def begin(self) -> None:
        """The rows that the file has are those that stay: as model/resume.py left it."""
        if self.machine.rank == 0:
            self._contents = hashlib.sha256(self.path.read_bytes() if self.path.exists() else b"")

    def write(self, row: dict[str, Any], read: int, seconds: float) -> None:
        """An update's row, and its speed: so many tokens (or examples) in so many seconds, over all ranks. An update
        that was passed over has no loss, and no speed. Examples differ in length, so of them no MFU is told."""
        if self.machine.rank != 0:
            return
        line = json.dumps({key: rounded(value) for key, value in row.items()}) + "\n"
        self._contents.update(line.encode())
        self._rows.write(line)
        self._rows.flush()
        if row["loss"] is None:
            return
        speed, joules = read / seconds, self._meter.taken()  # of all since the last update, checkpoints too
        most = self._peak * self.machine.world if self._peak and self._unit == "tokens" else None
        timing = {
            "step": row["step"],
            f"{self._unit}_per_second": rounded(speed),
            "mfu": rounded(speed * self._flops / most) if most is not None else None,
            "memory": _memory(self.machine),
            "seconds": rounded(seconds),
            "joules": rounded(joules),
            "energy_by": self._meter.by,
        }
        self._timings.write(json.dumps(timing) + "\n")
        self._timings.flush()
        if time.monotonic() - self._said > SAY_EVERY or row[self._unit] >= self._budget:
            self._said = time.monotonic()
            self.machine.say(
                f"step {row['step']}  {self._unit} {row[self._unit]} of {self._budget}  loss {row['loss']:.4f}  "
                f"{speed:.0f} {self._unit}/s"
            )
        if validated := validation_of(row):
            told = [f"{name} {loss:.4f}{_error(stderr)}" for name, (loss, stderr) in validated.items()]
            self.machine.say(f"step {row['step']}  validation  {'  '.join(told)}")

    def sync(self) -> str:
        """Put the rows on the disk, before a checkpoint that must never be ahead of them; returns their sha256."""
        os.fsync(self._rows.fileno())
        return self._contents.hexdigest()


def rows(path: Path, step: int, sha256: str | None = None) -> list[bytes]:
    """The rows up to `step`, whole lines; what a run left that was killed later than its checkpoint is not among them.

    MetricsDamaged where there are fewer rows, or those have not the given sha256 (hex).
    """
    lines = path.read_bytes().splitlines(keepends=True)[:step] if path.exists() else []  # row n is step n
    if len(lines) < step:
        raise MetricsDamaged(f"{path} has {len(lines)} rows, the checkpoint is at step {step}")
    if sha256 is not None and hashlib.sha256(b"".join(lines)).hexdigest() != sha256:
        raise MetricsDamaged(f"{path} is not the one that the checkpoint at step {step} was written beside")
    return lines


def _error(stderr: float | None) -> str:
    return "" if stderr is None else f" ± {stderr:.4f}"


def _peak(machine: Machine) -> float | None:
    """FLOP/s of this rank's device, where it is known and bfloat16 is what it computes in."""
    if not (machine.cuda and machine.bfloat16):
        return None
    return PEAK.get(torch.cuda.get_device_name())


def _memory(machine: Machine) -> int:
    """The most that was held, in bytes: of the device, or of the process."""
    if machine.cuda:
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def rounded(value: Any) -> Any:
    """Floats to eight significant digits."""
    return float(f"{value:.8g}") if isinstance(value, float) else value
