"""What a figure shows, in words: for those who hear a page, and as its description in the file."""

from collections.abc import Iterator
from typing import Any

NAMED = 8  # series, or rows of one, that are told; of the others their number


def described(axes: Any) -> str:
    """Title, axes, and of each series where it begins, ends, and lies between; of bars their values."""
    title, x, y = axes.get_title(loc="left") or axes.get_title(), axes.get_xlabel(), axes.get_ylabel()
    against = f" ({y + ' ' if y else ''}{'by ' + x if x and y else x})" if x or y else ""
    series = list(_series(axes))
    more = f"; and {len(series) - NAMED} more" if len(series) > NAMED else ""
    return f"{title}{against}. {'; '.join(series[:NAMED])}{more}".strip().rstrip(".") + "."


def _series(axes: Any) -> Iterator[str]:
    """Lines with a name or three points, and bars; what is unnamed and short is a rule or an error's bar."""
    for line in axes.get_lines():
        label = str(line.get_label())
        points = [float(value) for value in line.get_ydata()]
        if (label.startswith("_") and len(points) < 3) or not points:
            continue
        name = "" if label.startswith("_") else f"{label} "
        if len(points) > 2:
            yield f"{name}from {points[0]:.4g} to {points[-1]:.4g}, least {min(points):.4g}, most {max(points):.4g}"
        elif name:
            yield name.strip()
    for bars in axes.containers:
        label = str(bars.get_label())
        name = "" if label.startswith("_") else f"{label} "
        values = [float(value) for value in getattr(bars, "datavalues", ())]
        if len(values):
            told = ", ".join(f"{value:.4g}" for value in values[:NAMED])
            more = f" and {len(values) - NAMED} more" if len(values) > NAMED else ""
            yield f"{name}{told}{more}"
