"""A model that reads growing texts: what it has read it keeps as keys and values, and only the rest is computed.

Positions are learned, so a full context cannot slide: when a text outgrows it, reading goes on from the last half.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from model import heads
from model.gpt import GPT


class Reader:
    """Of `rows` texts of equal length at a time. cache=False computes everything anew, to check the cache against."""

    def __init__(self, model: GPT, rows: int = 1, cache: bool = True) -> None:
        self.model, self.context = model, model.architecture.context
        self.caches = model.caches(rows) if cache else None
        self.first = 0  # where the window begins in the texts
        self.read = 0  # how far the texts stand in the cache

    def room(self, length: int) -> int:
        """How many tokens a text of this length may grow by and still be read in the window that it now has."""
        self._slide(length)
        return self.context - (length - self.first)

    @torch.inference_mode()
    def logits(self, texts: Sequence[Sequence[int]], last: int = 1) -> Tensor:
        """Of (B, T) texts: logits after each of the `last` tokens, (B, last, V) float32. They begin as those read
        before did; where not, say so by `forget`."""
        length = len(texts[0])
        self._slide(length)
        start = min(self.read, length - last) if self.caches is not None else self.first
        rows = torch.tensor([text[start:] for text in texts], device=self.model.tokens.weight.device)
        hidden = self.model.hidden(rows, self.caches, start - self.first)  # (B, T - start, C)
        self.read = length
        return heads.tied(hidden[:, -last:], self.model.tokens.weight).float()

    def forget(self, length: int) -> None:
        """The texts are cut to this length, and will go on in another way."""
        self.read = min(self.read, length)

    def _slide(self, length: int) -> None:
        if length - self.first > self.context or self.first >= length > 0:  # outgrown; or cut to before the window
            self.first = max(0, length - (self.context + 1) // 2)
            self.read = self.first
