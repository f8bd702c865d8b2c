"""Fit: `pretrain`, one model of the pipeline, by `model.train` in a process of its own (torchrun on several GPUs).

model/ keeps its own checkpoints in the artifact's workspace: a run that was killed goes on from the newest. Its code is
not in the fingerprint; MODEL_VERSION is, by hand: a mended log line must not throw away two weeks of training.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import field
from pathlib import Path
from typing import Any

import yaml

from model import MODEL_VERSION
from model.held_out import validation_of
from tasks.models import energy
from tasks.models.files import ABOUT, MODEL_FILES, WEIGHTS
from tasks.models.gaps import Watch, gaps, groups_of
from tasks.models.loader import CHECKPOINTS, reading, windows_of
from tasks.models.same_tokenizer import difference, vocabulary_in
from tasks.models.steps import tell_steps
from tasks.runtime.artifact import Artifact, artifact_at
from tasks.runtime.errors import Failure, Mistake
from tasks.runtime.job import Job
from tasks.runtime.local_store import LocalStore
from tasks.runtime.stage import stage
from tasks.runtime.statistics import statistics
from tasks.tokens.kinds.files import FILE as TOKENIZER
from tasks.tokens.mixture import Mixed, mixture_file
from tasks.tokens.tokenizer import end_of_text_of, tokenizer_file

TRAINER = "model.train"
LOG = "run.train.log"
METRICS = "metrics.jsonl"
FILES = (*MODEL_FILES, METRICS)
TIMINGS = "run.metrics.jsonl"
TRACES = (LOG, TIMINGS)
EVERY = 10.0  # seconds between two sentences on how a training goes
TAIL = 4096  # bytes of a metrics file that are read at a time, from its end: some rows


@statistics
class Served:
    """What the loader gave of one group: windows, their tokens, and how often the group was read over."""

    windows: int = 0
    tokens: int = 0
    epochs: float = 0.0


@statistics
class Trained:
    """Losses in nats a token, of the first and the last update; validation per source, with its standard error where
    more than one document tells of it; what was read per group.

    `skipped`: updates that were passed over (on_spike: rewind).
    """

    parameters: int = 0
    updates: int = 0
    tokens: int = 0
    skipped: int = 0
    first_loss: float = 0.0
    loss: float = 0.0
    validation: dict[str, float] = field(default_factory=dict)
    realised: dict[str, Served] = field(default_factory=dict)
    validation_stderr: dict[str, float] = field(default_factory=dict)


def overfitting(model: Artifact) -> str:
    """A built model's page in Prefect: how far it has learned its text by heart, in Markdown."""
    mixture = artifact_at(model.manifest["inputs"]["mixture"], model.store)
    found = gaps(metrics_of(model), mixture.counts(Mixed), groups_of(mixture))
    rows = [f"| {group} | {points[-1][0]:.2f} | {points[-1][1]:+.4f} |" for group, points in found.items()]
    head = ["### Validation less training loss at the end", "", "| group | epochs | nats a token |", "|---|---|---|"]
    return "\n".join([*head, *rows]) if rows else ""


@stage(
    "pretrain",
    kind="fit",
    note=overfitting,
    section="training",
    tell=tell_steps,
    everywhere=True,
    libraries=("torch",),
    version=f"model {MODEL_VERSION}",
    judges=("torchrun",),
)
def pretrain(
    job: Job,
    *,
    mixture: Artifact,
    tokenizer: Artifact,
    architecture: dict[str, Any],
    training: dict[str, Any],
    torchrun: list[str],
    prediction: Artifact | None = None,
    pass_rates: dict[str, Artifact] | None = None,
    start: Artifact | None = None,
) -> Trained:
    """A model: weights, configuration, tokenizer, and what was learned at each update.

    Weights along the way, too, where `snapshots` asks for them.

    `torchrun`: arguments for torch.distributed.run, as for several machines; none: all GPUs of this one.
    `prediction`, `pass_rates` (by task): what was foretold of the model. Nothing of it is read: being inputs they were
    there before. `start`: the model whose weights it begins with, of the same tokenizer and architecture, but for a
    shorter context.

    Raises:
        Mistake: the start has another tokenizer.
        Failure: the start has another architecture; training stopped before its end, in the trainer's own last line.
    """
    out = job.workspace
    if start is not None:
        _require_fitting(start, tokenizer, architecture)
    (out / "run.yaml").write_text(
        yaml.safe_dump(
            {
                "out": str(out),
                **reading(job.store),
                **({} if isinstance(job.store, LocalStore) else {"mirror": job.artifact.name_of(CHECKPOINTS)}),
                "mixture": str(mixture_file(mixture)),
                "tokenizer": str(tokenizer_file(tokenizer)),
                "tokenizer_fingerprint": tokenizer.fingerprint,
                "model": architecture,
                "train": training,
                **({} if start is None else {"start": str(start.local(WEIGHTS))}),
            }
        ),
        encoding="utf-8",
    )
    watch = Watch(out / METRICS, mixture.counts(Mixed), groups_of(mixture))
    trained_in(job, out, training, torchrun, watch)
    job.timing |= energy.noted(energy.read(out / TIMINGS))
    put_all(job, out)
    return _learned(out, mixture, architecture, training)


