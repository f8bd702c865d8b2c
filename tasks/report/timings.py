"""Timings: what each stage's making took in time, memory and (of a training) energy, beside what was planned.

On the page alone: they differ from run to run, so no artifact holds them.
"""

from dataclasses import dataclass

from tasks.models.energy import Energy, energy_of

__all__ = ["HEADING", "NAME", "Timing", "energy_of", "sums", "times"]
NAME, HEADING = "timings", "Timings"


@dataclass(frozen=True)
class Timing:
    """A stage of the run. `cached`: this run only looked at it; `seconds` and `peak_bytes` are of the run that made it,
    None where nobody wrote them down; `energy`: of a training, likewise. `bytes`: of its files. `planned_seconds` and
    `planned_bytes`: what `millrace plan` said before it was made, None where it said nothing."""

    stage: str
    name: str
    fingerprint: str
    cached: bool
    seconds: float | None
    peak_bytes: int | None
    energy: Energy | None = None
    bytes: int | None = None
    planned_seconds: float | None = None
    planned_bytes: float | None = None


def times(came: float | None, planned: float | None) -> float | None:
    """What came as a multiple of what was planned; None where one of them is not known, or nothing was planned."""
    return came / planned if came is not None and planned else None


def sums(timings: list[Timing]) -> tuple[float, float, int]:
    """Seconds, and those planned, of the stages of which both are known; and how many these are."""
    both = [(row.seconds, row.planned_seconds) for row in timings if row.seconds is not None and row.planned_seconds]
    return sum(came for came, _ in both), sum(planned for _, planned in both), len(both)
