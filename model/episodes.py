"""Episodes as tensors: prompts with their answers side by side, and what two networks say of the answers' tokens.

Only states before an answer's token go through a head: of prompts and of what fills a row up there is nothing to learn,
and in most batches they are the larger part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.data import divided
from model.gpt import GPT
from model.windows import permute


@dataclass(frozen=True)
class Episodes:
    """`tokens` (B, T) int64: a prompt, its answer, zeros; `prompt` and `answer` (B,) int64: how many tokens of each."""

    tokens: Tensor
    prompt: Tensor
    answer: Tensor

    @classmethod
    def of(cls, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], device: torch.device) -> "Episodes":
        lines = [[*prompt, *answer] for prompt, answer in zip(prompts, answers, strict=True)]
        tokens = torch.zeros(len(lines), max(map(len, lines)), dtype=torch.int64)
        for row, line in enumerate(lines):
            tokens[row, : len(line)] = torch.tensor(line)
        counts = (torch.tensor([len(of) for of in given], device=device) for given in (prompts, answers))
        return cls(tokens.to(device), *counts)

    def part(self, rows: Tensor) -> "Episodes":
        """Some rows, as long as the longest of them."""
        prompt, answer = self.prompt[rows], self.answer[rows]
        return Episodes(self.tokens[rows, : int((prompt + answer).max())], prompt, answer)

    @property
    def own(self) -> Tensor:
        """(B, A) bool: which of A places are a row's answer, A the longest one's."""
        return torch.arange(int(self.answer.max()), device=self.answer.device) < self.answer[:, None]

    @property
    def before(self) -> Tensor:
        """(B, T - 1) bool: the positions whose next token is the answer's. In order, as `own`'s, row by row."""
        at = torch.arange(1, self.tokens.shape[1], device=self.tokens.device)
        return (at >= self.prompt[:, None]) & (at < (self.prompt + self.answer)[:, None])


class Value(nn.Module):
    """A trunk and one number of each state: what is still to come, in the reward's unit."""

    def __init__(self, trunk: GPT, head: nn.Linear | None = None) -> None:
        """Without a head it is one that says 0 of all."""
        super().__init__()
        self.trunk, self.head = trunk, nn.Linear(trunk.architecture.width, 1)
        with torch.no_grad():
            for mine, given in zip(self.head.parameters(), head.parameters() if head is not None else (), strict=False):
                mine.copy_(given)
            if head is None:
                self.head.weight.zero_()
                self.head.bias.zero_()

    def forward(self, e: Episodes) -> Tensor:
        """(N,) float32: of the states before each of the answers' N tokens."""
        values: Tensor = self.head(answer_states(self.trunk, e))[:, 0]
        return values


def answer_states(trunk: GPT, e: Episodes) -> Tensor:
    """(N, C): the states before each of the answers' N tokens, row by row."""
    return trunk.hidden(e.tokens[:, :-1])[e.before]


def laws(policy: GPT, e: Episodes) -> tuple[Tensor, Tensor]:
    """log pi of the answers' N tokens, (N,) float32, and of all tokens in their places, (N, V)."""
    logs = F.log_softmax(F.linear(answer_states(policy, e), policy.tokens.weight).float(), -1)
    return logs.gather(1, e.tokens[:, 1:][e.before][:, None])[:, 0], logs


def minibatches(size: int, count: int, key: str) -> Iterator[list[int]]:
    """Rows 0 ... count - 1 in an order that `key` draws, `size` at a time."""
    order = [permute(i, count, key.encode()) for i in range(count)]
    yield from (order[first : first + size] for first in range(0, count, size))


def parts(e: Episodes, rows: Sequence[int], at_once: int) -> Iterator[Tensor]:
    """The rows in few parts of at most `at_once`, those of like length together."""
    length = (e.prompt + e.answer).tolist()
    ordered = sorted(rows, key=lambda row: (length[row], row))
    count, size = divided(len(rows), at_once, 1)
    yield from (torch.tensor(ordered[n * size : (n + 1) * size], device=e.tokens.device) for n in range(count)
                if ordered[n * size : (n + 1) * size])  # fmt: skip
