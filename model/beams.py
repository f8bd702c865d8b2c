"""The beam of one prompt: which texts live, which have ended. It is given logits, and knows no model."""

from collections.abc import Callable, Collection
from typing import NamedTuple

import torch
from torch import Tensor


class Ended(NamedTuple):
    """A text that goes on no more."""

    tokens: list[int]
    score: float
    log_probability: float  # nats, of its tokens and the one that ended it


class Beam:
    """The `width` best continuations, of at most `limit` tokens.

    Score: log-probability / ((5 + length) / 6) ** length_penalty (Wu et al., 2016, section 7). A continuation ends at a
    token of `ends` (counted in its length, not kept), where `stopped` says so of its tokens, or at `limit` tokens. Ties
    fall to the better text before, then to the smaller token.
    """

    def __init__(
        self, width: int, limit: int, length_penalty: float, ends: Collection[int],
        stopped: Callable[[list[int]], bool] = lambda ids: False,
    ) -> None:  # fmt: skip
        self.width, self.limit, self.length_penalty = width, limit, length_penalty
        self.ends, self.stopped = frozenset(ends), stopped
        self.length = 0
        self.live: list[tuple[list[int], float]] = [([], 0.0)]  # tokens, log-probability
        self.finished: list[Ended] = []

    def score(self, logprob: float, length: int) -> float:
        """What texts are ordered by."""
        penalty: float = ((5 + length) / 6) ** self.length_penalty
        return logprob / penalty

    def advance(self, logits: Tensor) -> list[int] | None:
        """Logits (live, V) after each live text -> of each text that lives now, which one it goes on from (its last
        token is new); None when the search is over."""
        self.length += 1
        total = torch.tensor([p for _, p in self.live])[:, None] + logits.float().log_softmax(-1).cpu()  # (live, V)
        grown: list[tuple[list[int], float]] = []
        parents: list[int] = []
        for flat in _first(total.flatten(), 2 * self.width):  # enough, were half of them ends
            parent, token = divmod(flat, total.shape[1])
            logprob = float(total[parent, token])
            before = self.live[parent][0]
            if token in self.ends:
                self.finished.append(Ended(before, self.score(logprob, self.length), logprob))
            elif len(grown) < self.width:
                if self.stopped([*before, token]):
                    score = self.score(logprob, self.length)
                    self.finished.append(Ended([*before, token], score, logprob))
                    continue
                grown.append(([*before, token], logprob))
                parents.append(parent)
        self.finished = self._best()
        self.live = grown
        # the most that a live one can still score
        reach = max((self.score(p, self.limit) for _, p in grown), default=-float("inf"))
        if self.length == self.limit:
            self.finished += [Ended(ids, self.score(p, self.length), p) for ids, p in grown]
            self.finished = self._best()
            return None
        if not grown or (len(self.finished) == self.width and self.finished[-1].score >= reach):
            return None
        return parents

    def _best(self) -> list[Ended]:
        return sorted(self.finished, key=lambda ended: -ended.score)[: self.width]


def _first(values: Tensor, count: int) -> list[int]:
    """Places of the `count` largest of (N,), largest first, of equals the first; without sorting all N."""
    least = values.topk(min(count, len(values))).values[-1]
    places = (values >= least).nonzero()[:, 0]
    found: list[int] = places[values[places].argsort(descending=True, stable=True)][:count].tolist()
    return found
