"""Lines of tokens read so that what they begin with alike is computed once, and no line shows in another's numbers.

In order of their tokens, each line is read from where it leaves the one before it: every token of the tree that they
form is read once, depth first. So one line's keys and values are all that is held: what the next has in common with it
stands at the front, and the rest is written over.

**The same bits whatever stands beside.** What torch computes for a row hangs on the shapes of the whole product, so
every shape here is a constant or follows from the row's own position. Matrix products take `chunk` rows, the last ones
filled up. Attention takes the queries of one line in one block of 64 positions, on 16 rows' bounds, against all keys of
that block and those before it, masked. Measured with torch 2.13 (MKL, oneDNN; AVX-512), a row of a product is then the
same to the bit in whatever place it stands, for 16 rows or more in float32 and bfloat16, on 1 thread or 2; the tests
hold that. (A product of a single row is another kernel, and differs.)
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model.attention import allowed
from model.gpt import GPT

BLOCK = (
    64  # positions whose queries see as many keys; FlexAttention's blocks are 128, but a masked half costs time here
)
TILE = 16  # rows of queries are filled up to a multiple of this


class Run(NamedTuple):
    """Tokens of one line that follow one another."""

    first: int  # its place in the chunk
    start: int  # its first token's position in the line
    length: int


def in_common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two lines begin with alike."""
    length = min(len(one), len(other))
    unlike = np.flatnonzero(np.asarray(one[:length]) != np.asarray(other[:length]))
    return int(unlike[0]) if len(unlike) else length


def runs_of(places: Sequence[int]) -> list[Run]:
    """Positions of a chunk's tokens -> its runs."""
    at = np.asarray(places)
    firsts = np.flatnonzero(np.diff(at, prepend=-2) != 1)
    lengths = np.diff(firsts, append=len(at))
    return [Run(*found) for found in zip(firsts.tolist(), at[firsts].tolist(), lengths.tolist(), strict=True)]


class Stack:
    """The line that is being read, and how: `chunk` tokens a pass. Its memory: `bytes_of`."""

    def __init__(self, model: GPT, length: int, chunk: int) -> None:
        """`length`: of the longest line, in tokens."""
        self.model, self.chunk = model, chunk
        self.device = model.tokens.weight.device
        self.runs: list[Run] = []
        masks: dict[tuple[int, int | None], tuple[int, Tensor]] = {}
        self.layers = [Layer(self, -(-length // BLOCK) * BLOCK, masks) for _ in range(model.architecture.layers)]

    def read(self, tokens: Sequence[int], places: Sequence[int]) -> Tensor:
        """Up to `chunk` tokens, each at its position -> their last states (n, C).

        A token at position p comes after the one at p - 1 that was read last, here or before.
        """
        count = len(tokens)
        assert 1 <= count <= self.chunk
        rows = torch.zeros(2, 1, self.chunk, dtype=torch.int64)  # what fills up is token 0 at position 0, in no run
        rows[0, 0, :count], rows[1, 0, :count] = torch.as_tensor(tokens), torch.as_tensor(places)
        rows = rows.to(self.device)
        self.runs = runs_of(places)
        return self.model.hidden(rows[0], self.layers, places=rows[1])[0, :count]


class Layer:
    """A layer's keys and values of the line, (1, H, length, D) each; what attention.Elsewhere asks for."""

    def __init__(self, stack: Stack, length: int, masks: dict[tuple[int, int | None], tuple[int, Tensor]]) -> None:
        self.stack, self.length, self.masks = stack, length, masks
        self.held: Tensor | None = None  # (2, 1, H, length, D), in the arithmetic that keys come in

    def attend(self, q: Tensor, k: Tensor, v: Tensor, band: int | None) -> Tensor:
        """(1, H, chunk, D) each -> (1, H, chunk, D); zeros where there is no run."""
        if self.held is None:
            self.held = k.new_zeros(2, *k.shape[:2], self.length, k.shape[3])
        keys, values = self.held
        y = torch.zeros_like(q, memory_format=torch.contiguous_format)
        for first, start, length in self.stack.runs:
            keys[:, :, start : start + length] = k[:, :, first : first + length]
            values[:, :, start : start + length] = v[:, :, first : first + length]
            for begin in range(start // BLOCK * BLOCK, start + length, BLOCK):
                low, high = max(begin, start), min(begin + BLOCK, start + length)
                here = slice(first + low - start, first + high - start)
                y[:, :, here] = self._of_block(q[:, :, here], begin, low, band, keys, values)
        return y

    def _of_block(self, q: Tensor, begin: int, low: int, band: int | None, keys: Tensor, values: Tensor) -> Tensor:
        """The queries (1, H, n, D) of positions low ... low + n - 1, all of the block that begins at `begin`."""
        n = q.shape[2]
        above, below = low // TILE * TILE, -(-(low + n) // TILE) * TILE
        if below - above > n:
            filled = q.new_zeros(*q.shape[:2], below - above, q.shape[3])
            filled[:, :, low - above : low - above + n] = q
            q = filled
        oldest, mask = self._mask(begin, band, q)
        seen = slice(oldest, begin + BLOCK)
        y = F.scaled_dot_product_attention(
            q, keys[:, :, seen], values[:, :, seen], attn_mask=mask[above - begin : below - begin]
        )
        return y[:, :, low - above : low - above + n]

    def _mask(self, begin: int, band: int | None, like: Tensor) -> tuple[int, Tensor]:
        """The first key that a block's queries see, on a block's bound, and (BLOCK, keys): 0, or -inf where not."""
        if (begin, band) not in self.masks:
            oldest = 0 if band is None else max(0, begin - band + 1) // BLOCK * BLOCK
            query = torch.arange(begin, begin + BLOCK, device=like.device)[:, None]
            key = torch.arange(oldest, begin + BLOCK, device=like.device)[None, :]
            hidden = like.new_zeros(BLOCK, begin + BLOCK - oldest)
            self.masks[begin, band] = oldest, hidden.masked_fill_(~allowed(query, key, band), -torch.inf)
        return self.masks[begin, band]


class Line:
    """Whole lines through a stack; what one has in common with the one before it is not read again."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.tokens: tuple[int, ...] = ()
        self.state: Tensor | None = None

    def read(self, tokens: tuple[int, ...]) -> Tensor:
        """The last token's state (C,)."""
        if self.state is None or tokens != self.tokens:
            shared = min(in_common(self.tokens, tokens), len(tokens) - 1)
            for start in range(shared, len(tokens), self.stack.chunk):
                end = min(start + self.stack.chunk, len(tokens))
                self.state = self.stack.read(tokens[start:end], range(start, end))[-1]
            self.tokens = tokens
        assert self.state is not None
        return self.state


def bytes_of(model: GPT, length: int, chunk: int) -> int:
    """Of a stack and a pass through it, at the most.

    Keys and values: 2 x layers x length x width, of 4 bytes (2 in bfloat16, not counted on). Masks, of dense and banded
    layers: length^2 each, over two for the triangle. A token of the chunk has 20 x width numbers in flight: the stream,
    its norm, query, key and value, what attention gives and its copy in rows (7), and 4 + 4 + 4 in the MLP, with
    one width more while they are added up.
    """
    a = model.architecture
    masks = length * (length + 2 * BLOCK) * (1 if a.band is None else 2) // 2
    return 4 * (2 * a.layers * length * a.width + masks + 20 * a.width * chunk)
