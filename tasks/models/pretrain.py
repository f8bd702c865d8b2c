"""Fit: `pretrain`, one model of the pipeline, by `model.train` in a process of its own (torchrun on several GPUs).

model/ keeps its own checkpoints in the artifact's folder: a run that was killed goes on from the newest one. Its code
is not in the fingerprint; MODEL_VERSION is, by hand: a mended log line must not throw away two weeks of training.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from model import MODEL_VERSION
from tasks.runtime.errors import Failure
from tasks.runtime.stage import Artifact, Job, stage

LOG = "run.train.log"


@stage("pretrain", libraries=("torch",), version=f"model {MODEL_VERSION}")
def pretrain(
    job: Job, *, mixture: Artifact, tokenizer: Artifact, architecture: dict[str, Any], training: dict[str, Any]
) -> dict[str, Any]:
    """model.safetensors, model.json, tokenizer.json, metrics.jsonl.

    Raises:
        Failure: training stopped before its end; the sentence is the trainer's own last line.
    """
    (job.folder / "run.yaml").write_text(
        yaml.safe_dump(
            {
                "out": str(job.folder),
                "store": str(job.root),
                "mixture": str(mixture.folder / "mixture.json"),
                "tokenizer": str(tokenizer.folder / "tokenizer.json"),
                "tokenizer_fingerprint": tokenizer.fingerprint,
                "model": architecture,
                "train": training,
            }
        )
    )
    _train(job, training)
    shutil.rmtree(job.folder / "checkpoints", ignore_errors=True)
    return {**_learned(job.folder), "realised": _realised(job, mixture, architecture, training)}


def _train(job: Job, training: dict[str, Any]) -> None:
    import torch

    devices = torch.cuda.device_count() if training["device"] != "cpu" else 0
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={devices}"] if devices > 1 else []
    command = [sys.executable, *launch, "-m", "model.train", str(job.folder / "run.yaml")]
    with (job.folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,
            pass_fds=(job.lease,),  # held until the trainer has ended, should we be killed before it
            cwd=_root(),
        )
        try:
            while process.poll() is None:
                time.sleep(0.5)
                _tell(job, training)
        except BaseException:
            process.terminate()  # the trainer writes a checkpoint and ends
            process.wait()
            raise
    if process.returncode or not (job.folder / "model.safetensors").exists():
        raise Failure(
            f"training of {job.artifact.name} stopped: {_last_line(job.folder / LOG)} (see {job.folder / LOG})"
        )


def _die_with_parent() -> None:
    """Leave no trainer behind when the run is killed: SIGTERM, on which it writes a checkpoint."""
    import ctypes
    import signal

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _root() -> str:
    return os.fspath(Path(__file__).resolve().parents[2])


def _tell(job: Job, training: dict[str, Any]) -> None:
    rows = _rows(job.folder / "metrics.jsonl")
    if rows:
        done, key = rows[-1], "tokens" if training["tokens"] is not None else "updates"
        reached = done["tokens"] if key == "tokens" else done["step"]
        job.progress(min(reached, training[key]), training[key])


def _rows(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a metrics file that may be growing."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    return [json.loads(line) for line in lines[:-1] if line]


def _learned(folder: Path) -> dict[str, Any]:
    rows = _rows(folder / "metrics.jsonl")
    last = rows[-1]
    validation = {
        key.removeprefix("validation_"): value for key, value in last.items() if key.startswith("validation_")
    }
    about = json.loads((folder / "model.json").read_bytes())
    from model.config import Architecture, parameters

    return {
        "parameters": parameters(Architecture(**about["architecture"])),
        "updates": last["step"],
        "tokens": last["tokens"],
        "first_loss": rows[0]["loss"],
        "loss": last["loss"],
        "validation": validation,
    }


def _realised(
    job: Job, mixture: Artifact, architecture: dict[str, Any], training: dict[str, Any]
) -> dict[str, dict[str, float]]:
    """What the loader gave: tokens and epochs a group, counted over the windows it served."""
    from model.config import Architecture, Training, total_windows
    from model.windows import Windows

    windows = Windows(
        mixture.folder / "mixture.json", job.root, architecture["context"], architecture["vocabulary"], training["seed"]
    )
    total = total_windows(Training(**training), Architecture(**architecture).context)
    rounds, rest = divmod(total, len(windows._group))
    realised = {}
    for number, group in enumerate(windows.groups):
        served = rounds * windows.counts[number] + int((windows._group[:rest] == number).sum())
        realised[group.name] = {
            "windows": served,
            "tokens": served * windows.context,
            "epochs": round(served / group.windows, 6),
        }
    return realised


def _last_line(path: Path) -> str:
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:500] if lines else "no output"
