"""Interpolated Kneser-Ney over token ids: counts of n-grams as sorted arrays. numpy only.

Chen and Goodman 1998, "An empirical study of smoothing techniques", section 2.7: for a history h and a token w

    P(w | h) = max(c(hw) - D, 0) / c(h) + D N(h) / c(h) P(w | h without its first token)

N(h) is how many tokens were met after h. At the highest order c(hw) is how often hw was met, and c(h) their sum over w;
below, c(hw) is how many tokens were met before hw. The last step is to 1 / V, so that every token has a probability.
D is n1 / (n1 + 2 n2) an order, from the numbers of n-grams with c = 1 and c = 2.

An n-gram has a number: the place of (number of its first n - 1 tokens, last token) among those met, sorted.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Order:
    """n-grams of one n. `keys`, sorted: number of the first n - 1 tokens times V, plus the last token."""

    keys: Ints  # (grams,)
    counts: Ints  # (grams,): c
    totals: Ints  # (histories,): c(h); at n = 1 there is one history
    types: Ints  # (histories,): N(h)
    discount: float


class KneserNey:
    """Orders 1 to `order`, fitted on windows of token ids below V; no n-gram reaches over a window's end."""

    def __init__(self, windows: NDArray[np.integer], vocabulary: int, order: int = 5) -> None:
        """`windows`: (B, T). ValueError for ids that are not below V, or fewer than `order` tokens a window."""
        B, T = windows.shape
        if B == 0 or order > T:
            raise ValueError(f"{B} windows of {T} tokens hold no {order}-gram")
        tokens = windows.astype(np.int64)
        if tokens.min() < 0 or tokens.max() >= vocabulary:
            raise ValueError(f"ids from {tokens.min()} to {tokens.max()} are not those of a vocabulary of {vocabulary}")
        self.vocabulary = vocabulary
        keys: list[Ints] = []
        met: list[Ints] = []  # how often each n-gram was met
        before: list[Ints] = []  # how many tokens were met before each
        numbers = np.zeros((B, T + 1), np.int64)  # of the (n - 1)-gram that ends before each place; one of no tokens
        for n in range(1, order + 1):
            # numbers[:, i]: of the (n - 1)-gram tokens[i : i + n - 1]
            pairs = numbers[:, : T - n + 1] * vocabulary + tokens[:, n - 1 :]
            unique, first, inverse, often = np.unique(pairs, return_index=True, return_inverse=True, return_counts=True)
            inverse = inverse.reshape(pairs.shape)
            if n > 1:  # each n-gram met adds one to what came before its last n - 1 tokens
                suffix = numbers[:, 1:].ravel()[first]
                before.append(np.bincount(suffix, minlength=len(keys[-1])))
            keys.append(unique)
            met.append(often)
            numbers = inverse
        self.orders = [self._order(keys, n, met[n - 1] if n == order else before[n - 1]) for n in range(1, order + 1)]

    def _order(self, keys: list[Ints], n: int, counts: Ints) -> Order:
        histories = keys[n - 1] // self.vocabulary
        size = len(keys[n - 2]) if n > 1 else 1
        totals = np.bincount(histories, weights=counts, minlength=size).astype(np.int64)
        types = np.bincount(histories[counts > 0], minlength=size)
        once, twice = int((counts == 1).sum()), int((counts == 2).sum())
        return Order(keys[n - 1], counts, totals, types, once / (once + 2 * twice) if once else 0.0)

    def probabilities(self, tokens: NDArray[np.integer]) -> Floats:
        """P of each token but the first, (T - 1,), given those before it in `tokens` (T,)."""
        line = tokens.astype(np.int64)
        T = len(line)
        p = np.full(T, 1.0 / self.vocabulary)
        numbers = np.zeros(T, np.int64)  # of the (n - 1)-gram before each place; -1: never met, or there is none
        for order in self.orders:
            known = numbers >= 0
            histories = np.where(known, numbers, 0)
            key = histories * self.vocabulary + line
            place = np.minimum(np.searchsorted(order.keys, key), len(order.keys) - 1)
            found = known & (order.keys[place] == key)
            c = np.where(found, order.counts[place], 0)
            total = np.where(known, order.totals[histories], 0)
            least = np.maximum(c - order.discount, 0.0)
            rest = order.discount * order.types[histories]
            p = np.where(total > 0, (least + rest * p) / np.maximum(total, 1), p)
            ending = np.where(found, place, -1)  # of the n-gram that ends at each place
            numbers = np.concatenate([[-1], ending[:-1]])  # that which ends before it
        return p[1:]

    def loss(self, windows: Iterable[NDArray[np.integer]]) -> tuple[float, int]:
        """Summed loss in nats, and how many tokens, over windows of two tokens or more."""
        nats, count = 0.0, 0
        for window in windows:
            p = self.probabilities(window)
            nats, count = nats - float(np.log(p).sum()), count + len(p)
        return nats, count