def put_all(job: Job, out: Path) -> None:
    """What a finished training left, as files of the artifact."""
    for name in (*FILES, *(snapshot["file"] for snapshot in _about(out / ABOUT)["snapshots"]), *TRACES):
        if (out / name).is_file():
            job.put(name, out / name)
    for entry in job.store.list(job.artifact.name_of(CHECKPOINTS)):
        job.store.delete(entry.name)


def metrics_of(model: Artifact) -> list[dict[str, Any]]:
    """A row an update: step, tokens, loss, loss_<group>, lr, grad_norm, now and then validation_<source> and
    validation_stderr_<source>."""
    return _rows(model.local(METRICS))


def snapshots_of(model: Artifact) -> dict[int, Path]:
    """The weights that were kept along the way, by the update after which they stood: local files (safetensors),
    checked. `model.score.load(model_folder(model), step=...)` reads one."""
    snapshots = _about(model.local(ABOUT)).get("snapshots", [])
    return {snapshot["step"]: model.local(snapshot["file"]) for snapshot in snapshots}


def skipped_of(model: Artifact) -> list[dict[str, Any]]:
    """The spikes that its training passed over (on_spike: rewind), in order: the steps `first` to `last`, the `reason`,
    and the `windows` that nobody read, each [group, epoch, place], for `explain --step`."""
    spikes: list[dict[str, Any]] = _about(model.local(ABOUT)).get("skipped", [])
    return spikes


def _require_fitting(start: Artifact, tokenizer: Artifact, architecture: dict[str, Any]) -> None:
    """See that the weights of `start` mean the same here: what differs is told before hours are spent on it."""
    about = _about(start.local(ABOUT))
    if {**about["architecture"], "context": 0} != {**architecture, "context": 0}:
        raise Failure(
            f"{start.label} has the architecture {about['architecture']}, and the folder that it came from now says "
            f"{architecture}: give the model another name, under which the folder is read anew"
        )
    differing = difference(start.read(TOKENIZER), tokenizer_file(tokenizer).read_bytes())
    ends = about["end_of_text"], end_of_text_of(tokenizer)
    if differing is None and ends[0] != ends[1]:
        differing = f"a text ends with id {ends[0]} and with {ends[1]}: see `end_of_text`"
    if differing is not None:
        raise Mistake(
            f"the tokenizer of {start.label} is not the pipeline's ({differing}), and a model learns on in its own "
            "tokens alone: set `tokenizer: {kind: file, file: FOLDER, vocabulary: "
            f"{vocabulary_in(start.read(TOKENIZER))}}}`, FOLDER being the one that the model comes from"
        )


