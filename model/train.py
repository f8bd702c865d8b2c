"""Train a GPT from a run.yaml: one linear script.

    python -m model.train run.yaml                                            one process
    torchrun --nproc-per-node 8 -m model.train run.yaml                       one machine
    torchrun --nnodes 4 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint HOST:29400 -m model.train run.yaml

What run.yaml holds: model/run.py. What is written into its `out`:

    metrics.jsonl        what was learned, a row an update: the same bytes after any number of kills
    run.metrics.jsonl    how fast
    checkpoints/         the same command resumes from the newest
    tokenizer.json, model.json, model.safetensors    at the end

Exit: 0 finished (model.safetensors is there), or stopped by SIGTERM after a checkpoint (it is not; torchrun, sent the
signal, passes it on and itself exits 1); 1 the loss or the gradient was not finite, the last checkpoint is kept; 2
run.yaml or its inputs are wrong.
"""

import gc
import json
import os
import resource
import signal
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

# Read when the libraries start. cuBLAS is deterministic only so; OpenMP's threads otherwise spin while they wait, which
# on cores shared with others costs more than half of the speed.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from model import checkpoint
from model.config import Training, batch_windows, flops_per_token, learning_rate, total_windows
from model.gpt import GPT
from model.run import read_run
from model.tokenizer import Tokenizer, require_same
from model.windows import Windows

