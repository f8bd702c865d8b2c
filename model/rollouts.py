"""Episodes: of each prompt an answer, drawn at temperature 1 from all tokens, many side by side on the KV cache.

A draw is a number in [0, 1) by (seed, episode, token), a hash and no stream; the answer is the same whatever episodes
are made beside it, in whatever order. The logits must then be the same to the bit as well. A *wave* of rows goes in
step, all at one position, so that every shape follows from a row's own position and its own prompt: the prompt's whole
blocks of 16 tokens are read a block a pass (a wave has prompts of equally many), what is left of it token by token.
Where the number of rows must be given, it is a multiple of 16: a row of a product then has the same bits whatever
stands beside it, and however much (model/prefixes.py; measured for 16 to 128 rows, float32 on CPU; the tests hold it).
So rows whose answers have ended are taken out of the wave, which a plain loop carries along to the longest answer's
end. On CUDA, where a product's size chooses how it is summed, a wave keeps its rows.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model import heads
from model.gpt import GPT
from model.prefixes import TILE

ROWS = 128  # of a wave, at most: past 32 a step's time grows with its rows (docs/lab-notes.md)
CACHE_BYTES = {"cpu": 1 << 30, "cuda": 1 << 34}  # of a wave's keys and values, at most
COMPACT = 0.75  # rows are taken out when so many are left: to copy the caches costs a step or two
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # splitmix64's increment


def shares(seed: int, episode: int, count: int) -> NDArray[np.float64]:
    """The draws of an episode's first `count` tokens, (count,) in [0, 1): splitmix64 (Steele et al., 2014), whose state
    begins at a hash of (seed, episode); the t-th hangs on t alone."""
    digest = blake2b(f"rollout {seed} {episode}".encode(), digest_size=8).digest()
    x = np.uint64(int.from_bytes(digest, "little")) + GOLDEN * np.arange(1, count + 1, dtype=np.uint64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(11)) / 2.0**53


def drawn_each(logits: Tensor, at: Tensor) -> Tensor:
    """logits (B, V) float32, at (B, 1) float64 -> (B,) the tokens at which the law's mass comes to more than `at`."""
    law = (logits - logits.amax(-1, keepdim=True)).exp()
    mass = law.cumsum(-1, dtype=torch.float64)
    place = torch.searchsorted(mass, at * mass[:, -1:], right=True)[:, 0]
    last = law.shape[1] - 1 - (law.flip(-1) > 0).int().argmax(-1)  # the product may round up to all of the mass
    return torch.minimum(place, last)


