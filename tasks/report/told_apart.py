"""Many lines in one figure: how each looks, and where its name stands.

Up to eight lines differ by colour and have a legend. More come in the same colours dashed, then dotted, and each name
stands at the right end of its line: a legend of twenty names is longer than the figure, and nobody finds a colour in
it. Of more than `MOST` the last are thin and grey, under one name that says how many they are.
"""

from collections.abc import Sized
from typing import Any

from tasks.report.palette import MUTED, SERIES

STYLES = ("solid", (0, (5, 1.5)), (0, (1, 1.2)))
MOST = len(SERIES) * len(STYLES) - 4  # 20: as many names of 7 points as stand below each other in a figure
POINTS = 7  # size of a name beside its line
BESIDE = 1.03  # where names begin, in widths of the axes


def look(place: int, of: int) -> dict[str, Any]:
    """How line number `place`, from 0, of `of` is drawn: keyword arguments of `axes.plot`."""
    if hidden(place, of):
        return {"color": MUTED, "linewidth": 0.6, "alpha": 0.6, "linestyle": "solid"}
    return {"color": SERIES[place % len(SERIES)], "linestyle": STYLES[place // len(SERIES)]}


def many(lines: Sized) -> bool:
    """Whether colours alone do not tell them apart."""
    return len(lines) > len(SERIES)


def hidden(place: int, of: int) -> bool:
    """Whether a line is one of those that share a name."""
    return of > MOST and place >= MOST - 1


def name_lines(axes: Any, lines: dict[str, Any], *, always: bool = True) -> None:
    """Name the drawn lines, by their names in the order of their places; the last thing that is done to the axes.

    `always`: have a legend though there is one line alone.
    """
    if not many(lines):
        if always or len(lines) > 1:
            axes.legend()
        return
    shown = [(name, line) for place, (name, line) in enumerate(lines.items()) if not hidden(place, len(lines))]
    rest = list(lines.values())[len(shown) :]
    if rest:
        shown.append((f"{len(rest)} others", rest[0]))
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)  # names are placed for these
    ends = [(float(line.get_xdata()[-1]), float(line.get_ydata()[-1])) for _, line in shown]
    order = sorted(range(len(shown)), key=lambda number: -ends[number][1])
    heights = spread([(ends[number][1] - low) / (high - low) for number in order], 1.02 / MOST)
    for number, height in zip(order, heights, strict=True):
        name, line = shown[number]
        leader = {"arrowstyle": "-", "color": line.get_color(), "linewidth": 0.5, "shrinkA": 1, "shrinkB": 0}
        leader["relpos"] = (0, 0.5)  # to the name's left edge
        axes.annotate(
            name, ends[number], (BESIDE, height), textcoords="axes fraction", va="center", fontsize=POINTS,
            color=line.get_color(), arrowprops=leader, annotation_clip=False,
        )  # fmt: skip
    others = [line for line in axes.get_lines() if line not in lines.values() and line.get_label()[0] != "_"]
    if others:
        axes.legend(handles=others)


def spread(wanted: list[float], apart: float) -> list[float]:
    """Heights, from the top down, that are `apart` at least and as near as can be to those wanted (which fall).

    Pools of adjacent names that would overlap stand around the mean of what they want (isotonic regression, by pool
    adjacent violators); then all are moved into 0 to 1.
    """
    pools: list[tuple[float, int]] = []  # the middle that a pool's names want, once each is moved by its turn; how many
    for place, height in enumerate(wanted):
        pools.append((height + place * apart, 1))
        while len(pools) > 1 and pools[-1][0] > pools[-2][0]:
            (later, n), (sooner, m) = pools.pop(), pools.pop()
            pools.append(((later * n + sooner * m) / (n + m), n + m))
    middles = [middle for middle, count in pools for _ in range(count)]
    heights = [middle - place * apart for place, middle in enumerate(middles)]
    if heights and heights[-1] < 0:  # push the lowest up, and what then is in the way
        heights = [max(height, (len(heights) - 1 - place) * apart) for place, height in enumerate(heights)]
    if heights and heights[0] > 1:
        heights = [min(height, 1 - place * apart) for place, height in enumerate(heights)]
    return heights
