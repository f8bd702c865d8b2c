"""The loss in chunks beside its plain twin: equal losses and gradients, whatever chunks, shares and filling."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from model import heads
from model.chunked_loss import weighted_losses
from model.config import Architecture, Training
from model.gpt import GPT
from model.optimiser import adamw

BF16 = torch.bfloat16


def plain(hidden: Tensor, embedding: Tensor, targets: Tensor, shares: Tensor) -> Tensor:
    return (heads.token_losses(heads.tied(hidden, embedding), targets) * shares).sum(1)


def drawn(seed: int, B: int, T: int, C: int, V: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    hidden, embedding = torch.randn(B, T, C, generator=draw), torch.randn(V, C, generator=draw)
    shares = torch.rand(B, T, generator=draw) * (torch.rand(B, T, generator=draw) < 0.8)
    return (hidden.requires_grad_(), embedding.requires_grad_(),
            torch.randint(0, V, (B, T), generator=draw), shares)  # fmt: skip


def gradients(losses: Tensor, weights: Tensor | None, *of: Tensor) -> tuple[Tensor, ...]:
    """Of the sum; with weights, of a sum in which rows weigh differently."""
    return torch.autograd.grad(losses.sum() if weights is None else (losses * weights).sum(), of)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**20), B=st.integers(1, 4), T=st.integers(1, 9), C=st.integers(1, 16), V=st.integers(1, 70),
    positions=st.integers(1, 40), rows=st.sampled_from([1, 7, 64]), apart=st.booleans(),
)  # fmt: skip
def test_losses_and_gradients_are_the_plain_ones(seed, B, T, C, V, positions, rows, apart):
    hidden, embedding, targets, shares = drawn(seed, B, T, C, V)
    weights = torch.linspace(-1, 2, B) if apart else None
    expected = plain(hidden, embedding, targets, shares)
    losses = weighted_losses(hidden, embedding, targets, shares, chunk_bytes=4 * V * positions, rows=rows)
    torch.testing.assert_close(losses, expected, rtol=1e-5, atol=1e-5)
    for one, other in zip(
        gradients(losses, weights, hidden, embedding), gradients(expected, weights, hidden, embedding), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_vocabulary_filled_up_gives_the_same() -> None:
    """GPT-2's 50,257 rows and the 50,304 of CUDA: no row that does not exist has probability, or a gradient."""
    hidden, embedding, targets, shares = drawn(1, 2, 3, 4, 50_257)
    with torch.no_grad():
        embedding -= 3 * hidden.flatten(0, 1).mean(0)  # logits mostly below 0: a row of zeros would be likely
    as_it_is, filled = (weighted_losses(hidden, embedding, targets, shares, rows=rows) for rows in (1, 64))
    torch.testing.assert_close(filled, as_it_is)
    for one, other in zip(
        gradients(filled, None, hidden, embedding), gradients(as_it_is, None, hidden, embedding), strict=True
    ):
        assert one.shape == other.shape
        torch.testing.assert_close(one, other)


def test_bfloat16_products_are_added_up_in_float32() -> None:
    """Operands rounded to bfloat16, sums not: as near to exact as that allows, and nearer than autocast's own."""
    hidden, embedding, targets, _ = drawn(3, 4, 256, 32, 100)
    shares = torch.full((4, 256), 1 / 256)
    rounded = [operand.detach().to(BF16).double().requires_grad_() for operand in (hidden, embedding)]
    logits = heads.tied(*rounded)
    exact = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    exact_gradients = gradients(exact.view(4, 256) / 256, None, *rounded)
    with torch.autocast("cpu", BF16):
        ours = weighted_losses(hidden, embedding, targets, shares, chunk_bytes=4 * 100 * 64)
        autocast = plain(hidden, embedding, targets, shares)
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours.double(), (exact.view(4, 256) / 256).sum(1), rtol=1e-5, atol=0)
    for one, other, true in zip(gradients(ours, None, hidden, embedding), gradients(autocast, None, hidden, embedding),
                                exact_gradients, strict=True):  # fmt: skip
        far, autocasts = ((made.double() - true).norm() / true.norm() for made in (one, other))
        assert far < 2**-8 and far < autocasts


def test_no_more_than_a_chunk_of_logits_is_made() -> None:
    """Of 4,096 positions over 1,000 tokens 64 at a time: no tensor as large as all logits."""
    hidden, embedding, targets, shares = drawn(1, 4, 1024, 8, 1000)
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            made = function(*args, **(kwargs or {}))
            sizes = [one.numel() for one in torch.utils._pytree.tree_leaves(made) if isinstance(one, Tensor)]
            largest = max(largest, *sizes, 0)
            return made

    with Watch():
        weighted_losses(hidden, embedding, targets, shares, chunk_bytes=64 * 4 * 1000).sum().backward()
    assert largest == 64 * 1000


@pytest.mark.parametrize(("arithmetic", "apart"), [(torch.float32, 1e-5), (BF16, 0.02)])
def test_200_updates_learn_the_same(arithmetic: torch.dtype, apart: float) -> None:
    """A noisy cycle of 61 tokens, learned with the loss in 7 chunks of the vocabulary filled up, and with the twin."""
    a = Architecture(layers=2, width=32, heads=2, context=16, vocabulary=61)
    t = Training(updates=200, learning_rate=3e-3)
    draw = np.random.default_rng(1)
    curves = []
    noise = draw.random((200, 4, 17)) < 0.1
    batches = (np.arange(17) + draw.integers(0, 61, (200, 4, 1)) + noise) % 61
    for chunked in (True, False):
        model = GPT(a).initialise(1).train()
        optimizer = adamw(model, t)
        curve = []
        for tokens in torch.from_numpy(batches):
            with torch.autocast("cpu", BF16, enabled=arithmetic == BF16):
                if chunked:
                    hidden, shares = model.hidden(tokens[:, :-1]), torch.full((4, 16), 1 / 16)
                    embedding = model.tokens.weight
                    losses = weighted_losses(hidden, embedding, tokens[:, 1:], shares, 10 * 4 * 64, rows=64)
                else:
                    losses = model(tokens[:, :-1], tokens[:, 1:]).mean(1)
            loss = losses.mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            curve.append(loss.item())
        curves.append(np.array(curve))
    chunks, twin = curves
    assert twin[-50:].mean() < 1 < 4 < twin[0]  # of ln 61 = 4.1 nats: it has learned the cycle
    np.testing.assert_allclose(chunks, twin, rtol=apart)
    assert chunks[-50:].mean() == pytest.approx(twin[-50:].mean(), rel=apart / 10)
