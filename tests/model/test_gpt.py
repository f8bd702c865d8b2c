"""The network: attention against plain loops, causality, init, norms, learning."""

import math

import pytest
import torch

from model import attention, gpt
from model.attention import Attention, allowed, block_mask
from model.config import Architecture
from model.gpt import GPT

SHAPES = {
    "gpt1": {"norm": "post", "final_norm": False, "init": "gpt1"},
    "gpt2": {},
    "gpt3": {"band": 5},
}


def small(kind: str, **keys) -> Architecture:
    return Architecture(
        **{"layers": 2, "width": 32, "heads": 4, "context": 16, "vocabulary": 61, **SHAPES[kind], **keys}
    )


def by_loops(layer: Attention, x: torch.Tensor) -> torch.Tensor:
    B, T, C = x.shape
    H, D = layer.heads, C // layer.heads
    q, k, v = layer.qkv(x).split(C, dim=2)
    y = torch.zeros_like(x)
    for b in range(B):
        for h in range(H):
            part = slice(h * D, (h + 1) * D)
            for t in range(T):
                first = 0 if layer.band is None else max(0, t - layer.band + 1)
                scores = torch.stack([q[b, t, part] @ k[b, s, part] / math.sqrt(D) for s in range(first, t + 1)])
                y[b, t, part] = sum(p * v[b, first + n, part] for n, p in enumerate(scores.softmax(0)))
    return layer.out(y)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("band", [None, 1, 5, 16, 99])
def test_attention_is_that_of_plain_loops(band, index):
    torch.manual_seed(1)
    layer = Attention(small("gpt2", band=band), index)
    x = torch.randn(2, 16, 32)
    assert layer.band == (band if index == 1 and band in (1, 5) else None)  # layer 0 is dense; a wide band is dense
    torch.testing.assert_close(layer(x), by_loops(layer, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("band", [None, 3, 40])
def test_flex_attention_has_the_same_band(band):
    """On CPU FlexAttention's uncompiled form stands in for the CUDA kernel: the same mask function and scores."""
    from torch.nn.attention.flex_attention import flex_attention

    torch.manual_seed(1)
    q, k, v = torch.randn(3, 2, 4, 32, 16).unbind(0)
    mask = allowed(torch.arange(32)[:, None], torch.arange(32)[None, :], band)
    with torch.no_grad():
        flex = flex_attention(q, k, v, block_mask=block_mask(32, band, torch.device("cpu")))
    torch.testing.assert_close(flex, torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask))


@pytest.mark.parametrize("flex", [False, True])
def test_a_compiled_model_makes_its_masks_once(flex, monkeypatch):
    """Four banded layers: one mask, made before. `fullgraph`: a mask made within would break the graph, and raise."""
    from torch.nn.attention.flex_attention import flex_attention

    model = GPT(small("gpt3", layers=8)).initialise(1).eval()
    tokens = torch.randint(0, 61, (2, 16), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = model(tokens)
        made = []
        monkeypatch.setattr(gpt, "flexible", lambda device, p: flex)  # as if on CUDA
        monkeypatch.setattr(attention, "compiled_flex", lambda: flex_attention)
        monkeypatch.setattr(gpt, "block_mask", lambda *given: made.append(given) or block_mask(*given))
        model.banded(16)
        compiled = torch.compile(model, backend="eager", fullgraph=True)
        for _ in range(2):
            torch.testing.assert_close(compiled(tokens), expected)
    assert len(made) == flex
    assert model.banded(4) is None  # shorter than the band
    model.to(torch.float64)
    assert not model._banded  # anew, where it may have moved


@pytest.mark.parametrize("kind", SHAPES)
def test_no_position_sees_a_later_one(kind):
    model = GPT(small(kind)).initialise(1).eval()
    tokens = torch.randint(0, 61, (1, 16), generator=torch.Generator().manual_seed(1))
    other = tokens.clone()
    other[0, 9] = (other[0, 9] + 1) % 61
    a, b = model(tokens), model(other)
    assert torch.equal(a[:, :9], b[:, :9]) and not torch.allclose(a[:, 9:], b[:, 9:])


def test_a_banded_layer_forgets_what_lies_before_the_band():
    layer = Attention(small("gpt3"), 1)
    x = torch.randn(1, 16, 32)
    other = x.clone()
    other[0, 0] += 1
    changed = (layer(x) != layer(other)).any(-1)[0]
    assert changed.tolist() == [t < 5 for t in range(16)]


@pytest.mark.parametrize("kind", SHAPES)
def test_initial_weights(kind):
    a = small(kind, width=128, layers=8, vocabulary=3000, context=512)
    for name, p in GPT(a).initialise(1).named_parameters():
        if p.dim() == 1:
            assert torch.equal(p, torch.zeros_like(p) if name.endswith("bias") else torch.ones_like(p)), name
            continue
        std = 0.02
        if kind != "gpt1":
            std = {"positions.weight": 0.01}.get(
                name, 0.02 / math.sqrt(16) if name.endswith(("out.weight", "down.weight")) else 0.02
            )
        assert p.std().item() == pytest.approx(std, rel=0.03), name
        assert abs(p.mean().item()) < 0.03 * std + 4 * std / math.sqrt(p.numel()), name


def test_post_norm_normalises_each_block_and_pre_norm_the_end():
    x = torch.randn(2, 16, 32) * 7
    post, pre = GPT(small("gpt1")).initialise(1).eval(), GPT(small("gpt2")).initialise(1).eval()
    y = post.blocks[0](x)
    torch.testing.assert_close(y.std(-1, correction=0), torch.ones(2, 16), rtol=1e-3, atol=1e-3)
    assert isinstance(post.norm, torch.nn.Identity) and isinstance(pre.norm, torch.nn.LayerNorm)
    assert (pre.blocks[0](x) - x).abs().max() < 1  # the residual stream itself is not normalised
    first = post.blocks[0]
    h = first.norm1(x + first.attention(x))
    torch.testing.assert_close(y, first.norm2(h + first.mlp(h)))
    second = pre.blocks[0]
    h = x + second.attention(second.norm1(x))
    torch.testing.assert_close(second(x), h + second.mlp(second.norm2(h)))


def test_dropout_only_in_training():
    model = GPT(small("gpt1", dropout=0.5)).initialise(1)
    tokens = torch.zeros(1, 8, dtype=torch.int64)
    assert not torch.equal(model(tokens), model(tokens))
    model.eval()
    assert torch.equal(model(tokens), model(tokens))


@pytest.mark.parametrize("kind", SHAPES)
def test_each_architecture_can_learn_a_batch_by_heart(kind):
    model = GPT(small(kind)).initialise(1)
    tokens = torch.randint(0, 61, (4, 17), generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    first = model(tokens[:, :-1], tokens[:, 1:]).mean().item()
    assert first == pytest.approx(math.log(61), rel=0.1)  # knows nothing
    for _ in range(120):
        loss = model(tokens[:, :-1], tokens[:, 1:]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
