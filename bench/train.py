"""Our training step beside a nanoGPT-shaped one, on the same machine, in the same run; the ratio is what counts.

    python bench/train.py [--rounds 4] [--updates 12]

The baseline has nanoGPT's published shape (github.com/karpathy/nanoGPT, model.py and train.py), written anew: blocks
of c_attn / c_proj with F.scaled_dot_product_attention, GELU, tied weights, mean cross-entropy; windows at random places
of a memory-mapped uint16 file; gradient accumulation, clipping, fused AdamW in two groups. Ours is model.train itself,
loader, losses a group and determinism included. Same architecture (GPT-2's, dense), tokens an update,
micro-batch, threads, float32. Each is a process of its own, since ours sets its allocator; the two take turns, a table
is printed, and bench/results/train.json written. CPU time is of all threads: neighbours on the machine trouble it less.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # for both; see model/train.py

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from model import train
from model.metrics import Metrics

L, C, H, T, V = 4, 128, 4, 256, 4096  # the demo's size
BATCH, MICRO = 8, 4  # windows


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_attn, self.c_proj = nn.Linear(C, 3 * C), nn.Linear(C, C)

    def forward(self, x):
        b, t, _ = x.size()
        q, k, v = (y.view(b, t, H, C // H).transpose(1, 2) for y in self.c_attn(x).split(C, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(b, t, C))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.attn, self.ln_2 = nn.LayerNorm(C), Attention(), nn.LayerNorm(C)
        self.c_fc, self.c_proj = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.c_proj(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))


class Baseline(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(V, C), nn.Embedding(T, C)
        self.h, self.ln_f = nn.ModuleList(Block() for _ in range(L)), nn.LayerNorm(C)
        self.lm_head = nn.Linear(C, V, bias=False)
        self.wte.weight = self.lm_head.weight
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, 0.0, 0.02 / (2 * L) ** 0.5 if name.endswith("c_proj.weight") else 0.02)

    def forward(self, idx, targets):
        x = self.wte(idx) + self.wpe(torch.arange(idx.size(1)))
        for block in self.h:
            x = block(x)
        logits = self.lm_head(self.ln_f(x))
        return F.cross_entropy(logits.view(-1, V), targets.view(-1), ignore_index=-1)


def clocks() -> tuple[float, float]:
    """Seconds: of the wall, and of this process on its cores."""
    return time.monotonic(), time.process_time()


def baseline(file: Path, updates: int, threads: int) -> list[tuple[float, float]]:
    """The clocks after each update."""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model = Baseline()
    matrices, vectors = ([p for p in model.parameters() if (p.dim() >= 2) == two] for two in (True, False))
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=6e-4, betas=(0.9, 0.95), fused=True)
    read = []
    for _ in range(updates):
        for _ in range(BATCH // MICRO):
            data = np.memmap(file, dtype=np.uint16, mode="r")
            ix = torch.randint(len(data) - T, (MICRO,))
            x = torch.stack([torch.from_numpy(data[i : i + T].astype(np.int64)) for i in ix])
            y = torch.stack([torch.from_numpy(data[i + 1 : i + 1 + T].astype(np.int64)) for i in ix])
            (model(x, y) / (BATCH // MICRO)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        read.append(clocks())
    return read


def ours(store: Path, out: Path, updates: int, threads: int) -> list[tuple[float, float]]:
    """The clocks after each update, read where model.train has written its row."""
    read, write = [], Metrics.write

    def written(self, *given):
        write(self, *given)
        read.append(clocks())

    Metrics.write = written
    run = {
        "out": str(out), "store": str(store), "mixture": str(store / "mixture.json"),
        "tokenizer": str(store / "tokenizer.json"),
        "model": {"layers": L, "width": C, "heads": H, "context": T, "vocabulary": V},
        "train": {"updates": updates, "batch": BATCH * T, "micro_batch": MICRO, "learning_rate": 6e-4,
                  "threads": threads, "device": "cpu", "checkpoint_every": 10**6, "validate_every": 10**6,
                  "validation_windows": 0},
    }  # fmt: skip
    path = out.with_suffix(".yaml")
    path.write_text(yaml.safe_dump(run))
    train.main(path)
    return read


def corpus(store: Path) -> Path:
    """A million random tokens: the arithmetic does not look at them."""
    from tokenizers import Tokenizer, models

    folder = store / "tokens"
    folder.mkdir()
    np.random.default_rng(1).integers(0, V, 1_000_000).astype("<u2").tofile(folder / "00000.train.bin")
    (folder / "00000.validation.bin").touch()
    shard = {"key": "00000", "train": 1_000_000, "validation": 0}
    about = {"dtype": "uint16", "end_of_text": 0, "tokenizer": "none"}
    (folder / "tokens.json").write_text(json.dumps({**about, "vocabulary": V, "shards": [shard]}))
    group = {"group": "random", "weight": 1.0, "sources": [{"source": "random", "folder": "tokens"}]}
    (store / "mixture.json").write_text(json.dumps({**about, "groups": [group]}))
    library = Tokenizer(models.WordLevel({"<|endoftext|>": 0}))
    library.add_special_tokens(["<|endoftext|>"])
    library.save(str(store / "tokenizer.json"))
    return folder / "00000.train.bin"


def measured(name: str, store: Path, out: Path, given: argparse.Namespace) -> list[tuple[float, float]]:
    """Seconds (wall, CPU) of each update but the first two, which warm up, in a process of its own."""
    command = [sys.executable, __file__, "--step", name, "--store", str(store), "--out", str(out),
               "--updates", str(given.updates), "--threads", str(given.threads)]  # fmt: skip
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
    read = json.loads(told)[1:]
    return [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(read)]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    arguments.add_argument("--rounds", type=int, default=4)
    arguments.add_argument("--updates", type=int, default=12)
    arguments.add_argument("--threads", type=int, default=2)
    for inner in ("--step", "--store", "--out"):
        arguments.add_argument(inner, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.step:
        store = Path(given.store)
        if given.step == "ours":
            read = ours(store, Path(given.out), given.updates, given.threads)
        else:
            read = baseline(store / "tokens" / "00000.train.bin", given.updates, given.threads)
        print(json.dumps(read))
        return
    times: dict[str, list[tuple[float, float]]] = {"nanoGPT-shaped": [], "ours": []}
    with tempfile.TemporaryDirectory() as scratch:
        corpus(Path(scratch))
        for n in range(given.rounds):
            for name in times:
                times[name] += measured(name, Path(scratch), Path(scratch) / f"out{n}", given)
    median = {name: [statistics.median(clock) for clock in zip(*read, strict=True)] for name, read in times.items()}
    ratio = [median["nanoGPT-shaped"][clock] / median["ours"][clock] for clock in (0, 1)]
    print(f"\n{'step':<16}{'median s':>10}{'CPU s':>10}{'tokens/s':>10}{'updates':>9}")
    for name, (wall, cpu) in median.items():
        print(f"{name:<16}{wall:>10.4f}{cpu:>10.4f}{BATCH * T / wall:>10.0f}{len(times[name]):>9}")
    print(f"ours is {ratio[0]:.2f} x the baseline's speed, {ratio[1]:.2f} x by CPU time "
          f"({given.threads} threads, {platform.machine()}, float32)")  # fmt: skip
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    report = {"ratio": ratio[0], "ratio_of_cpu_time": ratio[1], "median_seconds": median, "tokens_an_update": BATCH * T,
              "threads": given.threads, "torch": torch.__version__, "seconds": times}  # fmt: skip
    (results / "train.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
