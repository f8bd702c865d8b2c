"""Timings: what each stage's making took in time, memory and (of a training) energy.

On the page alone: they differ from run to run, so no artifact holds them.
"""

from dataclasses import dataclass

from tasks.models.energy import Energy, energy_of

__all__ = ["HEADING", "NAME", "Timing", "energy_of"]
NAME, HEADING = "timings", "Timings"


@dataclass(frozen=True)
class Timing:
    """A stage of the run. `cached`: this run only looked at it; `seconds` and `peak_bytes` are of the run that made it,
    None where nobody wrote them down; `energy`: of a training, likewise."""

    stage: str
    name: str
    fingerprint: str
    cached: bool
    seconds: float | None
    peak_bytes: int | None
    energy: Energy | None = None
