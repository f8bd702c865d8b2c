"""GPT-1, GPT-2 and GPT-3: one transformer, whose differences are keys of `Architecture`.

    post-norm (GPT-1):     x = LN(x + Attention(x));   x = LN(x + MLP(x))       nothing at the end
    pre-norm  (GPT-2, 3):  x = x + Attention(LN(x));   x = x + MLP(LN(x))       LN at the end

Positions are learned, the output matrix is the embedding's, the activation is GELU in its tanh form, LayerNorm's
epsilon is 1e-5, and all linear layers have biases, as in the released code of GPT-1 and GPT-2.
"""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention.flex_attention import BlockMask
from torch.utils.checkpoint import checkpoint

from model import heads
from model.attention import Attention, Cache, Held, block_mask, flexible, mask
from model.chunked_loss import weighted_losses
from model.config import Architecture
from model.dropout import Dropout

MASKS = 16  # lengths whose masks are kept: texts to be scored have many, a training one or two


def _plainly(block: nn.Module, *given: Any) -> Any:
    return block(*given)


class MLP(nn.Module):
    """Each position by itself, through four times the width."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        self.up = nn.Linear(a.width, 4 * a.width)
        self.down = nn.Linear(4 * a.width, a.width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        y: Tensor = self.down(F.gelu(self.up(x), approximate="tanh"))
        return y


class Block(nn.Module):
    """Attention and MLP on the residual stream, each with its LayerNorm before or after."""

    def __init__(self, a: Architecture, layer: int) -> None:
        super().__init__()
        self.post = a.norm == "post"
        self.norm1 = nn.LayerNorm(a.width)
        self.attention = Attention(a, layer)
        self.norm2 = nn.LayerNorm(a.width)
        self.mlp = MLP(a)
        self.dropout1 = Dropout(a.dropout, 3 * layer + 2)
        self.dropout2 = Dropout(a.dropout, 3 * layer + 3)

    def forward(
        self, x: Tensor, cache: Cache | None = None, start: int = 0, banded: Tensor | BlockMask | None = None
    ) -> Tensor:
        """x: (B, T, C), the positions start ... start + T - 1 -> (B, T, C). `banded`: as of Attention."""
        if self.post:
            x = self.norm1(x + self.dropout1(self.attention(x, cache, start, banded)))
            x = self.norm2(x + self.dropout2(self.mlp(x)))
        else:
            x = x + self.dropout1(self.attention(self.norm1(x), cache, start, banded))
            x = x + self.dropout2(self.mlp(self.norm2(x)))
        return x


class GPT(nn.Module):
    """A trunk (`hidden`) under the tied head: `forward` gives logits, or with targets the loss of each position."""

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        self.architecture = a
        self.end_of_text: int | None = None  # the tokenizer's, set by score.load; not a weight
        self.recompute = (
            False  # a layer's activations in the backward pass, instead of holding them; set for a training
        )
        self.arithmetic = torch.float32  # what its products were computed in when it was trained; likewise
        self._banded: dict[tuple[int, bool], Tensor | BlockMask] = {}  # by length, and whether FlexAttention's
        self.tokens = nn.Embedding(a.vocabulary, a.width)
        self.positions = nn.Embedding(a.context, a.width)
        self.dropout = Dropout(a.dropout, 0)  # a layer's three places follow: 3 layer + 1 is its attention's
        self.blocks = nn.ModuleList(Block(a, layer) for layer in range(a.layers))
        self.norm = nn.LayerNorm(a.width) if a.final_norm else nn.Identity()
        self.head: nn.Linear | None = None  # an objective's own, beside the tied one: model/headed.py puts it there

    @torch.no_grad()
    def initialise(self, seed: int) -> "GPT":
        """N(0, .02) for matrices, 0 for biases, 1 for gains; GPT-2's refinements by `init`. Drawn on the CPU."""
        a, draw = self.architecture, torch.Generator().manual_seed(seed)
        for name, parameter in self.named_parameters():
            std = 0.02
            if a.init == "gpt2":
                if name == "positions.weight":
                    std = 0.01
                elif name.endswith(("attention.out.weight", "mlp.down.weight")):
                    std = 0.02 / math.sqrt(2 * a.layers)  # 2 layers sums on the residual stream
            if parameter.dim() == 2:
                parameter.copy_(torch.empty(parameter.shape).normal_(0.0, std, generator=draw))
            elif name.endswith("bias"):
                parameter.zero_()
            else:
                parameter.fill_(1.0)
        return self

    def hidden(
        self, tokens: Tensor, caches: Sequence[Cache] | None = None, start: int = 0, places: Tensor | None = None
    ) -> Tensor:
        """tokens: (B, T) int64, at positions start ... start + T - 1 -> the last block's states (B, T, C), normed.

        `places`: (B, T), the position of each, where caches of another kind (attention.Elsewhere) let them differ.
        """
        T = tokens.shape[1]
        at = self.positions.weight[start : start + T] if places is None else self.positions(places)
        x: Tensor = self.tokens(tokens) + at  # (B, T, C)
        x = self.dropout(x)
        banded = self.banded(T) if caches is None else None
        for layer, block in enumerate(self.blocks):
            if self.recompute and torch.is_grad_enabled():
                # In the forward pass's own context: CUDA computes gradients in a thread that knows nothing of windows.
                run: Any = copy_context().run if self.architecture.dropout else _plainly
                x = checkpoint(run, block, x, None, 0, banded, use_reentrant=False)
            else:
                x = block(x, caches[layer] if caches is not None else None, start, banded)
        x = self.norm(x)
        return x

    def banded(self, T: int) -> Tensor | BlockMask | None:
        """The mask of banded layers over windows of T positions, made when first asked for; None where none is needed.

        To be asked for before the model is compiled, which then finds it made.
        """
        a, device = self.architecture, self.tokens.weight.device
        if a.band is None or a.band >= min(T, a.context) or a.layers < 2:
            return None
        key = T, flexible(device, a.dropout if self.training else 0.0)
        if key not in self._banded:
            self._make_banded(*key)
        return self._banded[key]

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _make_banded(self, T: int, flex: bool) -> None:
        band, device = self.architecture.band, self.tokens.weight.device
        if len(self._banded) >= MASKS:
            self._banded.clear()
        self._banded[T, flex] = block_mask(T, band, device) if flex else mask(0, T, T, band, device)

    def _apply(self, *given: Any, **keywords: Any) -> Any:
        self._banded.clear()  # a model that moves to another device makes its masks anew
        return super()._apply(*given, **keywords)  # type: ignore[no-untyped-call]

    def forward(
        self,
        tokens: Tensor,
        targets: Tensor | None = None,
        caches: Sequence[Cache] | None = None,
        start: int = 0,
        shares: Tensor | None = None,
    ) -> Tensor:
        """tokens: (B, T) int64, at positions start ... -> logits (B, T, V), or with targets losses (B, T), in nats;
        with shares (B, T) float32 a row's sum of share times loss, (B,): what a training learns from, in chunks.

        Losses of which no gradient is asked are computed as the model was trained, their logits in float32, in chunks.
        """
        if shares is not None:
            assert targets is not None
            return weighted_losses(self.hidden(tokens, caches, start), self.tokens.weight, targets, shares)
        if targets is not None and not torch.is_grad_enabled():
            with self.as_trained():
                hidden = self.hidden(tokens, caches, start)
            return heads.losses_in_chunks(hidden, self.tokens.weight, targets)
        logits = heads.tied(self.hidden(tokens, caches, start), self.tokens.weight)
        return logits if targets is None else heads.token_losses(logits, targets)

    def as_trained(self) -> AbstractContextManager[Any]:
        """The context of a forward pass in the arithmetic that the model was trained in."""
        if self.arithmetic == torch.float32:
            return nullcontext()
        return torch.autocast(self.tokens.weight.device.type, self.arithmetic)

    def caches(self, batch: int, length: int | None = None) -> list[Held]:
        """Room for the keys and values of `batch` sequences of `length` tokens (None: of full context), a layer."""
        a, like = self.architecture, self.tokens.weight
        shape = (batch, a.heads, a.context if length is None else length, a.width // a.heads)
        return [(like.new_zeros(shape), like.new_zeros(shape)) for _ in range(a.layers)]
