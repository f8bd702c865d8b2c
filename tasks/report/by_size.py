"""Figures by the size of models: estimates with their intervals over parameters."""

from typing import Any

from tasks.report.formats import rounded
from tasks.report.palette import SERIES


def by_size(axes: Any, lines: dict[str, list[tuple[int, dict[str, Any] | None]]]) -> None:
    """A line each of (parameters, estimate), with intervals; lines stand aside of one another by 4 % so that these
    show."""
    for number, (label, points) in enumerate(lines.items()):
        there = [(size, of) for size, of in points if of is not None]
        if not there:
            continue
        aside = 1.04 ** (number - (len(lines) - 1) / 2)
        values = [of["value"] for _, of in there]
        spread = [
            [of["value"] - (of["value"] if of["low"] is None else of["low"]) for _, of in there],
            [(of["value"] if of["high"] is None else of["high"]) - of["value"] for _, of in there],
        ]
        axes.errorbar(
            [size * aside for size, _ in there],
            values,
            # Resamples may all lie to one side of a value: its words were chosen on the whole sample.
            [[max(0.0, part) for part in side] for side in spread],
            color=SERIES[number % len(SERIES)],
            marker="o",
            markersize=3.5,
            linewidth=1.1,
            capsize=2,
            label=label,
        )
    axes.set(xlabel="parameters", xscale="log")
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(lambda size, _: rounded(size))
    sizes = sorted({size for points in lines.values() for size, of in points if of is not None})
    if sizes:
        axes.set_xlim(sizes[0] / 1.6, sizes[-1] * 1.6)
        axes.set_xticks(sizes)
    axes.figure.legend(loc="outside upper right", ncols=3)
