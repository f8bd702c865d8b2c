"""Scoring projects the positions that count, a chunk at a time: the same answers, and a bound on memory."""

import json
import subprocess
import sys

import pytest
import torch

from model import heads, score
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
    pairs = [(tokens[n, :k].tolist(), tokens[n, k : k + 3 + n].tolist()) for n, k in enumerate((0, 1, 7, 2, 20))]
    monkeypatch.setattr(heads, "CHUNK_BYTES", positions * 4 * 61)
    with torch.no_grad():
        torch.testing.assert_close(model(tokens[:, :-1], tokens[:, 1:]), whole.detach())
    for (context, continuation), (total, count, greedy) in zip(
        pairs, score.log_likelihoods(model, pairs, 3), strict=True
    ):
        line = torch.tensor([[*(context or [0]), *continuation][-25:]])
        with torch.enable_grad():
            p = model(line[:, :-1]).log_softmax(-1)[0, -len(continuation) :]
        assert count == len(continuation)
        assert total == pytest.approx(p.gather(1, line[0, -count:, None]).sum().item(), rel=1e-5)
        assert greedy == bool((p.argmax(-1) == line[0, -count:]).all())


def test_a_greedy_continuation_is_told(model, monkeypatch):
    monkeypatch.setattr(heads, "CHUNK_BYTES", 2 * 4 * 61)
    context = [3, 1, 4]
    with torch.no_grad():
        for _ in range(5):
            context.append(int(model(torch.tensor([context]))[0, -1].argmax()))
    (found,) = score.log_likelihoods(model, [(context[:3], context[3:])])
    other = [*context[3:5], (context[5] + 1) % 61, *context[6:]]
    assert found[2] and not score.log_likelihoods(model, [(context[:3], other)])[0][2]


def test_a_model_trained_in_bfloat16_is_asked_in_it(model):
    tokens = torch.randint(0, 61, (2, 25), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        exact = model(tokens[:, :-1], tokens[:, 1:])
        model.arithmetic = torch.bfloat16
        rounded = model(tokens[:, :-1], tokens[:, 1:])
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact) and (rounded - exact).abs().mean() < 0.1


MEASURE = """
import json, resource, sys, torch
from model import score
from model.config import Architecture
from model.gpt import GPT
torch.set_num_threads(1)
model = GPT(Architecture(layers=1, width=16, heads=1, context=256, vocabulary=50257)).initialise(1).eval()
model.end_of_text = 0
tokens = torch.randint(0, 50257, (16, 257), generator=torch.Generator().manual_seed(1))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if sys.argv[1] == "likelihoods":
    score.log_likelihoods(model, [(row[:200].tolist(), row[200:].tolist()) for row in tokens])
else:
    with torch.inference_mode():
        model(tokens[:, :-1], tokens[:, 1:])
print(json.dumps((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024))
"""


@pytest.mark.parametrize("what", ["likelihoods", "losses"])
def test_sixteen_rows_over_fifty_thousand_tokens_take_little(what):
    """Their logits alone are .82 GB. A chunk's, and their logarithms, are 134 MB; libraries take room of their own."""
    found = subprocess.run([sys.executable, "-c", MEASURE, what], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout) < 300e6
