"""The paces that Millrace brings along, for stages of which a store tells nothing yet: a core's, of one machine.

PLACEHOLDER
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shipped:
    """Core-seconds = start + work / rate; work in the unit of flows/paces.py. `parallel`: shards go side by side.

    `memory`: bytes that its largest process had at the most. `disk`: bytes it writes a unit of work.
    """

    unit: str
    rate: float
    start: float = 0.0
    parallel: bool = False
    memory: float | None = None
    disk: float | None = None


SHIPPED: dict[tuple[str, str], Shipped] = {}
