"""Curves of scores: against solved examples, parameters and updates; how much wording, draw and seed matter; whether
what a model gives 80 % to is right in 80 of 100 cases. Parts of the section on scores."""

from collections.abc import Iterator
from functools import partial
from statistics import mean, stdev
from typing import Any

from tasks.report.formats import rounded
from tasks.report.palette import INK, MUTED, SERIES
from tasks.report.section import Plot
from tasks.report.told_apart import look, name_lines

Row = dict[str, Any]  # a way of asking, as in Scored.ways, with model, task, metric, best, parameters and size
DRAWN = 12  # tasks that figures are made of; the tables have all
LINES = len(SERIES)  # of a figure whose lines have intervals, or long names


def rows_of(content: dict[str, Any]) -> list[Row]:
    """Every way in which a task was asked of a model, of items that could be asked."""
    return [
        {
            **way, "label": label, "model": row["model"], "task": name, "metric": task["metric"], "best": task["best"],
            "parameters": row["parameters"], "size": row["size"],
        }
        for row in content["models"]
        for name, task in row["tasks"].items()
        for label, way in task["ways"].items()
        if way["all"]["value"] is not None
    ]  # fmt: skip


def plainly(rows: list[Row]) -> list[Row]:
    """Those of finished models, in each task's first wording and first draw of examples."""
    first = {row["task"]: row["template"] for row in reversed(rows) if row["step"] is None}
    return [row for row in rows if row["step"] is None and not row["draw"] and row["template"] == first[row["task"]]]


def by(rows: list[Row], *keys: str) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by the values of keys, in the order in which these are met."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return groups


def sensitivity(rows: list[Row]) -> list[dict[str, Any]]:
    """Where a model was asked with the same number of examples in several ways: mean and range, and the best way."""
    found = []
    for (model, task, shots), same in by(
        [row for row in rows if row["step"] is None], "model", "task", "shots"
    ).items():
        if len(same) > 1:
            best = max(same, key=lambda row: row["all"]["value"])
            values = [row["all"]["value"] for row in same]
            found.append(
                {
                    "model": model, "task": task, "shots": shots, "metric": same[0]["metric"], "ways": len(same),
                    "mean": round(mean(values), 6), "low": min(values), "high": max(values), "best": best["label"],
                    "values": values,
                }
            )  # fmt: skip
    return found


def seeds(rows: list[Row]) -> list[dict[str, Any]]:
    """Where one size was trained more than once: mean and standard deviation of the score over the trainings."""
    found = []
    for (size, task, label), same in by([row for row in rows if row["size"]], "size", "task", "label").items():
        values = [row["all"]["value"] for row in same]
        if len(same) > 1:
            found.append(
                {
                    "models": [row["model"] for row in same], "task": task, "asked": label, "size": size,
                    "metric": same[0]["metric"], "mean": round(mean(values), 6), "deviation": round(stdev(values), 6),
                }
            )  # fmt: skip
    return found


def figures(rows: list[Row]) -> Iterator[tuple[str, Plot]]:
    """By name: each of the first DRAWN tasks against examples, and against parameters; all tasks against updates;
    calibration; the surest answers."""
    plain = plainly(rows)
    tasks = list(dict.fromkeys(row["task"] for row in rows))[:DRAWN]
    for task in tasks:
        of_task = [row for row in plain if row["task"] == task]
        if len({row["shots"] for row in of_task}) > 1:
            yield f"shots-{task}", partial(_shots, task=task, rows=of_task)
        sized = [row for row in of_task if row["parameters"]]
        if len({row["parameters"] for row in sized}) > 1:
            yield f"sizes-{task}", partial(_sizes, task=task, rows=sized)
    along = [row for row in rows if row["step"] is not None]
    if along:
        yield "updates", partial(_updates, rows=along)
    first = {(row["model"], row["task"]): row["label"] for row in reversed(plain)}
    binned = [row for row in plain if row["bins"] and row["label"] == first[row["model"], row["task"]]]
    if binned:
        yield "calibration", partial(_calibration, rows=binned)
    sure = [row for row in plain if row["surest"] and row["label"] == first[row["model"], row["task"]]]
    if sure:
        yield "surest", partial(_surest, rows=sure)


def _line(axes: Any, x: list[float], rows: list[Row], number: int, label: str, of: int = LINES) -> Any:
    """Values with their intervals, which more than eight lines are too many for."""
    shape = look(number, of)
    colour = shape["color"]
    y = [row["all"]["value"] for row in rows]
    (line,) = axes.plot(x, y, marker="o", markersize=3.5, label=label, **shape)
    if of > LINES:
        return line
    for place, row in zip(x, rows, strict=True):
        if row["all"]["low"] is not None:
            axes.plot([place, place], [row["all"]["low"], row["all"]["high"]], color=colour, linewidth=0.8)
    return line


