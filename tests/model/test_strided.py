"""Windows that overlap: each token once, with the context that is promised; losses by hand and of plain windows."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.config import Architecture
from model.gpt import GPT
from model.score import window_losses
from model.strided import Span, span_losses, spans

TINY = Architecture(layers=2, width=32, heads=2, context=16, vocabulary=50)


@pytest.fixture(scope="module")
def gpt() -> GPT:
    model = GPT(TINY).initialise(1).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)  # far from uniform
    return model


def text(length: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 50, length).astype(np.int32)


@given(st.integers(0, 200), st.integers(1, 20), st.data())
def test_each_token_is_predicted_once_behind_enough_others(tokens: int, context: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, context))
    predicted = []
    for number, span in enumerate(spans(tokens, context, stride)):
        assert span.start == number * stride and 1 <= span.stop - span.start <= context and span.scored >= 1
        here = range(span.stop + 1 - span.scored, span.stop + 1)
        assert number == 0 or here[0] - span.start >= context - stride + 1
        predicted += here
    assert predicted == list(range(1, tokens))


def test_a_stride_that_cannot_be() -> None:
    for stride in (0, 17):
        with pytest.raises(ValueError, match=f"a stride of {stride}: it must be 1 to 16"):
            list(spans(100, 16, stride))


def test_a_stride_of_the_context_is_plain_windows(gpt: GPT) -> None:
    tokens = text(16 * 5 + 4)
    plain = window_losses(gpt, [tokens[at : at + 17] for at in range(0, len(tokens) - 1, 16)])
    found = span_losses(gpt, tokens, list(spans(len(tokens), 16, 16)))
    assert [count for _, count in found] == [count for _, count in plain] == [16] * 5 + [3]
    assert [nats for nats, _ in found] == pytest.approx([nats for nats, _ in plain], abs=1e-4)


@pytest.mark.parametrize("stride", [1, 5, 16])
def test_by_hand_and_whatever_the_batch(gpt: GPT, stride: int) -> None:
    """Token by token: the log of the softmax after what its window has before it."""
    tokens = text(45)
    windows = list(spans(45, 16, stride))
    expected = []
    for span in windows:
        with torch.no_grad():
            logits = gpt(torch.tensor(tokens[span.start : span.stop][None], dtype=torch.int64))[0].double()
        laws = logits.log_softmax(-1)
        places = range(span.stop - span.start - span.scored, span.stop - span.start)
        expected.append(-sum(float(laws[place, tokens[span.start + place + 1]]) for place in places))
    for rows in (1, 3, 16):
        found = span_losses(gpt, tokens, windows, rows)
        assert [nats for nats, _ in found] == pytest.approx(expected, abs=2e-4)
        assert sum(count for _, count in found) == 44
    assert sum(expected) > 44 * math.log(50) * 0.9


def test_a_window_longer_than_the_context_is_refused(gpt: GPT) -> None:
    with pytest.raises(ValueError, match="a window of 17 tokens: the model reads 16"):
        span_losses(gpt, text(20), [Span(0, 17, 17)])