def rows_of(model: GPT, rows: int = ROWS) -> int:
    """Rows of a wave: a multiple of 16 whose caches, of full context, stay within CACHE_BYTES."""
    a = model.architecture
    held = 2 * a.layers * a.context * a.width * model.tokens.weight.element_size()
    fit = CACHE_BYTES[model.tokens.weight.device.type] // held
    return max(TILE, min(rows, fit) // TILE * TILE)


@torch.inference_mode()
def answers(
    model: GPT, prompts: Sequence[Sequence[int]], episodes: Sequence[int], *, seed: int, limit: int, end: int,
    rows: int | None = None, stop: Callable[[], bool] = lambda: False,
) -> list[list[int] | None]:  # fmt: skip
    """Of each prompt, of the episode numbered beside it, the answer: up to and with the token `end`, of `limit` tokens
    at most, and to the context's end.

    `rows` of a wave: memory and speed, and not the answers. `stop` is asked before each wave; once it says so, the
    answers that are not made are None.

    Raises:
        ValueError: a prompt that is empty or fills the context; logits that are not numbers.
    """
    context = model.architecture.context
    for prompt, episode in zip(prompts, episodes, strict=True):
        if not prompt:
            raise ValueError(f"the prompt of episode {episode} is empty: there is nothing to answer")
        if len(prompt) >= context:
            raise ValueError(
                f"the prompt of episode {episode} has {len(prompt):,} tokens: a context of {context:,} leaves no room"
            )
    size = rows_of(model) if rows is None else rows
    made: list[list[int] | None] = [None] * len(prompts)
    for wave in _waves([len(prompt) for prompt in prompts], size):
        if stop():
            break
        found = _Wave(model, [prompts[n] for n in wave], [episodes[n] for n in wave], seed, limit, end).run()
        for n, answer in zip(wave, found, strict=True):
            made[n] = answer
    return made


def _waves(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Prompts by number, in waves of at most `size` whose prompts have equally many whole blocks."""
    waves: list[list[int]] = []
    for n in sorted(range(len(lengths)), key=lambda n: (lengths[n], n)):
        if not waves or len(waves[-1]) == size or _blocks(lengths[waves[-1][0]]) != _blocks(lengths[n]):
            waves.append([])
        waves[-1].append(n)
    return waves


def _blocks(length: int) -> int:
    """Of a prompt, but for its last token, which is read alone: its state draws the first token."""
    return (length - 1) // TILE


class _Wave:
    """Rows in step: at each position every row reads a token, its prompt's or the one that was drawn for it."""

    def __init__(
        self, model: GPT, prompts: Sequence[Sequence[int]], episodes: Sequence[int], seed: int, limit: int, end: int
    ) -> None:
        self.model, self.prompts, self.end = model, prompts, end
        context = model.architecture.context
        self.most = [min(len(prompt) + limit, context) for prompt in prompts]  # tokens, with the answer's
        self.draws = np.stack([shares(seed, episode, limit) for episode in episodes])  # (N, limit)
        self.tokens = np.zeros((_filled(len(prompts)), max(self.most)), np.int64)  # (count, length)
        for row, prompt in enumerate(prompts):
            self.tokens[row, : len(prompt)] = prompt
        # The prompt of each row that goes on; a row that has ended, or only fills up, reads on where nobody looks.
        self.going = dict(enumerate(range(len(prompts))))
        self.caches = model.caches(*self.tokens.shape)

    def run(self) -> list[list[int]]:
        """The answers, in order of the prompts."""
        answers: list[list[int]] = [[] for _ in self.prompts]
        read = _blocks(len(self.prompts[0])) * TILE
        for start in range(0, read, TILE):
            self._states(start, start + TILE)
        for at in range(read, self.tokens.shape[1] - 1):
            states = self._states(at, at + 1)[:, 0]  # (count, C)
            due = {row: n for row, n in self.going.items() if len(self.prompts[n]) <= at + 1}
            if not due:
                continue
            tokens = self._drawn(states, due, at + 1)
            for row, n in due.items():
                token = int(tokens[row])
                answers[n].append(token)
                self.tokens[row, at + 1] = token
                if token == self.end or at + 2 == self.most[n]:
                    del self.going[row]
            if not self.going:
                break
            self._compact()
        return answers

    def _states(self, start: int, stop: int) -> Tensor:
        tokens = torch.from_numpy(self.tokens[:, start:stop]).to(self.model.tokens.weight.device)
        return self.model.hidden(tokens, self.caches, start)

    def _drawn(self, states: Tensor, due: Mapping[int, int], place: int) -> list[int]:
        """The token at `place` of every row, computed of all; those that are `due` have draws."""
        logits = heads.tied(states, self.model.tokens.weight).float()  # (count, V)
        if not bool(logits.isfinite().all()):
            raise ValueError(heads.NO_NUMBERS)
        at = np.zeros((len(logits), 1))
        for row, n in due.items():
            at[row, 0] = self.draws[n, place - len(self.prompts[n])]
        return drawn_each(logits, torch.from_numpy(at).to(logits.device)).tolist()  # type: ignore[no-any-return]

    def _compact(self) -> None:
        """Take out the rows that have ended, where that leaves few enough."""
        count = _filled(len(self.going))
        if self.caches[0][0].is_cuda or count > COMPACT * len(self.tokens):
            return
        kept = list(self.going) + [row for row in range(len(self.tokens)) if row not in self.going]
        rows = torch.tensor(kept[:count])
        self.tokens = self.tokens[kept[:count]]
        self.caches = [(keys[rows], values[rows]) for keys, values in self.caches]
        self.going = dict(enumerate(self.going.values()))


def _filled(rows: int) -> int:
    return -(-rows // TILE) * TILE
