"""The memory that `plan` tells of, against what a process grows by in two updates."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from model.config import Architecture, Training, parameters, training_memory

ROOT = Path(__file__).resolve().parents[2]
GROWS = """
import json, sys, torch
from model.config import Architecture, Training
from model.gpt import GPT
from model.optimiser import adamw

def peak():  # not ru_maxrss, which a process has from the one that started it
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

torch.set_num_threads(1)
a, t = Architecture(**json.loads(sys.argv[1])), Training(**json.loads(sys.argv[2]))
small = Architecture(**(json.loads(sys.argv[1]) | {"layers": 1, "width": 8, "heads": 1, "vocabulary": 8, "context": 8}))
for architecture, rows in ((small, 1), (a, t.micro_batch)):  # the first: what torch itself takes
    before = peak()
    model = GPT(architecture).initialise(1).train()
    optimizer = adamw(model, t)
    for _ in range(2):
        tokens = torch.randint(0, architecture.vocabulary, (rows, architecture.context + 1))
        shares = torch.full((rows, architecture.context), 1 / architecture.context)
        model(tokens[:, :-1], tokens[:, 1:], shares=shares).sum().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
print(peak() - before)
"""


@pytest.mark.parametrize(
    ("shape", "rows"),
    [
        ({"layers": 8, "width": 256, "heads": 4, "context": 1024, "vocabulary": 1000}, 4),  # activations, most of it
        ({"layers": 2, "width": 512, "heads": 8, "context": 256, "vocabulary": 20_000}, 8),  # parameters and logits
    ],
)
def test_what_a_training_holds_is_told_to_a_third(shape: dict, rows: int) -> None:
    architecture, training = Architecture(**shape), Training(updates=2, micro_batch=rows)
    command = [sys.executable, "-c", GROWS, json.dumps(asdict(architecture)), json.dumps(asdict(training))]
    grown = int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert training_memory(architecture, training, bfloat16=False) == pytest.approx(grown, rel=0.34)


def test_a_papers_model_is_as_large_as_one_knows_it() -> None:
    """1.5B parameters: 24.9 GB of weights, gradients and moments alone."""
    architecture = Architecture(layers=48, width=1600, heads=25)
    told = training_memory(architecture, Training(updates=1, micro_batch=1), bfloat16=True)
    assert 16 * parameters(architecture) == pytest.approx(24.9e9, rel=0.01) and 25e9 < told < 32e9
