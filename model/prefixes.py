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

from collections.abc import Callable, Sequence
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


class End(NamedTuple):
    """Where a line ends, and who takes its keys and values before the next line writes over them."""

    at: int  # its last token's place in the chunk
    length: int
    take: Callable[[int, Tensor], None]  # of a layer: (2, H, length, D)


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
        self.ends: Sequence[End] = ()
        masks: dict[tuple[int, int | None], tuple[int, Tensor]] = {}
        room = -(-length // BLOCK) * BLOCK
        self.layers = [Layer(self, number, room, masks) for number in range(model.architecture.layers)]

    def read(self, tokens: Sequence[int], places: Sequence[int], ends: Sequence[End] = ()) -> Tensor:
        """Up to `chunk` tokens, each at its position -> their last states (n, C).

        A token at position p comes after the one at p - 1 that was read last, here or before.
        """
        count = len(tokens)
        assert 1 <= count <= self.chunk
        rows = torch.zeros(2, 1, self.chunk, dtype=torch.int64)  # what fills up is token 0 at position 0, in no run
        rows[0, 0, :count], rows[1, 0, :count] = torch.as_tensor(tokens), torch.as_tensor(places)
        rows = rows.to(self.device)
        self.runs, self.ends = runs_of(places), ends
        return self.model.hidden(rows[0], self.layers, places=rows[1])[0, :count]


class Layer:
    """A layer's keys and values of the line, (1, H, length, D) each; what attention.Elsewhere asks for."""

    def __init__(
        self, stack: Stack, number: int, length: int, masks: dict[tuple[int, int | None], tuple[int, Tensor]]
    ) -> None:
        self.stack, self.number, self.length, self.masks = stack, number, length, masks
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
            for end in self.stack.ends:
                if first <= end.at < first + length:
                    end.take(self.number, self.held[:, 0, :, : end.length])
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


class Lines:
    """Whole lines through a stack; what one has in common with the one before it is not read again."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.last: tuple[int, ...] = ()

    def read(self, lines: Sequence[tuple[tuple[int, ...], Callable[[int, Tensor], None]]]) -> Tensor:
        """Each line, with who takes its keys and values -> their last tokens' states (lines, C)."""
        tokens: list[int] = []
        places: list[int] = []
        ends: list[End] = []
        for line, take in lines:
            shared = min(in_common(self.last, line), len(line) - 1)  # the last is read again, for its state
            tokens.extend(line[shared:])
            places.extend(range(shared, len(line)))
            ends.append(End(len(tokens) - 1, len(line), take))
            self.last = line
        states = []
        chunk = self.stack.chunk
        for start in range(0, len(tokens), chunk):
            here = [end._replace(at=end.at - start) for end in ends if start <= end.at < start + chunk]
            read = self.stack.read(tokens[start : start + chunk], places[start : start + chunk], here)
            states.append(read[[end.at for end in here]])
        return torch.cat(states)


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