def trained_in(
    job: Job, out: Path, training: dict[str, Any], torchrun: list[str], watch: Watch | None, module: str = TRAINER
) -> None:
    """Run the trainer, or another `module` of one process, on the run.yaml of `out`, to its end; `watch`: what is said
    of its overfitting meanwhile.

    Raises:
        Failure: it stopped before its end, in its own last line.
    """
    import torch

    devices = torch.cuda.device_count() if training["device"] != "cpu" else 0
    several = devices > 1 and module == TRAINER
    arguments = torchrun or (["--standalone", f"--nproc-per-node={devices}"] if several else [])
    launch = ["-m", "torch.distributed.run", *arguments] if arguments else []
    command = [sys.executable, *launch, "-m", module, str(out / "run.yaml")]
    held, due = job.lease.descriptor, time.monotonic()
    with (out / LOG).open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,
            pass_fds=() if held is None else (held,),  # until the trainer has ended, should we be killed before it
            cwd=_root(),
        )
        try:
            while process.poll() is None:
                if job.stop.wait(0.5):
                    raise Failure(f"training of {job.artifact.name} was stopped; it goes on from its checkpoint")
                _tell(job, out, training)
                if watch is not None and time.monotonic() >= due:
                    _tell_gap(job, watch)
                    due = time.monotonic() + EVERY
            if watch is not None:
                _tell_gap(job, watch)
        except BaseException:
            process.terminate()  # the trainer writes a checkpoint and ends
            process.wait()
            raise
    if process.returncode == -signal.SIGKILL:
        raise Failure(
            f"training of {job.artifact.name} was killed (SIGKILL), by hand, or by the kernel for memory (dmesg says "
            f"so): make room, or give the model a smaller `micro_batch`, and run again: it goes on from its checkpoint"
        )
    if process.returncode or not (out / WEIGHTS).exists():
        raise Failure(f"training of {job.artifact.name} stopped: {_last_line(out / LOG)} (see {out / LOG})")


def _die_with_parent() -> None:
    """Leave no trainer behind when the run is killed: SIGTERM, on which it writes a checkpoint."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _root() -> str:
    return os.fspath(Path(__file__).resolve().parents[2])


def _tell(job: Job, out: Path, training: dict[str, Any]) -> None:
    row = _last_row(out / METRICS)
    if row is not None:
        read = row["examples"] if "examples" in row else row["tokens"]
        key, reached = ("updates", row["step"]) if training["tokens"] is None else ("tokens", read)
        job.progress(min(reached, training[key]), training[key])


def _tell_gap(job: Job, watch: Watch) -> None:
    if (said := watch.told()) is not None:
        job.log(f"{job.artifact.name}: {said}")


def _last_row(path: Path) -> dict[str, Any] | None:
    """The last whole line of a metrics file that may be growing, from its tail: a long run's file is read often."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        tail = b""
        while tail.count(b"\n") < 2 and len(tail) < end:  # whatever a line's length
            start = max(0, end - len(tail) - TAIL)
            file.seek(start)
            tail = file.read(end - len(tail) - start) + tail
    whole = tail.split(b"\n")[:-1]  # behind the last line end there is nothing, or half a line
    row: dict[str, Any] | None = json.loads(whole[-1]) if whole else None
    return row


def _rows(path: Path) -> list[dict[str, Any]]:
    """All lines of a finished metrics file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def _about(path: Path) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(path.read_bytes())
    return about


def _learned(out: Path, mixture: Artifact, architecture: dict[str, Any], training: dict[str, Any]) -> Trained:
    from model.config import Architecture, parameters

    rows, about = _rows(out / METRICS), _about(out / ABOUT)
    losses = [row["loss"] for row in rows if row["loss"] is not None]
    last = rows[-1]
    validated = validation_of(last)
    return Trained(
        parameters=parameters(Architecture(**about["architecture"])),
        updates=last["step"],
        tokens=last["tokens"],
        skipped=len(rows) - len(losses),
        first_loss=losses[0],
        loss=losses[-1],
        validation={source: loss for source, (loss, _) in validated.items()},
        realised=_realised(mixture, architecture, training, about["skipped"]),
        validation_stderr={source: error for source, (_, error) in validated.items() if error is not None},
    )


def _realised(
    mixture: Artifact, architecture: dict[str, Any], training: dict[str, Any], skipped: list[dict[str, Any]]
) -> dict[str, Served]:
    """What was trained on: tokens and epochs per group, counted over the windows that the loader served."""
    from model.config import Architecture, Training, total_windows

    total = total_windows(Training(**training), Architecture(**architecture).context)
    passed_over = Counter(group for spike in skipped for group, _, _ in spike["windows"])
    with windows_of(mixture, architecture["context"], architecture["vocabulary"], training["seed"]) as windows:
        counts = [
            (group, served - passed_over[group.name])
            for group, served in zip(windows.groups, windows.served(total), strict=True)
        ]
        return {
            group.name: Served(served, served * windows.context, round(served / group.windows, 6))
            for group, served in counts
        }


def _last_line(path: Path) -> str:
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1][:500] if lines else "no output"
