"""An update divided into even parts, and the largest part that the memory holds."""

import json
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.config import Architecture, Training
from model.data import divided, micro_batches
from model.gpt import GPT
from model.micro_batch import largest, memory_holds, micro_batch


class Rows:
    def read(self, start, stop):
        return {"tokens": np.arange(start, stop)[:, None].repeat(3, 1)}, np.zeros(stop - start, np.int64)


def parts(start: int, stop: int, size: int, rank: int = 0, world: int = 1, compiled: bool = False):
    machine = SimpleNamespace(rank=rank, world=world, compiled=compiled, cuda=False)
    return list(micro_batches(Rows(), start, stop, size, machine))


@given(st.integers(0, 50), st.integers(1, 60), st.integers(1, 20), st.integers(1, 5), st.booleans())
def test_every_row_once_in_as_few_and_as_even_parts_as_can_be(start, rows, size, world, compiled):
    read, passes = [], set()
    for rank in range(world):
        batches = parts(start, start + rows, size, rank, world, compiled)
        weighed = [int(batch.weight.sum()) for batch in batches]
        for batch, weight in zip(batches, weighed, strict=True):
            tokens = batch.streams["tokens"][:, 0].tolist()
            assert tokens[: batch.rows] == list(range(batch.first, batch.first + batch.rows))
            assert start <= batch.first and batch.first + batch.rows <= start + rows and batch.rows == max(1, weight)
            assert len(tokens) == len(batch.groups) == len(batch.weight) <= size
            read += tokens[:weight]
        mine = rows * (rank + 1) // world - rows * rank // world
        assert sum(weighed) == mine
        assert max(weighed) - min(weighed) <= 1 and weighed == sorted(weighed, reverse=True)
        assert [batch.last for batch in batches] == [False] * (len(batches) - 1) + [True]
        passes |= {len(batches)}
        if compiled:  # one shape, for which no more than a row a part, and a rank, is wasted
            (shape,) = {len(batch.weight) for batch in batches}
            assert shape * len(batches) - mine <= len(batches)
    most = -(-rows // world)
    assert passes == {-(-most // size)} == {divided(rows, size, world)[0]}  # all ranks meet in each
    assert read == list(range(start, start + rows))


def test_a_short_last_part_is_no_more() -> None:
    """Of 10 rows at most 8 at a time there were 8 and 2, compiled 8 and 8, six of which were padding."""
    for compiled in (False, True):
        assert [len(batch.weight) for batch in parts(0, 10, 8, compiled=compiled)] == [5, 5]


@pytest.mark.parametrize(
    ("share", "holds", "tried"),
    [(512, 64, [64]), (512, 20, [64, 32, 16]), (61, 61, [61]), (61, 33, [61, 32]), (3, 1, [3, 2, 1])],
)
def test_the_first_that_fits_is_taken(share, holds, tried):
    asked = []

    def fits(windows):
        asked.append(windows)
        return windows <= holds

    assert largest(share, fits) == tried[-1] and asked == tried


def test_not_one_window_fits() -> None:
    with pytest.raises(ValueError, match="not even one window fits"):
        largest(8, lambda windows: False)


def test_out_of_memory_is_an_answer_and_another_error_is_none() -> None:
    def attempt(windows):
        if windows > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        if windows > 2:
            raise RuntimeError("something else")

    assert memory_holds(attempt, 1) and not memory_holds(attempt, 8)
    with pytest.raises(RuntimeError, match="something else"):
        memory_holds(attempt, 3)


def test_on_cpu_nothing_is_tried() -> None:
    a, machine = Architecture(layers=1, width=8, heads=1, context=8, vocabulary=9), SimpleNamespace(cuda=False)
    assert micro_batch(a, Training(updates=1), GPT(a), machine) == 8
    assert micro_batch(a, Training(updates=1, micro_batch=3), GPT(a), machine) == 3


def test_what_is_tried_is_a_whole_pass(monkeypatch) -> None:
    """Forward and backward of so many full windows beside the moments, until one holds; no gradient is left."""
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    a = Architecture(layers=1, width=8, heads=1, context=8, vocabulary=9, dropout=0.1)
    machine = SimpleNamespace(
        cuda=True, sharded=False, world=2, device=torch.device("cpu"), autocast=nullcontext, all=lambda held: held
    )
    model = GPT(a).train()
    tried = []

    def forward(tokens, targets, shares):
        tried.append(tuple(tokens.shape))
        if len(tokens) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return GPT.forward(model, tokens, targets, shares=shares)

    monkeypatch.setattr(model, "forward", forward)
    assert micro_batch(a, Training(updates=1, batch=8 * 28), model, machine) == 4
    assert tried == [(14, 8), (7, 8), (4, 8)] and all(p.grad is None for p in model.parameters())


def test_what_was_found_stays_when_a_training_goes_on(run_yaml, here) -> None:
    path = run_yaml(train={"updates": 2, "micro_batch": 3})
    here(path)
    (path.parent / "out/model.safetensors").unlink()
    here(run_yaml(train={"updates": 2, "micro_batch": None}))
    assert json.loads((path.parent / "out/model.json").read_text())["training"]["micro_batch"] == 3
