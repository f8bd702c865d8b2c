"""Texts side by side, each at a position of its own: a step reads one token of each.

As in prefixes.py no row shows in another's numbers: products are always of all rows, used or not, and attention takes
each row by itself against the keys that it sees, no more.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from model import heads
from model.gpt import GPT


class Rows:
    """Keys and values of `count` texts of up to `length` tokens: 2 x layers x count x length x width numbers."""

    def __init__(self, model: GPT, count: int, length: int) -> None:
        self.model, self.count = model, count
        self.device = model.tokens.weight.device
        self.active: list[tuple[int, int]] = []  # rows, and the position of the token that each reads
        self.layers = [_Layer(self, keys, values) for keys, values in model.caches(count, length)]

    def taking(self, rows: Sequence[int]) -> Callable[[int, Tensor], None]:
        """What has these rows go on from a line that is read (prefixes.End)."""

        def take(layer: int, held: Tensor) -> None:
            of, length = self.layers[layer], held.shape[2]
            for row in rows:
                of.keys[row, :, :length], of.values[row, :, :length] = held

        return take

    def go_on(self, rows: Sequence[int], parents: Sequence[int], span: slice) -> None:
        """Each of `rows` goes on from the text of the row beside it in `parents`; they differ in positions `span`."""
        if list(rows) == list(parents):
            return
        for layer in self.layers:
            for held in (layer.keys, layer.values):
                held[rows, :, span] = held[parents, :, span]

    def step(self, new: dict[int, tuple[int, int]]) -> Tensor:
        """Of rows that go on: the token that each reads, and its position -> all rows' last states (count, C)."""
        tokens = torch.zeros(2, self.count, 1, dtype=torch.int64)
        for row, (token, place) in new.items():
            tokens[0, row], tokens[1, row] = token, place
        self.active = [(row, place) for row, (_, place) in new.items()]
        tokens = tokens.to(self.device)
        return self.model.hidden(tokens[0], self.layers, places=tokens[1])[:, 0]

    def logits(self, states: Tensor) -> Tensor:
        """States (count, C), always all -> (count, V) float32. ValueError where they are not numbers."""
        logits = heads.tied(states, self.model.tokens.weight).float()
        if not bool(logits.isfinite().all()):
            raise ValueError(heads.NO_NUMBERS)
        return logits


class _Layer:
    """A layer's keys and values, (count, H, length, D) each; what attention.Elsewhere asks for."""

    def __init__(self, rows: Rows, keys: Tensor, values: Tensor) -> None:
        self.rows, self.keys, self.values = rows, keys, values

    def attend(self, q: Tensor, k: Tensor, v: Tensor, band: int | None) -> Tensor:
        """(count, H, 1, D) each -> the same; zeros in rows that are not active."""
        y = torch.zeros_like(q)
        for row, place in self.rows.active:
            self.keys[row, :, place], self.values[row, :, place] = k[row, :, 0], v[row, :, 0]
            seen = slice(0 if band is None else max(0, place + 1 - band), place + 1)
            y[row] = F.scaled_dot_product_attention(
                q[row : row + 1], self.keys[row : row + 1, :, seen], self.values[row : row + 1, :, seen]
            )[0]
        return y
