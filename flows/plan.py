"""`millrace plan`, as people and as other programs read it: a table, totals, and what they rest on."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conf.pipeline import Pipeline
from flows.budget import Plan, Row
from flows.paces import figure
from flows.size import duration, size
from flows.status import word

VERSION = 1  # of the JSON
TOGETHER = 4  # sources of a group from which on they share a line
SHIPPED_FROM = "the paces that Millrace brings along (docs/cost.md)"


def show(console: Console, pipeline: Pipeline, plan: Plan, each: bool = False) -> None:
    """The plan as a table; `each`: every source on a line of its own, however many a group has."""
    table = Table("stage", "name", "state", "why", box=None, pad_edge=False)
    for name in ("reads", "writes", "holds", "memory", "core time"):
        table.add_column(name, justify="right")
    if plan.gpu_hours:
        table.add_column("GPU time", justify="right")
    if plan.priced:
        table.add_column("price", justify="right")
    table.add_column("by")
    for rows in _lines(pipeline, plan, each):
        table.add_row(*map(Text, _cells(rows, pipeline, plan)))
    console.print(table)
    for line in _totals(plan):
        console.print(Text(line), soft_wrap=True)


def _lines(pipeline: Pipeline, plan: Plan, each: bool) -> Iterator[list[Row]]:
    """Rows that stand on one line: of a stage and state those of a group's sources, if it has many."""
    lines: dict[tuple[str, ...], list[Row]] = {}
    for row in plan.rows:
        name, group = row.artifact.name, ""
        if name in pipeline.sources and not each:
            group = pipeline.group(name)
        many = group and sum(pipeline.group(other) == group for other in pipeline.sources) >= TOGETHER
        key = (row.artifact.stage, group, row.state.word, _why(row)) if many else (row.artifact.label,)
        lines.setdefault(key, []).append(row)
    yield from lines.values()


def _why(row: Row) -> str:
    return row.state.why if row.time is None else f"{row.state.why} {row.time.source == 'shipped'}"


def _cells(rows: list[Row], pipeline: Pipeline, plan: Plan) -> Iterator[str]:
    first = rows[0]
    built, one = first.state.built, len(rows) == 1
    yield first.artifact.stage
    yield first.artifact.name if one else f"{pipeline.group(first.artifact.name)} ({len(rows)})"
    yield "cached" if built else word(first.state) if one else first.state.word
    yield _shortly(first.state.why)
    yield _marked(_sum(row.reads for row in rows), any(row.holds.estimated for row in rows), size)
    if built:
        yield size(round(sum(row.state.bytes for row in rows)))
    else:
        yield _marked(_sum(row.holds.disk for row in rows), True, size)
    yield _holds(rows)
    memory = [row.memory for row in rows if row.memory is not None]
    yield f"~{size(round(max(memory)))}" if memory and not built else ""
    seconds, hours = _sum(row.time and row.time.seconds for row in rows), _sum(row.gpu_hours for row in rows)
    yield "" if built or hours else "-" if seconds is None else f"~{duration(seconds / 3600)}"
    if plan.gpu_hours:
        yield f"~{duration(hours)}" if hours else ""
    if plan.priced:
        price = _sum(row.price for row in rows)
        yield "" if built else "-" if price is None else f"{price:,.2f}"
    yield "" if built else _by(first, plan)


def _shortly(why: str) -> str:
    """The first of several reasons; `millrace status` tells all."""
    first, _, more = why.partition("; ")
    return f"{first}; ..." if more else first


def _holds(rows: list[Row]) -> str:
    """Documents of what has rows, tokens of what has tokens, FLOPs of trainings."""
    if rows[0].work.unit == "FLOPs" and (flops := _sum(row.work.amount for row in rows)):
        return f"{flops:.2e} FLOPs"
    estimated = any(row.holds.estimated for row in rows)
    for what in ("tokens", "documents"):
        if (amount := _sum(getattr(row.holds, what) for row in rows)) is not None:
            return f"{'~' * estimated}{figure(amount)} {what}"
    return ""


def _by(row: Row, plan: Plan) -> str:
    if row.gpu_hours is not None:
        return f"{plan.gpu.name} at {plan.mfu:.0%}"
    return row.time.source if row.time else ""


def _marked(number: float | None, estimated: bool, told: Any) -> str:
    return "-" if number is None else f"{'~' * estimated}{told(round(number))}"


def _sum(amounts: Any) -> float | None:
    """The sum; None where a part is not known."""
    each = list(amounts)
    return None if any(amount is None for amount in each) else float(sum(each))