def _chance(axes: Any, rows: list[Row]) -> None:
    if chance := rows[0]["chance"]:
        axes.axhline(chance, color=MUTED, linestyle=":", linewidth=1, label="by chance")
    if rows[0]["best"] is not None:
        axes.axhline(rows[0]["best"], color=INK, linestyle="--", linewidth=0.8, label="best that was stated")


def _shots(axes: Any, task: str, rows: list[Row]) -> None:
    """Numbers of examples in equal steps: 0, 1 and 50 are as far apart."""
    counts = sorted({row["shots"] for row in rows})
    models, lines = by(rows, "model"), {}
    for number, ((model,), own) in enumerate(models.items()):
        own = sorted(own, key=lambda row: row["shots"])
        aside = 0.02 * number if len(models) <= LINES else 0.0  # intervals stand beside each other
        x = [counts.index(row["shots"]) + aside for row in own]
        lines[model] = _line(axes, x, own, number, model, len(models))
    _chance(axes, rows)
    axes.set_xticks(range(len(counts)), [str(count) for count in counts])
    axes.set(title=f"{task} by solved examples", xlabel="solved examples", ylabel=rows[0]["metric"])
    name_lines(axes, lines)


def _sizes(axes: Any, task: str, rows: list[Row]) -> None:
    for number, ((shots,), own) in enumerate(list(by(rows, "shots").items())[:LINES]):
        own = sorted(own, key=lambda row: (row["parameters"], row["model"]))
        aside = 1.02**number  # intervals of one size stand beside each other
        _line(axes, [row["parameters"] * aside for row in own], own, number, f"{shots} examples")
    _chance(axes, rows)
    axes.set(title=f"{task} by size", xlabel="parameters", ylabel=rows[0]["metric"], xscale="log")
    axes.minorticks_off()
    sizes = sorted({row["parameters"] for row in rows})
    shown = sizes[:: -(-len(sizes) // 6)]
    axes.set_xticks(shown, [rounded(size) for size in shown])
    axes.legend()


def along_the_way(row: Row) -> float:
    """A score between chance (0) and the best that the task states, or 1 where it states none (1): GPT-1, figure 2."""
    chance, best = row["chance"] or 0.0, 1.0 if row["best"] is None else row["best"]
    return float((row["all"]["value"] - chance) / (best - chance)) if best != chance else 0.0


def _updates(axes: Any, rows: list[Row]) -> None:
    curves, lines = by(rows, "model", "task"), {}
    for number, ((model, task), own) in enumerate(curves.items()):
        own = sorted(own, key=lambda row: row["step"])
        y = [along_the_way(row) for row in own]
        shape = look(number, len(curves))
        name = f"{model}: {task}"
        (lines[name],) = axes.plot([row["step"] for row in own], y, marker="o", markersize=3, label=name, **shape)
    axes.axhline(0, color=MUTED, linestyle=":", linewidth=1)
    axes.set(title="Scores along the training", xlabel="updates", ylabel="0: chance, 1: best stated", xscale="log")
    name_lines(axes, lines)


def _calibration(axes: Any, rows: list[Row]) -> None:
    """Each choice of each item is a case (GPT-4, figure 8), of each task as it was asked first."""
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":", linewidth=1)
    for number, row in enumerate(rows[:LINES]):
        points = [(confidence, right) for confidence, right, cases in row["bins"] if cases]
        label = f"{row['model']}: {row['task']}, {row['shots']}; ECE {row['ece']:.3f}"
        axes.plot(*zip(*points, strict=True), "o-", color=SERIES[number], markersize=3, label=label)
    axes.set(title="Calibration", xlabel="probability of a choice", ylabel="share that is right", xlim=(0, 1))
    axes.set(ylim=(0, 1))
    axes.legend()


def _surest(axes: Any, rows: list[Row]) -> None:
    """The score of the surest hundredth, tenth, half, and of all (GPT-2, section 3.8), as each task was asked first."""
    for number, row in enumerate(rows[:LINES]):
        points = {100 * float(share): value for share, value in row["surest"].items()} | {100: row["all"]}
        label = f"{row['model']}: {row['task']}, {row['shots']}"
        _line(axes, list(points), [{"all": value} for value in points.values()], number, label)
    axes.set(title="Score of the surest answers", xlabel="share of the items, %, the surest first", ylabel="score")
    axes.set(xscale="log", ylim=(0, 1))
    axes.minorticks_off()
    axes.set_xticks([1, 10, 50, 100], ["1", "10", "50", "100"])
    axes.legend()
