"""The figures, as SVG with text as text: no date, ids from a fixed salt, so the same bytes for the same numbers."""

import io
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from tasks.report.chances import found_by_lsh
from tasks.report.columns import BINS
from tasks.report.palette import INK, LINE, MUTED, SERIES

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
Plot = Callable[[Any], None]  # draws on an Axes


def draw(made: dict[str, Any]) -> dict[str, bytes]:
    """SVG by name, those that there is something to draw for."""
    import matplotlib
    from matplotlib.figure import Figure

    plots: dict[str, Plot] = {}
    for row in made["quality"]["sources"]:
        plots[f"scores-{row['source']}"] = partial(_scores, row=row)
        if "expected" in row:
            plots[f"rates-{row['source']}"] = partial(_rates, row=row, alpha=made["quality"]["alpha"])
    if made["quality"]["classifier"]:
        plots["calibration"] = partial(_calibration, rows=made["quality"]["classifier"]["calibration"])
    if sum(made["duplicates"]["near"]):
        plots["similarity"] = partial(_similarity, duplicates=made["duplicates"])
    for mixed in made["mixtures"]:
        plots[f"mixture-{mixed['model']}"] = partial(_mixture, mixed=mixed)
    curves = {row["model"]: row["curve"] for row in made["models"] if row["curve"]}
    if curves:
        plots["loss"] = partial(_curves, curves=curves, title="Training loss", marker="")
    for row in made["models"]:
        for key, title, marker in (("groups", "Training loss by group", ""), ("validations", "Validation loss", "o")):
            if any(row[key].values()):
                name = f"{'loss' if key == 'groups' else 'validation'}-{row['model']}"
                plots[name] = partial(_curves, curves=row[key], title=f"{title}, {row['model']}", marker=marker)
    if any(row["tasks"] for row in made["scores"]):
        plots["tasks"] = partial(_tasks, scores=made["scores"])
    if made["planted"] and made["planted"]["near"] and made["dedup"]:
        plots["copies"] = partial(_copies, rows=made["planted"]["near"], how=made["dedup"])
    drawn = {}
    for name, plot in plots.items():
        safe = re.sub(r"[^A-Za-z0-9.-]", "-", name)
        with matplotlib.rc_context({**STYLE, "svg.hashsalt": safe}):
            figure = Figure(figsize=(5.6, 3.3), layout="constrained")
            plot(figure.add_subplot())
            with io.BytesIO() as file:
                figure.savefig(file, format="svg", metadata={"Date": None})
                drawn[safe] = file.getvalue()
    return drawn


def _bins() -> list[float]:
    return [(number + 0.5) / BINS for number in range(BINS)]


def _scores(axes: Any, row: dict[str, Any]) -> None:
    axes.bar(_bins(), row["bins"]["documents"], 0.9 / BINS, color=SERIES[0], alpha=0.35, label="scored")
    axes.bar(_bins(), row["bins"]["passed"], 0.9 / BINS, color=SERIES[0], label="kept by quality")
    axes.set(title=f"Scores of {row['source']}", xlabel="score", ylabel="documents (log)", yscale="symlog", xlim=(0, 1))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend(loc="upper center")


def _rates(axes: Any, row: dict[str, Any], alpha: float) -> None:
    grid = [number / 200 for number in range(201)]
    axes.plot(grid, [(2 - score) ** -alpha for score in grid], color=SERIES[1], label=f"(2 − score)^−{alpha:g}")
    bins = row["bins"]
    with_any = [n for n in range(BINS) if bins["documents"][n]]
    rates = [bins["passed"][n] / bins["documents"][n] for n in with_any]
    errors = [(rate * (1 - rate) / bins["documents"][n]) ** 0.5 * 1.96 for rate, n in zip(rates, with_any, strict=True)]
    where = [_bins()[n] for n in with_any]
    axes.errorbar(where, rates, errors, fmt="o", markersize=4, color=SERIES[0], elinewidth=1, label="realised, 95 %")
    axes.set(title=f"Keep rate by score, {row['source']}", xlabel="score", ylabel="share kept")
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02))
    axes.legend(loc="upper left")