# Dense bfloat16 peaks in FLOP/s, as their makers print them; MFU is null on other devices.
PEAK = {"H100 PCIe": 756e12, "H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12}
# Keys that may change between a checkpoint and its resumption: they do not change what is learned but in the last bits.
MACHINE = {"checkpoint_every", "keep", "device", "compile", "threads", "micro_batch"}


class Diverged(RuntimeError):
    """The loss or the gradient is not finite."""


def main(path: str | Path) -> None:
    run = read_run(path)
    a, t, out = run.architecture, run.training, run.out
    if (out / "model.safetensors").exists():
        print(f"{out} is finished: its model.safetensors is there", flush=True)
        return

    # ---- ranks, device, arithmetic
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    cuda = t.device == "cuda" or (t.device == "auto" and torch.cuda.is_available())
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
        torch.set_float32_matmul_precision("high")  # TF32
    torch.set_num_threads(t.threads)
    torch.use_deterministic_algorithms(True, warn_only=cuda)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # slow, for debugging
    if world > 1:
        dist.init_process_group("nccl" if cuda else "gloo")
    bfloat16 = t.dtype == "bfloat16" or (t.dtype == "auto" and cuda)
    compiled = cuda if t.compile is None else t.compile
    stop_asked = False

    def ask_to_stop(number: int, frame: Any) -> None:
        nonlocal stop_asked
        stop_asked = True

    signal.signal(signal.SIGTERM, ask_to_stop)

    def say(text: str) -> None:
        if rank == 0:
            print(text, flush=True)

    # ---- data
    windows = Windows(run.mixture, run.store, a.context, a.vocabulary, t.seed)
    tokenizer = Tokenizer(run.tokenizer)
    require_same(run.tokenizer_fingerprint, windows.tokenizer, str(path), str(run.mixture))
    if tokenizer.end_of_text != windows.end_of_text or tokenizer.vocabulary > a.vocabulary:
        raise ValueError(
            f"{run.tokenizer} (vocabulary {tokenizer.vocabulary}, end of text {tokenizer.end_of_text}) is not the "
            f"tokenizer of {run.mixture} (end of text {windows.end_of_text}), or exceeds the model's vocabulary "
            f"of {a.vocabulary}: give the one that made the tokens"
        )
    names = [group.name for group in windows.groups]
    total = total_windows(t, a.context)

    # ---- model and optimiser
    model = GPT(a).initialise(t.seed).to(device).train()
    matrices = [p for p in model.parameters() if p.dim() >= 2]  # embeddings too; biases and gains do not decay
    vectors = [p for p in model.parameters() if p.dim() < 2]
    parts = [{"params": matrices, "weight_decay": t.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(parts, lr=t.learning_rate, betas=(t.beta1, t.beta2), eps=t.epsilon, fused=True)
    forward: torch.nn.Module = torch.compile(model) if compiled else model  # type: ignore[assignment]
    if world > 1:
        # find_unused_parameters keeps the first buckets for good. Else they are rebuilt after the first update, and a
        # resumed run would sum its gradients in another order than the unbroken one.
        forward = DistributedDataParallel(
            forward,
            device_ids=[device.index] if cuda else None,
            find_unused_parameters=True,
            gradient_as_bucket_view=True,
        )
    autocast = torch.autocast(device.type, torch.bfloat16) if bfloat16 else nullcontext()

    # ---- where we are: `step` updates made, `i` windows read
    settings = {
        "architecture": asdict(a), "training": asdict(t), "world": world,
        "mixture": sha256(run.mixture.read_bytes()).hexdigest(), "tokenizer": windows.tokenizer,
    }  # fmt: skip
    step, i = 0, 0
    out.mkdir(parents=True, exist_ok=True)
    if saved := checkpoint.found(out):
        state = checkpoint.state_of(saved[-1])
        require_unchanged(state["settings"], settings, saved[-1])
        step, i = state["step"], state["windows"]
        checkpoint.load(saved[-1], step, model, optimizer)
        say(f"resuming from {saved[-1]}: step {step}, {i * a.context} tokens")
    if rank == 0:
        truncate(out / "metrics.jsonl", step)
    metrics = (out / "metrics.jsonl").open("a") if rank == 0 else None
    timings = (out / "run.metrics.jsonl").open("a") if rank == 0 else None

    def save() -> None:
        if rank == 0:
            assert metrics is not None
            metrics.flush()
            os.fsync(metrics.fileno())  # before the checkpoint: it must never be ahead of its metrics
            checkpoint.save(out, {"step": step, "windows": i, "settings": settings}, model, optimizer, t.keep)
        if world > 1:
            dist.barrier()

    def fetch(start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Windows start ... stop - 1 on the device: (B, context + 1), (B,)."""
        tokens, groups = (torch.from_numpy(array) for array in windows.read(start, stop))
        if cuda:
            tokens, groups = (x.pin_memory().to(device, non_blocking=True) for x in (tokens, groups))
        return tokens, groups

    say(f"{sum(p.numel() for p in model.parameters())} parameters, {total * a.context} tokens, {world} x {device.type}")
    flops, said = flops_per_token(a), time.monotonic()
    peak = next(
        (flop_s for name, flop_s in PEAK.items() if cuda and bfloat16 and name in torch.cuda.get_device_name()), None
    )

    # ---- the loop
    while i < total:
        began = time.monotonic()
        size = min(batch_windows(t, a.context, i * a.context), total - i)  # windows in this update, over all ranks
        rate = learning_rate(t, (i + size) * a.context if t.tokens is not None else step + 1)
        for part in optimizer.param_groups:
            part["lr"] = rate

        # This rank's share is windows first ... last - 1, in micro-batches. A rank without a share goes through one
        # window at weight 0, since all ranks must meet in the all-reduce.
        first, last = i + size * rank // world, i + size * (rank + 1) // world
        weight = 1.0 if last > first else 0.0
        last = max(last, first + 1)
        sums = torch.zeros(2 * len(names) + 1, dtype=torch.float64, device=device)  # losses and windows a group; stop
        starts = range(first, last, t.micro_batch)
        tokens, groups = fetch(first, min(first + t.micro_batch, last))
        for start in starts:
            rows = len(tokens)
            real = torch.full((rows,), weight, device=device)
            if compiled and rows < t.micro_batch:  # one shape for the compiler: padded with rows of weight 0
                pad = t.micro_batch - rows
                tokens, groups = tokens[[*range(rows), *[0] * pad]], groups[[*range(rows), *[0] * pad]]
                real = torch.cat([real, real.new_zeros(pad)])
            if a.dropout:
                torch.manual_seed(dropout_seed(t.seed, start))
            last_one = world == 1 or start == starts[-1]  # whose backward all-reduces the gradients
            with nullcontext() if last_one else forward.no_sync():  # type: ignore[operator]
                with autocast:
                    losses = forward(tokens[:, :-1], tokens[:, 1:]).mean(1) * real  # (B,)
                sums[: len(names)].index_add_(0, groups, losses.detach().double())
                sums[len(names) : -1].index_add_(0, groups, real.double())
                if start != starts[-1]:  # read ahead, while the device computes
                    tokens, groups = fetch(start + t.micro_batch, min(start + 2 * t.micro_batch, last))
                (losses.sum() * (world / size)).backward()  # DDP divides by world
        sums[-1] = float(stop_asked)
        if world > 1:
            dist.all_reduce(sums)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), t.clip if t.clip is not None else float("inf")).item()
        nll, count, stop = sums[: len(names)].tolist(), sums[len(names) : -1].tolist(), bool(sums[-1])
        loss = sum(nll) / size
        if not (abs(loss) < float("inf") and abs(norm) < float("inf")):
            kept = checkpoint.found(out)
            raise Diverged(
                f"step {step + 1}: loss {loss}, gradient norm {norm} are not finite; stopped before the update. "
                + (f"The last good checkpoint is {kept[-1]}" if kept else "There was no checkpoint yet")
                + ": lower the learning rate or lengthen the warm-up."
            )
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step, i = step + 1, i + size
        seconds = time.monotonic() - began  # the loss was read: the device has come this far

        row: dict[str, Any] = {"step": step, "tokens": i * a.context, "loss": loss}
        row |= {f"loss_{name}": s / n if n else None for name, s, n in zip(names, nll, count, strict=True)}
        row |= {"lr": rate, "grad_norm": norm}
        if step % t.validate_every == 0 or i >= total:
            row |= {
                f"validation_{source}": x
                for source, x in validate(model, windows, t, rank, world, device, autocast).items()
            }
        if metrics is not None and timings is not None:
            metrics.write(json.dumps({k: round_(v) for k, v in row.items()}) + "\n")
            metrics.flush()
            speed = size * a.context / seconds
            memory = (
                torch.cuda.max_memory_allocated() if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            )
            mfu = round_(speed * flops / (peak * world)) if peak else None
            timings.write(json.dumps({"step": step, "tokens_per_second": round_(speed), "mfu": mfu, "memory": memory, "seconds": round_(seconds)}) + "\n")  # fmt: skip # noqa: E501
            timings.flush()
            if time.monotonic() - said > 5 or i >= total:
                said = time.monotonic()
                say(
                    f"step {step}  tokens {i * a.context} of {total * a.context}  loss {loss:.4f}  {speed:.0f} tokens/s"
                )

        if i < total and (stop or step % t.checkpoint_every == 0):
            save()
        if i < total and stop:
            say(f"stopped by SIGTERM after step {step}: unfinished, checkpoint written; the same command resumes")
            break
    else:
        save()
        if rank == 0:
            checkpoint.publish(out, model, run.tokenizer, windows.tokenizer, windows.end_of_text, asdict(t))
        say(f"finished: {out / 'model.safetensors'}")
    if world > 1:
        dist.barrier()
        # DDP's reducer must not be the last to hold the process group: it then waits, holding Python's lock, for a gloo
        # thread that waits for that lock (torch 2.13; one run in three hung here).
        del forward
        gc.collect()
        dist.destroy_process_group()


@torch.no_grad()
def validate(
    model: GPT, windows: Windows, t: Training, rank: int, world: int, device: torch.device, autocast: Any
) -> dict[str, float]:
    """Mean loss (nats a token) of each source's first validation windows; sources without any are left out."""
    model.eval()
    sums = torch.zeros(len(windows.validation), 2, dtype=torch.float64)
    for row, source in enumerate(windows.validation):
        share = list(windows.held_out(source, t.validation_windows))[rank::world]
        while share:
            batch = [
                window for window in share[: t.micro_batch] if len(window) == len(share[0])
            ]  # only the last is shorter
            share = share[len(batch) :]
            tokens = torch.from_numpy(np.stack(batch)).to(device)  # (B, up to context + 1)
            with autocast:
                losses = model(tokens[:, :-1], tokens[:, 1:])  # (B, T)
            sums[row] += torch.tensor([losses.double().sum().item(), losses.numel()])
    model.train()
    if world > 1:
        sums = sums.to(device)
        dist.all_reduce(sums)
    return {source: nll / n for source, (nll, n) in zip(windows.validation, sums.tolist(), strict=True) if n}


def dropout_seed(seed: int, window: int) -> int:
    """Dropout is counter-based: a resumed run draws what the unbroken one drew."""
    return int.from_bytes(blake2b(f"dropout {seed} {window}".encode(), digest_size=7).digest(), "little")


def round_(value: Any) -> Any:
    """Floats to eight significant digits."""
    return float(f"{value:.8g}") if isinstance(value, float) else value


def truncate(path: Path, step: int) -> None:
    """Drop the rows after `step` (of a run that was killed later than its last checkpoint), and a half-written one."""
    if not path.exists():
        return
    lines = path.read_bytes().splitlines(keepends=True)[:step]  # row n is step n
    if len(lines) < step:
        raise ValueError(
            f"{path} has {len(lines)} rows, the checkpoint is at step {step}: put back the one that was there"
        )
    path.write_bytes(b"".join(lines))


def require_unchanged(then: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Raise ValueError where a checkpoint belongs to another run; world size and `MACHINE` may differ."""
    remedy = "restore it, or give another `out`"
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
    except Diverged as error:
        print(f"model.train: {error}", file=sys.stderr)
        sys.exit(1)
