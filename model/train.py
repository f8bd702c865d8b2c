"""Train a GPT from a run.yaml: puts the parts together. The loop itself is model/loop.py.

    python -m model.train run.yaml                                            one process
    torchrun --nproc-per-node 8 -m model.train run.yaml                       one machine
    torchrun --nnodes 4 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint HOST:29400 -m model.train run.yaml

What run.yaml holds: model/run.py. What is written into its `out`:

    metrics.jsonl        what was learned, a row an update: the same bytes after any number of kills
    run.metrics.jsonl    how fast
    checkpoints/         the same command resumes from the newest that is whole (model/resume.py)
    snapshots/           weights along the way, where `snapshots` asks for them
    tokenizer.json, model.json, model.safetensors    at the end

Exit: 0 finished (model.safetensors is there), or stopped by SIGTERM after a checkpoint (it is not; torchrun, sent the
signal, passes it on and itself exits 1); 1 the training diverged (model/divergence.py), or the store could not be
reached: the last good checkpoint is kept; 2 run.yaml or its inputs are wrong.
"""

import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

# Read when the libraries start. cuBLAS is deterministic only so; OpenMP's threads otherwise spin while they wait, which
# on cores shared with others costs more than half of the speed.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from model import checkpoint
from model.config import batch_windows, snapshot_steps, total_windows
from model.data import divided
from model.divergence import REWINDS, Diverged, Guard, Spike
from model.files import Bucket, Folder, Unreachable, read_given, store_at
from model.gpt import GPT
from model.loop import Parts, learn
from model.machine import Machine
from model.metrics import Metrics
from model.micro_batch import micro_batch, one_pass
from model.mirror import Mirror
from model.objectives import LM
from model.optimiser import adamw
from model.resume import Place, where_we_are
from model.rewind import described, steps_of, stopped
from model.run import Run, read_run
from model.sharded import fill, gathered, room_for
from model.start import begin_with, sha256_of_start
from model.tokenizer import Tokenizer, require_same
from model.windows import Windows


def main(path: str | Path) -> None:
    """Train what run.yaml says. ValueError where it or its inputs are wrong; Diverged; Unreachable."""
    run = read_run(path)
    machine = Machine(run.training)
    pretrain(run, str(path), machine)
    machine.close()