def _calibration(axes: Any, rows: list[dict[str, Any]]) -> None:
    some = [row for row in rows if row["documents"]]
    axes.plot([0, 1], [0, 1], color=LINE, linewidth=1)
    axes.plot(
        [row["from"] + 0.05 for row in some], [row["good"] / row["documents"] for row in some], "o-", color=SERIES[0]
    )
    for row in some:
        place = (row["from"] + 0.05, row["good"] / row["documents"])
        how = {"textcoords": "offset points", "fontsize": 7, "color": MUTED, "ha": "center"}
        axes.annotate(f"{row['documents']:,}", place, (0, 6), **how)
    axes.set(
        title="Calibration, held out", xlabel="score", ylabel="share that is good", xlim=(0, 1), ylim=(-0.05, 1.12)
    )


def _similarity(axes: Any, duplicates: dict[str, Any]) -> None:
    axes.bar(_bins(), duplicates["near"], 0.9 / BINS, color=SERIES[0])
    if duplicates["threshold"] is not None:
        axes.axvline(duplicates["threshold"], color=SERIES[1], linewidth=1)
    axes.set(title="Similarity of near removals to what stays", xlabel="share of equal MinHashes", ylabel="documents")
    axes.set_xlim(min(0.5, (duplicates["threshold"] or 0.5) - 0.1), 1)


def _copies(axes: Any, rows: list[dict[str, Any]], how: dict[str, Any]) -> None:
    grid = [number / 100 for number in range(30, 101)]
    keys = (how["bands"], how["rows"], how["permutations"], how["threshold"])
    axes.plot(grid, [1 - (1 - j ** keys[1]) ** keys[0] for j in grid], ":", color=MUTED, label="shares a band")
    axes.plot(grid, [found_by_lsh(j, *keys) for j in grid], color=SERIES[1], label="and is verified")
    some = [row for row in rows if row["extracted"]]
    where = [(row["from"] + row["to"]) / 2 for row in some]
    found = [row["signatures"] / row["extracted"] for row in some]
    axes.plot(where, found, "o", color=SERIES[0], label="planted pairs found")
    axes.set(
        title="Planted near copies, found by signatures", xlabel="Jaccard similarity", ylabel="share", xlim=(0.3, 1)
    )
    axes.legend(loc="upper left")


def _mixture(axes: Any, mixed: dict[str, Any]) -> None:
    rows = mixed["groups"]
    total = sum(row["asked"] for row in rows) or 1
    bars: list[tuple[str, list[float], str]] = [
        ("asked", [row["asked"] / total for row in rows], SERIES[1]),
        ("planned", [row["tokens"] / (mixed["budget"] or 1) for row in rows], SERIES[2]),
        ("realised", [row["realised"] or 0.0 for row in rows], SERIES[0]),
    ]
    for number, (label, values, colour) in enumerate(bars):
        axes.barh([place + 0.27 * (number - 1) for place in range(len(rows))], values, 0.24, color=colour, label=label)
    axes.set_yticks(range(len(rows)), [row["group"] for row in rows])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set(title=f"Mixture of {mixed['model']}", xlabel="share of the tokens")
    axes.figure.legend(loc="outside upper right", ncols=3)


def _curves(axes: Any, curves: dict[str, list[list[float]]], title: str, marker: str) -> None:
    for number, (name, points) in enumerate(curves.items()):
        if points:
            axes.plot(*zip(*points, strict=True), marker=marker, markersize=3, color=SERIES[number % 8], label=name)
    axes.set(title=title, xlabel="tokens", ylabel="nats a token")
    axes.xaxis.set_major_formatter(lambda x, _: _short(x))
    if len(curves) > 1 or marker:
        axes.legend()


def _short(count: float) -> str:
    for scale, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(count) >= scale:
            return f"{count / scale:g}{unit}"
    return f"{count:g}"


def _tasks(axes: Any, scores: list[dict[str, Any]]) -> None:
    rows = [(f"{one['model']}: {name}", task) for one in scores for name, task in one["tasks"].items()]
    for place, (_, task) in enumerate(rows):
        first = place == 0
        axes.barh(place - 0.18, task["accuracy"] or 0, 0.32, color=SERIES[0], label="all items" if first else None)
        clean = task["clean_accuracy"] or 0
        axes.barh(place + 0.18, clean, 0.32, color=SERIES[2], label="clean items" if first else None)
        if task["chance"]:
            label = "chance" if first or not any(one["chance"] for _, one in rows[:place]) else None
            axes.plot([task["chance"]] * 2, [place - 0.4, place + 0.4], color=SERIES[1], label=label)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set(title="Accuracy", xlim=(0, 1))
    axes.figure.legend(loc="outside upper right", ncols=3)
