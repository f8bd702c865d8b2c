"""`millrace plan`: what a run would do, before it is paid for.

Hours are given only where an artifact of the same stage has been built before, from the bytes (for models, the FLOPs)
that it took a second. `-` means that nothing is known.
"""

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.size import duration, size
from flows.state import Past, State, state
from flows.status import word
from flows.tasks import missing
from model.config import Architecture, Training, flops_per_token, total_windows, training_memory
from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.errors import Failure
from tasks.runtime.run import Run
from tasks.runtime.store import Store


@dataclass(frozen=True)
class Row:
    """A stage's line of the plan. None: not known."""

    artifact: Artifact
    state: State
    reads: int | None  # bytes of its inputs
    flops: float | None  # of a model's training
    memory: int | None  # bytes that one rank of it holds, roughly
    hours: float | None  # core-hours to come; 0 for one that is built
    last: bool  # the hours are those of the last time, its input not being known yet


def show(console: Console, run: Run) -> None:
    rows = make(run)
    table = Table("stage", "name", "state", "why", box=None, pad_edge=False)
    for name in ("reads", "on disk", "FLOPs", "memory", "core time"):
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
            f"~{size(row.memory)}" if row.memory else "",
            "" if row.state.built else "-" if row.hours is None else "~" * row.last + duration(row.hours),
        )
    console.print(table)
    due = [row for row in rows if not row.state.built]
    known = [row.hours for row in due if row.hours is not None]
    console.print(f"{len(rows) - len(due)} of {len(rows)} stages cached, {len(due)} to do", highlight=False)
    console.print(f"{size(sum(row.state.bytes for row in rows))} on disk", highlight=False)
    if flops := sum(row.flops or 0 for row in due):
        console.print(f"{flops:.2e} FLOPs of training to do", highlight=False)
    if absent := [row.artifact.name for row in due if row.artifact.stage == "benchmark" and missing(row.artifact)]:
        console.print(
            f"{len(absent)} benchmarks have no file yet: {', '.join(absent)} (`millrace tasks` says what to put there)",
            highlight=False,
            soft_wrap=True,
        )
    if due:
        console.print(
            f"{duration(sum(known))} of one core for {len(known)} of them, at the pace (bytes read, or FLOPs, a "
            "second) of the newest artifact of the same stage in this store;\n"
            "~ as long as the last time, its input not being there yet; - nothing of the stage was measured here;\n"
            "memory: of one rank of a training, give or take a third; on a GPU in bfloat16, if conf does not say else",
            highlight=False,
            soft_wrap=True,
        )


def make(run: Run) -> list[Row]:
    """A row for each stage of the DAG."""
    past = Past(run.store)
    rows = []
    for artifact in run.artifacts:
        now = state(artifact, past)
        reads = _reads(artifact.recipe, run.store)
        flops = _flops(artifact.recipe)
        hours, last = (0.0, False) if now.built else _hours(artifact, past, reads, flops)
        rows.append(Row(artifact, now, reads, flops, _memory(artifact.recipe), hours, last))
    return rows


def _reads(recipe: dict[str, Any], store: Store) -> int | None:
    """Bytes of a recipe's inputs: artifacts that are built, and files that its parameters list by size."""
    total = 0
    for label in _labels(recipe.get("inputs", {})):
        try:
            total += _weight(artifact_at(label, store))
        except Failure:
            return None
    listed = [value for value in recipe.get("parameters", {}).values() if isinstance(value, list)]
    for item in (item for value in listed for item in value if isinstance(item, dict)):
        number = item.get("bytes", item.get("size"))
        total += number if isinstance(number, int) else 0
    return total or None


def _weight(artifact: Artifact) -> int:
    """Bytes to read of an artifact: its files', or, where it lists what lies elsewhere (`select`), what is `asked`."""
    asked = artifact.manifest["statistics"].get("asked")
    return sum(row.bytes for row in artifact.files().values()) if asked is None else int(asked)


def _labels(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [label for item in items for label in _labels(item)]


def _training(recipe: dict[str, Any]) -> tuple[Architecture, Training] | None:
    """Of a recipe of `pretrain`; None for what is no model's recipe, or one of an earlier version's keys."""
    if recipe.get("stage") != "pretrain":
        return None
    try:
        parameters = recipe["parameters"]
        return Architecture(**parameters["architecture"]), Training(**parameters["training"])
    except (KeyError, TypeError, ValueError):
        return None


def _flops(recipe: dict[str, Any]) -> float | None:
    """FLOPs of a model's whole training: one token's at full context, times its budget."""
    if (found := _training(recipe)) is None:
        return None
    architecture, training = found
    return float(flops_per_token(architecture)) * total_windows(training, architecture.context) * architecture.context


def _memory(recipe: dict[str, Any]) -> int | None:
    """Bytes of one rank: in float32 where the conf says so, or a CPU; else in bfloat16, as on a GPU."""
    if (found := _training(recipe)) is None:
        return None
    architecture, training = found
    return training_memory(architecture, training, training.dtype != "float32" and training.device != "cpu")


def _hours(artifact: Artifact, past: Past, reads: int | None, flops: float | None) -> tuple[float | None, bool]:
    """Core-hours by the newest artifact of the same stage, its own name's first; and whether they are only last time's.

    By its pace, where the work is known now and then; else, for the same name, as long as it took.
    """
    same = past.earlier(artifact)
    before = same or past.earlier(artifact, any_name=True)
    if before is None:
        return None, False
    trace = artifact_at(before["label"], past.store).trace()
    if "seconds" not in trace or "workers" not in trace:
        return None, False
    hours = trace["seconds"] * trace["workers"] / 3600
    work, did = (flops, _flops(before)) if flops else (reads, _reads(before, past.store))
    if work and did:
        return hours * work / did, False
    return (hours, True) if same else (None, False)
