"""An LSTM in the transformer's place: what GPT-1's ablation sets it against (Radford et al. 2018, table 5).

The same embeddings, heads, losses and training; layers of nn.LSTM instead of blocks, each on the residual stream, and
no positions, since a state goes from token to token. A layer of width C has 8 C^2 + 8 C parameters, a block 12 C^2 +
13 C: 3 layers for 2 blocks are of equal size. The paper's was one layer of 2,048 units. Weights are U(-1 / sqrt(C),
1 / sqrt(C)), as torch has them, biases 0 and the forget gate's 1 (Jozefowicz et al. 2015, section 2.2).

It has no caches: it is trained, and reads whole sequences, but does not generate.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from model.attention import Cache, Held
from model.config import Architecture
from model.dropout import Dropout
from model.gpt import GPT


class LSTM(GPT):
    """The trunk's doors: `hidden`, `forward`, `initialise`."""

    def __init__(self, a: Architecture) -> None:
        nn.Module.__init__(self)
        self.architecture = a
        self.end_of_text = None
        self.recompute = False
        self.arithmetic = torch.float32
        self._banded = {}
        self.tokens = nn.Embedding(a.vocabulary, a.width)
        self.dropout = Dropout(a.dropout, 0)
        self.blocks = nn.ModuleList(nn.LSTM(a.width, a.width, batch_first=True) for _ in range(a.layers))
        self.drops = nn.ModuleList(Dropout(a.dropout, 3 * layer + 2) for layer in range(a.layers))
        self.norm = nn.LayerNorm(a.width) if a.final_norm else nn.Identity()
        self.head = None

    @torch.no_grad()
    def initialise(self, seed: int) -> "LSTM":
        """See the head of this file. Drawn on the CPU."""
        a, draw = self.architecture, torch.Generator().manual_seed(seed)
        bound = 1 / math.sqrt(a.width)
        for name, parameter in self.named_parameters():
            if name == "tokens.weight":
                parameter.copy_(torch.empty(parameter.shape).normal_(0.0, 0.02, generator=draw))
            elif ".weight_" in name:
                parameter.copy_(torch.empty(parameter.shape).uniform_(-bound, bound, generator=draw))
            elif name == "norm.weight":
                parameter.fill_(1.0)
            else:
                parameter.zero_()
                if ".bias_ih_" in name:  # of the gates: input, forget, cell, output
                    parameter[a.width : 2 * a.width] = 1.0
        return self

    def hidden(
        self, tokens: Tensor, caches: Sequence[Cache] | None = None, start: int = 0, places: Tensor | None = None
    ) -> Tensor:
        """tokens: (B, T) int64 -> the last layer's states (B, T, C), normed. ValueError where caches are given."""
        if caches is not None:
            raise ValueError("an LSTM has no caches of keys and values: it is trained and read, and does not generate")
        x: Tensor = self.dropout(self.tokens(tokens))
        for layer, drop in zip(self.blocks, self.drops, strict=True):
            y, _ = layer(x)
            x = x + drop(y)
        x = self.norm(x)
        return x

    def banded(self, T: int) -> None:
        """It attends to nothing."""

    def caches(self, batch: int, length: int | None = None) -> list[Held]:
        """ValueError: there are none."""
        raise ValueError("an LSTM has no caches of keys and values: it is trained and read, and does not generate")


def trunk_of(a: Architecture) -> GPT:
    """The network that an architecture asks for, not yet initialised."""
    return LSTM(a) if a.trunk == "lstm" else GPT(a)