def _totals(plan: Plan) -> Iterator[str]:
    due, unknown = plan.due, plan.unknown
    yield f"{len(plan.rows) - len(due)} of {len(plan.rows)} stages cached, {len(due)} to do"
    yield f"{size(sum(row.state.bytes for row in plan.rows))} on disk, ~{size(round(plan.written))} to come"
    if due:
        yield f"~{duration(plan.core_hours)} of one core" + (
            f" and ~{duration(plan.gpu_hours)} of one {plan.gpu.name}" if plan.gpu_hours else ""
        )
    if plan.flops:
        yield f"{plan.flops:.3g} FLOPs of training to do"
    if plan.priced:
        rates = plan.rates
        yield (
            f"~{plan.price:,.2f} {rates.currency}".rstrip()
            + f", at {rates.core_hour:g} a core hour and {rates.gpu_hour:g} a GPU hour"
        )
    if unknown:
        named = ", ".join(dict.fromkeys(row.artifact.stage for row in unknown))
        yield f"not in these totals: {len(unknown)} stages of which nothing is known here ({named})"
    for row in due:
        if row.gpu_hours and row.memory and row.artifact.stage == "pretrain":
            yield _fit(row, plan)
        if row.loss is not None:
            around = f" ({row.loss.low:.3f} to {row.loss.high:.3f})" if row.loss.low is not None else ""
            yield f"{row.artifact.name}: a loss of {row.loss.value:.3f}{around} nats a token by {row.loss.by}"
    if plan.gpu_hours:
        gpu = plan.gpu
        yield f"GPU: {gpu.name}, {plan.mfu:.0%} of {gpu.peak:.4g} FLOP/s ({gpu.source})"
    if sizes := list(dict.fromkeys(by for row in due for by in row.holds.by)):
        yield "~ sizes rest on: " + "; ".join("`expect` of the sources" if by == "expected" else by for by in sizes)
    if any(row.time and row.time.source == "shipped" for row in due):
        yield f"shipped: {SHIPPED_FROM}, of one core of another machine"
    if plan.absent:
        yield (
            f"{len(plan.absent)} benchmarks have no file yet: {', '.join(plan.absent)} (`millrace tasks` says what to "
            "put there)"
        )


def _fit(row: Row, plan: Plan) -> str:
    assert row.memory is not None
    least = -(-row.memory // plan.gpu.memory)
    what = "fits one" if least <= 1 else f"takes {least:,.0f} at the least"
    return f"{row.artifact.name}: {size(round(row.memory))} to train {what} of {size(round(plan.gpu.memory))}"


def as_json(plan: Plan) -> dict[str, Any]:
    """The whole plan for other programs; null: not known, or, where a stage is built, nothing to do."""
    return {
        "version": VERSION,
        "stages": [_stage(row) for row in plan.rows],
        "total": {
            "stages": len(plan.rows),
            "cached": len(plan.rows) - len(plan.due),
            "to_do": len(plan.due),
            "not_known": [row.key for row in plan.unknown],
            "core_hours": plan.core_hours,
            "gpu_hours": plan.gpu_hours,
            "training_flops": plan.flops,
            "bytes_there": sum(row.state.bytes for row in plan.rows),
            "bytes_to_write": plan.written,
            "price": plan.price if plan.priced else None,
        },
        "gpu": {"name": plan.gpu.name, "peak_flops": plan.gpu.peak, "mfu": plan.mfu, "source": plan.gpu.source},
        "rates": plan.rates.model_dump(),
        "benchmarks_without_files": plan.absent,
    }


def _stage(row: Row) -> dict[str, Any]:
    def number(value: float | None) -> float | None:
        return None if value is None else float(value)

    loss = row.loss
    return {
        "stage": row.artifact.stage,
        "name": row.artifact.name,
        "fingerprint": row.artifact.fingerprint,
        "state": "cached" if row.state.built else row.state.word,
        "why": row.state.why,
        "reads_bytes": number(row.reads),
        "there_bytes": row.state.bytes,
        "bytes": number(row.holds.disk),
        "documents": number(row.holds.documents),
        "text_bytes": number(row.holds.text),
        "tokens": number(row.holds.tokens),
        "rests_on": list(row.holds.by),
        "work": number(row.work.amount),
        "work_unit": row.work.unit or None,
        "core_seconds": number(row.time.seconds if row.time else None),
        "side_by_side": row.time.parallel if row.time else None,
        "pace": row.time.source if row.time else None,
        "gpu_hours": number(row.gpu_hours),
        "memory_bytes": number(row.memory),
        "price": number(row.price),
        "loss": None if loss is None else {"nats": loss.value, "low": loss.low, "high": loss.high, "by": loss.by},
    }
