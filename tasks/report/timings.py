"""Timings: what each stage's making took. On the page alone: they differ from run to run, so no artifact holds them."""

from dataclasses import dataclass

NAME, HEADING = "timings", "Timings"


@dataclass(frozen=True)
class Timing:
    """A stage of the run. `cached`: this run only looked at it; `seconds` and `peak_bytes` are of the run that made it,
    None where nobody wrote them down."""

    stage: str
    name: str
    fingerprint: str
    cached: bool
    seconds: float | None
    peak_bytes: int | None
