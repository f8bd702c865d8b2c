"""Drawing: SVG with text as text: no date, ids from a fixed salt, so the same bytes for the same numbers."""

import io
import re
from typing import Any

from tasks.report.palette import INK, LINE, MUTED
from tasks.report.section import Plot
from tasks.report.words import described

INCHES = (5.6, 3.3)
BINS = 20  # of a share, where sections count by it
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # names are text, never formulas
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.titlesize": 10,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


def file_name(section: str, name: str) -> str:
    """Of a section's figure, without its ending."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", f"{section}-{name}")


def draw(plots: dict[str, Plot], inches: tuple[float, float] = INCHES) -> dict[str, bytes]:
    """SVG by file name; what it shows, in words, stands in it as its description."""
    import matplotlib
    from matplotlib.figure import Figure

    drawn = {}
    for name, plot in plots.items():
        with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}):
            figure = Figure(figsize=inches, layout="constrained")
            axes = figure.add_subplot()
            plot(axes)
            with io.BytesIO() as file:
                figure.savefig(file, format="svg", metadata={"Date": None, "Description": described(axes)})
                drawn[name] = file.getvalue()
    return drawn


def middles() -> list[float]:
    """Of the bins."""
    return [(number + 0.5) / BINS for number in range(BINS)]
