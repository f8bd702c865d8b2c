"""Dropout drawn by window: not by its place in the micro-batch, nor by the rank that reads it."""

import math

import pytest
import torch
from trainings import TWO, finish, rows

from model.config import Architecture
from model.dropout import Dropout, windows
from model.gpt import GPT

DROPOUT = {"dropout": 0.2, "band": 8}


@pytest.mark.parametrize("band", [None, 3])
def test_a_window_loses_the_same_beside_any_other(band):
    a = Architecture(layers=2, width=32, heads=4, context=16, vocabulary=61, dropout=0.3, band=band)
    model = GPT(a).initialise(1).train()
    tokens = torch.randint(0, 61, (5, 16), generator=torch.Generator().manual_seed(1))
    with windows(7, 100, 5):
        together = model(tokens)
    for row in range(5):
        with windows(7, 100 + row, 1):
            torch.testing.assert_close(model(tokens[row : row + 1]), together[row : row + 1])
    with windows(7, 101, 5):
        assert not torch.allclose(model(tokens), together)  # other windows lose other things
    with windows(8, 100, 5):
        assert not torch.allclose(model(tokens), together)  # as under another seed


def test_what_is_lost_is_the_asked_share_and_the_mean_stays():
    x = torch.ones(4, 50, 200)
    first, second = Dropout(0.3, 0), Dropout(0.3, 1)
    with windows(1, 0, 4):
        y, other = first(x), second(x)
        assert torch.equal(first(x), y)  # computed again, as when activations are not kept
    assert y.unique().tolist() == [0.0, pytest.approx(1 / 0.7)]
    spread = math.sqrt(0.3 * 0.7 / 10_000)
    for row in range(4):
        assert (y[row] == 0).float().mean().item() == pytest.approx(0.3, abs=5 * spread)
    for a, b in ((y[0], y[1]), (y[0], other[0])):  # windows, and places, lose independently
        assert ((a == 0) & (b == 0)).float().mean().item() == pytest.approx(0.09, abs=5 * spread)
    second.eval()
    assert second(x) is x


def test_micro_batches_and_ranks_are_no_matter_of_dropout(run_yaml, here):
    train = {"batch": 7 * 32, "updates": 4, "validation_windows": 0}
    paths = [run_yaml(f"micro{size}", DROPOUT, {**train, "micro_batch": size}) for size in (1, 3, 50)]
    for path in paths:
        here(path)
    ranks = run_yaml("ranks", DROPOUT, {**train, "micro_batch": 2})
    code, _, err = finish(ranks, TWO)
    assert code == 0, err
    for one, *others in zip(*map(rows, (*paths, ranks)), strict=True):
        for other in others:
            assert other["loss"] == pytest.approx(one["loss"], rel=1e-5)
            assert other["grad_norm"] == pytest.approx(one["grad_norm"], rel=1e-3)
