"""A flow: bands through steps, as high as what is left of each source (a Sankey diagram whose columns are stacked)."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tasks.report.formats import size
from tasks.report.palette import LINE, SERIES

WIDE = 0.09  # half of a column, where steps are 1 apart


@dataclass(frozen=True)
class Flow:
    """Of each source, the bytes that are left after each of the steps."""

    steps: list[str]
    left: dict[str, list[int]]


def draw_flow(axes: Any, flow: Flow) -> None:
    """Columns of the sources, bands of what stays between them, and stubs of what leaves."""
    curve = np.linspace(0, 1, 24)
    smooth = curve * curve * (3 - 2 * curve)
    heights = np.array(list(flow.left.values()), float)  # (sources, steps)
    floors = np.vstack([np.zeros(heights.shape[1]), heights.cumsum(axis=0)[:-1]])
    for place, source in enumerate(flow.left):
        colour = SERIES[place % len(SERIES)]
        axes.bar(range(len(flow.steps)), heights[place], 2 * WIDE, floors[place], color=colour, label=source)
        for step, next_step in pairwise(range(len(flow.steps))):
            stays = heights[place, next_step]
            low, then = floors[place, step], floors[place, next_step]
            x = step + WIDE + curve * (1 - 2 * WIDE)
            under = low + (then - low) * smooth
            axes.fill_between(x, under, under + stays, color=colour, alpha=0.35, linewidth=0)
            if heights[place, step] > stays:
                gone = np.linspace(1, 0, 2) * (heights[place, step] - stays)
                stub = step + WIDE + np.array([0, 0.14])
                axes.fill_between(stub, [low + stays] * 2, low + stays + gone, color=LINE, linewidth=0)
    totals = heights.sum(axis=0)
    for step, total in enumerate(totals):
        axes.text(step, total, size(total), ha="center", va="bottom", fontsize=8)
    axes.set_xticks(range(len(flow.steps)), flow.steps, fontsize=7 if len(flow.steps) > 4 else 8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    axes.set_ylim(0, totals.max() * 1.12 or 1)
    axes.set_title("Text that is left after each decision, bytes")
    axes.figure.legend(loc="outside right upper", fontsize=7)