def pretrain(run: Run, path: str, machine: Machine) -> None:
    """`lm` on windows of a mixture: the parts, put together."""
    a, t, out = run.architecture, run.training, run.out
    if machine.from_first(lambda: finished(out, machine)):
        machine.say(f"{out} is finished: its model.safetensors is there")
        return

    store = store_at(run.store, run.cache, run.cache_bytes)
    windows = Windows(run.mixture, store, a.context, a.vocabulary, t.seed)
    tokenizer = tokenizer_of(run, path, store, windows)
    total = total_windows(t, a.context)
    snapshots = frozenset(snapshot_steps(t, a.context))

    model = GPT(a).initialise(t.seed).train()
    model.recompute = t.recompute
    forward = machine.wrap(model)
    optimizer = adamw(model, t)
    model.banded(a.context)
    started = sha256_of_start(run.start, machine)
    settings = {
        "architecture": asdict(a), "training": asdict(t), "world": machine.world,
        "mixture": windows.mixture_sha256, "tokenizer": windows.tokenizer, "start": started,
    }  # fmt: skip
    mirror = Mirror(run.store, run.mirror, t.keep) if run.mirror else None
    objective = LM([group.name for group in windows.groups], windows.validation)

    def restore(before: int | None = None) -> Place:
        """Weights and moments of the newest checkpoint (rank 0 reads it, and gives it to the others), or new ones."""
        place = Place(**machine.from_first(lambda: where_we_are(out, mirror, settings, machine.say, before)))
        if place.folder is not None:
            made = place.step - sum(place.step >= step for spike in place.skipped for step in steps_of(spike))
            checkpoint.make_room(made, model, optimizer)
            learned = checkpoint.tensors(model, optimizer)
            room = room_for(learned) if machine.rank == 0 else {}
            if machine.rank == 0:
                checkpoint.load(Path(place.folder), room)
            machine.copy_first(room, learned)
            machine.say(
                f"resuming from {Path(place.folder).name} in {out}: step {place.step}, "
                f"{place.windows * a.context} tokens"
            )
        else:
            if before is not None:
                for new, parameter in zip(GPT(a).initialise(t.seed).parameters(), model.parameters(), strict=True):
                    fill(new, parameter)
                optimizer.state.clear()
            if run.start is not None:
                begin_with(model, run.start, machine, t.seed)
        optimizer.zero_grad(set_to_none=True)
        return place

    place = restore()
    if t.micro_batch is None:
        t = replace(t, micro_batch=place.micro_batch or micro_batch(a, t, machine.bare(forward), machine))
        settings["training"] = asdict(t)
    if machine.world > 1:  # Machine.wrap says why; in the shape of the first update, for the compiler
        rows = min(batch_windows(t, a.context, place.windows * a.context), total - place.windows)
        one_pass(forward, a, t, divided(max(rows, 1), t.at_once, machine.world)[1], machine)
    metrics = Metrics(out, total * a.context, a, machine)
    parameters = sum(p.numel() for p in model.parameters())
    machine.say(f"{parameters} parameters, {total * a.context} tokens, {machine.world} x {machine.device.type}")

    while True:
        guard = Guard(t, a.vocabulary, place.rows)

        def save(step: int, i: int, place: Place = place, guard: Guard = guard) -> None:
            learned = gathered(checkpoint.tensors(model, optimizer))
            if machine.rank == 0:
                state = {
                    "step": step, "windows": i, "settings": settings, "metrics_sha256": metrics.sync(),
                    "skipped": place.skipped, "snapshots": place.snapshots,
                }  # fmt: skip
                folder = checkpoint.save(out, state, learned, t.keep, guard.above_since)
                if mirror is not None:
                    mirror.push(folder, metrics.path)
            machine.wait()

        def snapshot(step: int, place: Place = place) -> None:
            weights = gathered(dict(model.named_parameters()))
            if machine.rank == 0:
                name, sha256 = checkpoint.snapshot(out, step, weights)
                place.snapshots[name] = sha256

        skipped = frozenset(step for spike in place.skipped for step in steps_of(spike))
        parts = Parts(
            t, total, windows, objective, model, forward, optimizer, machine, metrics, guard, save,
            skipped, snapshots, snapshot,
        )  # fmt: skip
        try:
            step, i = learn(parts, place.step, place.windows)
            break
        except Spike as spike:
            if t.on_spike != "rewind" or len(place.skipped) >= REWINDS:
                raise Diverged(stopped(spike, out, len(place.skipped), t.on_spike)) from None
            told = [*place.skipped, described(spike, windows, t)]
            machine.say(f"{spike}; going back to before step {spike.first}, to pass over steps to {spike.last}")
            place = restore(spike.first)
            place.skipped = told
            metrics.begin()
    if i < total:
        machine.say(f"stopped by SIGTERM after step {step}: unfinished, checkpoint written; the same command resumes")
        return
    save(step, i)
    weights = gathered(dict(model.named_parameters()))
    if machine.rank == 0:
        kept = [{"step": int(name[-20:-12]), "file": name, "sha256": place.snapshots[name]}
                for name in sorted(place.snapshots)]  # fmt: skip
        more = {"dtype": "bfloat16" if machine.bfloat16 else "float32", "snapshots": kept, "skipped": place.skipped}
        more |= {"start_sha256": started} if started is not None else {}
        checkpoint.publish(
            out, model, tokenizer.content, windows.tokenizer, windows.end_of_text, asdict(t), more, weights
        )
    machine.say(f"finished: {out / 'model.safetensors'}")


def finished(out: Path, machine: Machine) -> bool:
    """Whether the model is there, as it was written; a damaged one is told, and made again from the last checkpoint."""
    if not (out / "model.safetensors").exists():
        return False
    try:
        checkpoint.about_of(out)
    except checkpoint.Damaged as error:
        machine.say(f"{error}; making it again from the last checkpoint")
        (out / "model.safetensors").unlink()
        return False
    return True


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
    sys.stdout.flush()
    os._exit(
        0
    )  # every file is closed; to take torch's 2,000 modules down costs a second of a core, asked to stop or not
