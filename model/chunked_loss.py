"""The training's loss and its gradients, logits made and forgotten in chunks: never the whole (B T, V) at once.

What is learned from is a weighted sum of losses, so that each chunk's logits give its part of both gradients at once
and are not needed again (as Liger Kernel's fused linear cross-entropy, Hsu et al. 2024, section 3.2, does):

    p = softmax(x W') - onehot(target);    dx = share * p W;    dW = sum of chunks, share * p' x

Products are in autocast's arithmetic, what they add up to is in float32: logits, losses, dW over all chunks. The plain
twin is heads.token_losses(heads.tied(...)); under bfloat16 it rounds logits and dW to bfloat16, which this does not.

On CUDA the vocabulary is filled up to a multiple of 64 rows (50,257 to 50,304), as its matrix units want them; logits
of rows that do not exist are -inf, so that they have no probability and no gradient. No parameter has such rows.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from model.config import CHUNK_BYTES

ROWS = 64  # what the vocabulary is filled up to on CUDA: 128 bytes of bfloat16 (NVIDIA's guide to matrix products)


def weighted_losses(
    hidden: Tensor,
    embedding: Tensor,
    targets: Tensor,
    shares: Tensor,
    chunk_bytes: int | None = None,
    rows: int | None = None,
) -> Tensor:
    """hidden (B, T, C), embedding (V, C), targets (B, T) int64, shares (B, T) float32 -> (B,) float32:
    the sum over a row's positions of share times cross-entropy, in nats.

    `chunk_bytes` of float32 logits at a time (None: as the device has it, model/config.py); the vocabulary filled up to
    a multiple of `rows` (None: ROWS on CUDA, 1 elsewhere). Cheapest where the losses are summed and nothing else: where
    they weigh differently in what is learned from, all is computed again in the backward pass.
    """
    return _weighted_losses(hidden, embedding, targets, shares, chunk_bytes, rows)  # type: ignore[no-any-return]


@torch.compiler.disable  # type: ignore[untyped-decorator]  # else dynamo writes the chunks out, one after another
def _weighted_losses(
    hidden: Tensor, embedding: Tensor, targets: Tensor, shares: Tensor, chunk_bytes: int | None, rows: int | None
) -> Any:
    device = hidden.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else torch.float32
    chunk_bytes = chunk_bytes or CHUNK_BYTES[device]
    with torch.autocast(device, enabled=False):
        return _Losses.apply(  # type: ignore[no-untyped-call]
            hidden, embedding, targets, shares, dtype, chunk_bytes, rows or (ROWS if hidden.is_cuda else 1)
        )


class _Losses(torch.autograd.Function):
    """Both gradients are computed with the losses, for as long as these are summed."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, embedding: Tensor, targets: Tensor, shares: Tensor, *how: Any) -> Tensor:
        losses, by_hidden, by_embedding = _all_chunks(hidden, embedding, targets, shares, *how)
        ctx.save_for_backward(hidden, embedding, targets, shares, by_hidden, by_embedding)
        ctx.how = how
        return losses

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients  # (B,)
        hidden, embedding, targets, shares, by_hidden, by_embedding = ctx.saved_tensors
        # One number for all rows, as a sum gives it; on the CPU it costs nothing to look.
        if gradient.stride() == (0,) or len(gradient) == 1 or (not gradient.is_cuda and _all_equal(gradient)):
            by_hidden, by_embedding = by_hidden * gradient[0], by_embedding * gradient[0]
        else:
            weighted = shares * gradient[:, None]
            _, by_hidden, by_embedding = _all_chunks(hidden, embedding, targets, weighted, *ctx.how)
        return by_hidden, by_embedding, *(None,) * (2 + len(ctx.how))


def _all_equal(gradient: Tensor) -> bool:
    return bool((gradient == gradient[0]).all())


def _all_chunks(
    hidden: Tensor, embedding: Tensor, targets: Tensor, shares: Tensor, dtype: torch.dtype, chunk_bytes: int, rows: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Losses (B,), and the gradients of their sum by hidden (B, T, C) and by embedding (V, C), in float32."""
    V, C = embedding.shape
    filled = -(-V // rows) * rows
    weight = embedding.new_zeros(filled, C, dtype=dtype) if filled > V or dtype != embedding.dtype else embedding
    if weight is not embedding:
        weight[:V].copy_(embedding)
    x, wanted = hidden.flatten(0, 1), targets.flatten()
    # Shares go with x, whose rounding must not show: where all that are not 0 are equal, they are 1 and 0 there.
    largest = shares.abs().max().clamp(min=torch.finfo(torch.float32).tiny)
    share = (shares / largest).flatten()[:, None]
    losses = x.new_empty(len(x), dtype=torch.float32)
    by_x = x.new_empty(x.shape, dtype=torch.float32)
    by_weight = x.new_zeros(filled, C, dtype=torch.float32)
    positions = -(-len(x) // -(-len(x) * filled * 4 // chunk_bytes))  # of a chunk: all of one size, but for the last
    softmax = _compiled_softmax() if x.is_cuda else _softmax
    for start in range(0, len(x), positions):
        chunk = slice(start, start + positions)
        operand = x[chunk].to(dtype)
        losses[chunk], p = softmax(_product(operand, weight.t()), wanted[chunk], V)
        p = p.to(dtype)
        by_x[chunk] = _product(p, weight)
        operand = operand * share[chunk].to(dtype)
        if dtype == torch.float32:
            by_weight.addmm_(p.t(), operand)
        else:
            by_weight += _product(p.t(), operand)
    by_x *= share * largest
    by_weight *= largest
    return (losses.view_as(targets) * shares).sum(1), by_x.view_as(hidden), by_weight[:V]


def _softmax(logits: Tensor, targets: Tensor, V: int) -> tuple[Tensor, Tensor]:
    """logits (n, V and more), targets (n,) -> cross-entropies (n,), and their gradients by the logits. In place."""
    logits[:, V:] = -torch.inf
    logarithms = logits.log_softmax(1)
    at = targets[:, None]
    losses = -logarithms.gather(1, at)[:, 0]
    p = logarithms.exp_()
    p.scatter_(1, at, p.gather(1, at) - 1)
    return losses, p


@lru_cache(maxsize=1)
def _compiled_softmax() -> Callable[..., tuple[Tensor, Tensor]]:
    return torch.compile(_softmax)


def _product(left: Tensor, right: Tensor) -> Tensor:
    """Matrix product summed up, and given, in float32."""
    if left.dtype == torch.float32:
        return left @ right
    if left.is_cuda:
        return torch.mm(left, right, out_dtype=torch.float32)  # type: ignore[no-any-return, call-overload]
    return left.float() @ right.float()  # CPUs have no such product
