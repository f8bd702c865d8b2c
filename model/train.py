"""Train a GPT from a run.yaml: puts the parts together. The loop itself is model/loop.py.

    python -m model.train run.yaml                                            one process
    torchrun --nproc-per-node 8 -m model.train run.yaml                       one machine
    torchrun --nnodes 4 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint HOST:29400 -m model.train run.yaml

What run.yaml holds: model/run.py. What is written into its `out`:

    metrics.jsonl        what was learned, a row an update: the same bytes after any number of kills
    run.metrics.jsonl    how fast
    checkpoints/         the same command resumes from the newest
    tokenizer.json, model.json, model.safetensors    at the end

Exit: 0 finished (model.safetensors is there), or stopped by SIGTERM after a checkpoint (it is not; torchrun, sent the
signal, passes it on and itself exits 1); 1 the loss or the gradient was not finite, or the store could not be reached:
the last checkpoint is kept; 2 run.yaml or its inputs are wrong.
"""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

# Read when the libraries start. cuBLAS is deterministic only so; OpenMP's threads otherwise spin while they wait, which
# on cores shared with others costs more than half of the speed.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from model import checkpoint
from model.config import total_windows
from model.files import Bucket, Folder, Unreachable, read_given, store_at
from model.gpt import GPT
from model.loop import Diverged, Parts, learn
from model.machine import Machine
from model.metrics import ROWS, Metrics, truncate
from model.mirror import Mirror
from model.objectives import LM
from model.optimiser import adamw
from model.run import Run, read_run
from model.tokenizer import Tokenizer, require_same
from model.windows import Windows

# Keys that may change between a checkpoint and its resumption: they do not change what is learned but in the last bits.
MACHINE = {"checkpoint_every", "keep", "device", "compile", "threads", "micro_batch"}


def main(path: str | Path) -> None:
    """Train what run.yaml says. ValueError where it or its inputs are wrong; Diverged; Unreachable."""
    run = read_run(path)
    machine = Machine(run.training)
    pretrain(run, str(path), machine)
    machine.close()


def pretrain(run: Run, path: str, machine: Machine) -> None:
    """`lm` on windows of a mixture: the parts, put together."""
    a, t, out = run.architecture, run.training, run.out
    (finished,) = machine.from_first(lambda: ((out / "model.safetensors").exists(),), 1)
    if finished:
        machine.say(f"{out} is finished: its model.safetensors is there")
        return

    store = store_at(run.store, run.cache, run.cache_bytes)
    windows = Windows(run.mixture, store, a.context, a.vocabulary, t.seed)
    tokenizer = tokenizer_of(run, path, store, windows)
    total = total_windows(t, a.context)

    model = GPT(a).initialise(t.seed).to(machine.device).train()
    optimizer = adamw(model, t)
    forward = machine.wrap(model)
    settings = {
        "architecture": asdict(a), "training": asdict(t), "world": machine.world,
        "mixture": windows.mixture_sha256, "tokenizer": windows.tokenizer,
    }  # fmt: skip

    # Where we are: `step` updates made, `i` windows read. Rank 0 reads the checkpoint, and gives it to the others.
    mirror = Mirror(run.store, run.mirror, t.keep) if run.mirror else None
    step, i = machine.from_first(lambda: where_we_are(out, mirror, settings), 2)
    if step:
        checkpoint.make_room(step, model, optimizer)
        if machine.rank == 0:
            checkpoint.load(checkpoint.found(out)[-1], model, optimizer)
        machine.copy_first(checkpoint.tensors(model, optimizer).values())
        machine.say(f"resuming from {checkpoint.name_of(step)} in {out}: step {step}, {i * a.context} tokens")
    metrics = Metrics(out, total * a.context, a, machine)

    def save(step: int, i: int) -> None:
        if machine.rank == 0:
            state = {"step": step, "windows": i, "settings": settings, "metrics_sha256": metrics.sync()}
            folder = checkpoint.save(out, state, model, optimizer, t.keep)
            if mirror is not None:
                mirror.push(folder, metrics.path)
        machine.wait()

    parameters = sum(p.numel() for p in model.parameters())
    machine.say(f"{parameters} parameters, {total * a.context} tokens, {machine.world} x {machine.device.type}")
    objective = LM([group.name for group in windows.groups], windows.validation)
    parts = Parts(t, total, windows, objective, model, forward, optimizer, machine, metrics, save)
    try:
        step, i = learn(parts, step, i)
    except Diverged as error:
        kept = checkpoint.found(out)
        raise Diverged(
            f"{error}; stopped before the update. "
            + (f"The last good checkpoint is {kept[-1]}" if kept else "There was no checkpoint yet")
            + ": lower the learning rate or lengthen the warm-up."
        ) from None
    if i < total:
        machine.say(f"stopped by SIGTERM after step {step}: unfinished, checkpoint written; the same command resumes")
        return
    save(step, i)
    if machine.rank == 0:
        checkpoint.publish(out, model, tokenizer.content, windows.tokenizer, windows.end_of_text, asdict(t))
    machine.say(f"finished: {out / 'model.safetensors'}")


