"""Activations that are computed again: the same gradients to the bit, dropout's draws among them, and less memory."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from model import dropout
from model.config import Architecture, Training, training_memory
from model.gpt import GPT

ROOT = Path(__file__).resolve().parents[2]
SHAPE = {"layers": 3, "width": 32, "heads": 4, "context": 24, "vocabulary": 61}


def gradients(a: Architecture, recompute: bool, backward_elsewhere: bool = False) -> list[torch.Tensor]:
    model = GPT(a).initialise(1).train()
    model.recompute = recompute
    tokens = torch.randint(0, 61, (4, 25), generator=torch.Generator().manual_seed(2))
    with dropout.windows(seed=7, first=40, count=4):
        loss = model(tokens[:, :-1], tokens[:, 1:], shares=torch.full((4, 24), 1 / 24)).sum()
        if backward_elsewhere:  # as CUDA does: a thread with a context of its own
            thread = threading.Thread(target=loss.backward)
            thread.start()
            thread.join()
        else:
            loss.backward()
    return [p.grad for p in model.parameters()]


@pytest.mark.parametrize(
    "kind", [{}, {"dropout": 0.2}, {"norm": "post", "final_norm": False, "dropout": 0.1}, {"band": 8}]
)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_same_gradients_to_the_bit(kind: dict, elsewhere: bool) -> None:
    a = Architecture(**SHAPE, **kind)
    for held, again in zip(gradients(a, False), gradients(a, True, elsewhere), strict=True):
        assert torch.equal(held, again)


PEAK = """
import json, sys, torch
from model.config import Architecture
from model.gpt import GPT

def peak():  # not ru_maxrss, which a process has from the one that started it
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

torch.set_num_threads(1)
a = Architecture(**json.loads(sys.argv[1]))
small = Architecture(layers=1, width=8, heads=1, context=8, vocabulary=61)
for architecture, rows in ((small, 1), (a, 8)):  # the first: what torch itself takes
    model = GPT(architecture).initialise(1).train()
    model.recompute = sys.argv[2] == "True"
    before = peak()
    tokens = torch.randint(0, 61, (rows, architecture.context + 1))
    shares = torch.full((rows, architecture.context), 1 / architecture.context)
    model(tokens[:, :-1], tokens[:, 1:], shares=shares).sum().backward()
print(peak() - before)
"""


def test_it_holds_less() -> None:
    shape = SHAPE | {"layers": 12, "width": 128, "context": 512}
    grown = []
    for recompute in ("False", "True"):
        command = [sys.executable, "-c", PEAK, json.dumps(shape), recompute]
        # glibc keeps what is freed below a threshold that it raises itself; so what was held is what counts.
        environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        grown.append(int(done.stdout))
    assert grown[1] < grown[0] / 2
    told = [
        training_memory(Architecture(**shape), Training(updates=1, micro_batch=8, recompute=recompute), bfloat16=False)
        for recompute in (False, True)
    ]
    assert told[1] < told[0] / 2
