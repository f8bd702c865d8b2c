"""Dropout drawn by window: what a window loses depends on the seed, its number and the place in the network alone.

So neither the size of the micro-batch nor the number of ranks changes what is learned, but in the last bits of sums; a
pass that is computed again draws what it drew. Each draw has a seed of its own: the hash of (seed, window), plus the
place's number. `windows` says which windows a batch holds; outside of it dropout is torch's own.

The same device kind draws the same: the CPU's generator is not CUDA's. Attention's dropout happens inside of SDPA,
which draws by a row's place in the batch, so that it is called a window at a time. Measured on CPU (the demo's shape
with dropout .1, 8 windows): .49 s of CPU time a step instead of .48. Compiled, the graph breaks at each draw.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SEEDS: ContextVar[tuple[int, ...] | None] = ContextVar("seeds of the batch's windows", default=None)
_LENGTHS: ContextVar[tuple[int, ...] | None] = ContextVar("tokens of the batch's sequences; None: all", default=None)


@contextmanager
def windows(seed: int, first: int, count: int) -> Iterator[None]:
    """Within, a batch's rows are the windows first ... first + count - 1 of the training."""
    token = _SEEDS.set(tuple(seed_of(seed, window) for window in range(first, first + count)))
    try:
        yield
    finally:
        _SEEDS.reset(token)


@contextmanager
def sequences(rows: Sequence[tuple[int, int]], lengths: Sequence[int]) -> Iterator[None]:
    """Within, a batch's rows are sequences of examples: (the example's place in the batch, which of its sequences), of
    so many tokens, filled up behind. To be entered within `windows`, whose windows are the examples. What a sequence
    loses does not depend on what it is filled up to; outside of `windows` nothing is changed.
    """
    seeds = _SEEDS.get()
    if seeds is None:
        yield
        return
    chosen = tuple(seed_of(seeds[min(example, len(seeds) - 1)], which) for example, which in rows)
    before, lengths_before = _SEEDS.set(chosen), _LENGTHS.set(tuple(lengths))
    try:
        yield
    finally:
        _SEEDS.reset(before)
        _LENGTHS.reset(lengths_before)


def seed_of(seed: int, window: int) -> int:
    """Dropout's seed for a window, below 2^56: places are added to it."""
    return int.from_bytes(blake2b(f"dropout {seed} {window}".encode(), digest_size=7).digest(), "little")


class Dropout(nn.Module):
    """As nn.Dropout; `place` is its number in the network."""

    def __init__(self, p: float, place: int) -> None:
        super().__init__()
        self.p, self.place = p, place

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) -> the same shape."""
        if not self.training or not self.p:
            return x
        y: Tensor = _drop(x, self.p, self.place)
        return y


def mask(shape: tuple[int, ...], p: float, place: int, device: torch.device) -> Tensor:
    """What dropout at rate p multiplies with, 0 or 1 / (1 - p), (B, ...): a row by the batch's window."""
    kept: Tensor = _drop(torch.ones(shape, device=device), p, place)
    return kept


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, p: float, place: int) -> Tensor:
    """SDPA of (B, H, T, D) whose weights are lost at rate p; causal where there is no mask."""
    if p:
        y: Tensor = _attend(q, k, v, mask, p, place)
        return y
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)


@torch.compiler.disable  # type: ignore[untyped-decorator]
def _drop(x: Tensor, p: float, place: int) -> Any:
    if _SEEDS.get() is None:
        return F.dropout(x, p)
    kept, draw = torch.empty_like(x), torch.Generator(x.device)
    for row, seed in zip(kept, _seeds(len(x)), strict=True):
        draw.manual_seed(seed + place)
        row.bernoulli_(1 - p, generator=draw)
    return x * kept.div_(1 - p)


@torch.compiler.disable  # type: ignore[untyped-decorator]
def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, p: float, place: int) -> Any:
    causal = mask is None
    if _SEEDS.get() is None:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p, is_causal=causal)
    rows, T, lengths = [], q.shape[2], _LENGTHS.get()
    for row, seed in enumerate(_seeds(len(q))):
        torch.manual_seed(seed + place)
        # Of a sequence that is filled up its own tokens alone: what is drawn goes by the shape.
        length = T if lengths is None else lengths[row]
        one = slice(row, row + 1), slice(None), slice(length)
        of = None if mask is None else mask[..., :length, :length]
        attended = F.scaled_dot_product_attention(q[one], k[one], v[one], attn_mask=of, dropout_p=p, is_causal=causal)
        rows.append(F.pad(attended, (0, 0, 0, T - length)) if length < T else attended)
    return torch.cat(rows)


def _seeds(rows: int) -> tuple[int, ...]:
    """Of a batch's rows; those that only fill its shape lose what the first one loses."""
    seeds = _SEEDS.get()
    assert seeds is not None and len(seeds) <= rows
    return seeds + seeds[:1] * (rows - len(seeds))
