"""Train a GPT from a run.yaml, or tune one on examples: puts the parts together. The loop itself is model/loop.py.

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
from dataclasses import replace
from pathlib import Path
from typing import Any

# Read when the libraries start. cuBLAS is deterministic only so; OpenMP's threads otherwise spin while they wait, which
# on cores shared with others costs more than half of the speed.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from model import checkpoint
from model.config import Architecture, batch_windows, snapshot_steps, stated, total_windows
from model.data import divided
from model.divergence import REWINDS, Diverged, Guard, Spike
from model.files import Unreachable, store_at
from model.gpt import GPT
from model.headed import Headed, Outputs, attach
from model.loop import Parts, learn
from model.lstm import trunk_of
from model.machine import Machine
from model.metrics import Metrics
from model.micro_batch import first_pass, micro_batch, one_pass
from model.mirror import Mirror
from model.optimiser import adamw
from model.reading import of_examples, of_mixture
from model.resume import Place, where_we_are
from model.rewind import described, steps_of, stopped
from model.run import Run, read_run
from model.sharded import fill, gathered, room_for
from model.start import begin_with, sha256_of_start


def main(path: str | Path) -> None:
    """Train what run.yaml says. ValueError where it or its inputs are wrong; Diverged; Unreachable."""
    run = read_run(path)
    machine = Machine(run.training)
    train(run, str(path), machine)
    machine.close()


def train(run: Run, path: str, machine: Machine) -> None:
    """The parts, put together."""
    a, t, out = run.architecture, run.training, run.out
    if machine.from_first(lambda: finished(out, machine)):
        machine.say(f"{out} is finished: its model.safetensors is there")
        return

    store = store_at(run.store, run.cache, run.cache_bytes)
    reading = of_mixture(run, path, store) if run.examples is None else of_examples(run, path, store)
    data, objective = reading.data, reading.objective
    total = total_windows(t, data.context)
    snapshots = frozenset(snapshot_steps(t, data.context))

    model = drawn(a, reading.head, t.seed).train()
    model.recompute = t.recompute
    forward = machine.wrap(model, Headed if run.examples is not None else None)
    optimizer = adamw(model, t)
    model.banded(a.context)
    started = sha256_of_start(run.start, machine)
    settings: dict[str, Any] = {
        "architecture": stated(a), "training": stated(t), "world": machine.world, "start": started, **reading.names,
    }  # fmt: skip
    if run.layers_transferred is not None:
        settings["layers_transferred"] = run.layers_transferred
    mirror = Mirror(run.store, run.mirror, t.keep) if run.mirror else None

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
                f"{place.windows * data.context} {data.unit}"
            )
        else:
            if before is not None:
                new = drawn(a, reading.head, t.seed)
                for weights, parameter in zip(new.parameters(), model.parameters(), strict=True):
                    fill(weights, parameter)
                optimizer.state.clear()
            if run.start is not None:
                begin_with(model, run.start, machine, t.seed, run.layers_transferred)
        optimizer.zero_grad(set_to_none=True)
        return place

    place = restore()
    if t.micro_batch is None:
        found = t.at_once if run.examples is not None else micro_batch(a, t, machine.bare(forward), machine)
        t = replace(t, micro_batch=place.micro_batch or found)
        settings["training"] = stated(t)
    if machine.world > 1:  # Machine.wrap says why; in the shape of the first update, for the compiler
        rows = max(min(batch_windows(t, data.context, place.windows * data.context), total - place.windows), 1)
        if run.examples is None:
            one_pass(forward, a, t, divided(rows, t.at_once, machine.world)[1], machine)
        else:
            first_pass(forward, data, objective, t, min(place.windows, total - rows), rows, machine)
    metrics = Metrics(out, total * data.context, a, machine, data.unit)
    parameters = sum(p.numel() for p in model.parameters())
    machine.say(f"{parameters} parameters, {total * data.context} {data.unit}, {machine.world} x {machine.device.type}")

    while True:
        guard = Guard(t, reading.uniform, place.rows)

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
            t, total, data, objective, model, forward, optimizer, machine, metrics, guard, save,
            skipped, snapshots, snapshot,
        )  # fmt: skip
        try:
            step, i = learn(parts, place.step, place.windows)
            break
        except Spike as spike:
            if t.on_spike != "rewind" or len(place.skipped) >= REWINDS:
                raise Diverged(stopped(spike, out, len(place.skipped), t.on_spike)) from None
            told = [*place.skipped, described(spike, data, t)]
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
        weights = dict(objective.finished(weights, model, machine))
        kept = [{"step": int(name[-20:-12]), "file": name, "sha256": place.snapshots[name]}
                for name in sorted(place.snapshots)]  # fmt: skip
        more = {"dtype": "bfloat16" if machine.bfloat16 else "float32", "snapshots": kept, "skipped": place.skipped}
        more |= {"start_sha256": started} if started is not None else {}
        more |= reading.about
        checkpoint.publish(
            out, model, reading.tokenizer.content, reading.fingerprint, reading.end_of_text, stated(t), more, weights
        )
    machine.say(f"finished: {out / 'model.safetensors'}")


def drawn(a: Architecture, head: Outputs | None, seed: int) -> GPT:
    """The model as it is before it learns anything, with the objective's head if it has one."""
    model = trunk_of(a).initialise(seed)
    if head is not None:
        attach(model, head, seed)
    return model


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
