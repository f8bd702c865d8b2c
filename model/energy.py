"""The energy that a training takes, in joules, by the best that the machine has:

    nvml       the GPUs' own counters (NVIDIA, Volta and later): their boards, not the rest of the machine. Needs the
               package nvidia-ml-py (`pip install 'millrace[nvml]'`)
    rapl       the CPU packages' counters (Linux's powercap: Intel's, AMD's too): of all that ran on them meanwhile
    nameplate  watts of the maker's data sheet times the time taken: an estimate

Rank 0 reads the counters of its own machine; of several machines each is taken to need as much. What is read goes to
run.metrics.jsonl, which differs from run to run, and nowhere else.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch

from model.machine import Machine

Counter = Callable[[], float | None]  # joules so far, from any beginning; None: it did not answer

# Watts at most (TDP, "max power") of a whole board, from its maker's data sheet, by the name that CUDA gives it.
WATTS = {
    "NVIDIA A100-SXM4-40GB": 400, "NVIDIA A100-SXM4-80GB": 400, "NVIDIA A100-PCIE-40GB": 250,
    "NVIDIA A100 80GB PCIe": 300, "NVIDIA H100 80GB HBM3": 700, "NVIDIA H100 PCIe": 350, "NVIDIA H100 NVL": 400,
    "NVIDIA H200": 700, "NVIDIA H200 NVL": 600, "NVIDIA L4": 72, "NVIDIA L40": 300, "NVIDIA L40S": 350,
}  # fmt: skip
# A core of a CPU whose model is not known: the default of Green Algorithms (Lannelongue et al. 2021).
WATTS_A_CORE = 12
POWERCAP = Path("/sys/class/powercap")


class Meter:
    """Joules of all ranks' devices, from one call of `taken` to the next; `by` says how they are known."""

    def __init__(self, machine: Machine) -> None:
        self._ranks = int(os.environ.get("LOCAL_WORLD_SIZE", 1))  # on this machine
        self._machines = max(1, machine.world // self._ranks)
        self.by, self._read = self._best(machine)
        self._last = self._read()

    def _best(self, machine: Machine) -> tuple[str, Counter]:
        counter = nvml(self._ranks) if machine.cuda else rapl(POWERCAP)
        if counter is not None:
            return ("nvml" if machine.cuda else "rapl"), counter
        if machine.cuda:
            watts = [WATTS.get(torch.cuda.get_device_name(device)) for device in range(self._ranks)]
            known = [of_one for of_one in watts if of_one is not None]
            return "nameplate", nameplate(sum(known)) if len(known) == len(watts) else _unknown
        return "nameplate", nameplate(WATTS_A_CORE * torch.get_num_threads() * self._ranks)

    def taken(self) -> float | None:
        """Since the last call, or since it was made. None where that is not known."""
        before, self._last = self._last, self._read()
        return None if before is None or self._last is None else (self._last - before) * self._machines


def _unknown() -> float | None:
    return None


def nameplate(watts: float) -> Counter:
    """What so many watts come to."""
    return lambda: watts * time.monotonic()


def nvml(devices: int) -> Counter | None:
    """The first so many of the GPUs that this process sees; None without the package, or the counter."""
    try:
        import pynvml
    except ImportError:
        return None

    def read() -> float | None:
        try:
            return float(sum(map(pynvml.nvmlDeviceGetTotalEnergyConsumption, handles))) / 1000  # it counts mJ
        except pynvml.NVMLError:
            return None

    try:
        pynvml.nvmlInit()
        # By UUID: NVML counts all GPUs of the machine, CUDA those of CUDA_VISIBLE_DEVICES.
        names = [f"GPU-{torch.cuda.get_device_properties(device).uuid}" for device in range(devices)]
        handles = [pynvml.nvmlDeviceGetHandleByUUID(name) for name in names]
    except pynvml.NVMLError:
        return None
    return read if read() is not None else None


def rapl(folder: Path) -> Counter | None:
    """All packages of the machine; None where there are none, or where this user may not read them.

    A counter begins anew behind its range (262 kJ on many, 11 minutes at 400 W): that is seen, once an update.
    """
    packages = [
        zone for zone in sorted(folder.glob("intel-rapl:*")) if _text(zone / "name").startswith("package")
    ]  # not the cores within a package, nor the same package again behind another interface (intel-rapl-mmio)
    if not packages or not all(_text(zone / "energy_uj").isdigit() for zone in packages):
        return None
    ranges = [int(_text(zone / "max_energy_range_uj") or 0) for zone in packages]
    last = [int(_text(zone / "energy_uj")) for zone in packages]
    total = 0

    def read() -> float | None:
        nonlocal last, total
        texts = [_text(zone / "energy_uj") for zone in packages]
        if not all(text.isdigit() for text in texts):
            return None
        now = [int(text) for text in texts]
        total += sum(n - m if n >= m else n - m + of for n, m, of in zip(now, last, ranges, strict=True))
        last = now
        return total / 1e6

    return read


def _text(path: Path) -> str:
    """Of a small file; "" where it is not there, or not for us (energy_uj is root's on most machines)."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
