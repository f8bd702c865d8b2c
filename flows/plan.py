"""`millrace plan`: what a run would do, before it is paid for.

Nothing is guessed: hours are given only where an artifact of the same stage has been built before, from the bytes (or,
for models, the FLOPs) that it took a second. `-` means that nothing is known.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from conf.schema import Pipeline
from flows.state import State, earlier, state
from flows.status import word
from model.config import flops_per_token, whole_windows
from tasks.runtime.store import FILES, RUN, Artifact


@dataclass(frozen=True)
class Row:
    """A stage's line of the plan. None: not known."""

    artifact: Artifact
    state: State
    reads: int | None  # bytes of its inputs
    flops: float | None  # of a model's training
    hours: float | None  # core-hours to come; 0 for one that is built


def show(console: Console, pipeline: Pipeline, artifacts: list[Artifact]) -> None:
    rows = make(pipeline, artifacts)
    table = Table("stage", "name", "state", "why", box=None, pad_edge=False)
    for name in ("reads", "on disk", "FLOPs", "core-hours"):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            row.artifact.stage,
            row.artifact.name,
            "cached" if row.state.built else word(row.state),
            row.state.why,
            size(row.reads),
            size(row.state.bytes) if row.state.bytes else "",
            f"{row.flops:.2e}" if row.flops else "",
            "" if row.state.built else "-" if row.hours is None else f"{row.hours:.3g}",
        )
    console.print(table)
    due = [row for row in rows if not row.state.built]
    known = [row.hours for row in due if row.hours is not None]
    console.print(f"{len(rows) - len(due)} of {len(rows)} stages cached, {len(due)} to do", highlight=False)
    console.print(f"{size(sum(row.state.bytes for row in rows))} on disk", highlight=False)
    if flops := sum(row.flops or 0 for row in due):
        console.print(f"{flops:.2e} FLOPs of training to do", highlight=False)
    if due:
        basis = "at the pace of earlier artifacts of the same stage on this store, per byte read (models: per FLOP)"
        if known:
            console.print(f"{sum(known):.3g} core-hours for {len(known)} of them, {basis}", highlight=False)
        console.print("- is not known: nothing of that stage was measured here, or its input is not there yet")


def make(pipeline: Pipeline, artifacts: list[Artifact]) -> list[Row]:
    root = pipeline.root()
    rows = []
    for artifact in artifacts:
        now = state(artifact, root)
        reads = _reads(artifact.recipe, root)
        flops = _flops(pipeline, artifact.name) if artifact.stage == "pretrain" else None
        hours = 0.0 if now.built else _hours(pipeline, artifact, reads, flops)
        rows.append(Row(artifact, now, reads, flops, hours))
    return rows


def _reads(recipe: dict[str, Any], root: Path) -> int | None:
    """Bytes of a recipe's inputs: artifacts that are built, and files that its parameters list by size."""
    total = 0
    for value in recipe.get("inputs", {}).values():
        labels = [value] if isinstance(value, str) else list(value.values() if isinstance(value, dict) else value)
        for label in labels:
            try:
                total += sum(pq.read_table(root / label / FILES, columns=["bytes"])["bytes"].to_pylist())
            except (OSError, pa.ArrowInvalid):
                return None
    listed = [value for value in recipe.get("parameters", {}).values() if isinstance(value, list)]
    for item in (item for value in listed for item in value if isinstance(item, dict)):
        number = item.get("bytes", item.get("size"))
        total += number if isinstance(number, int) else 0
    return total or None


def _flops(pipeline: Pipeline, model: str) -> float | None:
    """FLOPs of a model's whole training: those of one token at full context, times its budget."""
    if model not in pipeline.models:
        return None
    architecture, training = pipeline.models[model].filled(pipeline.tokenizer.vocabulary, pipeline.seed)
    if training.tokens is not None:
        tokens = training.tokens
    else:
        tokens = (training.updates or 0) * whole_windows(training.batch, architecture.context) * architecture.context
    return float(flops_per_token(architecture)) * tokens


def _hours(pipeline: Pipeline, artifact: Artifact, reads: int | None, flops: float | None) -> float | None:
    """Core-hours, by the pace of the newest artifact of the same stage, its own name's first."""
    root = pipeline.root()
    before = earlier(artifact, root) or earlier(artifact, root, any_name=True)
    if before is None:
        return None
    try:
        trace = json.loads((before["folder"] / RUN).read_bytes())
        core_seconds = trace["seconds"] * trace["workers"]
    except (OSError, ValueError, KeyError):
        return None
    if artifact.stage == "pretrain":
        work, did = flops, (before["statistics"] or {}).get("flops")
    else:
        work, did = reads, _reads(before, root)
    if not work or not did:
        return None
    return core_seconds * work / did / 3600


def size(number: int | None) -> str:
    """Bytes for people, in powers of 1000."""
    if number is None:
        return "-"
    value = float(number)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
