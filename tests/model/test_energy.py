"""Energy, by counters that a test plants: of GPUs, of CPU packages, and of neither."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from model import energy
from model.energy import Meter, nvml, rapl


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds, to be set."""
    now = [100.0]
    monkeypatch.setattr(energy, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


@pytest.fixture
def powercap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """None of the machine's own."""
    folder = tmp_path / "powercap"
    folder.mkdir()
    monkeypatch.setattr(energy, "POWERCAP", folder)
    return folder


def zone(folder: Path, name: str, what: str, microjoules: object, most: int = 1_000_000) -> Path:
    made = folder / name
    made.mkdir()
    for file, content in (("name", what), ("energy_uj", microjoules), ("max_energy_range_uj", most)):
        (made / file).write_text(f"{content}\n")
    return made / "energy_uj"


CPU = SimpleNamespace(cuda=False, world=1)


def gpus(monkeypatch: pytest.MonkeyPatch, *names: str) -> dict[str, int]:
    """GPUs of these names that CUDA sees, and NVML's counters of them by UUID, in mJ, beside one that CUDA does not."""
    counters = {f"GPU-uuid-{number}": 1000 for number in range(len(names))} | {"GPU-hidden": 1}

    class Refused(Exception):
        pass

    def consumed(handle: str) -> int:
        if counters[handle] < 0:
            raise Refused
        return counters[handle]

    def by_uuid(uuid: str) -> str:
        if uuid not in counters:
            raise Refused
        return uuid

    planted = SimpleNamespace(
        NVMLError=Refused,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=by_uuid,
        nvmlDeviceGetTotalEnergyConsumption=consumed,
    )
    monkeypatch.setitem(sys.modules, "pynvml", planted)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: names[device])
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid=f"uuid-{device}"))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(len(names)))
    return counters


def test_gpus_count_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = gpus(monkeypatch, "NVIDIA H200", "NVIDIA H200")
    meter = Meter(SimpleNamespace(cuda=True, world=2))  # type: ignore[arg-type]
    counters["GPU-uuid-0"] += 3_000
    counters["GPU-uuid-1"] += 500
    counters["GPU-hidden"] += 10_000_000
    assert (meter.by, meter.taken(), meter.taken()) == ("nvml", 3.5, 0.0)
    counters["GPU-uuid-1"] = -1  # it does not answer, and then again it does
    assert meter.taken() is None
    counters["GPU-uuid-1"] = 2_000
    assert meter.taken() is None and meter.taken() == 0.0


def test_other_machines_are_taken_to_need_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = gpus(monkeypatch, "NVIDIA H200", "NVIDIA H200")
    meter = Meter(SimpleNamespace(cuda=True, world=6))  # type: ignore[arg-type]
    counters["GPU-uuid-0"] += 1_000
    assert meter.taken() == 3.0


@pytest.mark.parametrize("without", ["the package", "the counter", "the device"])
def test_without_nvml_it_is_the_nameplate(without: str, clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    counters = gpus(monkeypatch, "NVIDIA H100 80GB HBM3", "NVIDIA L4")
    if without == "the package":
        monkeypatch.setitem(sys.modules, "pynvml", None)
    elif without == "the counter":
        counters["GPU-uuid-1"] = -1
    else:
        del counters["GPU-uuid-1"]
    assert nvml(2) is None
    meter = Meter(SimpleNamespace(cuda=True, world=2))  # type: ignore[arg-type]
    clock[0] += 10
    assert (meter.by, meter.taken()) == ("nameplate", 10 * (700 + 72))


def test_a_gpu_that_no_data_sheet_is_known_of(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, "NVIDIA H200", "NVIDIA H200 MIG 1g.18gb")
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert Meter(SimpleNamespace(cuda=True, world=2)).taken() is None  # type: ignore[arg-type]


def test_packages_count_for_themselves_and_begin_anew(powercap: Path) -> None:
    first = zone(powercap, "intel-rapl:0", "package-0", 900_000)
    second = zone(powercap, "intel-rapl:1", "package-1", 0)
    within = zone(powercap, "intel-rapl:0:0", "core", 500)
    again = zone(powercap, "intel-rapl-mmio:0", "package-0", 900_000)
    meter = Meter(CPU)  # type: ignore[arg-type]
    first.write_text("100000\n")  # behind its range of a joule
    second.write_text("2500\n")
    within.write_text("9999\n")
    again.write_text("100000\n")
    assert meter.by == "rapl" and meter.taken() == pytest.approx(0.2025)
    second.write_text("4500\n")
    assert meter.taken() == pytest.approx(0.002)
    second.unlink()
    assert meter.taken() is None


@pytest.mark.parametrize("content", ["", None])
def test_packages_that_are_root_s_leave_the_nameplate(content: str | None, powercap: Path, clock: list[float]) -> None:
    counter = zone(powercap, "intel-rapl:0", "package-0", "")
    if content is None:
        counter.unlink()
    assert rapl(powercap) is None
    torch.set_num_threads(1)
    meter = Meter(CPU)  # type: ignore[arg-type]
    clock[0] += 60
    assert (meter.by, meter.taken()) == ("nameplate", 720.0)  # a minute of a core at 12 W


def test_every_update_tells_it_and_no_byte_that_counts_does(run_yaml: Any, here: Any, powercap: Path) -> None:
    path = run_yaml()
    here(path)
    out = path.parent / "out"
    timings = [json.loads(line) for line in (out / "run.metrics.jsonl").read_text().splitlines()]
    assert len(timings) == 12 and {row["energy_by"] for row in timings} == {"nameplate"}
    assert all(row["joules"] >= 12 * row["seconds"] * 0.999 for row in timings)  # one thread
    assert "joules" not in (out / "metrics.jsonl").read_text() + (out / "model.json").read_text()
