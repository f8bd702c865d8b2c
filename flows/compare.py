"""`millrace compare`: two models of a pipeline on the same items, task by task, as a table or as JSON."""

import json

from rich.console import Console
from rich.table import Table

from conf.spelling import did_you_mean
from tasks.evaluation.compared import Compared, compared, sentence, tasks_of, told
from tasks.runtime.errors import Mistake
from tasks.runtime.run import Run


def show(out: Console, run: Run, a: str, b: str, seed: int, as_json: bool) -> None:
    """A row a task and way of asking it: both values, their difference, its test, and what could have been seen.

    Raises:
        Mistake: a model has no scores, or the two no task and item in common.
    """
    scores = [artifact for artifact in run.artifacts if artifact.stage == "scores"]
    models = tasks_of([artifact for artifact in scores if artifact.built])
    for model in (a, b):
        if model not in models:
            there = ", ".join(models) or "none"
            raise Mistake(
                f"{model} has no scores that are built (there are those of {there}): `millrace run` makes them"
                f"{did_you_mean(model, models)}"
            )
    rows = compared(models[a], models[b], seed)
    if not rows:
        raise Mistake(f"{a} and {b} were asked no item in common, in the same way and by the same metric")
    if as_json:
        out.print_json(json.dumps(list(told(rows, a, b))))
        return
    out.print(_table(rows, a, b))
    for row in rows:
        out.print(sentence(row, a, b), highlight=False, markup=False, soft_wrap=True)
    if any(row.of_items for row in rows):
        out.print("* the mean of the items' own values, which this metric's reported number is not", highlight=False)
    if left := sum(row.apart for row in rows):
        out.print(f"{left:,} items were asked of one of the two alone, and are left out", highlight=False)


def _table(rows: list[Compared], a: str, b: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("task", "K", "metric"):
        table.add_column(heading, justify="right" if heading == "K" else "left", no_wrap=True)
    for heading in ("items", a, b, f"{b} - {a}", "p", "adjusted p", "detectable", "test"):
        table.add_column(heading, justify="left" if heading == "test" else "right", no_wrap=True)
    for row in rows:
        pair, way = row.paired, row.way
        more = [part for part in (way.template if way.template != "default" else "", f"draw {way.draw}") if part]
        named = [row.task, *(more if way.draw else more[:-1])]
        table.add_row(
            ", ".join(named),
            str(way.shots),
            row.metric + ("*" if row.of_items else ""),
            f"{pair.items:,}",
            _value(row.a, row.a_interval),
            _value(row.b, row.b_interval),
            _value(pair.difference, None if pair.low is None or pair.high is None else (pair.low, pair.high), "+"),
            f"{pair.p:.2g}",
            f"{row.adjusted_p:.2g}",
            "" if pair.minimum_detectable is None else f"{pair.minimum_detectable:.3f}",
            pair.test,
            style="" if row.told else "dim",
        )
    return table


def _value(value: float, within: tuple[float, float] | None, sign: str = "") -> str:
    """With its interval."""
    ends = "" if within is None else f" ({within[0]:{sign}.3f} to {within[1]:{sign}.3f})"
    return f"{value:{sign}.3f}{ends}"