def tokenizer_of(run: Run, path: str, store: Folder | Bucket, windows: Windows) -> Tokenizer:
    """run.yaml's tokenizer. ValueError where it is not the one that made the tokens."""
    content, place = read_given(store, run.tokenizer)
    require_same(run.tokenizer_fingerprint, windows.tokenizer, path, run.mixture)
    strange = f"{run.tokenizer} is not the tokenizer of {run.mixture}, or too large: give the one that made the tokens"
    try:
        tokenizer = Tokenizer(place, content, windows.end_of_text)
    except ValueError as error:
        raise ValueError(f"{strange} ({error})") from None
    if tokenizer.vocabulary > run.architecture.vocabulary:
        raise ValueError(f"{strange} (vocabulary {tokenizer.vocabulary}, the model's {run.architecture.vocabulary})")
    return tokenizer


def where_we_are(out: Path, mirror: Mirror | None, settings: dict[str, Any]) -> tuple[int, int]:
    """(step, windows read) of the newest checkpoint, from the mirror where `out` has none; (0, 0) at the beginning.

    metrics.jsonl is cut to that step. ValueError where the checkpoint is damaged or another run's.
    """
    out.mkdir(parents=True, exist_ok=True)
    if not checkpoint.found(out) and mirror is not None and mirror.bring(out):
        print(f"brought {checkpoint.found(out)[-1].name} from {mirror.place}", flush=True)
    if not (saved := checkpoint.found(out)):
        truncate(out / ROWS, 0)
        return 0, 0
    state = checkpoint.state_of(saved[-1])
    require_unchanged(state["settings"], settings, saved[-1])
    truncate(out / ROWS, state["step"], state.get("metrics_sha256"))
    return state["step"], state["windows"]


def require_unchanged(then: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Raise ValueError where a checkpoint belongs to another run; world size and `MACHINE` may differ."""
    remedy = "restore it, or give another `out` (and `mirror`)"
    for part in ("architecture", "training"):
        for key, value in now[part].items():
            if key not in MACHINE and then[part].get(key) != value:
                raise ValueError(
                    f"{folder} was made with {key} = {then[part].get(key)}, run.yaml has {value}: {remedy}"
                )
    for key in ("mixture", "tokenizer"):
        if then[key] != now[key]:
            raise ValueError(f"{folder} was made with another {key}: {remedy}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m model.train run.yaml")
    try:
        main(sys.argv[1])
    except ValueError as error:
        print(f"model.train: {error}", file=sys.stderr)
        sys.exit(2)
    except (Diverged, Unreachable) as error:
        print(f"model.train: {error}", file=sys.stderr)
        sys.exit(1)
