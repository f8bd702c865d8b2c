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
from torch.utils.checkpoint import checkpoint

from model import heads
from model.attention import Attention, Cache, Held
from model.config import Architecture
from model.dropout import Dropout


def _plainly(block: nn.Module, x: Tensor) -> Any:
    return block(x)


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

    def forward(self, x: Tensor, cache: Cache | None = None, start: int = 0) -> Tensor:
        """x: (B, T, C), the positions start ... start + T - 1 -> (B, T, C)."""
        if self.post:
            x = self.norm1(x + self.dropout1(self.attention(x, cache, start)))
            x = self.norm2(x + self.dropout2(self.mlp(x)))
        else:
            x = x + self.dropout1(self.attention(self.norm1(x), cache, start))
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
        self.tokens = nn.Embedding(a.vocabulary, a.width)
        self.positions = nn.Embedding(a.context, a.width)
        self.dropout = Dropout(a.dropout, 0)  # a layer's three places follow: 3 layer + 1 is its attention's
        self.blocks = nn.ModuleList(Block(a, layer) for layer in range(a.layers))
        self.norm = nn.LayerNorm(a.width) if a.final_norm else nn.Identity()

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
        for layer, block in enumerate(self.blocks):
            if self.recompute and torch.is_grad_enabled():
                # In the forward pass's own context: CUDA computes gradients in a thread that knows nothing of windows.
                run: Any = copy_context().run if self.architecture.dropout else _plainly
                x = checkpoint(run, block, x, use_reentrant=False)
            else:
                x = block(x, caches[layer] if caches is not None else None, start)
        x = self.norm(x)
        return x

    def forward(
        self, tokens: Tensor, targets: Tensor | None = None, caches: Sequence[Cache] | None = None, start: int = 0
    ) -> Tensor:
        """tokens: (B, T) int64, at positions start ... -> logits (B, T, V), or with targets losses (B, T), in nats.

        Losses of which no gradient is asked are computed as the model was trained, their logits in float32, in chunks.
        """
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

    def caches(self, batch: int) -> list[Held]:
        """Room for the keys and values of `batch` sequences of full context, a layer."""
        a, like = self.architecture, self.tokens.weight
        shape = (batch, a.heads, a.context, a.width // a.heads)
        return [(like.new_zeros(shape), like.new_zeros(shape)) for _ in range(a.layers)]
