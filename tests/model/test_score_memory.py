"""Losses are made of a chunk of positions at a time: the same answers, and a bound on memory."""

import json
import subprocess
import sys

import pytest
import torch

from model import heads
from model.config import Architecture
from model.gpt import GPT


@pytest.fixture
def model() -> GPT:
    model = GPT(Architecture(layers=2, width=32, heads=4, context=24, vocabulary=61)).initialise(1).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(4)
    model.end_of_text = 0
    return model


@pytest.mark.parametrize("positions", [1, 5, 1000])
def test_chunks_change_nothing(model, monkeypatch, positions):
    draw = torch.Generator().manual_seed(1)
    tokens = torch.randint(0, 61, (5, 25), generator=draw)
    whole = model(tokens[:, :-1], tokens[:, 1:])  # with gradients: at once
    assert whole.requires_grad
    monkeypatch.setattr(heads, "CHUNK_BYTES", positions * 4 * 61)
    with torch.no_grad():
        torch.testing.assert_close(model(tokens[:, :-1], tokens[:, 1:]), whole.detach())


def test_a_model_trained_in_bfloat16_is_asked_in_it(model):
    tokens = torch.randint(0, 61, (2, 25), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        exact = model(tokens[:, :-1], tokens[:, 1:])
        model.arithmetic = torch.bfloat16
        rounded = model(tokens[:, :-1], tokens[:, 1:])
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact) and (rounded - exact).abs().mean() < 0.1


MEASURE = """
import json, torch
from model.config import Architecture
from model.gpt import GPT
torch.set_num_threads(1)
def most():  # not ru_maxrss, which comes down from the process that started this one
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024
model = GPT(Architecture(layers=1, width=16, heads=1, context=256, vocabulary=50257)).initialise(1).eval()
model.end_of_text = 0
tokens = torch.randint(0, 50257, (16, 257), generator=torch.Generator().manual_seed(1))
before = most()
with torch.inference_mode():
    model(tokens[:, :-1], tokens[:, 1:])
print(json.dumps(most() - before))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads VmHWM, Linux's")
def test_sixteen_rows_over_fifty_thousand_tokens_take_little():
    """Their logits alone are .82 GB. A chunk's, and their logarithms, are 134 MB; libraries take room of their own."""
    found = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) < 300e6
