"""What a training took in energy, from what the trainer wrote of every update (model/energy.py).

It differs from run to run, so it stands in run.json, outside of the artifact's bytes; the page and the card show it.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.runtime.artifact import Artifact

SHAPES_NO_BYTES = True
KEY = "energy"  # of run.json's `timing`
KWH = 3.6e6  # joules
MEANINGS = {
    "nvml": "counted by the GPUs, the rest of the machine not",
    "rapl": "counted by the CPU packages, with all that ran on them meanwhile",
    "nameplate": "by nameplate: watts of data sheets times hours",
}
BESIDE = "GPT-3's authors give .4 kWh for a hundred pages that it writes (section 6.3)"


@dataclass(frozen=True)
class Energy:
    """kWh, and by which of MEANINGS they are known; work that a kill undid is in it."""

    kwh: float
    by: tuple[str, ...]

    @property
    def told(self) -> str:
        """In words."""
        return f"{self.kwh:.3g} kWh, {' and '.join(MEANINGS.get(by, by) for by in self.by)}"


def read(timings: Path) -> Energy | None:
    """Of run.metrics.jsonl; None where that, or the joules of one of its updates, is not there."""
    joules, by = 0.0, set()
    for line in timings.read_bytes().splitlines() if timings.exists() else ():
        row = json.loads(line)
        if row.get("joules") is None:
            return None
        joules += row["joules"]
        by.add(row["energy_by"])
    return Energy(float(f"{joules / KWH:.6g}"), tuple(sorted(by))) if by else None


def noted(energy: Energy | None) -> dict[str, Any]:
    """For run.json's `timing`."""
    return {} if energy is None else {KEY: asdict(energy)}


def energy_of(model: Artifact) -> Energy | None:
    """Of a built model; None where it is not known."""
    about = model.trace().get("timing", {}).get(KEY)
    return None if about is None else Energy(about["kwh"], tuple(about["by"]))
