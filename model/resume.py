"""Where a training goes on: the newest checkpoint that is whole and is this run's, here or in the mirror.

A checkpoint that is damaged (a file missing, empty, or with one bit other than it was written) is told in a sentence,
and the one before it taken. It stays for whoever wants to look, as damaged-step-..., once another one was found. Where
none is whole, nothing is begun anew unasked: the sentence says what to remove.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from model import checkpoint
from model.config import LATER
from model.divergence import LAST, RECENT
from model.metrics import ROWS, MetricsDamaged, rows
from model.mirror import Mirror

# Keys that may change between a checkpoint and its resumption: they do not change what is learned but in the last bits,
# or (the rules) what is called success.
MAY_CHANGE = {"checkpoint_every", "keep", "device", "compile", "threads", "micro_batch", "recompute", "deterministic",
              "shard", "above_uniform", "norm_spike", "on_spike"}  # fmt: skip


@dataclass
class Place:
    """`step` updates made, `windows` read. `skipped`: spikes that were passed over, or will be when the training comes
    to them again; `snapshots`: sha256 by file; `rows`: of metrics.jsonl, those that a Guard must know."""

    folder: str | None = None
    step: int = 0
    windows: int = 0
    skipped: list[dict[str, Any]] = field(default_factory=list)
    snapshots: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    micro_batch: int | None = None  # as it was found


def where_we_are(
    out: Path, mirror: Mirror | None, settings: dict[str, Any], say: Callable[[str], None], before: int | None = None
) -> dict[str, Any]:
    """The fields of a Place: the newest checkpoint's that is whole, or the beginning's. For rank 0.

    `before`: of those that had not made this step; later ones are removed, here and in the mirror. metrics.jsonl is cut
    to the place. ValueError where all checkpoints are damaged, or the newest is another run's.
    """
    out.mkdir(parents=True, exist_ok=True)
    if before is not None:
        for folder in checkpoint.found(out):
            if checkpoint.step_of(folder) >= before:
                checkpoint.remove(folder)
        if mirror is not None:
            mirror.forget(before)
    state, damaged = _whole(out, say)
    newest = checkpoint.name_of(state["step"]) if state else ""
    if mirror is not None and (damaged or state is None) and mirror.bring(out, newest, say):
        state, _ = _whole(out, say)
        assert state is not None
        say(f"brought {checkpoint.name_of(state['step'])} from {mirror.place}")
    if state is None:
        if damaged:
            raise ValueError(
                f"no checkpoint in {out / 'checkpoints'} is whole: put back what is missing, or remove that folder to "
                "train from the beginning"
            )
        (out / ROWS).write_bytes(b"")
        return asdict(Place())
    folder = out / "checkpoints" / checkpoint.name_of(state["step"])
    for other in damaged:
        if other == folder:  # whose whole copy came from the mirror
            continue
        aside = other.with_name(f"damaged-{other.name}")
        checkpoint.remove(aside)
        other.rename(aside)
    require_unchanged(state["settings"], settings, folder)
    lines = rows(out / ROWS, state["step"], state["metrics_sha256"])
    (out / ROWS).write_bytes(b"".join(lines))
    known = _to_judge(lines, settings["training"]["above_uniform"] or 0)
    found = state["settings"]["training"]["micro_batch"]
    return asdict(
        Place(str(folder), state["step"], state["windows"], state["skipped"], state["snapshots"], known, found)
    )


def _whole(out: Path, say: Callable[[str], None]) -> tuple[dict[str, Any] | None, list[Path]]:
    """The state of the newest checkpoint that is whole, with the metrics beside it, and those after it that are not."""
    damaged: list[Path] = []
    for folder in reversed(checkpoint.found(out)):
        try:
            state = checkpoint.state_of(folder)
            rows(out / ROWS, state["step"], state["metrics_sha256"])
        except (checkpoint.Damaged, MetricsDamaged) as error:
            say(f"{folder.name} is not whole: {error}; looking at the one before it")
            damaged.append(folder)
        else:
            return state, damaged
    return None, damaged


def _to_judge(lines: list[bytes], above_uniform: int) -> list[dict[str, Any]]:
    """The first row with a loss, and the last ones, as many as a rule looks at."""
    enough, last = max(RECENT, LAST, above_uniform), []
    for line in reversed(lines):
        row = json.loads(line)
        if row["loss"] is not None:
            last.append(row)
        if len(last) == enough:
            break
    first = next((row for row in map(json.loads, lines) if row["loss"] is not None), None)
    return ([first] if first is not None and first["step"] < last[-1]["step"] else []) + last[::-1]


def require_unchanged(then: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Raise ValueError where a checkpoint belongs to another run; world size and `MAY_CHANGE` may differ."""
    remedy = "restore it, or give another `out` (and `mirror`)"
    for part in ("architecture", "training"):
        for key in [*now[part], *(key for key in LATER if key in then[part] and key not in now[part])]:
            was, value = (held[part].get(key, LATER.get(key)) for held in (then, now))
            if key not in MAY_CHANGE and was != value:
                raise ValueError(f"{folder} was made with {key} = {was}, run.yaml has {value}: {remedy}")
    for key in ("mixture", "examples", "objective", "tokenizer", "start", "layers_transferred"):
        if then.get(key) != now.get(key):  # of before there was a `start`, none is named
            raise ValueError(f"{folder} was made with another {key}: {remedy}")
