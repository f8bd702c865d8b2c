"""Causal self-attention: dense, or locally banded (GPT-3's alternating layers, after the Sparse Transformer).

Position t attends to positions max(0, t - band + 1) ... t; dense is the band of the whole context.
One definition, `allowed`, and two ways to compute it: SDPA with a mask (CPU; the reference), and FlexAttention on CUDA,
which skips the blocks of the score matrix that lie outside of the band. A window's mask is made once, by GPT, and given
to all layers: in a compiled graph a cache of functions is not looked at, and each would make it again.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from model.config import Architecture, banded
from model.dropout import attend

Held = tuple[Tensor, Tensor]  # keys, values: (B, H, context, D) each, filled up to the current position


class Elsewhere(Protocol):
    """Keys and values of a layer that are held in another way: not of rows that all stand at one position."""

    def attend(self, q: Tensor, k: Tensor, v: Tensor, band: int | None) -> Tensor:
        """Queries, and the keys and values that came with them, (B, H, T, D) each -> what they find, (B, H, T, D)."""
        ...


Cache = Held | Elsewhere


def allowed(query: Tensor, key: Tensor, band: int | None) -> Tensor:
    """Whether position `query` may attend to position `key` (broadcast; bool)."""
    causal = key <= query
    return causal if band is None else causal & (query - key < band)


@lru_cache(maxsize=64)
def mask(first: int, T: int, keys: int, band: int | None, device: torch.device) -> Tensor:
    """(T, keys) bool for the queries at first ... first + T - 1."""
    query = torch.arange(first, first + T, device=device)[:, None]  # (T, 1)
    key = torch.arange(keys, device=device)[None, :]  # (1, keys)
    return allowed(query, key, band)


def block_mask(T: int, band: int | None, device: torch.device) -> BlockMask:
    """The same band, as FlexAttention wants it: block by block."""

    def inside(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return allowed(query, key, band)

    return create_block_mask(inside, None, None, T, T, device=str(device))


def flexible(device: torch.device, p: float) -> bool:
    """Whether a banded layer with dropout p is FlexAttention's, which knows none."""
    return device.type == "cuda" and p == 0.0


@lru_cache(maxsize=1)
def compiled_flex() -> Callable[..., Tensor]:
    return torch.compile(flex_attention)  # uncompiled, it forms the whole score matrix


class Attention(nn.Module):
    """Multi-head causal self-attention of one layer (Vaswani et al., 2017, section 3.2), banded where config says."""

    def __init__(self, a: Architecture, layer: int) -> None:
        super().__init__()
        self.heads, self.dropout, self.place = a.heads, a.dropout, 3 * layer + 1
        self.band = a.band if banded(a, layer) and a.band is not None and a.band < a.context else None
        self.qkv = nn.Linear(a.width, 3 * a.width)
        self.out = nn.Linear(a.width, a.width)

    def forward(
        self, x: Tensor, cache: Cache | None = None, start: int = 0, banded: Tensor | BlockMask | None = None
    ) -> Tensor:
        """x: (B, T, C), the positions start ... start + T - 1 (which only a `Held` cache asks for) -> (B, T, C).
        `banded`: the band over windows of T."""
        B, T, C = x.shape
        D = C // self.heads
        q, k, v = self.qkv(x).view(B, T, 3, self.heads, D).permute(2, 0, 3, 1, 4)  # (B, H, T, D) each
        p = self.dropout if self.training else 0.0
        if cache is not None and not isinstance(cache, tuple):
            y = cache.attend(q, k, v, self.band)
        elif cache is not None:
            keys, values = cache
            keys[:B, :, start : start + T], values[:B, :, start : start + T] = k, v
            k, v = keys[:B, :, : start + T], values[:B, :, : start + T]  # (B, H, start + T, D)
            if T == 1 and self.band is not None:  # one query: the band is a slice, not a mask
                k, v = k[:, :, -self.band :], v[:, :, -self.band :]
            whole = T == 1  # the last position sees all that is left
            m = None if whole or (start == 0 and self.band is None) else mask(start, T, start + T, self.band, x.device)
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=m, is_causal=m is None and not whole)
        elif self.band is None or self.band >= T:
            y = attend(q, k, v, None, p, self.place)
        elif isinstance(banded, BlockMask):
            y = compiled_flex()(q, k, v, block_mask=banded)
        else:
            y = attend(q, k, v, mask(0, T, T, self.band, x.device) if banded is None else banded, p, self.place)
        out: Tensor = self.out(y.transpose(1, 2).reshape(B, T, C))
        return out
