"""The LSTM of GPT-1's ablation: its size, that it learns as a trunk does, and what it does not do."""

import os
import signal
from typing import Any

import pytest
import torch
from trainings import finish, rows, start, wait_for_rows

from model.config import Architecture, flops_per_token, parameters, stated, without_embeddings
from model.hf import class_of
from model.look import attention
from model.lstm import LSTM, trunk_of
from model.score import load, window_losses

TINY = {"layers": 3, "width": 32, "heads": 2, "context": 32, "vocabulary": 257, "trunk": "lstm"}


def test_its_size() -> None:
    """Three layers have the parameters of two blocks, within a hundredth."""
    a = Architecture(**TINY)
    assert sum(p.numel() for p in trunk_of(a).parameters()) == parameters(a)
    wide = {"width": 128, "heads": 4, "vocabulary": 1000}
    cells, blocks = (Architecture(**wide, layers=n, trunk=trunk) for n, trunk in ((6, "lstm"), (4, "transformer")))
    assert without_embeddings(cells) == pytest.approx(without_embeddings(blocks), rel=0.01)
    assert flops_per_token(cells) == 6 * (6 * 8 * 128 * 128 + 1000 * 128)
    assert "trunk" in stated(cells) and "trunk" not in stated(blocks)


def test_a_later_token_changes_no_earlier_state() -> None:
    model = trunk_of(Architecture(**TINY)).initialise(1).eval()
    tokens = torch.randint(257, (2, 12), generator=torch.Generator().manual_seed(1))
    changed = tokens.clone()
    changed[:, 7:] = 3
    states, others = model.hidden(tokens), model.hidden(changed)
    assert torch.equal(states[:, :7], others[:, :7]) and not torch.equal(states[:, 7:], others[:, 7:])
    forget = dict(model.named_parameters())["blocks.0.bias_ih_l0"][32:64]
    assert isinstance(model, LSTM) and (forget == 1).all()


def test_it_learns_resumes_and_is_read(run_yaml: Any, here: Any) -> None:
    model, train = {**TINY, "dropout": 0.1}, {"updates": 30}
    broken, whole = (run_yaml(name, model, train) for name in ("broken", "whole"))
    process = start(broken)
    wait_for_rows(broken, 6, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    code, out, err = finish(broken)
    assert code == 0 and "resuming from" in out, err
    here(whole)
    for name in ("metrics.jsonl", "model.safetensors", "model.json"):
        assert (broken.parent / "out" / name).read_bytes() == (whole.parent / "out" / name).read_bytes(), name
    assert rows(whole)[-1]["loss"] < rows(whole)[0]["loss"] - 0.3
    trained, _, _ = load(whole.parent / "out")
    (one, _), (other, _) = window_losses(trained, [list(range(20)), list(range(30, 63))])
    assert 0 < one < other
    with pytest.raises(ValueError, match="does not generate"):
        trained.caches(1)
    with pytest.raises(ValueError, match="nothing to look at"):
        attention(trained, [1, 2])
    with pytest.raises(ValueError, match="no class of transformers"):
        class_of(trained.architecture)
